import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../core/random.ts";
import { backoffMs, RetryBudget } from "./retry-policy.ts";

const PLAN = { initialMs: 100, maxMs: 5_000, maxRetries: undefined, budget: 0.2 };

test("the backoff doubles up to its maximum, and chance takes anything between nothing and all of it", () => {
  const most = { next: () => 1 };
  const want = [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000];
  for (const [retries, ms] of want.entries()) assert.equal(backoffMs(retries, PLAN, most), ms);
  assert.equal(backoffMs(4_000, PLAN, most), 5_000);
  const random = seededRandom(1);
  const drawn = Array.from({ length: 1_000 }, () => backoffMs(0, PLAN, random));
  assert.ok(Math.min(...drawn) < 5 && Math.max(...drawn) > 95 && Math.max(...drawn) < 100);
});

test("the budget gives ten retries a second whatever else is sent, after a reserve of ten seconds", () => {
  const budget = new RetryBudget(0);
  for (let i = 0; i < 100; i++) assert.equal(budget.take(0), true);
  assert.equal(budget.take(0), false);
  assert.equal(budget.take(99), false);
  assert.equal(budget.take(100), true);
  let given = 0;
  for (let nowMs = 101; nowMs <= 2_100; nowMs++) if (budget.take(nowMs)) given++;
  assert.equal(given, 20);
});

test("the budget gives one retry for every five sends", () => {
  const budget = new RetryBudget(0);
  while (budget.take(0));
  for (let i = 0; i < 5; i++) budget.earn(0.2);
  assert.deepEqual([budget.take(0), budget.take(0)], [true, false]);
});

test("the budget saves no more than its reserve, however long nothing is tried again and however much is sent", () => {
  const budget = new RetryBudget(0);
  const takeAll = (nowMs: number): number => {
    let taken = 0;
    while (budget.take(nowMs)) taken++;
    return taken;
  };
  assert.equal(takeAll(3_600_000), 100);
  for (let i = 0; i < 1_000; i++) budget.earn(0.2);
  assert.equal(takeAll(3_600_000), 100);
  assert.equal(takeAll(7_200_000), 100);
});

test("the budgets of several processes give what one gives, however the part of each changes", () => {
  const budgets = [5, 4, 1].map((perSecond) => new RetryBudget(0, perSecond));
  const takeAll = (nowMs: number): number => {
    let taken = 0;
    for (const budget of budgets) while (budget.take(nowMs)) taken++;
    return taken;
  };
  assert.equal(takeAll(0), 100);
  assert.equal(takeAll(1_000), 10);
  for (const [i, perSecond] of [10, 0, 0].entries()) budgets[i]!.adopt(perSecond, 1_000);
  assert.equal(takeAll(3_000), 20);
  assert.equal(takeAll(3_600_000), 100);
  for (const [i, perSecond] of [0, 10, 0].entries()) budgets[i]!.adopt(perSecond, 3_600_000);
  budgets[2]!.earn(0.5);
  budgets[2]!.earn(0.5);
  assert.equal(takeAll(3_600_000), 1, "who has no part has what its own sends earn");
});

test("the budget tells how many retries a second were made, and were not", () => {
  const budget = new RetryBudget(0, 1);
  for (let i = 0; i < 14; i++) budget.take(0);
  assert.deepEqual(budget.takeUse(2_000), { used: 5, wanted: 2 });
  assert.deepEqual(budget.takeUse(3_000), { used: 0, wanted: 0 });
});
