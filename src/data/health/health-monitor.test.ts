import assert from "node:assert/strict";
import { test } from "node:test";
import { targetPlan, TEST_CONNECTION } from "../../../test/delivery/pool-rig.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { CheckPlan } from "../../plan/target-health.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import type { CheckOutcome } from "./check.ts";
import { initialHealth } from "./health.ts";
import { HealthMonitor } from "./health-monitor.ts";

const FAILED: CheckOutcome = { result: "failed", said: "no" };
const TIMED_OUT: CheckOutcome = { result: "timeout", said: "" };
const PASSED: CheckOutcome = { result: "passed", said: "" };

/** A target whose checks end when the test says how. */
function open(check: Partial<CheckPlan>) {
  const clock = new ManualClock();
  const ends: ((outcome: CheckOutcome) => void)[] = [];
  const connection = TEST_CONNECTION;
  const common = { type: "otlp", url: "", intervalMs: 10_000, timeoutMs: 5_000, fall: 3, rise: 2 } as const;
  const plan = targetPlan("t");
  const checked: CheckPlan = { ...common, path: "", service: "", connection, headers: {}, written: true, ...check };
  const monitored = {
    plan: { ...plan, health: { ...plan.health, check: checked } },
    stateEntered: () => undefined,
    healthChanged: () => undefined,
    checkHeard: () => undefined,
    takesNothing: false,
    signalsInDoubt: false,
  };
  const env = {
    clock,
    random: { next: () => 0.5 },
    metrics: createMetrics(),
    openCheck: () => ({
      run: (_timeoutMs: number, done: (outcome: CheckOutcome) => void) => {
        ends.push(done);
        return () => undefined;
      },
      [Symbol.asyncDispose]: async () => undefined,
    }),
  };
  const monitor = new HealthMonitor(monitored, initialHealth(0), env, true);
  return {
    monitor,
    clock,
    state: () => monitor.health().state,
    /** Waits until one is under way; gives what ends it. */
    begun: (): ((outcome: CheckOutcome) => void) => {
      while (ends.length === 0) clock.advance(100);
      return ends.shift()!;
    },
    fail: (times: number): void => {
      for (let i = 0; i < times; i++) monitor.failure(monitor.sent(), "reset");
    },
    succeed: (): void => {
      monitor.success(monitor.sent());
    },
  };
}

test("health: a check that began before calls brought the target back does not put it down", async () => {
  const { monitor, clock, state, begun, fail, succeed } = open({ fall: 1 });
  fail(5);
  assert.equal(state(), "ejected");
  const end = begun();
  clock.advance(30_000);
  assert.equal(state(), "probing");
  succeed();
  clock.advance(1);
  end(FAILED);
  assert.equal(state(), "ready");
  // The next one began later, and counts.
  begun()(FAILED);
  assert.equal(state(), "down");
  await monitor.close();
});

test("health: a check that nobody wrote does not count where a call has succeeded since it began", async () => {
  const { monitor, clock, state, begun, fail, succeed } = open({ fall: 1, written: false });
  fail(1); // in doubt: it is asked, although calls go on
  const end = begun();
  clock.advance(10);
  succeed();
  end(TIMED_OUT);
  assert.equal(state(), "ready");
  await monitor.close();
});

test("health: a check that was written counts, also beside calls that succeed", async () => {
  const { monitor, clock, state, begun, succeed } = open({ fall: 2 });
  for (const want of ["ready", "down"]) {
    const end = begun();
    clock.advance(10);
    succeed();
    end(FAILED);
    assert.equal(state(), want);
  }
  await monitor.close();
});

test("health: a check that passed is no reason for an early try where it began before calls took the target out", async () => {
  const { monitor, clock, state, begun, fail } = open({ fall: 3, rise: 1 });
  begun()(FAILED);
  const end = begun();
  clock.advance(10);
  fail(5);
  clock.advance(10);
  end(PASSED);
  assert.equal(state(), "ejected");
  begun()(PASSED);
  assert.equal(state(), "probing");
  await monitor.close();
});
