import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BalancedPool, chiSquare } from "../../../test/support/balance/balanced-pool.ts";
import { scoreOf } from "./load-latency.ts";

const WEIGHTS = { loadWeight: 0.7, latencyWeight: 0.3 };
const SMART = { type: "load_latency", ...WEIGHTS } as const;

function sent(pool: BalancedPool, index: number, calls: number): void {
  for (let i = 0; i < calls; i++) pool.targets[index]!.load.sent(1, 100, pool.nowMs);
  pool.targets[index]!.tell();
}

function scores(pool: BalancedPool): number[] {
  pool.state.refresh(pool.nowMs);
  const lowestMs = Math.min(...pool.targets.map(({ load }) => load.latencyMs(pool.nowMs)));
  return pool.targets.map((_, i) => scoreOf(pool.state, i, lowestMs, WEIGHTS));
}

test("load_latency: shares are by weight times the square of the score: chi-square", () => {
  const pool = new BalancedPool([1, 2, 1], SMART);
  for (let i = 0; i < 3; i++) pool.call(i, 10);
  pool.nowMs = 30;
  sent(pool, 1, 32);
  sent(pool, 2, 48);
  const want = scores(pool).map((score, i) => score ** 2 * [1, 2, 1][i]!);
  const counts = pool.counts(20_000);
  assert.ok(chiSquare(counts, want) < 13.82, `${counts.join()} for ${want.join()}`); // p = 0.001 at 2
  assert.ok(counts[0]! > 2 * counts[2]!);
});

test("load_latency: stale load does not herd: while nothing new is heard, nobody gets all", () => {
  const anyLoad = fc.array(fc.record({ calls: fc.nat(64), tookMs: fc.nat(300) }), { minLength: 2, maxLength: 30 });
  fc.assert(
    fc.property(anyLoad, (loads) => {
      const pool = new BalancedPool(
        loads.map(() => 1),
        SMART,
      );
      for (const [i, { calls, tookMs }] of loads.entries()) {
        pool.call(i, tookMs);
        sent(pool, i, calls);
      }
      const counts = pool.counts(400);
      const want = scores(pool).map((score) => score ** 2);
      const most = Math.max(...want) / want.reduce((a, b) => a + b, 0);
      // With chance's margin, nobody has more than its share, even among those that tell the picker
      // nothing.
      assert.ok(Math.max(...counts) / 400 <= most + 0.15, counts.join());
    }),
    { numRuns: 40, seed: 3 },
  );
});

test("load_latency: what a target reports of itself counts", () => {
  const pool = new BalancedPool([1, 1], SMART);
  for (let i = 0; i < 2; i++) pool.call(i, 10);
  pool.targets[0]!.load.report({ utilisation: 0.9 }, pool.nowMs);
  pool.targets[0]!.tell();
  const [a = 0, b = 0] = pool.counts(1_000);
  assert.ok(b > 3 * a, `${a} ${b}`);
});

test("load_latency: a target that fails fast gets less, also among many", () => {
  for (const size of [3, 60]) {
    const pool = new BalancedPool(Array<number>(size).fill(1), SMART);
    const counts = pool.targets.map(() => 0);
    for (let i = 0; i < 100 * size; i++) {
      const index = pool.take();
      counts[index]! += 1;
      pool.call(index, index === 0 ? 1 : 20, { kind: index === 0 ? "failed" : "answered" });
      pool.nowMs += 1;
    }
    const others = (100 * size - counts[0]!) / (size - 1);
    assert.ok(counts[0]! < 0.7 * others, `${counts[0]} of ${others}`);
  }
});

test("load_latency: only one of load and latency may count", () => {
  const pool = new BalancedPool([1, 1], { type: "load_latency", loadWeight: 0, latencyWeight: 1 });
  pool.call(0, 100);
  pool.call(1, 9);
  const [a = 0, b = 0] = pool.counts(1_000);
  assert.ok(b > 50 * a, `${a} ${b}`);
  const none = new BalancedPool([1, 1], { type: "load_latency", loadWeight: 0, latencyWeight: 0 });
  assert.ok(chiSquare(none.counts(1_000), [1, 1]) < 10.83);
});
