import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { senderHeaders } from "../../plan/sender-headers.ts";
import { PoolRig, targetPlan, ends } from "../../../test/delivery/pool-rig.ts";
import {
  divideShares,
  fromStored,
  keepHistory,
  NEVER_MS,
  newRecord,
  type QueueRecord,
  type Share,
  type StoredRecord,
  toStored,
} from "./record.ts";

const aShare = fc
  .tuple(fc.string(), fc.string(), fc.integer({ min: 1, max: 1_000 }), fc.boolean())
  .map(([rule, pool, points, copied]): Share => ({ rule, pool, points, copied }));
const times = fc.integer({ min: 0, max: 10_000_000 });
const aRecord = fc
  .record({
    id: fc.integer({ min: 2, max: Number.MAX_SAFE_INTEGER }),
    copyOf: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    shares: fc.array(aShare, { maxLength: 4 }),
    headers: fc.array(fc.tuple(fc.string(), fc.string()), { maxLength: 3 }),
    ack: fc.constantFrom("delivered" as const, "queued" as const),
    enqueuedMs: times,
    waitMs: times,
    notBeforeMs: fc.constantFrom(0, 9_000),
    keys: fc.array(fc.string(), { maxLength: 3 }),
    retries: fc.nat(9),
    encoding: fc.constantFrom("protobuf" as const, "gzip" as const, "zstd" as const),
  })
  .map(
    ({ id, copyOf, shares, headers, ack, enqueuedMs, waitMs, notBeforeMs, keys, retries, encoding }): QueueRecord => {
      const points = shares.reduce((sum, share) => sum + share.points, 0);
      const expiresMs = ack === "delivered" ? enqueuedMs + waitMs : NEVER_MS;
      const from = { signal: "metrics", region: "eu", headers: senderHeaders(headers) } as const;
      const sizes = { bytes: 9, items: 2, points, shares, encoding };
      const record = newRecord(id, copyOf, { ...from, ...sizes, ack, enqueuedMs, expiresMs });
      const [avoid = "", ...unreachable] = keys;
      const history = { partition: "all", notBeforeMs, attempts: retries, retries, target: avoid, avoid, unreachable };
      keepHistory({ ...record, ...history, unwilling: keys, pools: keys }, record);
      return record;
    },
  );

test("JSON gives a record back as it was written, and it may end as that", () => {
  fc.assert(
    fc.property(aRecord, (record) => {
      const read: QueueRecord = JSON.parse(JSON.stringify(record));
      assert.deepEqual(read, record);
      const [first, rest] = divideShares(read.shares, Math.floor(read.points / 2));
      const sum = [...first, ...rest].reduce((all, share) => all + share.points, 0);
      assert.equal(sum, record.points);
    }),
  );
});

/** The clocks of a process that began when the wall clock showed `bootMs`. */
function process(bootMs: number, nowMs: number): { nowMs: () => number; wallMs: () => number } {
  return { nowMs: () => nowMs, wallMs: () => bootMs + nowMs };
}

test("over a restart a record is as old as the wall clock says, and waits for the same time", () => {
  fc.assert(
    fc.property(aRecord, times, times, (record, downMs, laterMs) => {
      const writtenMs = record.enqueuedMs + 5;
      const before = process(1_750_000_000_000, writtenMs);
      const stored: StoredRecord = JSON.parse(JSON.stringify(toStored(record, before)));
      const after = process(before.wallMs() + downMs, laterMs);
      const read = fromStored(stored, after);
      assert.equal(after.nowMs() - read.enqueuedMs, 5 + downMs + laterMs);
      assert.equal(read.expiresMs === NEVER_MS, record.expiresMs === NEVER_MS);
      if (record.expiresMs !== NEVER_MS) {
        assert.equal(read.expiresMs - read.enqueuedMs, record.expiresMs - record.enqueuedMs);
      }
      const same = { enqueuedMs: 0, expiresMs: 0, notBeforeMs: 0 };
      assert.deepEqual({ ...read, ...same }, { ...record, ...same });
    }),
  );
});

test("what the wall clock puts into the future, as it was set back since, has come just now", () => {
  const record = newRecord(2, 0, {
    signal: "traces",
    region: "",
    headers: senderHeaders([]),
    ack: "queued",
    bytes: 1,
    items: 1,
    points: 1,
    shares: [],
    enqueuedMs: 500,
    expiresMs: NEVER_MS,
  });
  const stored = toStored(record, process(1_750_000_000_000, 600));
  assert.equal(fromStored(stored, process(1_740_000_000_000, 70)).enqueuedMs, 70);
});

test("a step of the wall clock ends nothing that waits, and keeps nothing", () => {
  for (const stepMs of [-86_400_000, 86_400_000]) {
    const queue = { maxBytes: 10_000, maxAgeMs: 1_000 };
    const rig = new PoolRig([targetPlan("a", { maxInFlight: 1 })], { queue });
    rig.offer();
    const offered = [...rig.offer(), ...rig.offer(1, { deadlineMs: 900 })];
    rig.clock.stepWall(stepMs);
    rig.pass(899);
    assert.equal(ends(offered), "- -");
    rig.pass(1);
    assert.equal(ends(offered), "- deadline");
    rig.clock.stepWall(stepMs);
    rig.pass(99);
    assert.equal(ends(offered), "- deadline");
    rig.pass(1);
    assert.equal(ends(offered), "deadline deadline");
  }
});
