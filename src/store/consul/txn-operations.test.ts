import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry, Txn, Write } from "../store.ts";
import { keysToRead, operationsOf, type TxnOperation } from "./txn-operations.ts";

const KEY = "/k";

function put(session?: string): Write {
  return { kind: "put", key: KEY, value: Buffer.from("v"), session };
}

function entry(session?: string): Entry {
  return { key: KEY, value: Buffer.alloc(0), created: 5n, modified: 7n, session };
}

const PUT = { Key: "k", Value: "dg==", Flags: 1 };

interface Case {
  readonly name: string;
  readonly txn: Txn;
  /** What is there of the keys that are to be read; undefined: nothing is read. */
  readonly there?: readonly [Entry | undefined];
  readonly want: readonly TxnOperation[] | undefined;
}

const CASES: readonly Case[] = [
  {
    name: "a put without a session is a check of what was read, so that no session can have come in between",
    txn: { if: [], then: [put()] },
    there: [entry()],
    want: [{ wire: { Verb: "cas", ...PUT, Index: 7 }, failure: "stale" }],
  },
  {
    name: "a put of a key that was not there creates it",
    txn: { if: [], then: [put()] },
    there: [undefined],
    want: [{ wire: { Verb: "cas", ...PUT, Index: 0 }, failure: "stale" }],
  },
  {
    name: "a put without a session takes the key from the session that holds it",
    txn: { if: [], then: [put()] },
    there: [entry("s")],
    want: [{ wire: { Verb: "unlock", ...PUT, Session: "s" }, failure: "stale" }],
  },
  {
    name: "a put of what is compared as absent reads nothing",
    txn: { if: [{ kind: "absent", key: KEY }], then: [put()] },
    want: [
      { wire: { Verb: "check-not-exists", Key: "k" }, failure: "not_done" },
      { wire: { Verb: "set", ...PUT }, failure: "not_done" },
    ],
  },
  {
    name: "a put with a session locks, so that what another holds is not done",
    txn: { if: [], then: [put("s")] },
    want: [{ wire: { Verb: "lock", ...PUT, Session: "s" }, failure: "not_done" }],
  },
  {
    name: "when a key was created is compared by its last write, which may have moved on",
    txn: { if: [{ kind: "created", key: KEY, revision: 5n }], then: [{ kind: "delete", key: KEY }] },
    there: [entry("s")],
    want: [
      { wire: { Verb: "check-index", Key: "k", Index: 7 }, failure: "stale" },
      { wire: { Verb: "set", Key: "k", Value: "", Flags: 1 }, failure: "not_done" },
      { wire: { Verb: "delete", Key: "k" }, failure: "not_done" },
    ],
  },
  {
    name: "a key that was created at another time is not compared any more",
    txn: { if: [{ kind: "created", key: KEY, revision: 4n }], then: [] },
    there: [entry()],
    want: undefined,
  },
  {
    name: "the last write is compared as it is",
    txn: { if: [{ kind: "modified", key: KEY, revision: 9n }], then: [put("s")] },
    want: [
      { wire: { Verb: "check-index", Key: "k", Index: 9 }, failure: "not_done" },
      { wire: { Verb: "lock", ...PUT, Session: "s" }, failure: "not_done" },
    ],
  },
];
for (const { name, txn, there, want } of CASES) {
  test(`consul txn: ${name}`, () => {
    const keys = keysToRead(txn);
    assert.deepEqual(keys, there === undefined ? [] : [KEY]);
    assert.deepEqual(operationsOf(txn, new Map(keys.map((key) => [key, there?.[0]])), 1), want);
  });
}
