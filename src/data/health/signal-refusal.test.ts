import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isDue, REFUSED_AFTER, type RefusalEvent, type SignalRefusal, stepRefusal, TAKEN } from "./signal-refusal.ts";

const POLICY = { restMs: 30_000, maxRestMs: 300_000 };
const ELSEWHERE: RefusalEvent = { kind: "elsewhere", said: "HTTP 404", jitter: 0 };

function run(events: readonly RefusalEvent[], from: SignalRefusal = TAKEN, nowMs = 0): SignalRefusal {
  return events.reduce((refusal, event) => stepRefusal(refusal, event, nowMs, POLICY), from);
}

const REFUSED = run([ELSEWHERE, ELSEWHERE, ELSEWHERE]);

test("signal refusal: three answers in a row refuse a signal, and one that is taken begins anew", () => {
  assert.equal(REFUSED_AFTER, 3);
  assert.deepEqual(run([ELSEWHERE, ELSEWHERE, { kind: "took" }, ELSEWHERE, ELSEWHERE]), { state: "taken", inRow: 2 });
  assert.deepEqual(run([ELSEWHERE, ELSEWHERE, { kind: "unclear" }, ELSEWHERE]), REFUSED);
  const { state, ...more } = REFUSED;
  const want = { sinceMs: 0, said: "HTTP 404", nextTryMs: 30_000, rests: 1, probeOut: false };
  assert.deepEqual([state, more], ["refused", want]);
});

test("signal refusal: one probe after each rest, each rest longer than the one before, up to the longest; one success ends it", () => {
  let refusal = REFUSED;
  const rests: number[] = [];
  for (let n = 0; n < 12; n++) {
    assert.ok(refusal.state === "refused");
    const { nextTryMs } = refusal;
    assert.equal(isDue(refusal, nextTryMs - 1), false);
    assert.equal(isDue(refusal, nextTryMs), true);
    refusal = run([{ kind: "sent" }], refusal, nextTryMs);
    assert.equal(isDue(refusal, nextTryMs + 1e6), false);
    refusal = run([ELSEWHERE], refusal, nextTryMs);
    assert.ok(refusal.state === "refused" && refusal.sinceMs === 0);
    rests.push((refusal.nextTryMs - nextTryMs) / 1_000);
  }
  assert.deepEqual(rests, [60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300, 300]);
  assert.deepEqual(run([{ kind: "sent" }, { kind: "took" }], refusal), TAKEN);
});

test("signal refusal: answers to what was under way make no rest longer; a probe that tells nothing is repeated after a second", () => {
  assert.equal(run([ELSEWHERE, ELSEWHERE], REFUSED, 5_000), REFUSED);
  const unclear = run([{ kind: "sent" }, { kind: "unclear" }], REFUSED, 31_000);
  assert.equal(isDue(unclear, 31_999), false);
  assert.equal(isDue(unclear, 32_000), true);
});

test("signal refusal: in any order of events it is taken again after a success, and never waits longer than the longest rest", () => {
  const anEvent = fc.oneof(
    fc.constantFrom<RefusalEvent>({ kind: "sent" }, { kind: "took" }, { kind: "unclear" }, { kind: "hurry" }),
    fc.record({
      kind: fc.constant("elsewhere" as const),
      said: fc.string(),
      jitter: fc.double({ min: 0, max: 0.99, noNaN: true }),
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(anEvent, fc.nat(400_000)), { maxLength: 40 }), (events) => {
      let refusal = TAKEN;
      let nowMs = 0;
      for (const [event, restMs] of events) {
        nowMs += restMs;
        refusal = stepRefusal(refusal, event, nowMs, POLICY);
        if (refusal.state === "taken") assert.ok(refusal.inRow < REFUSED_AFTER);
        else assert.ok(refusal.nextTryMs <= nowMs + POLICY.maxRestMs);
        assert.deepEqual(stepRefusal(refusal, { kind: "took" }, nowMs, POLICY), TAKEN);
      }
    }),
  );
});
