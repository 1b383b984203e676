import assert from "node:assert/strict";
import { test } from "node:test";
import { countItems, generateTraces } from "../../../test/support/generated.ts";
import fc from "fast-check";
import { Envelope, scanEnvelope } from "../../otlp/scan.ts";
import { OwnExtent } from "../../core/arena/extent.ts";
import { viewsOf } from "../queue/parcel.ts";
import { Draft } from "./draft.ts";

/** A field of the request that nobody knows, of this many bytes. */
function unknownField(bytes: number): Buffer {
  return Buffer.concat([Buffer.from([0x7a, bytes]), Buffer.alloc(bytes, 7)]);
}

/** One resource as a request of its own, with as many items as its place. */
function resource(i: number): Buffer {
  return Buffer.from(generateTraces({ items: i + 1, resources: 1, services: [`s${i}`], seed: i, wallMs: 0 }));
}

function scan(bytes: Uint8Array): Envelope {
  const envelope = new Envelope();
  assert.ok(scanEnvelope("traces", bytes, envelope), envelope.problem);
  return envelope;
}

/** What the router does with each resource: leave it, take it whole, or take a part of it. */
type Take = "leave" | "whole" | "part";
const PART = Buffer.from(generateTraces({ items: 2, resources: 1, services: ["part"], seed: 99, wallMs: 0 }));

function takeAll(draft: Draft, envelope: Envelope, takes: readonly Take[]): void {
  for (const [r, take] of takes.entries()) {
    if (take === "whole") draft.takeWhole(envelope, r);
    if (take === "part") draft.takePart(envelope, PART, 2, 2);
  }
}

test("a draft's pieces are what it took, in order, with the unknown fields of the request; its counts are theirs", () => {
  const takes = fc.array(fc.constantFrom<Take>("leave", "whole", "part"), { minLength: 1, maxLength: 24 });
  fc.assert(
    fc.property(takes, fc.array(fc.nat({ max: 24 }), { maxLength: 3 }), (taken, extraAt) => {
      const parts = taken.flatMap((_, i) => [
        ...extraAt.filter((at) => at === i).map(() => unknownField(3)),
        resource(i),
      ]);
      const envelope = scan(Buffer.concat(parts));
      const draft = new Draft(0, 0);
      takeAll(draft, envelope, taken);
      if (draft.items === 0) return;
      const expected = taken.flatMap((take, i) => (take === "leave" ? [] : [take === "whole" ? resource(i) : PART]));
      const extras = extraAt.filter((at) => at < taken.length).map(() => unknownField(3));
      const wanted = draft.parcelBytes(envelope);
      const { items, points } = draft;
      const pieces = draft.finish(envelope);
      const bytes = Buffer.concat(pieces);
      assert.equal(bytes.length, wanted, "the length that room was asked for");
      if (taken.every((take) => take === "whole")) assert.deepEqual(bytes, Buffer.from(envelope.bytes));
      else assert.deepEqual(bytes, Buffer.concat([...expected, ...extras]));
      assert.deepEqual([items, points], [countItems(bytes), countItems(bytes)]);
      assert.ok(pieces.length <= 8);
    }),
  );
});

test("neighbouring resources are one piece, and all of them the request itself: nothing is copied", () => {
  const envelope = scan(Buffer.concat([0, 1, 2, 3].map(resource)));
  const some = new Draft(0, 0);
  takeAll(some, envelope, ["whole", "whole", "leave", "whole"]);
  const pieces = some.finish(envelope);
  assert.deepEqual(
    pieces.map((piece) => piece.buffer === envelope.bytes.buffer),
    [true, true],
  );
  const all = new Draft(0, 0);
  takeAll(all, envelope, ["whole", "whole", "whole", "whole"]);
  assert.deepEqual(all.finish(envelope), [envelope.bytes]);
  assert.equal(all.finish(envelope)[0], envelope.bytes);
});

test("as ranges they are the same bytes in as many pieces", () => {
  const takes = fc.array(fc.constantFrom<Take>("leave", "whole", "whole", "part"), { minLength: 1, maxLength: 24 });
  fc.assert(
    fc.property(takes, fc.nat({ max: 24 }), (taken, extraAt) => {
      const parts = taken.flatMap((_, i) => [...(i === extraAt ? [unknownField(3)] : []), resource(i)]);
      const envelope = scan(Buffer.concat(parts));
      const [one, other] = [new Draft(0, 0), new Draft(0, 0)];
      for (let times = 0; times < 2; times++) {
        for (const draft of [one, other]) takeAll(draft, envelope, taken);
        if (one.items === 0) return;
        const pieces = one.finish(envelope);
        const ranges = other.finishRanges(envelope);
        const owner = new OwnExtent(Buffer.from(envelope.bytes));
        const views = viewsOf({ pieces: ranges, owner });
        assert.deepEqual(Buffer.concat(views), Buffer.concat(pieces));
        assert.equal(views.length, pieces.length);
        for (const draft of [one, other]) draft.reset();
      }
    }),
  );
});

test("ranges are numbers, in an array of just their length, where nothing was written anew", () => {
  const envelope = scan(Buffer.concat([0, 1, 2, 3].map(resource)));
  const { outerStart: from, end: to } = envelope;
  const draft = new Draft(0, 0);
  takeAll(draft, envelope, ["whole", "whole", "leave", "whole"]);
  assert.deepEqual(draft.finishRanges(envelope), [from[0], to[1], from[3], to[3]]);
  takeAll(draft, envelope, ["whole", "whole", "whole", "whole"]);
  draft.reset();
  takeAll(draft, envelope, ["whole", "part", "leave", "leave"]);
  assert.deepEqual(draft.finishRanges(envelope)[1], PART);
});

test("a draft that was reset knows nothing of the request before", () => {
  const envelope = scan(Buffer.concat([0, 1, 2].map(resource)));
  const draft = new Draft(0, 0);
  takeAll(draft, envelope, ["whole", "part", "whole"]);
  draft.select(1, 1);
  draft.reset();
  assert.deepEqual(
    [draft.items, draft.points, draft.bytes, draft.whole, draft.selectedCount, draft.selectedPoints],
    [0, 0, 0, 0, 0, 0],
  );
  takeAll(draft, envelope, ["leave", "whole", "leave"]);
  assert.deepEqual(Buffer.concat(draft.finish(envelope)), resource(1));
});

test("selected items are remembered in order, however many they are", () => {
  const draft = new Draft(0, 0);
  for (let i = 0; i < 1_000; i++) draft.select(2 * i, 3);
  assert.deepEqual([draft.selectedCount, draft.selectedPoints], [1_000, 3_000]);
  assert.deepEqual([...draft.selected.subarray(0, 3), draft.selected[999]], [0, 2, 4, 1_998]);
});
