import assert from "node:assert/strict";
import { test } from "node:test";
import type { ParcelOutcome } from "../parcel.ts";
import { type CopyOutcome, joinCopies, joinParts } from "./join.ts";

const delivered: ParcelOutcome = { kind: "delivered", rejected: 0, message: "" };
const partly: ParcelOutcome = { kind: "delivered", rejected: 2, message: "two are bad" };
const rejected: ParcelOutcome = { kind: "rejected", message: "bad", badData: false };
const failed: ParcelOutcome = { kind: "failed", reason: "target_failed", message: "down" };

const copies: { name: string; outcomes: CopyOutcome[]; want: ParcelOutcome }[] = [
  { name: "all delivered", outcomes: [delivered, delivered], want: delivered },
  { name: "the most rejected counts", outcomes: [delivered, partly, delivered], want: partly },
  { name: "rejected is weaker than delivered", outcomes: [partly, rejected], want: rejected },
  { name: "failed is the weakest", outcomes: [failed, rejected, delivered], want: failed },
  { name: "a target that was taken out does not count", outcomes: [undefined, delivered], want: delivered },
];
for (const { name, outcomes, want } of copies) {
  test(`copies of a parcel: ${name}`, () => {
    const seen: ParcelOutcome[] = [];
    const its = joinCopies(outcomes.length, (outcome) => seen.push(outcome));
    for (const outcome of outcomes) {
      assert.equal(seen.length, 0);
      its.end(outcome);
    }
    assert.deepEqual(seen, [want]);
  });
}

test("copies of a parcel: when all targets were taken out it failed", () => {
  const seen: ParcelOutcome[] = [];
  joinCopies(1, (outcome) => seen.push(outcome)).end(undefined);
  assert.deepEqual(
    seen.map((outcome) => outcome.kind === "failed" && outcome.reason),
    ["no_target"],
  );
});

test("copies of a parcel: the last one knows that no other arrived", () => {
  const its = joinCopies(3, () => undefined);
  const seen = [its.isLast];
  for (const outcome of [undefined, undefined]) {
    its.end(outcome);
    seen.push(its.isLast);
  }
  const other = joinCopies(2, () => undefined);
  other.end(delivered);
  assert.deepEqual([...seen, other.isLast], [false, false, true, false]);
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
    const [one, two] = joinParts([5, 7], (outcome) => seen.push(outcome));
    two!(second);
    assert.equal(seen.length, 0);
    one!(first);
    assert.deepEqual(seen, [want]);
  });
}
