import assert from "node:assert/strict";
import test from "node:test";
import { hotKeys, type OfferedKey, PerHotKey } from "./hot-keys.ts";
import { LimitAllocator } from "./limit-allocator.ts";

function of(key: string, offered: number, limit = 100): OfferedKey {
  return { key, offered, limit };
}

test("hot keys: those nearest to their limits, so many at most", () => {
  const offered = [of("a", 50), of("b", 900, 10_000), of("c", 10, 12), of("d", 0)];
  assert.deepEqual([...hotKeys(offered, new Set(), 2)], ["c", "a"]);
  assert.deepEqual([...hotKeys(offered, new Set(), 9)], ["c", "a", "b"]);
});

test("hot keys: they do not change places for little", () => {
  const before = new Set(["a"]);
  assert.deepEqual([...hotKeys([of("a", 50), of("b", 60)], before, 1)], ["a"]);
  assert.deepEqual([...hotKeys([of("a", 50), of("b", 63)], before, 1)], ["b"]);
});

test("hot keys: what is hot no more is known until nobody may have any of it", () => {
  const epoch = { generation: 1, revision: 1n };
  const allocators = new PerHotKey(
    () => {
      const allocator = new LimitAllocator({ epoch, sinceMs: 0, leaseMs: 15_000, isFirst: true });
      allocator.setLease(100);
      return allocator;
    },
    (allocator, nowMs) => allocator.outstanding(nowMs).lease === 0,
  );
  allocators.setOffered([of("a", 90)], 0, 1);
  const ask = { to: "1.1", wanted: 80, weight: 1, lease: undefined, safe: undefined };
  assert.ok(allocators.known("a")!.ask("n1", ask, 0).lease!.amount >= 80);
  allocators.setOffered([of("b", 90)], 1_000, 1);
  assert.deepEqual([allocators.size, [...allocators.hot]], [2, ["b"]]);
  // It is hot again before the lease is over: nobody is given what n1 may have.
  allocators.setOffered([of("a", 900)], 2_000, 1);
  const other = allocators.known("a")!.ask("n2", ask, 2_000).lease;
  assert.ok(other === undefined || other.amount <= 20);
  allocators.setOffered([of("b", 900)], 15_000, 1);
  allocators.setOffered([of("b", 900)], 17_001, 1);
  assert.equal(allocators.size, 1);
});
