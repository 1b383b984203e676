import assert from "node:assert/strict";
import test from "node:test";
import { SamplingGuard } from "./sampling-guard.ts";

interface Load {
  readonly perSecond: number;
  readonly protectedPerSecond?: number;
  readonly ms: number;
}

/** Requests of 10 ms, at the rate of 0.1 or the guard's; what is kept in each. */
function run(guard: SamplingGuard, loads: readonly Load[]): number[] {
  const kept: number[] = [];
  let nowMs = 0;
  for (const { perSecond, protectedPerSecond = 0, ms } of loads) {
    for (const endMs = nowMs + ms; nowMs < endMs; nowMs += 10) {
      const unprotected = (perSecond / 100) * Math.min(0.1, guard.rateAt(nowMs));
      guard.kept(unprotected, protectedPerSecond / 100);
      kept.push(unprotected + protectedPerSecond / 100);
    }
  }
  return kept;
}

function worstSecond(kept: readonly number[]): number {
  let worst = 0;
  for (let i = 0; i + 100 <= kept.length; i++) worst = Math.max(worst, sumOf(kept.slice(i, i + 100)));
  return worst;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0);
}

function guardOf(keptPerSecond: number): SamplingGuard {
  const guard = new SamplingGuard();
  guard.setBound({ keptPerSecond, highestRate: 0.1 });
  return guard;
}

test("guard: what is within the bound is left alone", () => {
  const guard = guardOf(2_000);
  assert.equal(Math.round(sumOf(run(guard, [{ perSecond: 15_000, ms: 3_000 }]))), 4_500);
  assert.equal(guard.isGuarding, false);
});

for (const { times, most } of [
  { times: 5, most: 1.1 },
  { times: 50, most: 1.6 },
]) {
  test(`guard: ${times} times as much keeps no more than the bound over any second, and as much as that after`, () => {
    const guard = guardOf(2_000);
    const kept = run(guard, [
      { perSecond: 10_000, ms: 2_000 },
      { perSecond: 10_000 * times, ms: 6_000 },
    ]);
    assert.ok(worstSecond(kept) <= 2_000 * most, `${worstSecond(kept)}`);
    const last = sumOf(kept.slice(-300)) / 3;
    assert.ok(Math.abs(last / 2_000 - 1) < 0.1, `${last}`);
    assert.equal(guard.isGuarding, true);
  });
}

test("guard: it lets go once less comes", () => {
  const guard = guardOf(2_000);
  const kept = run(guard, [
    { perSecond: 100_000, ms: 3_000 },
    { perSecond: 10_000, ms: 3_000 },
  ]);
  assert.equal(guard.isGuarding, false);
  assert.equal(Math.round(sumOf(kept.slice(-100))), 1_000);
});

test("guard: what is protected is charged first, and some of the rest is kept all the same", () => {
  const guard = guardOf(2_000);
  const kept = run(guard, [{ perSecond: 50_000, protectedPerSecond: 1_500, ms: 6_000 }]);
  assert.ok(Math.abs(sumOf(kept.slice(-100)) / 2_000 - 1) < 0.1, `${sumOf(kept.slice(-100))}`);
  const over = run(guardOf(2_000), [{ perSecond: 50_000, protectedPerSecond: 3_000, ms: 6_000 }]);
  const rest = sumOf(over.slice(-100)) - 3_000;
  assert.ok(rest > 10 && rest < 200, `${rest}`);
});
