import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DEFAULT_HEALTH,
  type Health,
  initialHealth,
  isUsable,
  mayTry,
  nextChangeMs,
  shareOf,
  wantsProbe,
} from "./health.ts";
import { type HealthEvent, stepHealth } from "./step-health.ts";

const FEW = { sends: 1, failures: 1 };

function step(health: Health, event: HealthEvent, nowMs: number): Health {
  return stepHealth(health, event, nowMs, DEFAULT_HEALTH);
}

function verdict(health: Health, kind: "success" | "failure" | "neutral", nowMs: number): Health {
  const { epoch } = health;
  if (kind === "failure") return step(health, { kind, epoch, reason: "timeout", jitter: 0, recent: FEW }, nowMs);
  return step(health, kind === "neutral" ? { kind, epoch } : { kind, epoch, recent: FEW }, nowMs);
}

function fail(health: Health, times: number, nowMs: number): Health {
  let now = health;
  for (let i = 0; i < times; i++) now = verdict(now, "failure", nowMs);
  return now;
}

/** Rests are over: a probe goes out and comes back. */
function probe(health: Health, kind: "success" | "failure" | "neutral", nowMs: number): Health {
  const probing = step(health, { kind: "tick" }, nowMs);
  return verdict(step(probing, { kind: "sent" }, nowMs), kind, nowMs);
}

test("five failures in a row eject for 30 s, four and a success do not", () => {
  const four = fail(initialHealth(0), 4, 10);
  assert.equal(four.state, "ready");
  assert.equal(fail(verdict(four, "success", 10), 4, 10).state, "ready");
  const out = fail(four, 1, 10);
  assert.deepEqual([out.state, out.reason, out.sinceMs], ["ejected", "timeout", 10]);
  assert.equal(nextChangeMs(out, 10), 30_010);
});

test("below 80 % of at least 20 calls ejects, whether the last one failed or not", () => {
  const ready = initialHealth(0);
  const cases = [
    { sends: 19, failures: 19, out: false },
    { sends: 20, failures: 4, out: false },
    { sends: 20, failures: 5, out: true },
    { sends: 1_000, failures: 200, out: false },
    { sends: 1_000, failures: 201, out: true },
  ];
  for (const { out, ...recent } of cases) {
    const failed = step(ready, { kind: "failure", epoch: 0, reason: "reset", jitter: 0, recent }, 0);
    const succeeded = step(ready, { kind: "success", epoch: 0, recent }, 0);
    for (const { state, reason } of [failed, succeeded]) {
      assert.deepEqual([state, reason], out ? ["ejected", "success_rate"] : ["ready", "started"]);
    }
  }
});

test("an ejected target gets one probe when its rest is over, and success brings it back", () => {
  const out = fail(initialHealth(0), 5, 0);
  assert.equal(step(out, { kind: "tick" }, 29_999).state, "ejected");
  const probing = step(out, { kind: "tick" }, 30_000);
  assert.deepEqual([probing.state, wantsProbe(probing), isUsable(probing, 30_000)], ["probing", true, false]);
  const sent = step(probing, { kind: "sent" }, 30_000);
  assert.equal(wantsProbe(sent), false);
  const back = verdict(sent, "success", 30_005);
  assert.deepEqual([back.state, back.reason, isUsable(back, 30_005)], ["ready", "recovered", true]);
});

test("a probe that ends without a verdict may be sent again", () => {
  const probing = probe(fail(initialHealth(0), 5, 0), "neutral", 30_000);
  assert.equal(wantsProbe(probing), true);
});

test("each failed probe makes the rest 30 s longer, up to 300 s", () => {
  let health = fail(initialHealth(0), 5, 0);
  let nowMs = 0;
  const rests: number[] = [];
  for (let i = 0; i < 12; i++) {
    rests.push((nextChangeMs(health, nowMs) - nowMs) / 1_000);
    nowMs = nextChangeMs(health, nowMs);
    health = probe(health, "failure", nowMs);
  }
  assert.deepEqual(rests, [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]);
});

test("a rest is shortened by chance, by less than a fifth", () => {
  const four = fail(initialHealth(0), 4, 0);
  const event = { kind: "failure", epoch: four.epoch, reason: "connect", jitter: 0.5, recent: FEW } as const;
  assert.equal(nextChangeMs(step(four, event, 0), 0), 27_000);
});

test("every 30 s of being ready make good for one ejection", () => {
  const restAfter = (upMs: number): number => {
    const third = probe(probe(fail(initialHealth(0), 5, 0), "failure", 30_000), "failure", 100_000);
    const back = probe(third, "success", 200_000);
    const again = fail(back, 5, 200_000 + upMs);
    return (nextChangeMs(again, again.sinceMs) - again.sinceMs) / 1_000;
  };
  assert.deepEqual([0, 29_999, 30_000, 60_000, 90_000, 3_600_000].map(restAfter), [120, 120, 90, 60, 30, 30]);
});

test("who comes back gets a tenth of its weight, and all of it after 30 s; who starts has it at once", () => {
  const back = probe(fail(initialHealth(0), 5, 0), "success", 30_000);
  const shares = [0, 1_000, 3_000, 15_000, 29_999, 30_000, 90_000].map((ms) =>
    shareOf(back, 30_000 + ms, DEFAULT_HEALTH),
  );
  assert.deepEqual(shares, [0.1, 0.1, 0.1, 0.5, 29_999 / 30_000, 1, 1]);
  assert.equal(shareOf(initialHealth(0), 0, DEFAULT_HEALTH), 1);
  assert.equal(shareOf(back, 30_000, { ...DEFAULT_HEALTH, slowStartMs: 0 }), 1);
});

test("late outcomes of what was sent before an ejection change nothing", () => {
  const ready = initialHealth(0);
  const out = fail(ready, 5, 0);
  const late = { kind: "failure", epoch: ready.epoch, reason: "timeout", jitter: 0, recent: FEW } as const;
  assert.equal(step(out, late, 500), out);
  assert.equal(step(out, { kind: "success", epoch: ready.epoch, recent: FEW }, 500), out);
  const probing = step(out, { kind: "tick" }, 30_000);
  assert.equal(step(probing, late, 30_000), probing);
  const back = probe(out, "success", 30_000);
  assert.equal(step(back, late, 30_000), back);
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
  const probing = step(fail(initialHealth(0), 5, 0), { kind: "tick" }, 30_000);
  const back = step(probing, { kind: "throttled", epoch: probing.epoch, delayMs: 500 }, 30_000);
  assert.deepEqual([back.state, nextChangeMs(back, 30_000)], ["ready", 30_500]);
});

test("a success that a pool in panic got out of an ejected target brings it back; a failure waits", () => {
  const out = fail(initialHealth(0), 5, 0);
  assert.equal(mayTry(out, 0), true);
  assert.equal(verdict(out, "success", 100).state, "ready");
  const again = fail(out, 1, 100);
  assert.deepEqual([again.state, again.epoch, nextChangeMs(again, 100)], ["ejected", out.epoch, 350]);
  assert.deepEqual([mayTry(again, 349), mayTry(again, 350)], [false, true]);
});
