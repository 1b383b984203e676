import assert from "node:assert/strict";
import { test } from "node:test";
import { RouterError } from "../core/errors.ts";
import { checkKey, checkPrefix, checkTxn } from "./check-request.ts";
import { MAX_TXN_BYTES, MAX_TXN_OPERATIONS, MAX_VALUE_BYTES, type Txn, type Write } from "./store.ts";

const refused = (message: RegExp) => (cause: unknown) =>
  cause instanceof RouterError &&
  cause.code === "STORE_REFUSED" &&
  cause.hint !== undefined &&
  message.test(cause.message);

for (const key of ["", "a", "a/b", "/", "/a/", "/a b", "/ä", "/a\n", "/a%2f", "/a?b", `/${"a".repeat(512)}`]) {
  test(`no key: ${JSON.stringify(key.slice(0, 20))}`, () => assert.throws(() => checkKey(key), refused(/is no key$/u)));
}

test("keys: what is allowed, to 512 bytes", () => {
  for (const key of ["/a", "/a/b", "//a", "/A-Z.a_z/0", `/${"a".repeat(511)}`]) checkKey(key);
});

test("prefixes may end with a slash, and are of the same characters", () => {
  for (const prefix of ["/", "/a", "/a/"]) checkPrefix(prefix);
  for (const prefix of ["", "a", "/a b"]) assert.throws(() => checkPrefix(prefix), refused(/is no prefix of keys$/u));
});

const put = (key: string, value = new Uint8Array(1)): Write => ({ kind: "put", key, value });
const puts = (count: number): Write[] => Array.from({ length: count }, (_, i) => put(`/k${i}`));

test("transactions: to 64 comparisons and writes together, and 64 keys to read", () => {
  const most: Txn = {
    if: [{ kind: "absent", key: "/k" }],
    then: puts(MAX_TXN_OPERATIONS - 1),
    else: puts(MAX_TXN_OPERATIONS).map(({ key }) => key),
  };
  checkTxn(most);
  assert.throws(
    () => checkTxn({ ...most, then: puts(MAX_TXN_OPERATIONS) }),
    refused(/65 comparisons and writes: at most 64/u),
  );
  const tooMany = puts(MAX_TXN_OPERATIONS + 1).map(({ key }) => key);
  assert.throws(() => checkTxn({ ...most, else: tooMany }), refused(/65 keys to read: at most 64/u));
});

test("transactions: a key twice, a value of one byte too many and what is no key are refused", () => {
  assert.throws(
    () => checkTxn({ if: [], then: [put("/a"), { kind: "delete", key: "/a" }] }),
    refused(/\/a is written twice/u),
  );
  checkTxn({ if: [], then: [put("/a", new Uint8Array(MAX_VALUE_BYTES))] });
  const tooLarge = put("/a", new Uint8Array(MAX_VALUE_BYTES + 1));
  assert.throws(() => checkTxn({ if: [], then: [tooLarge] }), refused(/value of \/a is 524289 bytes: at most 524288/u));
  assert.throws(() => checkTxn({ if: [{ kind: "absent", key: "/a b" }], then: [] }), refused(/is no key/u));
  assert.throws(() => checkTxn({ if: [], then: [], else: ["/a b"] }), refused(/is no key/u));
});

test("transactions: the values together are at most 1 MiB", () => {
  const half = new Uint8Array(MAX_TXN_BYTES / 2);
  const most = [put("/a", half), put("/b", half)];
  checkTxn({ if: [], then: most });
  const more = [...most, put("/c", new Uint8Array(1))];
  assert.throws(() => checkTxn({ if: [], then: more }), refused(/1048577 bytes: at most 1048576/u));
});
