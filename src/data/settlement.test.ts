import { OWN_MEMORY } from "../core/arena/extent.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { countItems, generateMetrics, generateTraces } from "../../test/support/generated.ts";
import fc from "fast-check";
import { createLedger, type LedgerEntry } from "../telemetry/ledger.ts";
import type { ParcelOutcome } from "./parcel.ts";
import type { Reply } from "./receive/request.ts";
import { RoutedParcel } from "./routed-parcel.ts";
import { NO_LOSSES } from "./queue/losses.ts";
import { Settlement } from "./receive/settlement.ts";
import { NO_HEADERS } from "../plan/sender-headers.ts";

const DELIVERED: ParcelOutcome = { kind: "delivered", rejected: 0, message: "" };
const PARTIAL: ParcelOutcome = { kind: "delivered", rejected: 2, message: "two" };
const WARNED: ParcelOutcome = { kind: "delivered", rejected: 0, message: "careful" };
const BAD: ParcelOutcome = { kind: "rejected", message: "bad", badData: true };
const REJECTED: ParcelOutcome = { kind: "rejected", message: "no", badData: false };
const FAILED: ParcelOutcome = { kind: "failed", reason: "target_failed", message: "down", retryAfterMs: 10 };
const THROTTLED: ParcelOutcome = { kind: "failed", reason: "queue_full", message: "later", retryAfterMs: 500 };
const LATE: ParcelOutcome = { kind: "failed", reason: "deadline", message: "late" };

const NOTHING = { rejected: 0, message: "" };
const POINTS = 5;

/** What the sender is told, as a text; `(none)` while it waits. */
function told(reply: Reply | undefined): string {
  if (reply === undefined) return "(none)";
  if (!reply.ok) return `${reply.refusal.reason} ${reply.refusal.message} ${reply.refusal.retryAfterMs ?? "-"}`;
  return `ok ${reply.rejected} ${reply.message}`.trimEnd();
}

const replies: { name: string; outcomes: ParcelOutcome[]; want: string; early?: number; unmatched?: number }[] = [
  { name: "all delivered", outcomes: [DELIVERED, DELIVERED], want: "ok 0" },
  { name: "nothing to wait for", outcomes: [], early: 2, want: "ok 0" },
  { name: "a partial success", outcomes: [DELIVERED, PARTIAL], want: "ok 2 two" },
  { name: "two partial successes add up", outcomes: [PARTIAL, PARTIAL], want: "ok 4 two" },
  { name: "a warning without rejections is handed on", outcomes: [DELIVERED, WARNED], want: "ok 0 careful" },
  { name: "bad data and nothing else", outcomes: [BAD], want: "bad_data bad -" },
  { name: "refused for another reason", outcomes: [REJECTED], want: "target_rejected no -" },
  { name: "all refused: the first reason", outcomes: [REJECTED, BAD], want: "target_rejected no -" },
  { name: "a part refused for good", outcomes: [DELIVERED, BAD], want: "ok 5 bad" },
  { name: "refused beside what was acknowledged on entering", outcomes: [BAD], early: 1, want: "ok 5 bad" },
  { name: "a part failed: all again", outcomes: [DELIVERED, FAILED], want: "target_failed down 10" },
  { name: "failed beats refused", outcomes: [BAD, FAILED, DELIVERED], want: "target_failed down 10" },
  { name: "of two failures the longer wait", outcomes: [FAILED, THROTTLED, FAILED], want: "queue_full later 500" },
  { name: "of two failures without a wait the first", outcomes: [LATE, LATE], want: "deadline late -" },
  { name: "a part that no rule took", outcomes: [DELIVERED], unmatched: 3, want: "ok 3 no rule" },
];
for (const { name, outcomes, want, early = 0, unmatched = 0 } of replies) {
  test(`reply: ${name}`, () => {
    const given: Reply[] = [];
    const settlement = new Settlement(NOTHING, 99, (reply) => given.push(reply));
    for (let i = 0; i < early; i++) settlement.accept();
    for (const _ of outcomes) settlement.expect();
    if (unmatched > 0) settlement.refusePart(unmatched, "no rule");
    settlement.seal();
    for (const [i, outcome] of outcomes.entries()) {
      assert.equal(given.length, 0, `answered after ${i} of ${outcomes.length} parcels`);
      settlement.settled(outcome, POINTS);
    }
    assert.deepEqual(given.map(told), [want]);
  });
}

test("reply: what was rejected before anything was routed is added, and its message comes first", () => {
  const given: Reply[] = [];
  const settlement = new Settlement({ rejected: 1, message: "a bad id" }, 99, (reply) => given.push(reply));
  settlement.expect();
  settlement.seal();
  settlement.settled(PARTIAL, POINTS);
  assert.deepEqual(given.map(told), ["ok 3 a bad id"]);
});

test("reply: parcels that end before all are known do not answer the request", () => {
  const given: Reply[] = [];
  const settlement = new Settlement(NOTHING, 99, (reply) => given.push(reply));
  settlement.expect();
  settlement.settled(DELIVERED, POINTS);
  assert.equal(given.length, 0);
  settlement.expect();
  settlement.seal();
  assert.equal(given.length, 0);
  settlement.settled(FAILED, POINTS);
  assert.deepEqual(given.map(told), ["target_failed down 10"]);
});

/** A parcel of one rule, as the pipeline makes it. */
function parcelOf(
  signal: "traces" | "metrics",
  bytes: Uint8Array,
  points: number,
  ledger: LedgerEntry,
  by?: Settlement,
) {
  ledger.received += points;
  ledger.queued += points;
  by?.expect();
  const from = { owner: OWN_MEMORY, region: "", headers: NO_HEADERS, losses: NO_LOSSES };
  const facts = { ...from, signal, pieces: [bytes], bytes: bytes.length, items: countItems(bytes), points };
  return new RoutedParcel({ ...facts, deadlineMs: 1_000, enqueuedMs: 0 }, [{ ledger, points, copied: false }], by);
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
    const ledger = createLedger();
    const settlement = awaited ? new Settlement(NOTHING, 99, () => undefined) : undefined;
    const bytes = generateTraces({ items: 4, resources: 1, services: ["s"], seed: 1, wallMs: 0 });
    parcelOf("traces", bytes, 4, ledger.entry("traces", "r", "p"), settlement).settle(outcome);
    const nothing = { delivered: 0, rejected: 0, dead_lettered: 0, queued: 0, dropped: {}, shed: {}, lost: {} };
    const names = { signal: "traces", rule: "r", pool: "p", received: 4, copied: 0 };
    assert.deepEqual(ledger.snapshot(), [{ ...names, ...nothing, ...want }]);
    assert.ok(ledger.balance().every(({ balanced }) => balanced));
  });
}

function halve(parcel: RoutedParcel): RoutedParcel[] | undefined {
  return parcel.cut({ bytes: Math.floor(parcel.bytes / 2), items: Infinity });
}

test("halving: down to single items, every point is accounted for once and the request is answered once", () => {
  const outcomes = fc.infiniteStream(fc.constantFrom(DELIVERED, PARTIAL, BAD, FAILED));
  const size = fc.record({ items: fc.integer({ min: 1, max: 12 }), resources: fc.integer({ min: 1, max: 3 }) });
  fc.assert(
    fc.property(size, fc.integer({ min: 0, max: 4 }), outcomes, fc.boolean(), (options, depth, ends, isMetrics) => {
      const signal = isMetrics ? "metrics" : "traces";
      const generate = isMetrics ? generateMetrics : generateTraces;
      const bytes = generate({ ...options, services: ["s"], seed: 1, wallMs: 0 });
      const ledger = createLedger();
      const given: Reply[] = [];
      const settlement = new Settlement(NOTHING, 99, (reply) => given.push(reply));
      const points = isMetrics ? options.items * 3 : options.items;
      let parcels = [parcelOf(signal, bytes, points, ledger.entry(signal, "r", "p"), settlement)];
      settlement.seal();
      for (let i = 0; i < depth; i++) parcels = parcels.flatMap((parcel) => halve(parcel) ?? [parcel]);
      const sums = [0, 0];
      for (const { items, points: its } of parcels) [sums[0], sums[1]] = [sums[0]! + items, sums[1]! + its];
      assert.equal(
        parcels.reduce((sum, parcel) => sum + countItems(parcel.pieces[0]!), 0),
        sums[0],
      );
      assert.ok(isMetrics || sums[0] === options.items, "a metric may be cut between its points, a span is never cut");
      assert.equal(sums[1], points);
      for (const parcel of parcels) {
        assert.equal(given.length, 0);
        parcel.settle(ends.next().value);
      }
      assert.equal(given.length, 1);
      assert.deepEqual([ledger.balance()[0]?.balanced, ledger.snapshot()[0]?.queued], [true, 0]);
    }),
    { numRuns: 60 },
  );
});

test("a parcel is cancelled as soon as its sender is gone, and so are its halves; one that was acknowledged never is", () => {
  const bytes = generateTraces({ items: 4, resources: 1, services: ["s"], seed: 1, wallMs: 0 });
  const ledger = createLedger().entry("traces", "r", "p");
  const settlement = new Settlement(NOTHING, 99, () => undefined);
  const parcel = parcelOf("traces", bytes, 4, ledger, settlement);
  const first = halve(parcelOf("traces", bytes, 4, ledger, settlement))![0]!;
  const early = parcelOf("traces", bytes, 4, ledger);
  assert.deepEqual([parcel.cancelled, first.cancelled], [false, false]);
  settlement.cancelled = true;
  assert.deepEqual([parcel.cancelled, first.cancelled, early.cancelled], [true, true, false]);
});
