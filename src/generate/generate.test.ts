import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { decodeRequest, encodeRequest } from "../../test/support/oracle/oracle.ts";
import { transcode } from "../otlp/json/transcode.ts";
import { SIGNALS } from "../otlp/signal.ts";
import {
  countItems,
  generateLogs,
  generateMetrics,
  generateTraces,
  copyPrepared,
} from "../../test/support/generated.ts";
import { prepare } from "./generate.ts";
import { stamp } from "./prepared.ts";
import { tallyItems } from "./read-back.ts";
import { Tally } from "./tally.ts";

const WALL_MS = 1_750_000_000_000;
const OPTIONS = { items: 100, resources: 4, services: ["a", "b", "c"], seed: 7, wallMs: WALL_MS };
const GENERATE = { traces: generateTraces, metrics: generateMetrics, logs: generateLogs } as const;

for (const signal of SIGNALS) {
  test(`generate: the same seed gives the same ${signal}, another seed others`, () => {
    const first = GENERATE[signal](OPTIONS);
    assert.deepEqual(GENERATE[signal](OPTIONS), first);
    assert.notDeepEqual(GENERATE[signal]({ ...OPTIONS, seed: 8 }), first);
  });

  test(`generate: ${signal} are what another encoder writes for the same request`, () => {
    const bytes = GENERATE[signal](OPTIONS);
    assert.ok(Buffer.from(encodeRequest(signal, decodeRequest(signal, bytes))).equals(bytes));
  });

  test(`generate: ${signal} carry the running numbers they were asked for`, () => {
    const bytes = GENERATE[signal]({ ...OPTIONS, source: 9, firstNumber: 1_000 });
    const tally = new Tally();
    assert.equal(tallyItems(signal, bytes, tally), 100);
    for (let i = 0; i < 100; i++) assert.ok(tally.has(9, 1_000 + i));
    assert.deepEqual(tally.counts(), { seen: 100, distinct: 100, duplicates: 0, beyond: 0 });
  });

  test(`generate: ${signal} say in JSON what they say in protobuf`, () => {
    const read = transcode(signal, prepare(signal, "json", OPTIONS).bytes);
    assert.ok(read.ok);
    const protobuf = GENERATE[signal](OPTIONS);
    assert.equal(read.bytes.length, protobuf.length);
    // Fields stand in another order; a diff of 50 kB would take minutes.
    assert.ok(isDeepStrictEqual(decodeRequest(signal, read.bytes), decodeRequest(signal, protobuf)));
  });

  test(`stamp: makes of one request of ${signal} the one that would have been generated`, () => {
    for (const format of ["protobuf", "json"] as const) {
      const prepared = copyPrepared(prepare(signal, format, OPTIONS));
      const later = { source: 300, firstNumber: 4_294_000_002, wallMs: WALL_MS + 123_456_789 };
      const want = prepare(signal, format, { ...OPTIONS, ...later }).bytes;
      stamp(prepared, later);
      assert.ok(Buffer.from(prepared.bytes).equals(want)); // a diff of 50 kB would take minutes
      assert.equal(prepared.items, 100);
    }
  });
}

test("generate: ids and times stand where OTLP has them", () => {
  const bytes = generateTraces({ ...OPTIONS, items: 2, resources: 1, source: 9, firstNumber: 1_000 });
  const text = JSON.stringify(decodeRequest("traces", bytes), (_, value: unknown) =>
    value instanceof Object && "data" in value ? Buffer.from(value.data as number[]).toString("hex") : value,
  );
  const ids = [...text.matchAll(/"(?:spanId|parentSpanId)":"(\w+)"/gu)].map((found) => found[1]);
  assert.deepEqual(ids, ["00095b0c000003e8", "00095b0c000003e9", "00095b0c000003e8"]);
  const traces = [...text.matchAll(/"traceId":"(\w+)"/gu)].map((found) => found[1]);
  assert.ok(traces[0] === traces[1] && traces[0]?.startsWith("00095b0c000003e8"), text);
  const times = [...text.matchAll(/TimeUnixNano":"(\d+)"/gu)].map((found) => Number(BigInt(found[1]!) / 1_000_000n));
  assert.equal(times.length, 4);
  assert.ok(
    times.every((ms) => ms >= WALL_MS && ms < WALL_MS + 1_000),
    String(times),
  );
});

test("generate: a span has about 373 bytes", () => {
  const withSpans = generateTraces({ ...OPTIONS, items: 1_000, resources: 1 }).length;
  const bytes = (withSpans - generateTraces({ ...OPTIONS, items: 1, resources: 1 }).length) / 999;
  assert.ok(bytes > 360 && bytes < 386, `${bytes}`);
});

test("generate: items are shared out evenly over resources, whatever the numbers", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 20 }), (items, resources) => {
      const bytes = generateTraces({ ...OPTIONS, items, resources });
      const tally = new Tally();
      assert.equal(countItems(bytes), items);
      assert.equal(tallyItems("traces", bytes, tally), items);
      assert.deepEqual(tally.counts(), { seen: items, distinct: items, duplicates: 0, beyond: 0 });
    }),
  );
});

test("tally: tells loss and duplication", () => {
  const tally = new Tally(2);
  tally.add(1, 0);
  tally.add(1, 0);
  tally.add(1, 524_288);
  tally.add(2, 0); // a third page is beyond its capacity
  assert.deepEqual(tally.counts(), { seen: 4, distinct: 2, duplicates: 1, beyond: 1 });
  assert.deepEqual([tally.has(1, 0), tally.has(1, 1), tally.has(2, 0)], [true, false, false]);
});
