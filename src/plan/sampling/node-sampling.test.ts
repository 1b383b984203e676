import assert from "node:assert/strict";
import test from "node:test";
import type { ClassRate } from "./class-rate.ts";
import { NodeSampling } from "./node-sampling.ts";
import { octaveOf, type ReceivedReport, rowsBetween } from "./received-counts.ts";
import type { ReceivedRow } from "./received.ts";
import type { SamplingDirective } from "./sampling-directive.ts";

const CEILINGS: ClassRate[] = [
  { signal: "traces", class: "payment", probability: 1, reason: "protected" },
  { signal: "traces", class: "debug", probability: 0.01, reason: "class" },
  { signal: "traces", class: "rest", probability: 1, reason: "class" },
];

function directiveOf(rest: number, west: number): SamplingDirective {
  const rates = CEILINGS.map((one) => (one.class === "rest" ? { ...one, probability: rest } : one));
  return { rates, held: {}, summaries: { west }, equalShare: 400 };
}

function nodeWith(rest: number): NodeSampling {
  const node = new NodeSampling({ region: "west", ceilings: CEILINGS });
  node.take(directiveOf(rest, 0), 0);
  return node;
}

function rowsOf(items: number): ReceivedRow[] {
  return [{ signal: "traces", class: "rest", region: "west", arrival: 1, items, bytes: 0, traces: items }];
}

test("node: it goes by the directive, then by its share of it, then by one low rate", () => {
  const node = nodeWith(0.02);
  node.told(rowsOf(30_000), 1);
  node.take(directiveOf(0.02, 1), 0);
  const at = (nowMs: number): unknown[] => [
    node.stage(nowMs),
    node.rateOf("traces", "rest", nowMs),
    node.rateOf("traces", "debug", nowMs),
    node.rateOf("traces", "payment", nowMs),
    node.bound(nowMs).keptPerSecond,
  ];
  assert.deepEqual(at(299_999), ["directive", 0.02, 0.01, 1, 1_200]);
  assert.deepEqual(at(300_000), ["guarded", 0.02, 0.01, 1, 600]);
  assert.deepEqual(at(1_800_000), ["static", 0.1, 0.01, 1, 600]);
});

test("node: without any directive it begins with the low rate, and what is protected is kept", () => {
  const node = new NodeSampling({ region: "west", ceilings: CEILINGS });
  assert.deepEqual(
    ["rest", "debug", "payment", "unknown"].map((name) => node.rateOf("traces", name, 0)),
    [0.1, 0.01, 1, 0.1],
  );
  assert.deepEqual(node.bound(0), { keptPerSecond: 100, highestRate: 0.1 });
});

test("node: without a history it begins at half an equal share", () => {
  assert.equal(nodeWith(0.5).bound(0).keptPerSecond, 400);
});

test("node: a directive that does not know of its reports yet predicts nothing new", () => {
  const node = nodeWith(0.5);
  node.told(rowsOf(1_000), 1);
  node.take(directiveOf(0.5, 1), 0);
  assert.equal(node.bound(0).keptPerSecond, 1_000);
  node.told(rowsOf(9_000), 7);
  node.take(directiveOf(0.4, 6), 5_000);
  assert.equal(node.bound(5_000).keptPerSecond, 800);
  node.take(directiveOf(0.1, 7), 6_000);
  assert.equal(node.bound(6_000).keptPerSecond, 1_800);
});

test("counts: what two reports tell apart is a rate, by its probability on arrival", () => {
  const of = (atMs: number, items: number, adjusted: number): ReceivedReport => ({
    run: "1",
    atMs,
    counts: [
      {
        signal: "traces",
        class: "rest",
        octave: 3,
        items,
        bytes: 10 * items,
        traces: 0,
        adjusted,
        delivered: 6,
        kept: 3,
      },
    ],
  });
  assert.deepEqual(rowsBetween(of(1_000, 100, 1_000), of(3_000, 300, 3_000), "west"), [
    { signal: "traces", class: "rest", region: "west", arrival: 0.1, items: 100, bytes: 1_000, traces: 0, copies: 1 },
  ]);
  assert.equal(rowsBetween(undefined, of(1_000, 1, 1), "west"), undefined);
  assert.equal(rowsBetween({ ...of(0, 0, 0), run: "0" }, of(1_000, 1, 1), "west"), undefined);
  assert.deepEqual([1, 0.5, 0.26, 0.1, 2 ** -60].map(octaveOf), [0, 1, 1, 3, 56]);
});

test("node: of reports that no directive was made from the newest 64 are kept", () => {
  const node = nodeWith(1);
  for (let summary = 1; summary <= 65; summary++) node.told(rowsOf(30_000), summary);
  node.take(directiveOf(1, 1), 0);
  assert.equal(node.bound(0).keptPerSecond, 400); // an equal share: the first report is gone
  node.take(directiveOf(1, 2), 0);
  assert.equal(node.bound(0).keptPerSecond, 60_000);
});
