import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { targetPlan } from "../../../test/delivery/pool-rig.ts";
import { addedHealth, DEFAULT_HEALTH, type Health, type HealthPolicy, initialHealth, isUsable } from "./health.ts";
import { stepHealth } from "./step-health.ts";
import { stepWorker, type WorkerEvent } from "./step-worker.ts";
import type { HealthNews } from "./target-news.ts";
import { fromNow, onClock, type ToldPart } from "./told-health.ts";
import { WorkerMonitor } from "./worker-monitor.ts";

function open() {
  const clock = new ManualClock();
  clock.advance(5_000);
  const told: HealthNews[] = [];
  let seq = 0;
  let waiting = 0;
  const monitor: WorkerMonitor = new WorkerMonitor(
    {
      plan: targetPlan("a"),
      stateEntered: () => undefined,
      healthChanged: () => undefined,
    },
    {
      hasNews: () => void waiting++,
      tellNow: () => {
        told.push(monitor.take(0, "words"));
        return ++seq;
      },
    },
    initialHealth(clock.nowMs()),
    clock,
  );
  const node = (health: Health, more: Partial<ToldPart> = {}): void =>
    monitor.obey({ health: fromNow(health, clock.nowMs()), refusals: [], ...more });
  return { clock, monitor, told, node, waiting: () => waiting };
}

const READY = initialHealth(0);
const UNWRITTEN: HealthPolicy = { ...DEFAULT_HEALTH, check: { fall: 3, rise: 2, written: false } };

test("what calls tell is counted, and announced once until it is told", () => {
  const { monitor, waiting } = open();
  for (let i = 0; i < 3; i++) monitor.success(monitor.sent());
  monitor.failure(monitor.sent(), "reset");
  monitor.refused(monitor.sent());
  assert.equal(waiting(), 1);
  assert.deepEqual(monitor.take(7, ""), {
    epoch: 0,
    underWay: 7,
    taken: 3,
    failed: 1,
    inRow: 1,
    reason: "reset",
    refused: 1,
  });
  monitor.success(monitor.sent());
  assert.equal(waiting(), 2);
  assert.deepEqual(monitor.take(0, ""), { epoch: 0, underWay: 0, taken: 1 });
});

test("failures in a row eject at once, and are told at once; a pause likewise", () => {
  const { clock, monitor, told, node } = open();
  for (let i = 0; i < 5; i++) monitor.failure(0, "connect");
  assert.deepEqual([monitor.health().state, monitor.health().epoch], ["ejected", 0]);
  assert.deepEqual(told, [{ epoch: 0, underWay: 0, failed: 5, inRow: 5, reason: "connect", ejected: true }]);
  clock.advance(1_000_000);
  assert.equal(monitor.health().state, "ejected", "time brings nothing back here");
  monitor.success(0);
  assert.equal(monitor.health().state, "ejected", "nor does a call");
  node({ ...READY, epoch: 2 });
  monitor.throttled(2, 400);
  assert.equal(isUsable(monitor.health(), clock.nowMs()), false);
  assert.deepEqual(told.at(-1)?.throttled, { delayMs: 400, said: "words" });
  clock.advance(400);
  assert.equal(isUsable(monitor.health(), clock.nowMs()), true);
});

test("what the node said before it knew of an ejection is not obeyed; what it says then is", () => {
  const { monitor } = open();
  for (let i = 0; i < 5; i++) monitor.failure(0, "connect");
  const same: ToldPart = { health: READY, refusals: [] };
  assert.equal(monitor.isOlder(same, 0), true);
  assert.equal(monitor.isOlder(same, 1), false);
  assert.equal(monitor.isOlder({ ...same, health: { ...READY, epoch: 1 } }, 0), false, "another state is never older");
});

test("outcomes of an earlier state of the node are not told", () => {
  const { monitor, node } = open();
  const epoch = monitor.sent();
  node({ ...READY, epoch: 4 });
  monitor.failure(epoch, "reset");
  monitor.success(epoch);
  assert.deepEqual(monitor.take(0, ""), { epoch: 4, underWay: 0 });
});

test("who has the permit sends one probe, and gives it back when there is none to send", () => {
  const { clock, monitor, told, node } = open();
  const probing: Health = { ...addedHealth(0), state: "probing", epoch: 3, probeOut: false, suspect: false };
  node(probing, { probeWithinMs: 100 });
  monitor.sent();
  assert.deepEqual(told.pop(), { epoch: 3, underWay: 0, probe: "sent" });
  clock.advance(1_000);
  assert.deepEqual(told, [], "it was made use of");
  node(probing, { probeWithinMs: 100 });
  clock.advance(99);
  assert.deepEqual(told, []);
  clock.advance(1);
  assert.deepEqual(told, [{ epoch: 3, underWay: 0, probe: "returned" }]);
  const after = monitor.health();
  assert.equal(after.state === "probing" && after.probeOut, true, "it may not send one any more");
});

test("a target that the node does not have any more comes back by itself", () => {
  const { clock, monitor } = open();
  for (let i = 0; i < 5; i++) monitor.failure(0, "connect");
  monitor.release();
  clock.advance(30_000);
  assert.equal(monitor.health().state, "probing");
  monitor.success(monitor.sent());
  assert.equal(monitor.health().state, "ready");
});

const aKind = fc.constantFrom("tick", "sent", "success", "refused", "neutral", "failure", "throttled");

test("property: a worker never takes a target for better than the node does, and never counts a state of its own", () => {
  fc.assert(
    fc.property(fc.array(aKind, { maxLength: 60 }), fc.boolean(), (kinds, isOut) => {
      let health: Health = isOut
        ? stepHealth(READY, { kind: "no_signal", epoch: 0, jitter: 0 }, 0, DEFAULT_HEALTH)
        : READY;
      const { epoch } = health;
      let nowMs = 0;
      for (const kind of kinds) {
        nowMs += 1_000;
        const before = health;
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- more fields than each kind needs
        const event = { kind, reason: "reset", delayMs: 10 } as WorkerEvent;
        health = stepWorker(health, event, nowMs, DEFAULT_HEALTH);
        assert.equal(health.epoch, epoch);
        if (before.state !== "ready") assert.notEqual(health.state, "ready");
      }
    }),
  );
});

test("health as data says the same by another clock", () => {
  const states: readonly Health[] = [
    READY,
    addedHealth(3),
    stepHealth(READY, { kind: "check_failed", silent: true, answered: true }, 7, UNWRITTEN),
    stepHealth(READY, { kind: "no_signal", epoch: 0, jitter: 0 }, 7, DEFAULT_HEALTH),
    stepHealth(READY, { kind: "operator", override: "drain", untilMs: Infinity }, 7, DEFAULT_HEALTH),
    stepHealth(READY, { kind: "throttled", epoch: 0, delayMs: 500 }, 7, DEFAULT_HEALTH),
  ];
  for (const health of states) {
    const wire: unknown = JSON.parse(JSON.stringify(fromNow(health, 1_000)));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was one
    assert.deepEqual(onClock(wire as Health, 1_000), health);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was one
    assert.equal(onClock(wire as Health, 61_000).sinceMs, health.sinceMs + 60_000);
  }
});
