import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../core/random.ts";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { createHealthChecks, type HealthCheck, reportHealth } from "./health-check.ts";
import { cpuCheck, eventLoopCheck, memoryCheck, queueFillCheck, storeCheck } from "./health-check-kinds.ts";
import { createRegistry } from "./registry.ts";

const { signal } = new AbortController();

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

test("a process is unknown, then as its first round says, and another only after several in a row", async () => {
  const clock = new ManualClock();
  let wrong: string | undefined;
  const checks = createHealthChecks([{ name: "disk", check: () => wrong }], { clock, fall: 2, rise: 3 });
  const rounds = async (values: readonly (string | undefined)[]): Promise<string[]> => {
    const states: string[] = [];
    for (const value of values) {
      wrong = value;
      states.push((await checks.check(signal)).state);
    }
    return states;
  };
  assert.equal(checks.health.state, "unknown");
  const states = await rounds([undefined, "full", undefined, "full", "full"]);
  assert.equal(states.join(), "healthy,healthy,healthy,healthy,unhealthy");
  assert.deepEqual(checks.health, { state: "unhealthy", reason: "disk: full" });
  const later = await rounds([undefined, undefined, "full", undefined, undefined, undefined]);
  assert.equal(later.join(), "unhealthy,unhealthy,unhealthy,unhealthy,unhealthy,healthy");
  const other = createHealthChecks([{ name: "disk", check: () => "full" }], { clock });
  assert.equal((await other.check(signal)).state, "unhealthy", "the first round counts at once");
  assert.equal(clock.pending, 0);
});

test("a check that throws or takes too long is wrong, all are asked, and all that is wrong is told", async () => {
  const clock = new ManualClock();
  let heard = false;
  const hanging: HealthCheck = {
    name: "slow",
    check: (its) =>
      new Promise(() => {
        its.addEventListener("abort", () => void (heard = true));
      }),
  };
  const throwing: HealthCheck = {
    name: "broken",
    check: () => {
      throw new Error("no such file");
    },
  };
  const checks = createHealthChecks([hanging, throwing, { name: "good", check: () => undefined }], {
    clock,
    timeoutMs: 1_000,
  });
  const round = checks.check(signal);
  await settle();
  clock.advance(1_000);
  assert.deepEqual(await round, {
    state: "unhealthy",
    reason: "slow: it took longer than 1000 ms; broken: no such file",
  });
  assert.ok(heard);
});

test("cpu: what the process took since the last round, of all that it may take", async () => {
  const clock = new ManualClock();
  let usedMs = 0;
  const check = cpuCheck({ clock, max: 0.9, usedMs: () => usedMs, cores: 2 });
  clock.advance(1_000);
  usedMs += 1_700;
  assert.equal(await check.check(signal), undefined);
  clock.advance(1_000);
  usedMs += 1_900;
  assert.equal(await check.check(signal), "95 % of 2 cores, above 90 %");
  assert.equal(await check.check(signal), undefined, "no time has passed");
});

test("memory, event loop and queues: above what they may be", async () => {
  const memory = memoryCheck({ max: 0.8, usedBytes: () => 850, limitBytes: 1_000 });
  assert.equal(await memory.check(signal), "85 % of 1000B, above 80 %");
  assert.equal(await memoryCheck({ usedBytes: () => 850, limitBytes: 1_000 }).check(signal), undefined);
  assert.equal(await eventLoopCheck({ maxMs: 100, delayMs: () => 250.4 }).check(signal), "250 ms late, above 100 ms");
  assert.equal(await eventLoopCheck({ maxMs: 100, delayMs: () => 99 }).check(signal), undefined);
  const fills = [
    { name: "a", share: 0.95 },
    { name: "b", share: 1 },
    { name: "c", share: 0.2 },
  ];
  assert.equal(await queueFillCheck(() => fills).check(signal), "b and 1 more: 100 % full, above 90 %");
  assert.equal(await queueFillCheck(async () => fills, { max: 1 }).check(signal), undefined);
});

test("this process has a CPU, memory and an event loop that can be looked at", async () => {
  using loop = eventLoopCheck({ maxMs: Number.POSITIVE_INFINITY });
  const clock = new ManualClock();
  const checks = [cpuCheck({ clock, max: Number.POSITIVE_INFINITY }), memoryCheck({ max: 1 }), loop];
  assert.deepEqual(await createHealthChecks(checks, { clock }).check(signal), { state: "healthy" });
});

test("store: one that does not answer, or late, is not well", async () => {
  const store = new FakeStore();
  assert.equal(await storeCheck(store).check(signal), undefined);
  assert.equal(await storeCheck(store, { maxMs: 0.5 }).check(signal), "answers after 1 ms, above 0.5 ms");
  store.setAway("STORE_UNREACHABLE");
  const health = await createHealthChecks([storeCheck(store)], { clock: new ManualClock() }).check(signal);
  assert.deepEqual(health, { state: "unhealthy", reason: "store: the test has cut it off" });
});

test("rounds are told to the registry until they are stopped", async () => {
  const store = new FakeStore();
  const clock = new ManualClock();
  const registry = createRegistry({ store, prefix: "/t", clock, random: seededRandom(1) });
  const info = { id: "a", name: "n", address: "x:1", region: "eu", capacity: 1, version: "1", metadata: {} };
  await using member = await registry.register(info, { signal });
  let wrong: string | undefined;
  const checks = createHealthChecks([{ name: "disk", check: () => wrong }], { clock });
  const stop = new AbortController();
  const reporting = reportHealth(member, checks, { clock, signal: stop.signal, intervalMs: 10_000 });
  await settle();
  assert.equal((await registry.get("a", { signal }))?.health.state, "healthy");
  wrong = "full";
  for (let i = 0; i < 2; i++) {
    clock.advance(10_000);
    await settle();
  }
  assert.deepEqual((await registry.get("a", { signal }))?.health, { state: "unhealthy", reason: "disk: full" });
  stop.abort();
  await reporting;
});
