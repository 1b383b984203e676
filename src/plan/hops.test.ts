import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../core/secret.ts";
import { planOf } from "../../test/scenario/ledger-rig.ts";
import { HOPS_HEADER, hopsIn, reservedForLinks, PATH_HEADER, pathIn, pathThrough } from "./hops.ts";
import { LINK_HEADERS, PROOF_HEADER, proofOf, provenHeaders } from "./link-proof.ts";
import { NO_HEADERS, type SenderHeaders, senderHeaders } from "./sender-headers.ts";

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
  assert.deepEqual(read("{ targets: { collectors: {} } }"), LINK_HEADERS);
});

/** As a node is told by the one before. */
function cameThrough(path: string, hops: number): SenderHeaders {
  return senderHeaders([
    [HOPS_HEADER, String(hops)],
    [PATH_HEADER, path],
  ]);
}

test("of a limit, however small, each number of links leaves something to the next; senders have half of it at least", () => {
  const left = (most: number): number[] => [0, 1, 2, 3, 4, 5].map((links) => reservedForLinks(most, links));
  const table = new Map([
    [1, [0, 0, 0, 0, 0, 0]],
    [2, [1, 0, 0, 0, 0, 0]],
    [4, [2, 1, 0, 0, 0, 0]],
    [8, [4, 3, 2, 1, 0, 0]],
    [32, [4, 3, 2, 1, 0, 0]],
    [64, [8, 4, 2, 1, 0, 0]],
    [4_096, [512, 256, 128, 64, 32, 16]],
  ]);
  for (const [most, kept] of table) assert.deepEqual(left(most), kept, `of ${most}`);
});

test("of a way that is made up no more is believed than links are counted, and nothing that is no id", () => {
  assert.deepEqual(pathIn(senderHeaders([[PATH_HEADER, "a,b"]])), []);
  assert.deepEqual(pathIn(cameThrough("a,b,c,d", 2)), ["c", "d"]);
  assert.deepEqual(pathIn(cameThrough("a, b > c,,d{},e", 4)), ["e"]);
});

test("what is proven stays, without its proof; what is not goes, and what else was said stays", () => {
  const key = new Secret("of the fleet");
  const before = new Secret("of the fleet before");
  const said = [
    [HOPS_HEADER, "1"],
    [PATH_HEADER, "a"],
    ["tenant", "t"],
  ] as const;
  const withProof = (proof: string): SenderHeaders =>
    provenHeaders(senderHeaders([...said, [PROOF_HEADER, proof]]), [key, before]);
  assert.deepEqual(withProof(proofOf(key, "1", "a")), senderHeaders(said));
  assert.deepEqual(withProof(proofOf(before, "1", "a")), senderHeaders(said), "one that is believed beside it");
  assert.deepEqual(withProof(proofOf(new Secret("of another"), "1", "a")), senderHeaders(said.slice(2)));
  assert.deepEqual(withProof(proofOf(key, "1", "b")), senderHeaders(said.slice(2)));
});

test("the way of a batch is that which all of it has come", () => {
  const from = (path: string) => cameThrough(path, 3);
  assert.deepEqual(pathIn(from("a,b")), ["a", "b"]);
  assert.deepEqual([pathIn(NO_HEADERS), pathIn(from(""))], [[], []]);
  assert.equal(pathThrough([NO_HEADERS], "n"), "n");
  assert.equal(pathThrough([from("a,b"), from("a,b")], "n"), "a,b,n");
  assert.equal(pathThrough([from("a,b,c"), from("x,b,a")], "n"), "a,b,n");
  assert.equal(pathThrough([from("a"), NO_HEADERS], "n"), "n");
});

test("of a long way the newest part is told, as long as a header may be", () => {
  const ids = Array.from({ length: 16 }, (_, i) => `${i}`.padStart(63, "n"));
  assert.equal(pathThrough([cameThrough(ids.join(","), 16)], "me"), [...ids.slice(-3), "me"].join(","));
});
