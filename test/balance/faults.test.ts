import assert from "node:assert/strict";
import { test } from "node:test";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { ACCEPTED } from "../scenario/ledger-rig.ts";
import { ANSWER_MS, type Behaviour, TARGETS, TargetWorld, WORKS } from "../scenario/target-world.ts";

const UNAVAILABLE: SendOutcome = { kind: "retry", reason: "unavailable", message: "full", unprocessed: false };
const BROKEN: SendOutcome = { kind: "rejected", code: "HTTP 500", message: "", badData: false, perhapsData: true };
const DENIED: SendOutcome = { kind: "rejected", code: "HTTP 403", message: "", badData: false, perhapsData: false };

/** Calls that a target may have under way: those that are on their way when it is put out. */
const MAX_IN_FLIGHT = 8;
/**
 * The defaults, ten times faster, apart from the time over which calls are counted: that one is 10
 * s.
 */
const QUICK = `, timeout: 1s, slow_start: 200ms, limits: { max_in_flight: ${MAX_IN_FLIGHT} },
    health_check: { interval: 50ms, timeout: 250ms }, ejection: { rest: 1s, max_rest: 2s }`;
const STRATEGIES = [
  "round_robin",
  "weighted_round_robin",
  "least_connections",
  "load_latency",
  "{ type: consistent_hash, key: service_name }",
  "{ type: failover, return_after: 300ms }",
];
/** Calls that it takes to see a share of successes. */
const FOR_A_SHARE = 20;
const LOAD_MS = 2_000;
/** More than the targets' windows hold, so that something waits for whoever has room. */
const BUSY = 48;

async function opened(strategy: string): Promise<TargetWorld> {
  const world = new TargetWorld(strategy, QUICK);
  world.load(1_000);
  assert.ok(world.badCalls > 0, "it has its part");
  world.shares();
  return world;
}

/**
 * Calls that it got while it went on failing, and what explains so many: those under way, probes,
 * and finding out again.
 */
function gotAndExplained(world: TargetWorld): [got: number, explained: number] {
  const [back, probes] = [world.entered("bad", "ready"), world.entered("bad", "probing")];
  world.shares();
  world.load(LOAD_MS);
  const [returns, tries] = [world.entered("bad", "ready") - back, world.entered("bad", "probing") - probes];
  return [world.badCalls, MAX_IN_FLIGHT + tries + returns * (FOR_A_SHARE + MAX_IN_FLIGHT)];
}

/**
 * `refusal`: the only one that senders may hear; `target_failed` is one after which they try again.
 */
const faults: { readonly name: string; readonly behaviour: Behaviour; readonly refusal: string }[] = [
  {
    name: "fails every other call",
    behaviour: { tookMs: ANSWER_MS, outcome: (nth) => (nth % 2 === 0 ? ACCEPTED : UNAVAILABLE) },
    refusal: "target_failed",
  },
  {
    name: "refuses every other call with HTTP 500",
    behaviour: { tookMs: ANSWER_MS, outcome: (nth) => (nth % 2 === 0 ? ACCEPTED : BROKEN) },
    refusal: "target_rejected",
  },
  {
    name: "refuses all with HTTP 403",
    behaviour: { tookMs: ANSWER_MS, outcome: () => DENIED },
    refusal: "target_rejected",
  },
];
for (const [nth, { name, behaviour, refusal }] of faults.entries()) {
  // The first with all strategies, the others with half of them each.
  for (const strategy of STRATEGIES.filter((_, i) => nth === 0 || i % 2 === nth % 2)) {
    test(`${strategy}: one of four targets ${name}, and passes its checks: it is left alone for its share of successes, and returns by itself`, async () => {
      await using world = await opened(strategy);
      world.bad = behaviour;
      const isOut = (): boolean => world.states()[0] === "ejected";
      assert.ok(world.loadUntil(isOut, 60_000), world.states().join(" "));
      const health = world.rig.pools.targets.get("bad")!.health();
      assert.equal(health.reason, "success_rate");
      const [got, explained] = gotAndExplained(world);
      assert.ok(got <= explained, `${got} calls went to it, ${explained} can be explained`);
      assert.deepEqual(world.states().slice(1), ["ready", "ready", "ready"]);
      world.bad = WORKS;
      assert.ok(
        world.loadUntil(() => world.states()[0] === "ready", 60_000),
        world.states().join(" "),
      );
      world.load(1_000);
      world.shares();
      world.load(LOAD_MS);
      assert.ok(world.badCalls > 0, "it has its part again");
      assert.deepEqual(
        world.refusals().filter((reason) => reason !== refusal),
        [],
      );
      assert.deepEqual([world.rig.balanced, world.rig.totals("traces").lost], [true, 0]);
    });
  }
}

test("latency: a target that refuses every other call gets next to nothing, ejected or not", async () => {
  await using world = await opened("latency");
  world.bad = faults[1]!.behaviour;
  world.load(LOAD_MS);
  const [share] = world.shares();
  assert.ok(share! < 0.05, `${share} of the calls`);
});

/**
 * Of the calls: at most while it is slow, and at least afterwards, in a busy pool; a quarter would
 * be its part.
 */
const slowShares = [
  { strategy: "latency", most: 0.01, again: 0.04 },
  { strategy: "least_connections", most: 0.05, again: 0.15 },
  { strategy: "load_latency", most: 0.05, again: 0.15 },
];
for (const { strategy, most, again } of slowShares) {
  test(`${strategy}: a target that becomes ten times as slow gets less, stays ready, and has its part again afterwards`, async () => {
    await using world = await opened(strategy);
    world.load(LOAD_MS);
    const [usual] = world.shares();
    world.bad = { tookMs: 10 * ANSWER_MS, outcome: () => ACCEPTED };
    world.load(LOAD_MS);
    const [share] = world.shares();
    assert.ok(share! < most, `${share} of the calls`);
    assert.deepEqual(
      world.states(),
      TARGETS.map(() => "ready"),
    );
    world.bad = WORKS;
    world.load(10_000, BUSY);
    world.shares();
    world.load(LOAD_MS, BUSY);
    const [after] = world.shares();
    assert.ok(after! > again, `${after} of the calls, ${usual} before`);
    assert.deepEqual([world.failed, world.rig.balanced], [0, true]);
  });
}

const TIMEOUT: SendOutcome = { kind: "retry", reason: "timeout", message: "timeout", unprocessed: false };
const throttled = (afterMs: number): SendOutcome => ({ ...TIMEOUT, reason: "throttled", afterMs });
const nobodyElse: readonly { readonly name: string; readonly behaviour: Behaviour; readonly most: number }[] = [
  { name: "hangs", behaviour: { tookMs: Infinity, outcome: () => TIMEOUT }, most: 0.02 },
  {
    name: "has become a hundred times as slow",
    behaviour: { tookMs: 100 * ANSWER_MS, outcome: () => ACCEPTED },
    most: 0.1,
  },
  { name: "asks for a pause of 1 s", behaviour: { tookMs: ANSWER_MS, outcome: () => throttled(1_000) }, most: 0.02 },
  { name: "is unavailable", behaviour: { tookMs: ANSWER_MS, outcome: () => UNAVAILABLE }, most: 0.02 },
];
for (const { name, behaviour, most } of nobodyElse) {
  test(`round_robin: a target that ${name} gets little, and slows only what goes to it`, async () => {
    await using world = await opened("round_robin");
    world.bad = behaviour;
    world.load(3 * LOAD_MS);
    assert.ok(world.tookMs(0.9) <= 2 * ANSWER_MS, `one in ten takes ${world.tookMs(0.9)} ms or more`);
    const [share] = world.shares();
    assert.ok(share! < most, `${share} of the calls`);
    assert.deepEqual([world.failed, world.rig.balanced], [0, true]);
  });
}
