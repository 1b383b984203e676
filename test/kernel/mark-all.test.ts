import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { SAMPLED } from "../../src/data/sample/sampler.ts";
import { classThreshold } from "../../src/data/sample/threshold-mark.ts";
import { spanKernelOf } from "../../src/otlp/kernel/span-kernel.ts";
import { Envelope, scanEnvelope } from "../../src/otlp/scan.ts";
import { type Place, SamplingRig, seriesOf, wasmMemory } from "../sampling/sampling-rig.ts";

const varint = (value: number, least = 1): number[] =>
  value < 128 && least <= 1 ? [value] : [(value & 127) | 128, ...varint(value >>> 7, least - 1)];
const field = (tag: number, content: Uint8Array | readonly number[], least = 1): Buffer =>
  Buffer.concat([Buffer.from([tag, ...varint(content.length, least)]), Buffer.from(content)]);
const TEXT = Buffer.alloc(20_000, "text ");
const TIMES = [0x30, 2, 0x39, 1, 2, 3, 4, 5, 6, 7, 8, 0x41, 8, 7, 6, 5, 4, 3, 2, 1];
const LOW = [...Buffer.alloc(15), 1];

interface GivenSpan {
  readonly id: number;
  readonly isChild: boolean;
  readonly name: number;
  /** Bytes of attributes. */
  readonly texts: readonly number[];
  readonly end: readonly number[];
}

/** As encoders write it, of 128 bytes and more. */
const usual = fc.record({
  id: fc.integer({ min: 1, max: 255 }),
  isChild: fc.boolean(),
  name: fc.integer({ min: 0, max: 127 }),
  texts: fc.array(fc.oneof({ arbitrary: fc.nat(127), weight: 9 }, { arbitrary: fc.nat(2_000), weight: 1 }), {
    maxLength: 8,
  }),
  end: fc.constantFrom<readonly number[]>(
    [],
    [0x7a, 0],
    [0x85, 1, 1, 0, 0, 0],
    [0x7a, 2, 0x18, 1, 0x85, 1, 1, 0, 0, 0],
  ),
});

function messageOf({ id, isChild, name, texts, end }: GivenSpan, traceId: readonly number[] = []): Buffer {
  return Buffer.concat([
    field(0x0a, traceId.length > 0 ? traceId : Buffer.alloc(16, id)),
    field(0x12, Buffer.alloc(8, id)),
    ...(isChild ? [field(0x22, Buffer.alloc(8, 9))] : []),
    field(0x2a, TEXT.subarray(0, name)),
    Buffer.from(TIMES),
    field(0x4a, TEXT.subarray(0, 100)),
    ...texts.map((length) => field(0x4a, TEXT.subarray(0, length))),
    Buffer.from(end),
  ]);
}

/** What is not marked in one go. */
const BREAKERS: Readonly<Record<string, (span: GivenSpan) => Buffer>> = {
  state: (span) => field(0x12, Buffer.concat([messageOf(span), field(0x1a, Buffer.from("a=b"))])),
  dropped: (span) => field(0x12, messageOf(span, LOW)),
  noId: (span) => field(0x12, messageOf(span, [...Buffer.alloc(16)])),
  short: () => field(0x12, [...field(0x0a, Buffer.alloc(16, 9)), ...field(0x12, Buffer.alloc(8, 7))]),
  wide: (span) => field(0x12, messageOf(span), 3),
  long: (span) => field(0x12, Buffer.concat([messageOf(span), field(0x4a, TEXT)])),
  broken: (span) => field(0x12, Buffer.concat([messageOf(span), Buffer.from([0x4a, 0x7f])])),
};

const spans = fc
  .array(usual, { minLength: 1, maxLength: 6 })
  .map((all) => all.map((one) => field(0x12, messageOf(one))));
const scope = fc.record({ spans, url: fc.boolean() });
const resource = fc.record({
  service: fc.constantFrom("cart", "ship"),
  scopes: fc.array(scope, { minLength: 1, maxLength: 3 }),
  url: fc.boolean(),
});
const breaker = fc.record({
  of: fc.constantFrom(...Object.keys(BREAKERS)),
  span: usual,
  resource: fc.nat(3),
  scope: fc.nat(2),
  at: fc.nat(6),
});
const request = fc
  .record({
    resources: fc.array(resource, { minLength: 1, maxLength: 4 }),
    breaker: fc.option(breaker),
    /** So often the first scope has its spans, for scopes of several lengths. */
    times: fc.constantFrom(1, 1, 1, 20),
    wideScopes: fc.constantFrom(1, 1, 1, 1, 4),
  })
  .map(({ resources, breaker: odd, times, wideScopes }) => {
    const written = resources.map(({ service, scopes, url }, r) => {
      const of = scopes.map((one, s) => {
        const all = Array.from({ length: r + s === 0 ? times : 1 }, () => one.spans).flat();
        if (odd?.resource === r && odd.scope === s) all.splice(odd.at, 0, BREAKERS[odd.of]!(odd.span));
        const name = field(0x0a, field(0x0a, Buffer.from("scope")));
        return field(
          0x12,
          Buffer.concat([name, ...all, ...(one.url ? [field(0x1a, TEXT.subarray(0, 9))] : [])]),
          wideScopes,
        );
      });
      const value = field(0x12, field(0x0a, Buffer.from(service)));
      const about = field(0x0a, field(0x0a, Buffer.concat([field(0x0a, Buffer.from("service.name")), value])));
      return field(0x0a, Buffer.concat([about, ...of, ...(url ? [field(0x1a, TEXT.subarray(0, 9))] : [])]));
    });
    return Buffer.concat(written);
  });

const CONFIGS = [
  "{ sampling_rate: 0.99999 }",
  "{ sampling_strategies: [{ type: adaptive, min_rate: 0.99999, max_rate: 0.99999, target_qps: 10, unit: items }] }",
];

function told(place: Place, config: string, one: Buffer): unknown {
  const rig = new SamplingRig("traces", config, place);
  const { result, bytes } = rig.sample(one);
  const left = bytes === undefined || result === SAMPLED.MALFORMED ? "" : Buffer.from(bytes).toString("hex");
  const { samplingItems, samplingReceivedBytes, samplingReceivedTraces, samplingReceivedKept } = rig.metrics;
  const counted = [samplingReceivedBytes, samplingReceivedTraces, samplingReceivedKept].map((all) => seriesOf(all));
  const decided = Array.from(samplingItems.series.values(), ({ labels, series }) =>
    [...labels, series.value].join(" "),
  );
  return {
    result,
    problem: rig.sampler.problem,
    left,
    counted,
    decided,
    all: rig.received(),
  };
}

test("kernel: a request that is marked in one go is what TypeScript makes of it, byte for byte and count for count", () => {
  fc.assert(
    fc.property(fc.constantFrom(...CONFIGS), request, (config, one) => {
      assert.deepEqual(told("roomy_arena", config, one), told("own", config, one));
    }),
    { numRuns: 250 },
  );
});

test("kernel: a request that cannot be marked in one go is as it was", () => {
  const kernel = spanKernelOf(wasmMemory)!;
  const to = classThreshold(0.99999, "priority_based", "traces");
  const memory = Buffer.from(wasmMemory);
  const at = 1_000_000;
  const seen = { marked: 0, undone: 0 };
  fc.assert(
    fc.property(request, (one) => {
      const body = memory.subarray(at, at + one.length);
      body.set(one);
      const envelope = new Envelope();
      assert.ok(scanEnvelope("traces", body, envelope));
      const more = envelope.totalItems * to.mark.length;
      memory.fill(0xee, at - more, at);
      if (kernel.markAll(envelope, to, more)) {
        seen.marked++;
        assert.equal(memory.subarray(at - more, at + one.length).indexOf("ot=th:") > 0, true);
      } else {
        assert.deepEqual(body, one);
        if (memory.subarray(at - more, at).some((byte) => byte !== 0xee)) seen.undone++;
      }
    }),
    { numRuns: 400 },
  );
  assert.ok(seen.marked > 50 && seen.undone > 50, JSON.stringify(seen));
});

test("kernel: of spans that are marked in one go the randomness of one in 64 is noted, with its resource", () => {
  const kernel = spanKernelOf(wasmMemory)!;
  const to = classThreshold(0.99999, "priority_based", "traces");
  const given: GivenSpan = { id: 0, isChild: false, name: 9, texts: [], end: [] };
  const one = [0x11, 0x22].map((id) => {
    const span = field(0x12, messageOf({ ...given, id }));
    return field(0x0a, field(0x12, Buffer.concat(Array.from({ length: 64 }, () => span))));
  });
  const all = Buffer.concat(one);
  const at = 1_000_000;
  const body = Buffer.from(wasmMemory).subarray(at, at + all.length);
  body.set(all);
  const envelope = new Envelope();
  assert.ok(scanEnvelope("traces", body, envelope));
  assert.ok(kernel.markAll(envelope, to, 128 * to.mark.length));
  const notes = Array.from({ length: kernel.notes }, (_, i) => [kernel.noteOf(i), kernel.noteHi(i), kernel.noteLo(i)]);
  assert.deepEqual(notes, [
    [0, 0x11_1111, 0x1111_1111],
    [1, 0x22_2222, 0x2222_2222],
  ]);
  assert.equal(kernel.roots, 128);
  assert.equal(kernel.spanBytes, 128 * messageOf({ ...given, id: 1 }).length);
});
