import assert from "node:assert/strict";
import { test } from "node:test";
import { PoolRig } from "./pool-rig.ts";

const HASHES = Array.from({ length: 2_000 }, (_, i) => Math.imul(i, 2_654_435_761) >>> 0);

/** One of several processes that have the same pool. */
function keyedRig(ids: readonly string[]): PoolRig {
  return new PoolRig(ids, {
    strategy: { type: "consistent_hash", key: { from: "trace_id" } },
    division: { kind: "key", key: { from: "trace_id" } },
    batch: { maxItems: 1, maxBytes: 10_000, maxWaitMs: 0 },
  });
}

function ownersIn({ pool }: PoolRig, ids: readonly string[]): string {
  pool.refresh();
  return HASHES.map((hash) => ids[pool.ownerOf(hash, "traces")]).join("");
}

/** Each learns what the other has. */
function exchange(one: PoolRig, other: PoolRig): void {
  for (let round = 0; round < 2; round++) {
    other.pool.learnKeyLoad(one.pool.keyLoad() ?? []);
    one.pool.learnKeyLoad(other.pool.keyLoad() ?? []);
  }
}

test("keys in several processes: a trace has the same owner in all, in whatever order their targets are", () => {
  const [one, other] = [keyedRig(["a", "b", "c"]), keyedRig(["c", "a", "b"])];
  assert.equal(ownersIn(one, ["a", "b", "c"]), ownersIn(other, ["c", "a", "b"]));
});

test("keys in several processes: what a saturated target hands on is the same in all, also where nothing waits", () => {
  const ids = ["a", "b", "c"];
  const [busy, idle] = [keyedRig(ids), keyedRig(ids)];
  const usual = ownersIn(idle, ids);
  busy.offer(12); // all for the first target, whose window takes 4
  assert.notEqual(ownersIn(busy, ids), usual);
  assert.equal(ownersIn(idle, ids), usual);
  exchange(busy, idle);
  assert.notEqual(ownersIn(idle, ids), usual);
  assert.equal(ownersIn(busy, ids), ownersIn(idle, ids));
  busy.answerAll();
  exchange(busy, idle);
  assert.deepEqual([busy.pool.keyLoad(), idle.pool.keyLoad()], [undefined, undefined], "nobody has to know any more");
  assert.deepEqual([ownersIn(busy, ids), ownersIn(idle, ids)], [usual, usual]);
});

test("keys in several processes: what is held elsewhere counts for what is a fair part", () => {
  const ids = ["a", "b"];
  const [busy, other] = [keyedRig(ids), keyedRig(ids)];
  const usual = ownersIn(other, ids);
  busy.offer(12);
  assert.notEqual(ownersIn(busy, ids), usual);
  busy.pool.learnKeyLoad([{ lane: "owner b", bytes: 1_200, saturated: false }]);
  assert.equal(ownersIn(busy, ids), usual, "the other target has as much");
  busy.answerAll();
});

test("keys in several processes: what the others have stays known when the targets are others", () => {
  const ids = ["a", "b", "c"];
  const rig = keyedRig(ids);
  const usual = ownersIn(rig, ids);
  rig.pool.learnKeyLoad([{ lane: "owner a", bytes: 5_000, saturated: true }]);
  const handedOn = ownersIn(rig, ids);
  assert.notEqual(handedOn, usual);
  rig.update({}, ["b", "a", "c"]);
  assert.equal(ownersIn(rig, ["b", "a", "c"]), handedOn);
});
