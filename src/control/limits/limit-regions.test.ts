import assert from "node:assert/strict";
import test from "node:test";
import type { LimitsAsk } from "../../plan/limits/limit-ask.ts";
import type { LimitsData } from "../../plan/limits/limits-plan.ts";
import { LimitHolder } from "./limit-holder.ts";
import { LimitHolders } from "./limit-holders.ts";
import { LimitAllocator } from "./limit-allocator.ts";
import { LimitAllocators } from "./limit-allocators.ts";
import { LimitRegion } from "./limit-region.ts";
import { LimitRegions } from "./limit-regions.ts";
import { LimitsAskSchema } from "./limit-report.ts";

const LIMITS: LimitsData = {
  total: { perSecond: 100_000, burst: 100_000 },
  key: { from: "service" },
  perKey: 100,
  keys: [],
  mixed: "refuse",
};
const EPOCH = { generation: 1, revision: 1n };
const OPTIONS = { epoch: EPOCH, sinceMs: 0, isFirst: true };
const NOTHING = { to: "1.1", weight: 1, lease: undefined, safe: undefined };

function askOf(round: number): LimitsAsk {
  const keys = Array.from({ length: 200 }, (_, i) => ({ key: `${round}-${i}`, wanted: 50, ...NOTHING }));
  return { total: { wanted: 10_000, ...NOTHING }, keys };
}

test("limits of a region: however fast other keys are hot, the leader is asked for no more than it takes", () => {
  const [leader, region] = [new LimitAllocators({ ...OPTIONS, mostKeys: 4_000 }), new LimitRegions(OPTIONS)];
  leader.setLimits(LIMITS);
  region.setLimits(LIMITS);
  for (let nowMs = 0; nowMs <= 16_000; nowMs += 1_000) {
    // The region has its parts, and lends them on: nobody gives one back before its end.
    for (const _ of [1, 2, 3]) {
      region.lend("n1", askOf(nowMs / 1_000), nowMs);
      const ask = region.ask(nowMs);
      assert.equal(LimitsAskSchema.safeParse(ask).error, undefined);
      region.answered(leader.lend("west", ask, nowMs), nowMs, nowMs);
    }
    const granted = region.lend("n1", askOf(nowMs / 1_000), nowMs);
    // Those that came first, and those that waited once the parts of these are over.
    const isGranted = granted.keys.some(({ lease }) => lease !== undefined && lease.amount > 0);
    if (nowMs === 0 || nowMs === 16_000) assert.ok(isGranted);
  }
});

test("limits of a region: for a key that becomes hot it asks the leader that it knows", () => {
  const [leader, region] = [new LimitAllocators(OPTIONS), new LimitRegions(OPTIONS)];
  leader.setLimits(LIMITS);
  region.setLimits(LIMITS);
  region.answered(leader.lend("west", region.ask(0), 0), 0, 0);
  region.lend("n1", askOf(0), 1_000);
  const { total, keys } = region.ask(1_000);
  assert.deepEqual([total.to, new Set(keys.map(({ to }) => to))], ["1.1", new Set(["1.1"])]);
});

test("limits of a region: what it has lent on to those who are silent it keeps, and gives all the rest back at once", () => {
  const [leader, region] = [new LimitAllocators(OPTIONS), new LimitRegions(OPTIONS)];
  leader.setLimits(LIMITS);
  const [busy, other] = [new LimitHolders("1.1"), new LimitHolders("1.1")];
  const idle = Array.from({ length: 10 }, () => new LimitHolders("1.1"));
  const used = { granted: 0, offered: 0, used: 0, shed: 0 };
  const usage = (wanted: number) => ({ total: { ...used, limit: 100_000, burst: 1, wanted }, keys: [], keyCount: 0 });
  const report = (id: string, holders: LimitHolders, wanted: number, nowMs: number): void =>
    holders.answered(region.lend(id, holders.ask(usage(wanted), nowMs), nowMs), nowMs);
  const askLeader = (nowMs: number): void =>
    region.answered(leader.lend("west", region.ask(nowMs), nowMs), nowMs, nowMs);
  for (const nowMs of [0, 1_000, 2_000]) {
    askLeader(nowMs);
    for (const [i, one] of idle.entries()) report(`idle ${i}`, one, 0, nowMs);
    report("busy", busy, 200_000, nowMs);
  }
  const elsewhere = (nowMs: number): number => {
    other.answered(leader.lend("east", other.ask(usage(200_000), nowMs), nowMs), nowMs);
    return other.shares(LIMITS.total, nowMs).total[0]?.perSecond ?? 0;
  };
  assert.ok(elsewhere(3_000) < 4_000, "it is all in the west");
  assert.equal(region.hasNews(3_000), false);
  // From here on the idle ones are silent, and have their little parts.
  report("busy", busy, 0, 3_100);
  assert.equal(region.hasNews(3_100), true, "much less is wanted");
  let asks = 0;
  for (let nowMs = 3_200; nowMs < 3_700; nowMs += 100) {
    report("busy", busy, 0, nowMs);
    if (!region.hasNews(nowMs)) continue;
    askLeader(nowMs);
    asks++;
  }
  const moved = elsewhere(3_700);
  assert.ok(moved > 0.96 * LIMITS.total.perSecond, String(moved));
  assert.ok(asks <= 5, String(asks));
  assert.equal(region.hasNews(3_700), false, "all is told");
  const left = idle.reduce((sum, one) => sum + (one.shares(LIMITS.total, 3_700).total[0]?.perSecond ?? 0), 0);
  assert.ok(left > 0 && moved + left <= LIMITS.total.perSecond, String(left));
});

test("limits of a region: what it asked for since it has not come back is not lent on again", () => {
  const region = new LimitRegion(OPTIONS);
  let seq = 0;
  /** It is granted so much, or what it asks for since it has lent that on. */
  const grant = (fair: number, nowMs: number): number => {
    const { lent = 0 } = region.ask(nowMs);
    const lease = { amount: Math.max(fair, lent), validForMs: 15_000, seq: ++seq };
    // Validity counts from a little before the ask was put together.
    region.answered({ epoch: "1.1", lease }, nowMs - 0.01, nowMs);
    return lent;
  };
  const [busy, other] = [new LimitHolder("1.1"), new LimitHolder("1.1")];
  const report = (id: string, holder: LimitHolder, wanted: number, nowMs: number): number => {
    region.settle(nowMs);
    holder.answered(region.allocator.ask(id, holder.ask(wanted, nowMs), nowMs), nowMs);
    return holder.leased(nowMs)?.amount ?? 0;
  };
  grant(100, 0);
  report("busy", busy, 60, 10);
  report("other", other, 40, 10);
  report("other", other, 40, 400);
  assert.equal(grant(10, 1_000), 0);
  for (const nowMs of [1_100, 1_200]) report("other", other, 0, nowMs);
  const lent = grant(10, 1_300);
  assert.ok(lent >= 60 && lent < 95, String(lent)); // busy has it, and is silent
  const left = report("busy", busy, 60, 2_000);
  assert.ok(left <= 10, String(left));
});

test("limits of a region: who wanted parts of an item and is gone leaves an ask that the leader takes", () => {
  const region = new LimitRegions(OPTIONS);
  region.setLimits(LIMITS);
  const lend = (id: string, wanted: number): unknown => region.lend(id, { total: { ...NOTHING, wanted }, keys: [] }, 1);
  region.ask(0);
  lend("n1", 0.7);
  lend("n2", 0.1);
  region.leave("n1", 2);
  region.leave("n2", 2);
  const ask = region.ask(3);
  assert.equal(LimitsAskSchema.safeParse(ask).error, undefined, String(ask.total.wanted));
});

test("limits: of what is hot no more nothing is granted to who still wants it, so that others have its place", () => {
  const allocators = new LimitAllocators({ ...OPTIONS, mostKeys: 1 });
  allocators.setLimits(LIMITS);
  const holders = new LimitHolders("1.1");
  const leased = (nowMs: number): string[] => {
    const hot = nowMs < 3_000 ? "a" : nowMs < 21_000 ? "b" : "c";
    const used = { granted: 0, offered: 0, used: 0, shed: 0 };
    const keys = ["a", "b", "c"].map((key) => ({ ...used, key, limit: 100, wanted: key === hot ? 90 : 60 }));
    const usage = { total: { ...used, limit: 100_000, burst: 1, wanted: 150 }, keys, keyCount: 3 };
    holders.answered(allocators.lend("n1", holders.ask(usage, nowMs), nowMs), nowMs);
    return [...holders.shares(LIMITS.total, nowMs).keys.keys()];
  };
  const seen = Array.from({ length: 25 }, (_, second) => leased(1_000 * second));
  assert.deepEqual([seen[2], seen[16], seen[20], seen[24]], [["a"], ["a", "b"], ["b"], ["b", "c"]]);
});

/** Of a leader that has 100 items a second. */
function askers(allocator = new LimitAllocator(OPTIONS)): (id: string, wanted: number, nowMs: number) => number {
  allocator.setLease(100);
  const holders = new Map<string, LimitHolder>();
  return (id, wanted, nowMs) => {
    const holder = holders.get(id) ?? new LimitHolder("1.1");
    holders.set(id, holder);
    holder.answered(allocator.ask(id, holder.ask(wanted, nowMs), nowMs), nowMs);
    return holder.leased(nowMs)?.amount ?? 0;
  };
}

test("limits: who wants much less has that alone with its next answer, and some of the rest with the one after", () => {
  const ask = askers();
  assert.equal(ask("n1", 80, 0), 90);
  assert.equal(ask("n1", 20, 1_000), 20);
  assert.equal(ask("n1", 20, 2_000), 60);
});

test("limits: what one of a few wants now counts for the next who asks, be it in the same moment", () => {
  const ask = askers();
  assert.equal(ask("n1", 200, 0), 100);
  assert.equal(ask("n2", 200, 1_000), 0, "the first has all of it yet");
  assert.ok(ask("n1", 200, 1_001) <= 50);
  assert.ok(ask("n2", 0, 1_002) < 1);
  assert.ok(ask("n1", 200, 1_003) > 99, "nobody else wants any");
});

test("limits: what there is more of is had with the next answer", () => {
  const allocator = new LimitAllocator(OPTIONS);
  const ask = askers(allocator);
  assert.equal(ask("n1", 500, 0), 100);
  allocator.setLease(300);
  assert.equal(ask("n1", 500, 1), 300);
});
