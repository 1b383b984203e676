import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  DEFAULT_HEALTH,
  type Health,
  type HealthEvent,
  initialHealth,
  isUsable,
  nextChangeMs,
  stepHealth,
  wantsProbe,
} from "./health.ts";

type Verdict = "success" | "failure" | "neutral";

function step(health: Health, event: HealthEvent, nowMs: number): Health {
  return stepHealth(health, event, nowMs, DEFAULT_HEALTH);
}

function verdict(health: Health, kind: Verdict, nowMs: number): Health {
  const { epoch } = health;
  if (kind === "failure") return step(health, { kind, epoch, reason: "timeout", jitter: 0 }, nowMs);
  return step(health, { kind, epoch }, nowMs);
}

function fail(health: Health, times: number, nowMs: number): Health {
  let now = health;
  for (let i = 0; i < times; i++) now = verdict(now, "failure", nowMs);
  return now;
}

/** Rests are over: a probe goes out and comes back. */
function probe(health: Health, kind: Verdict, nowMs: number): Health {
  const probing = step(health, { kind: "tick" }, nowMs);
  return verdict(step(probing, { kind: "sent" }, nowMs), kind, nowMs);
}

test("five failures in a row eject, four and a success do not", () => {
  const started = initialHealth(0);
  const four = fail(started, 4, 10);
  assert.equal(four.state, "ready");
  assert.equal(fail(verdict(four, "success", 10), 4, 10).state, "ready");
  const out = fail(four, 1, 10);
  assert.deepEqual([out.state, out.reason, out.sinceMs], ["ejected", "timeout", 10]);
  assert.equal(nextChangeMs(out, 10), 1_010);
});

test("an ejected target gets one probe when its rest is over, and success brings it back", () => {
  const out = fail(initialHealth(0), 5, 0);
  assert.equal(step(out, { kind: "tick" }, 999).state, "ejected");
  const probing = step(out, { kind: "tick" }, 1_000);
  assert.deepEqual([probing.state, wantsProbe(probing), isUsable(probing, 1_000)], ["probing", true, false]);
  const sent = step(probing, { kind: "sent" }, 1_000);
  assert.equal(wantsProbe(sent), false);
  const back = verdict(sent, "success", 1_005);
  assert.deepEqual([back.state, back.reason, isUsable(back, 1_005)], ["ready", "recovered", true]);
});

test("a probe that ends without a verdict may be sent again", () => {
  const probing = probe(fail(initialHealth(0), 5, 0), "neutral", 1_000);
  assert.equal(wantsProbe(probing), true);
});

test("each failed probe doubles the rest, up to 30 s", () => {
  let health = fail(initialHealth(0), 5, 0);
  let nowMs = 0;
  const rests: number[] = [];
  for (let i = 0; i < 7; i++) {
    rests.push(nextChangeMs(health, nowMs) - nowMs);
    nowMs = nextChangeMs(health, nowMs);
    health = probe(health, "failure", nowMs);
  }
  assert.deepEqual(rests, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test("a rest is shortened by chance, by less than a fifth", () => {
  const four = fail(initialHealth(0), 4, 0);
  const out = step(four, { kind: "failure", epoch: four.epoch, reason: "connect", jitter: 0.5 }, 0);
  assert.equal(nextChangeMs(out, 0), 900);
});

test("ejections are forgiven after 30 s of being up", () => {
  const back = probe(fail(initialHealth(0), 5, 0), "success", 1_000);
  const soon = fail(back, 5, 2_000);
  const later = fail(back, 5, 31_001);
  assert.equal(nextChangeMs(soon, 2_000) - 2_000, 2_000);
  assert.equal(nextChangeMs(later, 31_001) - 31_001, 1_000);
});

test("late outcomes of what was sent before an ejection change nothing", () => {
  const ready = initialHealth(0);
  const out = fail(ready, 5, 0);
  const late = { kind: "failure", epoch: ready.epoch, reason: "timeout", jitter: 0 } as const;
  assert.equal(step(out, late, 500), out);
  assert.equal(step(out, { kind: "success", epoch: ready.epoch }, 500), out);
  const probing = step(out, { kind: "tick" }, 1_000);
  assert.equal(step(probing, late, 1_000), probing);
  const back = probe(out, "success", 1_000);
  assert.equal(step(back, late, 1_000), back);
});

test("throttling pauses for as long as the target asked, at most 5 min, and ejects nothing", () => {
  const four = fail(initialHealth(0), 4, 0);
  const paused = step(four, { kind: "throttled", epoch: 0, delayMs: 2_000 }, 0);
  assert.deepEqual([isUsable(paused, 1_999), isUsable(paused, 2_000)], [false, true]);
  assert.equal(fail(paused, 4, 2_000).state, "ready");
  const shorter = step(paused, { kind: "throttled", epoch: 0, delayMs: 10 }, 0);
  assert.equal(nextChangeMs(shorter, 0), 2_000);
  const forEver = step(four, { kind: "throttled", epoch: 0, delayMs: 1e12 }, 0);
  assert.equal(nextChangeMs(forEver, 0), 300_000);
});

test("a throttled probe shows that the target is back, and paused", () => {
  const probing = step(fail(initialHealth(0), 5, 0), { kind: "tick" }, 1_000);
  const back = step(probing, { kind: "throttled", epoch: probing.epoch, delayMs: 500 }, 1_000);
  assert.deepEqual([back.state, nextChangeMs(back, 1_000)], ["ready", 1_500]);
});

test("a success that a pool in panic got out of an ejected target brings it back; a failure waits", () => {
  const out = fail(initialHealth(0), 5, 0);
  assert.equal(verdict(out, "success", 100).state, "ready");
  const again = fail(out, 1, 100);
  assert.deepEqual([again.state, again.epoch, nextChangeMs(again, 100)], ["ejected", out.epoch, 350]);
});

const anEvent = fc.record({
  kind: fc.constantFrom("tick", "sent", "success", "failure", "throttled", "neutral"),
  age: fc.integer({ min: 0, max: 2 }),
  passMs: fc.integer({ min: 0, max: 20_000 }),
});

test("health: any order of events leaves a valid state, and waiting always leads back to a try", () => {
  fc.assert(
    fc.property(fc.array(anEvent, { maxLength: 200 }), (events) => {
      let health = initialHealth(0);
      let nowMs = 0;
      for (const { kind, age, passMs } of events) {
        nowMs += passMs;
        const epoch = health.epoch - age;
        const event = { kind, epoch, reason: "reset", jitter: 0.9, delayMs: passMs } as HealthEvent;
        const next = step(health, event, nowMs);
        assert.ok(next.epoch === health.epoch || next.epoch === health.epoch + 1);
        assert.ok(next.epoch !== health.epoch || next.state === health.state);
        health = next;
        if (health.state === "ejected") assert.ok(health.nextTryMs - health.sinceMs <= 30_000);
      }
      if (health.state === "probing") return;
      const change = nextChangeMs(health, nowMs);
      if (change === Infinity) assert.ok(isUsable(health, nowMs));
      else assert.ok(change <= nowMs + 300_000);
    }),
  );
});
