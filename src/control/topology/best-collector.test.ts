import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../core/random.ts";
import { availableShare, bestCollector, type CollectorCandidate, type SelectionCriteria } from "./best-collector.ts";

const DRAWS = 20_000;

function collector(
  id: string,
  more: Partial<CollectorCandidate> & { utilization?: number; latency?: number } = {},
): CollectorCandidate {
  const { utilization = 0.5, latency = 10, ...rest } = more;
  const { capacity = 1_000 } = rest;
  const load = { items_per_second: capacity * utilization, utilization, latency_ms: latency };
  return { id, region: "eu", isHealthy: true, capacity, load, ...rest };
}

function shares(candidates: readonly CollectorCandidate[], criteria?: SelectionCriteria): Map<string, number> {
  const random = seededRandom(11);
  const counts = new Map(candidates.map(({ id }) => [id, 0]));
  for (let i = 0; i < DRAWS; i++) {
    const best = bestCollector(candidates, { random, ...(criteria !== undefined && { criteria }) });
    const { id = "" } = best?.collector ?? {};
    counts.set(id, (counts.get(id) ?? 0) + 1 / DRAWS);
  }
  return counts;
}

/** Four standard deviations of a share of so many draws. */
function near(share: number): number {
  return 4 * Math.sqrt((share * (1 - share)) / DRAWS) + 1e-9;
}

test("best collector: of equal load, shares of choices follow capacity", () => {
  const capacities = [100, 200, 300, 400, 1_000];
  const got = shares(capacities.map((capacity, i) => collector(`c${i}`, { capacity })));
  for (const [i, capacity] of capacities.entries()) {
    const want = capacity / 2_000;
    assert.ok(Math.abs(got.get(`c${i}`)! - want) <= near(want), `c${i}: ${got.get(`c${i}`)}, not ${want}`);
  }
});

test("best collector: whatever is reported, none gets more than twice its share of what is left: no herd", () => {
  const random = seededRandom(23);
  for (let round = 0; round < 25; round++) {
    const candidates = Array.from({ length: 2 + Math.floor(random.next() * 12) }, (_, i) =>
      collector(`c${i}`, {
        capacity: random.next() < 0.2 ? 0 : 10 ** (1 + 3 * random.next()),
        utilization: random.next() < 0.3 ? 0 : random.next(),
        latency: random.next() < 0.2 ? 0 : 10 ** (3 * random.next()),
      }),
    );
    const known = candidates.filter(({ capacity }) => capacity > 0);
    const mean = known.length === 0 ? 1 : known.reduce((sum, one) => sum + one.capacity, 0) / known.length;
    const left = candidates.map((one) => (one.capacity || mean) * availableShare(one));
    const sum = left.reduce((all, one) => all + one, 0);
    const got = shares(candidates, { load: random.next(), latency: random.next(), capacity: random.next() });
    for (const [i, { id }] of candidates.entries()) {
      const most = Math.min(1, (2 * left[i]!) / sum);
      assert.ok(got.get(id)! <= most + near(most), `${id}: ${got.get(id)} of at most ${most}`);
    }
  }
});

test("best collector: of two alike the one with less load, or less latency, gets more, but not all", () => {
  const pairs = [
    { a: collector("a", { utilization: 0.2 }), b: collector("b", { utilization: 0.8 }) },
    { a: collector("a", { latency: 5 }), b: collector("b", { latency: 50 }) },
  ];
  for (const { a, b } of pairs) {
    const share = shares([a, b]).get("a")!;
    assert.ok(share > 0.55 && share < 0.95, String(share));
  }
});

test("best collector: criteria say what counts", () => {
  const fast = collector("fast", { latency: 1, utilization: 0.5 });
  const idle = collector("idle", { latency: 100, utilization: 0.5, capacity: 1_000 });
  const byLatency = shares([fast, idle], { load: 0, latency: 1, capacity: 0 }).get("fast")!;
  const byLoad = shares([fast, idle], { load: 1, latency: 0, capacity: 0 }).get("fast")!;
  assert.ok(byLatency > 0.7);
  assert.ok(Math.abs(byLoad - 0.5) <= near(0.5));
});

test("best collector: the unhealthy, those without anything left, and other regions are never chosen", () => {
  const random = seededRandom(1);
  const candidates = [
    collector("sick", { isHealthy: false }),
    collector("full", { utilization: 1 }),
    collector("far", { region: "us" }),
    collector("good", { utilization: 0.99 }),
  ];
  for (let i = 0; i < 100; i++) {
    assert.equal(bestCollector(candidates, { random, region: "eu" })?.collector.id, "good");
  }
  assert.equal(bestCollector(candidates, { random, region: "asia" }), undefined);
  assert.equal(bestCollector([], { random }), undefined);
});

test("best collector: the score tells its parts", () => {
  const one = collector("a", { utilization: 0.25, latency: 20, capacity: 1_000 });
  const slow = collector("b", { utilization: 1, latency: 5 });
  const best = bestCollector([one, slow], { random: seededRandom(1), criteria: { load: 2, latency: 1, capacity: 1 } });
  assert.deepEqual(best, { collector: one, score: 0.8125, parts: { load: 0.75, latency: 1, capacity: 0.75 } });
  const unknown = collector("c", { capacity: 0, utilization: 0.4, latency: 0 });
  const parts = bestCollector([unknown], { random: seededRandom(1) })?.parts;
  assert.deepEqual(parts, { load: 0.6, latency: 1, capacity: 0.6 });
});

test("best collector: among more than fit on a stack", () => {
  const many = Array.from({ length: 200_000 }, (_, i) => collector(`c${i}`));
  assert.ok(bestCollector(many, { random: seededRandom(3) }) !== undefined);
});
