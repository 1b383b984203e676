import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { type Seen, seeValue, UNSEEN } from "../../src/otlp/any-value.ts";
import { ItemFields } from "../../src/otlp/item-fields.ts";
import { indexItems, ItemIndex } from "../../src/otlp/items.ts";
import { KeySet } from "../../src/otlp/key-set.ts";
import { joinResources, viewResource } from "../../src/otlp/resource.ts";
import { ResourceAttributes } from "../../src/otlp/resource-attributes.ts";
import { Envelope, scanEnvelope } from "../../src/otlp/scan.ts";
import { type Signal, SIGNALS } from "../../src/otlp/signal.ts";
import { sliceResource } from "../../src/otlp/slice.ts";
import { SpanSampling } from "../../src/otlp/span-sampling.ts";
import { Cursor, readTag, skipValue } from "../../src/otlp/wire.ts";
import { decodeRequest, type Plain } from "../support/oracle/oracle.ts";
import { arbitraryEncoding } from "../support/oracle/scramble.ts";
import { attributesOf, list, resourcesOf, scopesOf, seenOf, text } from "../support/oracle/walk.ts";

const RUNS = { numRuns: 300 };

function scanned(signal: Signal, bytes: Uint8Array): Envelope {
  const envelope = new Envelope();
  assert.ok(scanEnvelope(signal, bytes, envelope), envelope.problem);
  return envelope;
}

const asked = new ResourceAttributes();

/** Asked one by one they are the same, in any order and any number. */
function checkAsked(resource: Uint8Array, attributes: ReadonlyMap<string, Seen>): void {
  asked.open(resource);
  const keys = [...attributes.keys(), "no such attribute", "", "é"];
  for (const key of [...keys, ...keys.toReversed()]) assert.deepEqual(asked.get(key), attributes.get(key), key);
  asked.release();
}

for (const signal of SIGNALS) {
  test(`scan ${signal}: counts and resources agree with a full decode, whatever the encoding`, () => {
    fc.assert(
      fc.property(arbitraryEncoding(signal), ({ bytes, plain }) => {
        const envelope = scanned(signal, bytes);
        const resources = resourcesOf(signal, plain);
        assert.equal(envelope.resources, resources.length);
        resources.forEach((resource, r) => {
          const items = scopesOf(signal, resource).flatMap((scope) => scope.items);
          assert.equal(envelope.items[r], items.length);
          const points = signal === "metrics" ? items.reduce((sum, item) => sum + item.points, 0) : items.length;
          assert.equal(envelope.points[r], points);
          const joined = joinResources(bytes, envelope.bodyStart[r]!, envelope.end[r]!);
          const { attributes } = viewResource(joined);
          assert.deepEqual(attributes, attributesOf(resource["resource"]));
          checkAsked(joined, attributes);
        });
      }),
      RUNS,
    );
  });

  test(`scan ${signal}: what rules read of an item agrees with a full decode`, () => {
    fc.assert(
      fc.property(arbitraryEncoding(signal), ({ bytes, plain }) => checkItems(signal, bytes, plain)),
      RUNS,
    );
  });

  test(`scan ${signal}: rules read nothing of an item with a field that has the number 0`, () => {
    const bytes = Uint8Array.from([0, 0, 0, 2, 1, 1]);
    const fields = new ItemFields();
    for (const keys of [undefined, new KeySet(["k"])]) {
      assert.equal(fields.read(signal, bytes, 0, 2, keys), false);
      assert.equal(fields.read(signal, bytes, 2, bytes.length, keys), false);
    }
  });

  test(`slice ${signal}: any selection of items decodes to exactly those items, with all that surrounds them`, () => {
    fc.assert(
      fc.property(arbitraryEncoding(signal), fc.infiniteStream(fc.boolean()), ({ bytes, plain }, coins) => {
        const envelope = scanned(signal, bytes);
        resourcesOf(signal, plain).forEach((resource, r) => checkSlice(signal, envelope, r, resource, coins));
      }),
      RUNS,
    );
  });
}

test("a key that differs in one byte, wherever that is, is another one", () => {
  for (let length = 1; length <= 12; length++) {
    const keys = new KeySet(["a", "k".repeat(length)]);
    const slotIn = (bytes: Uint8Array): number => {
      return keys.slotIn(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), bytes, 4, length + 4);
    };
    const bytes = Buffer.alloc(length + 5, "k");
    assert.equal(keys.slotOf(bytes, 4, length + 4), 1);
    assert.equal(slotIn(bytes), 1);
    for (let at = 4; at < length + 4; at++) {
      const other = Uint8Array.from(bytes);
      other[at] = 0x6c;
      assert.equal(keys.slotOf(other, 4, length + 4), -1, `byte ${at} of ${length}`);
      assert.equal(slotIn(other), -1, `byte ${at} of ${length}, by words`);
    }
  }
});

function checkItems(signal: Signal, bytes: Uint8Array, plain: Parameters<typeof resourcesOf>[1]): void {
  const envelope = scanned(signal, bytes);
  const index = new ItemIndex();
  const fields = new ItemFields();
  resourcesOf(signal, plain).forEach((resource, r) => {
    indexItems(bytes, envelope.bodyStart[r]!, envelope.end[r]!, index);
    const scopes = scopesOf(signal, resource);
    assert.equal(index.scopes, scopes.length);
    let i = 0;
    for (const scope of scopes) {
      for (const item of scope.items) {
        const wanted = attributesOf(item.plain);
        const keys = [...wanted.keys(), "no such key"];
        assert.ok(fields.read(signal, bytes, index.bodyStart[i]!, index.end[i]!, new KeySet(keys)));
        assert.equal(text(bytes, index.nameStart[index.scopeOf[i]!]!, index.nameEnd[index.scopeOf[i]!]!), scope.name);
        if (signal !== "metrics") {
          assert.deepEqual(attributesRead(fields, keys), wanted);
          checkFound(signal, bytes, [index.bodyStart[i]!, index.end[i]!], wanted);
        }
        assert.ok(fields.read(signal, bytes, index.bodyStart[i]!, index.end[i]!, new KeySet(keys)));
        assert.equal(
          text(bytes, fields.nameStart, fields.nameEnd),
          signal === "logs" ? "" : (item.plain["name"] ?? ""),
        );
        if (signal === "traces") {
          assert.equal(fields.kind, item.plain["kind"] ?? 0);
          const status = item.plain["status"] as Record<string, number> | undefined;
          assert.equal(fields.statusCode, status?.["code"] ?? 0);
          checkSpan(bytes, index.bodyStart[i]!, index.end[i]!, item.plain, fields);
        }
        if (signal === "logs") assert.equal(fields.severity, item.plain["severityNumber"] ?? 0);
        if (signal !== "metrics") {
          const id = (item.plain["traceId"] ?? Buffer.alloc(0)) as Buffer;
          assert.deepEqual(Buffer.from(bytes.subarray(fields.traceStart, fields.traceEnd)), Buffer.from(id));
        }
        i++;
      }
    }
    assert.equal(index.items, i);
  });
}

/** Where all keys are found before the last attribute, too, and what comes behind it is read. */
function checkFound(
  signal: Signal,
  bytes: Uint8Array,
  [start, end]: readonly [number, number],
  wanted: ReadonlyMap<string, Seen>,
): void {
  const whole = new ItemFields();
  const fields = new ItemFields();
  assert.ok(whole.read(signal, bytes, start, end, undefined));
  for (let count = 1; count <= Math.min(3, wanted.size); count++) {
    const keys = [...wanted.keys()].slice(0, count);
    assert.ok(fields.read(signal, bytes, start, end, new KeySet(keys)));
    assert.deepEqual(attributesRead(fields, keys), new Map([...wanted].slice(0, count)));
    assert.deepEqual(scalarsOf(fields), scalarsOf(whole));
  }
}

function scalarsOf(fields: ItemFields): number[] {
  const { kind, statusCode, severity, stateStart, stateEnd, hasParent, traceStart, traceEnd, nameStart, nameEnd } =
    fields;
  return [
    kind,
    statusCode,
    severity,
    stateStart,
    stateEnd,
    Number(hasParent),
    traceStart,
    traceEnd,
    nameStart,
    nameEnd,
  ];
}

/** What sampling reads by itself is what is read for rules; a span cut off is neither. */
function checkSpan(bytes: Uint8Array, start: number, end: number, plain: Plain, fields: ItemFields): void {
  const span = new SpanSampling();
  assert.ok(span.read(bytes, start, end));
  for (const read of [span, fields]) {
    assert.equal(text(bytes, read.stateStart, read.stateEnd), plain["traceState"] ?? "");
    assert.equal(read.hasParent, ((plain["parentSpanId"] ?? "") as Buffer).length > 0);
    assert.deepEqual([read.traceStart, read.traceEnd], [fields.traceStart, fields.traceEnd]);
  }
  const cut = new ItemFields();
  for (let to = start; to < end; to++) {
    const c = new Cursor(bytes, start, to);
    let isWhole = true;
    while (isWhole && c.at < to) {
      const tag = readTag(c);
      isWhole = tag > 0 && skipValue(c, tag);
    }
    assert.equal(span.read(bytes, start, to), isWhole, `cut at ${to - start}`);
    if (!isWhole) assert.equal(cut.read("traces", bytes, start, to, undefined), false, `cut at ${to - start}`);
  }
}

function attributesRead(fields: ItemFields, keys: readonly string[]): Map<string, Seen> {
  const read = new Map<string, Seen>();
  keys.forEach((key, slot) => {
    if (!fields.has(slot)) return;
    read.set(key, seeValue(fields.slotBytes(slot), fields.slotStart(slot), fields.slotEnd(slot)));
  });
  return read;
}

function checkSlice(
  signal: Signal,
  envelope: Envelope,
  r: number,
  resource: ReturnType<typeof resourcesOf>[number],
  coins: Iterator<boolean>,
): void {
  const index = new ItemIndex();
  indexItems(envelope.bytes, envelope.bodyStart[r]!, envelope.end[r]!, index);
  const selected = Int32Array.from({ length: index.items }, (_, i) => i).filter(() => coins.next().value === true);
  if (selected.length === 0) return;
  const part = sliceResource(envelope, r, index, selected, selected.length);
  const [got, ...more] = resourcesOf(signal, decodeRequest(signal, part));
  assert.ok(got);
  assert.equal(more.length, 0);
  const scopeList = signal === "traces" ? "scopeSpans" : signal === "metrics" ? "scopeMetrics" : "scopeLogs";
  assert.deepEqual({ ...got, [scopeList]: [] }, { ...resource, [scopeList]: [] });
  let next = 0;
  const expected = list(resource[scopeList]).map((plainScope, s) => {
    const { items, itemList } = scopesOf(signal, resource)[s]!;
    const kept = items.filter(() => selected.includes(next++)).map((item) => item.plain);
    return { plainScope, itemList, kept };
  });
  const wanted = expected
    .filter(({ plainScope, itemList, kept }) => kept.length > 0 || plainScope[itemList] === undefined)
    .map(({ plainScope, itemList, kept }) => (kept.length === 0 ? plainScope : { ...plainScope, [itemList]: kept }));
  assert.deepEqual(list(got[scopeList]), wanted);
}

test("scan: an AnyValue that is none of the comparable kinds cannot be seen, and does not end the walk", () => {
  assert.equal(seeValue(Buffer.from("3a0101", "hex"), 0, 3), UNSEEN);
  assert.deepEqual(seenOf({}), UNSEEN);
});
