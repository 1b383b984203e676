import assert from "node:assert/strict";
import { test } from "node:test";
import { planOf } from "../../test/scenario/ledger-rig.ts";
import { HOPS_HEADER, hopsIn } from "./hops.ts";
import { NO_HEADERS, senderHeaders } from "./sender-headers.ts";

const CASES = [
  { value: "3", hops: 3 },
  { value: "0", hops: 0 },
  { value: "-1", hops: 0 },
  { value: "1e3", hops: 0 },
  { value: "1, 2", hops: 0 },
  { value: "99999", hops: 0 },
];
for (const { value, hops } of CASES) {
  test(`the count of links "${value}" is read as ${hops}`, () => {
    assert.equal(hopsIn(senderHeaders([[HOPS_HEADER, value]])), hops);
  });
}

test("without the header no link is counted", () => {
  assert.equal(hopsIn(NO_HEADERS), 0);
});

test("it is read only where some target stands for nodes of the fleet", () => {
  const read = (pool: string): readonly string[] => {
    return planOf(`targets: [{ id: t, endpoint: "http://t.test:1" }]\ndefault_pool: ${pool}`).headers.read;
  };
  assert.deepEqual(read("{ targets: [t] }"), []);
  assert.deepEqual(read("{ targets: { collectors: {} } }"), [HOPS_HEADER]);
});
