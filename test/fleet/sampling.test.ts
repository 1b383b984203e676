import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeSamplingSummary, samplingKey, spendKey } from "../../src/control/sampling/sampling-summary.ts";
import { SampledFleet } from "../support/fleet/sampling-fleet.ts";

const NEVER = new AbortController().signal;
const TARGET = 1_000;
const ADAPTIVE = `{ sampling_strategies: [{ type: adaptive, min_rate: 0.0001, max_rate: 1, target_qps: ${TARGET} }] }`;

/** The second from which on all of them are within 5 % of what is aimed at. */
function settledAfter(seconds: readonly number[], target = TARGET): number {
  return seconds.findLastIndex((kept) => Math.abs(kept / target - 1) > 0.05) + 1;
}

async function threeNodes(global: string): Promise<SampledFleet> {
  const fleet = new SampledFleet(global);
  await fleet.form();
  fleet.lead("n0", "default");
  for (const id of ["n0", "n1", "n2"]) fleet.join(id, "default");
  fleet.load(10_000);
  return fleet;
}

test("fleet: three nodes keep one target together, settled 10 s after five times as much comes and 75 s after that ends", async () => {
  await using fleet = await threeNodes(ADAPTIVE);
  await fleet.run(40);
  assert.ok(settledAfter(await fleet.run(10)) === 0);
  const rates = fleet.nodes.map(({ rate }) => rate);
  assert.equal(new Set(rates).size, 1, "a trace is kept by all nodes or by none");
  fleet.load(50_000);
  const bound = fleet.bound;
  const up = await fleet.run(30);
  assert.ok(settledAfter(up) <= 10, `${settledAfter(up)}: ${up.map(Math.round).join()}`);
  for (const kept of up) assert.ok(kept <= 1.01 * Math.max(bound, fleet.bound), `${kept} of ${bound}`);
  fleet.load(10_000);
  const down = await fleet.run(85);
  assert.ok(settledAfter(down) <= 75, `${settledAfter(down)}: ${down.map(Math.round).join()}`);
});

test("fleet: another leader goes on from what the last one decided, and another node's guard keeps to its part", async () => {
  await using fleet = await threeNodes(ADAPTIVE);
  await fleet.run(40);
  fleet.lead("n9", "other");
  await fleet.run(5);
  const [before] = fleet.nodes.map(({ rate }) => rate);
  await fleet.leave("n0");
  for (let i = 0; i < 6; i++) {
    await fleet.run(10);
    // Nobody decides for some seconds, and what was decided holds.
    for (const { rate } of fleet.nodes) assert.ok(Math.abs(rate / before! - 1) < 0.1, `${rate} after ${before}`);
  }
  fleet.load(50_000);
  const up = await fleet.run(30);
  assert.ok(settledAfter(up) <= 15, up.map(Math.round).join());
});

test("fleet: who says goodbye, or is silent for long, is not among those whose rates are added up", async () => {
  await using fleet = await threeNodes(ADAPTIVE);
  const { store } = fleet;
  const collectors = async (): Promise<number | undefined> => {
    const entry = await store.place.store.get(samplingKey(store.place.prefix, "default"), { signal: NEVER });
    const read = entry && decodeSamplingSummary(entry.value);
    return read?.ok === true ? read.value.collectors : undefined;
  };
  await fleet.run(20);
  assert.equal(await collectors(), 3);
  await store.pass(Promise.resolve(fleet.nodes[2]!.follower[Symbol.asyncDispose]()));
  await fleet.run(8);
  assert.equal(await collectors(), 2);
  fleet.nodes[1]!.isCutOff = true;
  await fleet.run(30);
  assert.equal(await collectors(), 1);
});

test("fleet: what a budget has spent is in the store, with its hour, and the next leader goes on with it", async () => {
  await using fleet = await threeNodes(
    "{ sampling_strategies: [{ type: cost_based, budget_per_hour: 3600000, cost_per_span: 1 }] }",
  );
  const keptNow = (): number => fleet.nodes.reduce((sum, node) => sum + node.kept, 0);
  // It is written each 20 s, of what regions have told 5 s ago at most, of Reports as old as that.
  await fleet.run(30);
  const early = keptNow();
  await fleet.run(30);
  const { place } = fleet.store;
  const read = async (key: string): Promise<Uint8Array> => {
    const entry = await place.store.get(key, { signal: NEVER });
    assert.ok(entry, key);
    return entry.value;
  };
  const spentNow = async (): Promise<{ hour: number; spent: number }> =>
    JSON.parse(Buffer.from(await read(spendKey(place.prefix))).toString()).strategies.cost_based;
  const before = await spentNow();
  assert.equal(before.hour, Math.floor(place.clock.wallMs() / 3_600_000));
  const kept = keptNow();
  assert.ok(before.spent >= early && before.spent <= kept, `${before.spent} of ${early} to ${kept}`);
  fleet.lead("n9", "other");
  await fleet.run(5);
  await fleet.leave("n0");
  await fleet.run(45);
  const late = keptNow();
  await fleet.run(30);
  const all = keptNow();
  const after = await spentNow();
  assert.ok(after.spent >= late && after.spent <= all, `${after.spent} of ${late} to ${all}`);
  const summary = decodeSamplingSummary(await read(samplingKey(place.prefix, "default")));
  assert.ok(summary.ok && summary.value.collectors === 3);
});
