import { OWN_MEMORY } from "../../core/arena/extent.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Parcel, ParcelOutcome } from "../parcel.ts";
import { CopyParcel } from "./copy-parcel.ts";
import { joinCopies } from "./join.ts";
import { NO_HEADERS } from "../../plan/sender-headers.ts";

/** A request with one resource, one scope and one empty span. */
const ONE_SPAN = Uint8Array.of(0x0a, 0x04, 0x12, 0x02, 0x12, 0x00);

function parcelOf(spans: number): { parcel: Parcel & { cancelled: boolean }; outcomes: ParcelOutcome[] } {
  const outcomes: ParcelOutcome[] = [];
  const pieces = Array.from({ length: spans }, () => ONE_SPAN);
  const common = {
    signal: "traces",
    headers: NO_HEADERS,
    pieces,
    bytes: 6 * spans,
    owner: OWN_MEMORY,
    items: spans,
    points: spans,
  } as const;
  const settle = (outcome: ParcelOutcome): void => void outcomes.push(outcome);
  const parcel = { ...common, deadlineMs: 10, enqueuedMs: 1, cancelled: false, attempts: 0, target: "", settle };
  return { parcel, outcomes };
}

test("the parts of a copy are requests of their own, and end it together", () => {
  const { parcel, outcomes } = parcelOf(4);
  const copies = joinCopies(2, parcel.settle);
  const [one, other] = [new CopyParcel(parcel, parcel, copies), new CopyParcel(parcel, parcel, copies)];
  const [half, last] = one.cut({ bytes: 12, items: Infinity })!;
  assert.deepEqual(
    [half!, last!].map(({ items, points, bytes }) => [items, points, bytes]),
    [
      [2, 2, 12],
      [2, 2, 12],
    ],
  );
  other.settle({ kind: "delivered", rejected: 0, message: "" });
  half!.settle({ kind: "rejected", message: "too large", badData: false });
  assert.deepEqual(outcomes, []);
  last!.settle({ kind: "delivered", rejected: 0, message: "" });
  assert.deepEqual(outcomes, [{ kind: "delivered", rejected: 2, message: "too large" }]);
});

test("a copy of a single item cannot be cut", () => {
  const { parcel } = parcelOf(1);
  assert.equal(new CopyParcel(parcel, parcel, joinCopies(1, parcel.settle)).cut({ bytes: 1, items: 1 }), undefined);
});

test("copies know what happens to the parcel: its sender goes away, a send takes it along", () => {
  const { parcel } = parcelOf(2);
  const copy = new CopyParcel(parcel, parcel, joinCopies(1, parcel.settle));
  const [half] = copy.cut({ bytes: 6, items: Infinity })!;
  parcel.cancelled = true;
  half!.attempts++;
  assert.deepEqual([copy.cancelled, half!.cancelled, parcel.attempts, copy.attempts], [true, true, 1, 1]);
  assert.deepEqual([half!.deadlineMs, half!.enqueuedMs], [10, 1]);
});
