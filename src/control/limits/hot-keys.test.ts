import assert from "node:assert/strict";
import test from "node:test";
import { hotKeys, type OfferedKey, PerHotKey } from "./hot-keys.ts";
import { LimitDesk } from "./limit-desk.ts";

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
  const desks = new PerHotKey(
    () => {
      const desk = new LimitDesk({ epoch, sinceMs: 0, leaseMs: 15_000, isFirst: true });
      desk.setLease(100);
      return desk;
    },
    (desk, nowMs) => desk.outstanding(nowMs).lease === 0,
  );
  desks.setOffered([of("a", 90)], 0, 1);
  const ask = { to: "1.1", wanted: 80, weight: 1, lease: undefined, safe: undefined };
  assert.ok(desks.known("a")!.ask("n1", ask, 0).lease!.amount >= 80);
  desks.setOffered([of("b", 90)], 1_000, 1);
  assert.deepEqual([desks.size, [...desks.hot]], [2, ["b"]]);
  // It is hot again before the lease is over: nobody is given what n1 may have.
  desks.setOffered([of("a", 900)], 2_000, 1);
  const other = desks.known("a")!.ask("n2", ask, 2_000).lease;
  assert.ok(other === undefined || other.amount <= 20);
  desks.setOffered([of("b", 900)], 15_000, 1);
  desks.setOffered([of("b", 900)], 17_001, 1);
  assert.equal(desks.size, 1);
});
