import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type LeaseEvent, leaseGranted, type LeaseState, type LeaseStep, marginOf, stepLease } from "./lease-step.ts";
import { type Moment, untilMs } from "./moment.ts";

const at = (machineMs: number, wallMs = machineMs): Moment => ({ machineMs, wallMs });
const LOOKED: LeaseEvent = { kind: "looked" };

function step(state: LeaseState, event: LeaseEvent, now: Moment, beatMs = now.machineMs): LeaseStep {
  return stepLease(state, event, now, beatMs);
}

function held(one: LeaseStep): Extract<LeaseStep, { kind: "held" }> {
  assert(one.kind === "held", one.kind === "lost" ? `lost: ${one.why}` : "");
  return one;
}

/** Sent at 0 and answered at 100. */
const GRANTED = leaseGranted(at(0), 15_000, at(100));

test("the margin is a tenth of the TTL, and a second at least", () => {
  assert.deepEqual([3_000, 10_000, 15_000].map(marginOf), [1_000, 1_000, 1_500]);
});

test("a lease is renewed a third of its TTL after its last answer, and valid from when it was sent", () => {
  assert.deepEqual([GRANTED.validUntil, GRANTED.dueMs], [at(13_500), 5_100]);
  assert.equal(held(step(GRANTED, LOOKED, at(100))).wakeInMs, 5_000);
  const renew = held(step(GRANTED, LOOKED, at(5_100)));
  assert.deepEqual([renew.renewWithinMs, renew.state.dueMs], [5_000, Infinity]);
  assert.equal(held(step(renew.state, LOOKED, at(6_000))).renewWithinMs, undefined); // one at a time
  const answered = held(step(renew.state, { kind: "answered", sent: at(5_100), ttlMs: 15_000 }, at(5_300)));
  assert.deepEqual([answered.state.validUntil, answered.state.dueMs], [at(18_600), 10_300]);
});

test("a renewal that failed is tried again sooner, and has no longer than the lease is valid", () => {
  const failed = held(step(GRANTED, { kind: "failed", reason: "no way", chance: 0.5 }, at(10_000)));
  assert.deepEqual([failed.wakeInMs, failed.state.failure], [1_250, "no way"]);
  assert.equal(held(step(failed.state, LOOKED, at(11_250))).renewWithinMs, 2_250);
  const lost = step(failed.state, LOOKED, at(13_500));
  assert.deepEqual(lost, { kind: "lost", why: "unanswered", reason: "no renewal was answered in time: no way" });
});

test("what the store says has ended is lost at once", () => {
  const lost = step(GRANTED, { kind: "ended" }, at(200));
  assert.deepEqual([lost.kind, lost.kind === "lost" && lost.why], ["lost", "ended"]);
});

test("an answer that comes after the deadline helps nothing, whenever it was sent", () => {
  for (const now of [at(13_500), at(13_000, 13_500)]) {
    const lost = step(GRANTED, { kind: "answered", sent: at(13_400), ttlMs: 15_000 }, now);
    assert.deepEqual([lost.kind, lost.kind === "lost" && lost.why], ["lost", "unanswered"]);
  }
});

test("an answer that took longer than what it grants helps nothing", () => {
  const short = leaseGranted(at(0), 3_000, at(0));
  const late: LeaseState = { ...short, validUntil: at(9_000) };
  assert.equal(step(late, { kind: "answered", sent: at(0), ttlMs: 3_000 }, at(2_000)).kind, "lost");
});

test("a longer TTL that a store grants for once is believed", () => {
  const { state } = held(step(GRANTED, { kind: "answered", sent: at(5_000), ttlMs: 30_000 }, at(5_000)));
  assert.deepEqual([state.validUntil, state.dueMs, state.ttlMs], [at(32_000), 15_000, 15_000]);
});

test("for two thirds of a TTL a loop that stands still changes nothing", () => {
  for (let stoodMs = 0; stoodMs <= 10_000 + 1_250; stoodMs += 250) {
    const state: LeaseState = { ...GRANTED, validUntil: at(99_000), dueMs: 20_000 };
    assert.equal(held(step(state, LOOKED, at(20_000), 20_000 - stoodMs)).renewWithinMs, 5_000);
  }
});

test("a loop that stands still for longer is looked at often, and its lease is not renewed", () => {
  const state: LeaseState = { ...GRANTED, validUntil: at(99_000), dueMs: 20_000 };
  const waiting = held(step(state, LOOKED, at(20_000), 8_000));
  assert.deepEqual([waiting.renewWithinMs, waiting.wakeInMs], [undefined, 625]);
  assert.equal(held(step(state, LOOKED, at(20_001), 20_001)).renewWithinMs, 5_000); // it turns again
});

test("a loop that stands still for the whole TTL loses its lease, though it was renewed", () => {
  const state: LeaseState = { ...GRANTED, validUntil: at(99_000), dueMs: 50_000 };
  assert.equal(held(step(state, LOOKED, at(19_999), 5_000)).wakeInMs, 1);
  const lost = step(state, LOOKED, at(20_000), 5_000);
  assert.deepEqual([lost.kind, lost.kind === "lost" && lost.why], ["lost", "stalled"]);
});

test("what is valid ends before it does in the store, whatever is lost, late or suspended on the way", () => {
  const aCall = fc.record({
    thereMs: fc.nat(3_000),
    backMs: fc.nat(3_000),
    isAnswered: fc.boolean(),
    suspendedMs: fc.oneof(fc.constant(0), fc.nat(20_000)),
    idleMs: fc.nat(2_000),
  });
  fc.assert(
    fc.property(fc.integer({ min: 3_000, max: 30_000 }), fc.array(aCall, { maxLength: 30 }), (ttlMs, calls) => {
      let now = at(0);
      let state = leaseGranted(now, ttlMs, now);
      /** By a clock that is not suspended. */
      let endsMs = ttlMs;
      const pass = (ms: number): Moment => (now = at(now.machineMs + ms, now.wallMs + ms));
      for (const { thereMs, backMs, isAnswered, suspendedMs, idleMs } of calls) {
        now = at(now.machineMs, now.wallMs + suspendedMs);
        const looked = stepLease(state, LOOKED, pass(idleMs), now.machineMs);
        if (looked.kind === "lost") return;
        ({ state } = looked);
        if (looked.renewWithinMs === undefined) continue;
        const sent = now;
        pass(thereMs);
        if (now.wallMs < endsMs) endsMs = Math.max(endsMs, now.wallMs + ttlMs);
        pass(backMs);
        const event: LeaseEvent = isAnswered
          ? { kind: "answered", sent, ttlMs }
          : { kind: "failed", reason: "lost", chance: 0.5 };
        const next = stepLease(state, event, now, now.machineMs);
        if (next.kind === "lost") return;
        ({ state } = next);
        assert(now.wallMs + untilMs(state.validUntil, now) <= endsMs - marginOf(ttlMs));
        assert(next.wakeInMs > 0 && next.wakeInMs <= untilMs(state.validUntil, now));
      }
    }),
  );
});
