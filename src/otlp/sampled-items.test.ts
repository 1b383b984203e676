import assert from "node:assert/strict";
import { test } from "node:test";
import { indexItems, ItemIndex } from "./items.ts";
import { SampledItems } from "./sampled-items.ts";
import { Envelope, scanEnvelope } from "./scan.ts";
import { SpanSampling } from "./span-sampling.ts";

const MARK = Uint8Array.from([0x1a, 3, 1, 2, 3]);
const SPAN = [0x2a, 4, 9, 9, 9, 9];

/** A field with a length of `lengthBytes` bytes. */
function field(tag: number, content: readonly number[], lengthBytes = 1): number[] {
  const rest = Array.from({ length: lengthBytes - 1 }, (_, i) => (i === lengthBytes - 2 ? 0 : 0x80));
  return [tag, lengthBytes > 1 ? content.length | 0x80 : content.length, ...rest, ...content];
}

interface Rig {
  readonly fates: readonly ("mark" | "keep" | "drop")[];
  /** Fields of the request before its resource. */
  readonly extras?: readonly number[];
  readonly mark?: Uint8Array;
}

/** What is left of one resource with one scope of these items. */
function written(items: readonly number[][], { fates, extras = [], mark = MARK }: Rig): Buffer {
  const bytes = Buffer.from([...extras, ...field(0x0a, field(0x12, items.flat()))]);
  const [envelope, index, kept] = [new Envelope(), new ItemIndex(), new SampledItems()];
  assert.ok(scanEnvelope("traces", bytes, envelope), envelope.problem);
  kept.begin(envelope);
  kept.added.set(mark);
  indexItems(bytes, envelope.bodyStart[0]!, envelope.end[0]!, index);
  const change = kept.describe(0, mark.length, 0, 0);
  kept.beginResource(envelope, 0);
  kept.beginScope(index, 0);
  for (const [i, fate] of fates.entries()) {
    const [start, body, end] = [index.outerStart[i]!, index.bodyStart[i]!, index.end[i]!];
    if (fate === "mark") kept.change(start, body, end, change, mark.length);
    else if (fate === "keep") kept.keep();
    else kept.drop(start, end);
  }
  kept.endScope(index, 0);
  kept.endResource(envelope, 0);
  const out = Buffer.alloc(kept.lengthOf(envelope));
  kept.write(envelope, envelope.bytes, out);
  return out;
}

function requestOf(spans: readonly number[][], extras: readonly number[] = []): Buffer {
  const items = spans.flatMap((span) => field(0x12, span));
  return Buffer.from([...field(0x0a, field(0x12, items)), ...extras]);
}

test("sampled items: what grows is written whole", () => {
  const item = field(0x12, SPAN);
  const marked = [...SPAN, ...MARK];
  assert.deepEqual(written([item, item], { fates: ["mark", "mark"] }), requestOf([marked, marked]));
  assert.deepEqual(written([item, item], { fates: ["keep", "mark"] }), requestOf([SPAN, marked]));
});

test("sampled items: what is left out after what grew is not written over before it is read", () => {
  const item = field(0x12, SPAN);
  const marked = [...SPAN, ...MARK];
  const long = field(0x12, [...SPAN, ...SPAN]);
  const fates = ["mark", "mark", "mark", "mark", "drop", "keep"] as const;
  const left = written([item, item, item, item, long, item], { fates });
  assert.deepEqual(left, requestOf([marked, marked, marked, marked, SPAN]));
});

test("sampled items: lengths that had more bytes than they need get fewer, and nothing is lost", () => {
  const [item, overlong, mark] = [field(0x12, SPAN), field(0x12, SPAN, 5), Uint8Array.from([0x1a, 0])];
  const items = [item, item, item, overlong, overlong];
  const left = written(items, { fates: items.map(() => "mark"), mark });
  assert.deepEqual(left, requestOf(items.map(() => [...SPAN, ...mark])));
});

test("sampled items: fields before the resources go to the end", () => {
  const extras = field(0x7a, [1, 2, 3]);
  const left = written([field(0x12, SPAN)], { fates: ["mark"], extras });
  assert.deepEqual(left, requestOf([[...SPAN, ...MARK]], extras));
});

test("span sampling: what follows a span that is empty or short is not its trace id", () => {
  const ids = [
    ...field(
      0x0a,
      Array.from({ length: 16 }, () => 7),
    ),
    ...field(0x12, [1, 2, 3, 4, 5, 6, 7, 8]),
  ];
  const bytes = Uint8Array.from([...ids, ...field(0x22, [1, 2, 3, 4, 5, 6, 7, 8]), ...SPAN]);
  const span = new SpanSampling();
  assert.ok(span.read(bytes, 0, 0));
  assert.equal(span.traceEnd - span.traceStart, 0);
  assert.ok(span.read(bytes, 0, ids.length));
  assert.deepEqual([span.traceStart, span.traceEnd, span.hasParent], [2, 18, false]);
  assert.ok(span.read(bytes, 0, bytes.length));
  assert.deepEqual([span.traceStart, span.traceEnd, span.hasParent], [2, 18, true]);
  assert.ok(!span.read(bytes, 0, 20), "the span id's length is beyond its end");
});
