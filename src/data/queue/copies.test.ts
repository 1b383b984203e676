import assert from "node:assert/strict";
import { test } from "node:test";
import { OWN_MEMORY } from "../../core/arena/extent.ts";
import { NO_HEADERS } from "../../plan/sender-headers.ts";
import { createLedger } from "../../telemetry/ledger.ts";
import { CopyParts, type CopyOutcome } from "./copies.ts";
import { requestSplitter } from "./split-parcel.ts";
import { NO_LOSSES } from "./losses.ts";
import type { Parcel, ParcelOutcome } from "./parcel.ts";
import { Records } from "./records.ts";

const delivered: ParcelOutcome = { kind: "delivered", rejected: 0, message: "" };
const partly: ParcelOutcome = { kind: "delivered", rejected: 2, message: "two are bad" };
const rejected: ParcelOutcome = { kind: "rejected", message: "bad", badData: false };
const failed: ParcelOutcome = { kind: "failed", reason: "target_failed", message: "down" };

/** A request with one resource, one scope and one empty span. */
const ONE_SPAN = Uint8Array.of(0x0a, 0x04, 0x12, 0x02, 0x12, 0x00);

interface Scene {
  readonly records: Records;
  readonly parcel: Parcel;
  readonly receipt: { cancelled: boolean };
  /** What the parcel ended with. */
  readonly seen: ParcelOutcome[];
}

function sceneOf(spans: number): Scene {
  const records = new Records({ ledger: createLedger(), losses: NO_LOSSES });
  const seen: ParcelOutcome[] = [];
  const sizes = { bytes: 6 * spans, items: spans, points: spans };
  const from = { signal: "traces", region: "", headers: NO_HEADERS, ack: "delivered", shares: [] } as const;
  const receipt = {
    cancelled: false,
    expect: () => undefined,
    settled: (outcome: ParcelOutcome): void => void seen.push(outcome),
  };
  const pieces = Array.from({ length: spans }, () => ONE_SPAN);
  const parcel = records.add({ ...from, ...sizes, enqueuedMs: 1, expiresMs: 10 }, pieces, OWN_MEMORY, receipt);
  return { records, parcel, receipt, seen };
}

/** Undefined: its target was taken out. */
function end(records: Records, copy: Parcel, outcome: CopyOutcome): void {
  if (outcome === undefined) records.withdraw(copy);
  else records.finish(copy, outcome);
}

const copies: { name: string; outcomes: CopyOutcome[]; want: ParcelOutcome }[] = [
  { name: "all delivered", outcomes: [delivered, delivered], want: delivered },
  { name: "the most rejected counts", outcomes: [delivered, partly, delivered], want: partly },
  { name: "rejected is weaker than delivered", outcomes: [partly, rejected], want: rejected },
  { name: "failed is the weakest", outcomes: [failed, rejected, delivered], want: failed },
  { name: "a target that was taken out does not count", outcomes: [undefined, delivered], want: delivered },
];
for (const { name, outcomes, want } of copies) {
  test(`copies of a parcel: ${name}`, () => {
    const { records, parcel, seen } = sceneOf(1);
    for (const [i, copy] of records.copy(parcel, outcomes.length).entries()) {
      assert.equal(seen.length, 0);
      end(records, copy, outcomes[i]);
    }
    assert.deepEqual(seen, [want]);
  });
}

test("copies of a parcel: when all targets were taken out it failed", () => {
  const { records, parcel, seen } = sceneOf(1);
  for (const copy of records.copy(parcel, 2)) records.withdraw(copy);
  assert.deepEqual(
    seen.map((outcome) => outcome.kind === "failed" && outcome.reason),
    ["no_target"],
  );
});

test("copies of a parcel: the last one knows that no other arrived", () => {
  const { records, parcel } = sceneOf(1);
  const [one, two, three] = records.copy(parcel, 3);
  const spare = [records.isSpare(three!.record)];
  for (const copy of [one!, two!]) {
    assert.equal(records.leaveOut(copy), true);
    spare.push(records.isSpare(three!.record));
  }
  assert.equal(records.leaveOut(three!), false);
  const [first, second] = records.copy(sceneOf(1).parcel, 2);
  records.finish(first!, delivered);
  assert.deepEqual([...spare, records.isSpare(second!.record)], [true, true, false, true]);
});

const halves: { name: string; first: CopyOutcome; second: CopyOutcome; want: CopyOutcome }[] = [
  { name: "both delivered", first: delivered, second: delivered, want: delivered },
  {
    name: "a rejected half counts as rejected things",
    first: partly,
    second: rejected,
    want: { kind: "delivered", rejected: 2 + 7, message: "two are bad" },
  },
  { name: "both rejected", first: rejected, second: rejected, want: rejected },
  { name: "a failed half fails the whole", first: delivered, second: failed, want: failed },
  { name: "a half that was taken out takes the whole out", first: delivered, second: undefined, want: undefined },
];
for (const { name, first, second, want } of halves) {
  test(`halves of a parcel: ${name}`, () => {
    const seen: CopyOutcome[] = [];
    const { parcel } = sceneOf(1);
    const whole = {
      cancelled: false,
      isLast: false,
      moveOut: () => parcel,
      end: (_: unknown, outcome: CopyOutcome): void => void seen.push(outcome),
    };
    const { record } = parcel;
    const [one, two] = [
      { ...record, id: 11, points: 5 },
      { ...record, id: 12, points: 7 },
    ];
    const parts = new CopyParts(whole, record, [{ record: one }, { record: two }]);
    parts.end(two, second);
    assert.equal(seen.length, 0);
    parts.end(one, first);
    assert.deepEqual(seen, [want]);
  });
}

test("the parts of a copy are requests of their own, and end it together", () => {
  const { records, parcel, seen } = sceneOf(4);
  const [one, other] = records.copy(parcel, 2);
  const [half, last] = records.divide(one!, requestSplitter.split(one!, { bytes: 12, items: Infinity })!);
  assert.deepEqual(
    [half!, last!].map(({ record: { items, points, bytes } }) => [items, points, bytes]),
    [
      [2, 2, 12],
      [2, 2, 12],
    ],
  );
  records.finish(other!, delivered);
  records.finish(half!, { kind: "rejected", message: "too large", badData: false });
  assert.deepEqual(seen, []);
  records.finish(last!, delivered);
  assert.deepEqual(seen, [{ kind: "delivered", rejected: 2, message: "too large" }]);
});

test("a copy of a single item cannot be split", () => {
  const { records, parcel } = sceneOf(1);
  assert.equal(requestSplitter.split(records.copy(parcel, 2)[0]!, { bytes: 1, items: 1 }), undefined);
});

test("copies know what happens to what they are copies of: its sender goes away", () => {
  const { records, parcel, receipt } = sceneOf(2);
  const [copy] = records.copy(parcel, 2);
  const [inner] = records.copy(copy!, 2);
  const [half] = records.divide(inner!, requestSplitter.split(inner!, { bytes: 6, items: Infinity })!);
  receipt.cancelled = true;
  assert.deepEqual(
    [copy!, half!].map(({ record }) => records.isCancelled(record)),
    [true, true],
  );
  assert.deepEqual([half!.record.expiresMs, half!.record.enqueuedMs, half!.record.copyOf], [10, 1, copy!.record.id]);
});
