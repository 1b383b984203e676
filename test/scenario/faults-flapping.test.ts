import assert from "node:assert/strict";
import { test } from "node:test";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { type Behaviour, TARGETS, TargetWorld, WORKS } from "./target-world.ts";

const GONE: SendOutcome = { kind: "retry", reason: "connect", message: "gone", unprocessed: true };
const STEP_MS = 10;
const FLAP_MS = 2_000;
const DEAD: Behaviour = { tookMs: 1, outcome: () => GONE, check: () => "failed" };

const STRATEGIES = [
  "round_robin",
  "weighted_round_robin",
  "least_connections",
  "latency",
  "load_latency",
  "{ type: consistent_hash, key: service_name }",
  "failover",
];

/** Up for 2 s and gone for 2 s, and so on; ends gone. */
function flap(world: TargetWorld, ms: number): void {
  for (let spent = 0; spent < ms; spent += 2 * FLAP_MS) {
    for (const behaviour of [WORKS, DEAD]) {
      world.bad = behaviour;
      world.run(FLAP_MS, STEP_MS);
    }
  }
}

/** Times that each target went out. */
function outs(world: TargetWorld): number[] {
  return TARGETS.map((id) => world.entered(id, "ejected", "down"));
}

const cases = [
  ...STRATEGIES.map((strategy) => ({ strategy, checks: "the default check", written: "" })),
  { strategy: "round_robin", checks: "no checks", written: ", health_check: false" },
  { strategy: "round_robin", checks: "a written check", written: ", health_check: { interval: 1s }" },
];
for (const { strategy, checks, written } of cases) {
  test(`${strategy}, ${checks}: a target that flaps each 2 s for a minute gets less and less, and its neighbours notice nothing`, async () => {
    await using world = new TargetWorld(strategy, written);
    world.run(2_000, STEP_MS);
    world.shares();
    flap(world, 20_000);
    const [early] = world.shares();
    flap(world, 20_000);
    world.shares();
    flap(world, 20_000);
    const [late] = world.shares();
    assert.ok(late! <= early! && late! < 0.03, `${early} of the calls in the first 20 s, ${late} in the last`);
    assert.deepEqual(world.states().slice(1), ["ready", "ready", "ready"]);
    assert.deepEqual(outs(world).slice(1), [0, 0, 0]);
    assert.ok(outs(world)[0]! <= 5, `out ${outs(world)[0]} times in 15 outages`);
    world.bad = WORKS;
    world.run(400_000, 200);
    assert.deepEqual(world.states(), ["ready", "ready", "ready", "ready"]);
    assert.deepEqual([world.failed, world.rig.balanced, world.rig.totals("traces").lost], [0, true, 0]);
  });
}
