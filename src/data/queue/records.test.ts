import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BytesOwner, OWN_MEMORY } from "../../core/arena/extent.ts";
import { countItems, generateMetrics, generateTraces } from "../../../test/support/generated.ts";
import { NO_HEADERS } from "../../plan/sender-headers.ts";
import { createLedger, type Ledger } from "../../telemetry/ledger.ts";
import { requestSplitter } from "./split-parcel.ts";
import { NO_LOSSES } from "./losses.ts";
import { type Parcel, type ParcelOutcome, viewsOf } from "./parcel.ts";
import type { QueueRecord } from "./record.ts";
import { type Receipt, Records } from "./records.ts";

const DELIVERED: ParcelOutcome = { kind: "delivered", rejected: 0, message: "" };
const PARTIAL: ParcelOutcome = { kind: "delivered", rejected: 2, message: "two" };
const BAD: ParcelOutcome = { kind: "rejected", message: "bad", badData: true };
const FAILED: ParcelOutcome = { kind: "failed", reason: "target_failed", message: "down", retryAfterMs: 10 };

class CountingOwner implements BytesOwner {
  uses = 0;

  retain(): void {
    this.uses++;
  }

  release(): void {
    this.uses--;
  }
}

/** Who waits for a request, as its settlement does. */
class Waiting implements Receipt {
  cancelled = false;
  readonly ended: ParcelOutcome[] = [];
  expected = 1;

  expect(): void {
    this.expected++;
  }

  settled(outcome: ParcelOutcome): void {
    this.ended.push(outcome);
  }
}

interface Scene {
  readonly ledger: Ledger;
  readonly records: Records;
}

function scene(): Scene {
  const ledger = createLedger();
  return { ledger, records: new Records({ ledger, losses: NO_LOSSES }) };
}

/** A parcel of one rule, as the pipeline makes it. */
function parcelOf(
  { ledger, records }: Scene,
  signal: "traces" | "metrics",
  bytes: Uint8Array,
  points: number,
  by?: Receipt,
  owner: BytesOwner = OWN_MEMORY,
): Parcel {
  ledger.entry(signal, "r", "p").received += points;
  const ack = by === undefined ? "queued" : "delivered";
  const shares = [{ rule: "r", pool: "p", points, copied: false }];
  const from = { signal, region: "here", headers: NO_HEADERS, ack, shares } as const;
  const facts = { ...from, bytes: bytes.length, items: countItems(bytes), points, enqueuedMs: 0, expiresMs: 1_000 };
  return records.add(facts, [bytes], owner, by);
}

const accounts: { outcome: ParcelOutcome; awaited: boolean; want: object }[] = [
  { outcome: DELIVERED, awaited: true, want: { delivered: 4 } },
  { outcome: PARTIAL, awaited: true, want: { delivered: 2, rejected: 2 } },
  { outcome: { ...PARTIAL, rejected: 99 }, awaited: true, want: { rejected: 4 } },
  { outcome: BAD, awaited: true, want: { rejected: 4 } },
  { outcome: FAILED, awaited: true, want: { shed: { target_failed: 4 } } },
  { outcome: FAILED, awaited: false, want: { lost: { target_failed: 4 } } },
];
for (const { outcome, awaited, want } of accounts) {
  test(`ledger: ${JSON.stringify(outcome)}, ${awaited ? "awaited" : "acknowledged before"}`, () => {
    const { ledger, records } = scene();
    const by = awaited ? new Waiting() : undefined;
    const bytes = generateTraces({ items: 4, resources: 1, services: ["s"], seed: 1, wallMs: 0 });
    records.finish(parcelOf({ ledger, records }, "traces", bytes, 4, by), outcome);
    const nothing = { delivered: 0, rejected: 0, dead_lettered: 0, queued: 0, acknowledged: 0 };
    const names = { signal: "traces", rule: "r", pool: "p", received: 4, copied: 0 };
    const reasons = { dropped: {}, shed: {}, lost: {} };
    assert.deepEqual(ledger.snapshot(), [{ ...names, ...nothing, ...reasons, ...want }]);
    assert.ok(ledger.balance().every(({ balanced }) => balanced));
  });
}

test("ledger: of what is queued it says how much was acknowledged, also in parts, and whatever the pool does now", () => {
  const { ledger, records } = scene();
  const bytes = generateTraces({ items: 4, resources: 1, services: ["s"], seed: 1, wallMs: 0 });
  const early = parcelOf({ ledger, records }, "traces", bytes, 4);
  const late = parcelOf({ ledger, records }, "traces", bytes, 4, new Waiting());
  const entry = ledger.entry("traces", "r", "p");
  assert.deepEqual([entry.queued, entry.acknowledged], [8, 4]);
  const [part, ...others] = halve(records, early);
  assert.ok(part !== undefined && others.length > 0);
  records.finish(part, DELIVERED);
  const left = 4 - part.record.points;
  assert.deepEqual([entry.queued, entry.acknowledged], [4 + left, left]);
  records.finish(late, FAILED);
  assert.deepEqual([entry.queued, entry.acknowledged], [left, left]);
  for (const other of others) records.refuse(other, "queue_full");
  assert.deepEqual([entry.queued, entry.acknowledged], [0, 0]);
});

function halve(records: Records, parcel: Parcel): readonly Parcel[] {
  const parts = requestSplitter.split(parcel, { bytes: Math.floor(parcel.record.bytes / 2), items: Infinity });
  return parts === undefined ? [parcel] : records.divide(parcel, parts);
}

test("halving: down to single items, every point is accounted for once and the request is answered once", () => {
  const outcomes = fc.infiniteStream(fc.constantFrom(DELIVERED, PARTIAL, BAD, FAILED));
  const size = fc.record({ items: fc.integer({ min: 1, max: 12 }), resources: fc.integer({ min: 1, max: 3 }) });
  fc.assert(
    fc.property(size, fc.integer({ min: 0, max: 4 }), outcomes, fc.boolean(), (options, depth, ends, isMetrics) => {
      const signal = isMetrics ? "metrics" : "traces";
      const generate = isMetrics ? generateMetrics : generateTraces;
      const bytes = generate({ ...options, services: ["s"], seed: 1, wallMs: 0 });
      const { ledger, records } = scene();
      const by = new Waiting();
      const owner = new CountingOwner();
      const points = isMetrics ? options.items * 3 : options.items;
      let parcels = [parcelOf({ ledger, records }, signal, bytes, points, by, owner)];
      for (let i = 0; i < depth; i++) parcels = parcels.flatMap((parcel) => halve(records, parcel));
      const sums = [0, 0];
      for (const { record } of parcels) [sums[0], sums[1]] = [sums[0]! + record.items, sums[1]! + record.points];
      assert.equal(
        parcels.reduce((sum, parcel) => sum + countItems(viewsOf(parcel)[0]!), 0),
        sums[0],
      );
      assert.ok(
        isMetrics || sums[0] === options.items,
        "a metric may be split between its points, a span is never split",
      );
      assert.equal(sums[1], points);
      assert.equal(owner.uses, parcels.length);
      for (const [i, parcel] of parcels.entries()) {
        assert.equal(by.ended.length, i);
        records.finish(parcel, ends.next().value);
      }
      assert.deepEqual([by.ended.length, by.expected, owner.uses], [parcels.length, parcels.length, 0]);
      assert.deepEqual([ledger.balance()[0]?.balanced, ledger.snapshot()[0]?.queued], [true, 0]);
    }),
    { numRuns: 60 },
  );
});

test("a record is cancelled as soon as its sender is gone, and so are its halves; one that was acknowledged never is", () => {
  const bytes = generateTraces({ items: 4, resources: 1, services: ["s"], seed: 1, wallMs: 0 });
  const where = scene();
  const { records } = where;
  const by = new Waiting();
  const parcel = parcelOf(where, "traces", bytes, 4, by);
  const first = halve(records, parcelOf(where, "traces", bytes, 4, by))[0]!;
  const early = parcelOf(where, "traces", bytes, 4);
  const cancelled = (): boolean[] => [parcel, first, early].map(({ record }) => records.isCancelled(record));
  assert.deepEqual(cancelled(), [false, false, false]);
  by.cancelled = true;
  assert.deepEqual(cancelled(), [true, true, false]);
});

test("a record that JSON gave back is as good as the one that was written: it ends in the ledger, and who waits is told", () => {
  const bytes = generateTraces({ items: 4, resources: 1, services: ["s"], seed: 1, wallMs: 0 });
  const where = scene();
  const by = new Waiting();
  const { record, pieces, owner } = parcelOf(where, "traces", bytes, 4, by);
  const read: QueueRecord = JSON.parse(JSON.stringify(record));
  assert.deepEqual(read, record);
  const parts = halve(where.records, { record: read, pieces, owner });
  assert.ok(parts.length > 1);
  for (const part of parts) where.records.finish(part, DELIVERED);
  assert.deepEqual([by.ended.length, by.expected], [parts.length, parts.length]);
  assert.equal(where.ledger.snapshot()[0]?.delivered, 4);
});

test("a record that nobody knows of here, as one of an earlier process, ends in the ledger like any other", () => {
  const bytes = generateTraces({ items: 4, resources: 1, services: ["s"], seed: 1, wallMs: 0 });
  const before = scene();
  const parcel = parcelOf(before, "traces", bytes, 4, new Waiting());
  const { ledger, records } = scene();
  const entry = ledger.entry("traces", "r", "p");
  entry.received = entry.queued = 4;
  assert.equal(records.isCancelled(parcel.record), false);
  records.finish(parcel, FAILED);
  assert.deepEqual([entry.queued, Object.fromEntries(entry.lost)], [0, { target_failed: 4 }]);
});
