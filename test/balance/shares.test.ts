import assert from "node:assert/strict";
import { test } from "node:test";
import type { StrategyPlan } from "../../src/plan/plan.ts";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { ACCEPTED, failing, PoolRig, targetPlan } from "../delivery/pool-rig.ts";

const SPREADING: readonly StrategyPlan[] = [
  { type: "round_robin" },
  { type: "weighted_round_robin" },
  { type: "weighted_random" },
  { type: "least_connections" },
  { type: "latency", pick: "lowest" },
  { type: "latency", pick: "within", thresholdMs: 500 },
  { type: "load_latency", loadWeight: 0.7, latencyWeight: 0.3 },
  { type: "geography", region: "", order: [] },
];

const WEIGHTS: ReadonlyMap<string, number> = new Map([
  ["a", 5],
  ["b", 1],
  ["c", 1],
]);

/** What the bad target says, at once; the good ones take a while. */
const BAD: readonly { readonly name: string; readonly says: SendOutcome }[] = [
  { name: "refuses with 429 and no delay", says: failing("throttled") },
  { name: "refuses with 429 and a delay", says: failing("throttled", 2_000) },
  { name: "fails", says: failing("unavailable") },
  { name: "cannot be reached", says: failing("connect") },
];

/**
 * One parcel every 2 ms for 20 s; good targets answer after 20 ms, `bad` at once. Gives the calls
 * of each.
 */
function run(rig: PoolRig, bad: string, says: SendOutcome): Map<string, number> {
  const calls = new Map<string, number>();
  const since = new Map<object, number>();
  for (let ms = 0; ms < 20_000; ms += 2) {
    rig.offer(1, { deadlineMs: rig.clock.nowMs() + 30_000 });
    for (const call of rig.calls.slice()) {
      if (!since.has(call)) calls.set(call.target, (calls.get(call.target) ?? 0) + 1);
      since.set(call, since.get(call) ?? ms);
      if (call.target === bad) call.answer(says);
      else if (ms - since.get(call)! >= 20) call.answer(ACCEPTED);
    }
    rig.pass(2);
  }
  return calls;
}

for (const strategy of SPREADING) {
  const type = strategy.type === "latency" ? `latency ${strategy.pick}` : strategy.type;
  for (const { name, says } of BAD) {
    test(`${type}: a target that ${name} faster than others answer gets less than they, and nothing is lost by it`, () => {
      const rig = new PoolRig(["good", "bad", "fine"], { strategy });
      const calls = run(rig, "bad", says);
      const fair = ((calls.get("good") ?? 0) + (calls.get("fine") ?? 0)) / 2;
      assert.ok((calls.get("bad") ?? 0) < fair / 2, [...calls].join());
      const lost = rig.offered.flatMap(({ outcomes }) => outcomes).filter(({ kind }) => kind !== "delivered").length;
      assert.ok(lost <= 0.01 * rig.offered.length, `${lost} of ${rig.offered.length}`);
    });
  }
}

test("weighted_round_robin: shares of items follow the weights through a pool, when batches differ in size", () => {
  const targets = [...WEIGHTS].map(([id, weight]) => targetPlan(id, { weight }));
  const rig = new PoolRig(targets, { strategy: { type: "weighted_round_robin" } });
  const items = new Map<string, number>();
  for (let i = 0; i < 2_000; i++) {
    rig.offer(1, { items: 1 + ((i * 7_919) % 100) });
    for (const { target, batch } of rig.calls) items.set(target, (items.get(target) ?? 0) + batch.items);
    rig.answerAll();
  }
  const all = [...items.values()].reduce((a, b) => a + b, 0);
  for (const [id, weight] of WEIGHTS) {
    assert.ok(Math.abs(items.get(id)! / all - weight / 7) < 0.01, `${id}: ${items.get(id)! / all}`);
  }
});

test("a pool panics loudly when less than half of its targets are ready, and uses all until they are", () => {
  const rig = new PoolRig(["a", "b", "c"]);
  const panic = (): number | undefined => rig.metrics.poolPanic.series.get("p")?.series.value;
  const isOut = (id: string): boolean => rig.targets.get(id)!.health().state === "ejected";
  while (!isOut("a") || !isOut("b")) {
    rig.offer();
    for (const call of rig.calls.slice()) call.answer(call.target === "c" ? ACCEPTED : failing("connect"));
    rig.pass(10);
  }
  assert.equal(panic(), 1);
  assert.equal(rig.metrics.poolPanics.with("p").value, 1);
  rig.answerAll();
  rig.offer(3);
  assert.deepEqual(new Set(rig.calls.map(({ target }) => target)), new Set(["a", "b", "c"]));
  rig.answerAll();
  rig.pass(1);
  assert.equal(panic(), 0);
});
