import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as fc from "fast-check";
import { Arena, CHUNK_BYTES } from "../../src/core/arena/arena.ts";
import { allocWasmMemory } from "../../src/core/arena/wasm-memory.ts";
import { SAMPLED } from "../../src/data/sample/sampler.ts";
import { classThreshold } from "../../src/data/sample/threshold-mark.ts";
import { spanKernelOf } from "../../src/otlp/kernel/span-kernel.ts";
import { DEGRADATION_STEPS, NOTHING_GIVEN_UP } from "../../src/plan/degradation-plan.ts";
import { requestOf } from "../sampling/requests.ts";
import { type Place, PLACES, SamplingRig, seriesOf, wasmMemory } from "../sampling/sampling-rig.ts";
import { compileKernel, KERNEL_CODE } from "./compile-kernel.ts";

test("kernel: its code is what its source gives (else: npm run kernel)", () => {
  assert.equal(readFileSync(KERNEL_CODE, "utf8"), compileKernel());
});

/** In at least so many bytes: some encoders leave room for a length, and fill it in later. */
const varint = (value: number, least = 1): number[] =>
  value < 128 && least <= 1 ? [value] : [(value & 127) | 128, ...varint(value >>> 7, least - 1)];
const field = (tag: number, content: Uint8Array | readonly number[], least = 1): Buffer =>
  Buffer.concat([Buffer.from([tag, ...varint(content.length, least)]), Buffer.from(content)]);
/** Bytes of a length, at least. */
const least = fc.oneof(
  { arbitrary: fc.constant(1), weight: 20 },
  { arbitrary: fc.integer({ min: 2, max: 5 }), weight: 1 },
);
const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const upTo = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength: length, size: "max" });
/** Now and then. */
const rarely = (arbitrary: fc.Arbitrary<readonly number[]>): fc.Arbitrary<readonly number[]> =>
  fc.oneof({ arbitrary: fc.constant([]), weight: 12 }, { arbitrary, weight: 1 });

/** Bytes of the largest memory that `allocWasmMemory` makes for WebAssembly. */
const LARGEST = 61_438 * CHUNK_BYTES;
const NONE = Buffer.alloc(0);
const traceId = fc.oneof(
  { arbitrary: bytes(16), weight: 20 },
  { arbitrary: fc.constantFrom(Buffer.alloc(16), Buffer.alloc(16, 255), NONE, Buffer.alloc(15, 1)), weight: 1 },
);
const attribute = fc.tuple(upTo(20), fc.oneof({ arbitrary: upTo(30), weight: 6 }, { arbitrary: upTo(300), weight: 1 }));
/** Those that rules ask for, and others whose keys are as long. */
const askedKey = fc.constantFrom(
  "http.response.status_code",
  "http.request.resend_count",
  "http.response.status_cod3",
  "xttp.response.status_code",
  "a",
  "b",
);
const small = fc.constantFrom(0, 1, 127, 128, 404, 499, 500, 503, 16_384).map((whole) => [0x18, ...varint(whole)]);
const otherValue = fc.constantFrom<number[]>(
  [0x18, ...varint(2 ** 28)],
  [0x21, 0, 0, 0, 0, 0, 64, 127, 64],
  [0x0a, 3, 53, 48, 48],
  [0x10, 1],
  [0x18],
  [0x18, 1, 0x18, 2],
  [0x0a, ...varint(140), ...Buffer.alloc(140, 97)],
  [],
);
const askedValue = fc.oneof({ arbitrary: small, weight: 40 }, { arbitrary: otherValue, weight: 1 });
const askedFor = fc.tuple(
  askedKey.map((key) => Buffer.from(key)),
  askedValue,
);
const attributes = fc
  .array(fc.oneof(attribute, askedFor), { maxLength: 6 })
  .map((all) =>
    Buffer.concat(all.map(([key, value]) => field(0x4a, Buffer.concat([field(0x0a, key), field(0x12, value)])))),
  );
/** What may stand between and behind a span's fields, well-formed or not. */
const oddity = fc.constantFrom<readonly number[]>(
  [0x85, 0x01, 1, 0, 0, 0],
  [0x50, 0x80, 0x01],
  [0x7a, 2, 0x18, 1],
  [0x7a, 5, 0x12, 1, 97, 0x18, 2],
  [0x7a, 0],
  [0x7a, 2, 0x18, 0x80],
  [0x7a, 0x7f, 0x12, 0x7d],
  [0x30, 3],
  [0x4a, 7, 0x1a, 1, 97, 0x12, 2, 0x18, 0],
  [0x4a, 0x80, 1, 0x0a, 1, 97, ...Buffer.alloc(125, 0x12)],
  [0x30, 0x83, 0],
  [0xfd, 0x7f, 1, 2, 3, 4],
  [0x1a, 7, ...Buffer.from("ot=th:8")],
  [0x22, 0],
  [0x0a, 16, ...Buffer.alloc(16, 3)],
  [0x4d, 1, 2, 3, 4],
  [0x4a, 0x7f],
  [0x4b, 0x4c],
  [0x02, 1, 1],
  [0x39, 1],
  [0x80],
);
const spanField = fc
  .record({
    traceId,
    parent: fc.boolean(),
    name: upTo(200),
    attributes,
    before: rarely(oddity),
    after: rarely(oddity),
    least,
  })
  .map((span) => {
    const body = Buffer.concat([
      Buffer.from(span.before),
      field(0x0a, span.traceId),
      field(0x12, Buffer.alloc(8, 7)),
      ...(span.parent ? [field(0x22, Buffer.alloc(8, 9))] : []),
      field(0x2a, span.name),
      Buffer.from([0x30, 2, 0x39, 1, 2, 3, 4, 5, 6, 7, 8, 0x41, 8, 7, 6, 5, 4, 3, 2, 1]),
      span.attributes,
      Buffer.from(span.after),
    ]);
    return field(0x12, body, span.least);
  });
const scope = fc
  .tuple(
    fc.boolean(),
    fc.array(spanField, { maxLength: 8 }),
    rarely(fc.constantFrom<readonly number[]>([0x1a, 2, 97, 98], [0x28, 1])),
    least,
  )
  .map(([named, spans, end, length]) => {
    const name = named ? field(0x0a, field(0x0a, Buffer.from("scope"))) : NONE;
    return field(0x12, Buffer.concat([name, ...spans, Buffer.from(end)]), length);
  });
const resource = fc
  .tuple(
    fc.constantFrom("cart", "ship"),
    fc.array(scope, { maxLength: 4 }),
    rarely(fc.constantFrom<readonly number[]>([0x1a, 0], [0x0a, 0])),
    least,
  )
  .map(([service, scopes, end, length]) => {
    const value = field(0x12, field(0x0a, Buffer.from(service)));
    const about = field(0x0a, field(0x0a, Buffer.concat([field(0x0a, Buffer.from("service.name")), value])));
    return field(0x0a, Buffer.concat([about, ...scopes, Buffer.from(end)]), length);
  });
const request = fc
  .tuple(fc.array(resource, { minLength: 1, maxLength: 4 }), rarely(fc.constant([0x2a, 1, 5])))
  .map(([resources, extra]) => Buffer.concat([...resources, Buffer.from(extra)]));
const global = fc.constantFrom(
  "{ sampling_rate: 0.5 }",
  "{ sampling_rate: 0.99999 }",
  "{ sampling_rate: 0.02 }",
  "{ sampling_strategies: [{ type: adaptive, min_rate: 0.1, max_rate: 0.4, target_qps: 10, unit: items }] }",
  "{ sampling_rate: 0.3, sampling_strategies: [{ type: priority_based, rules: [{ priority: high, rate: 1, services: [ship] }] }] }",
  byRules("{ priority: high, rate: 1, conditions: [{ attribute: { key: http.response.status_code, gte: 500 } }] }"),
  byRules("{ priority: high, rate: 1, conditions: [{ span_status: error }] }, { priority: low, rate: 0.1 }"),
  byRules(
    "{ priority: low, rate: 0.2, services: ['c*', 'x*'], conditions: [{ attribute: { key: a, equals: 404 } }] }",
    "{ priority: high, rate: 0.9, conditions: [{ span_kind: [client, producer] }] }",
    "{ priority: high, rate: 1, conditions: [{ attribute: { key: http.request.resend_count, gt: 0, lte: 499.5 } }] }",
  ),
  byRules(
    "{ priority: high, rate: 1, conditions: [{ span_status: error }] }",
    "{ priority: low, rate: 0.2, services: [ship] }",
    ...["r", "s", "t", "u", "v", "w", "x", "z"].map((name) => `{ priority: low, rate: 0.1, services: [${name}] }`),
  ),
  `${byRules("{ priority: high, rate: 1, conditions: [{ attribute: { key: a, lt: 1 } }] }").slice(0, -3)}, { type: adaptive, min_rate: 0.1, max_rate: 0.4, target_qps: 10, unit: items }] }`,
);

/** What the rest is kept at is lower; some rules are asked of items, and some of resources. */
function byRules(...written: readonly string[]): string {
  return `{ sampling_rate: 0.5, sampling_strategies: [{ type: priority_based, rules: [${written.join(", ")}] }] }`;
}

/** Everything that is said of a request, and of what is left of it. */
function told(place: Place, config: string, requests: readonly Buffer[]): unknown {
  const rig = new SamplingRig("traces", config, place);
  const left = requests.map((one) => {
    const { result, bytes: rest } = rig.sample(one);
    const { problem } = rig.sampler;
    return [
      result,
      result === SAMPLED.MALFORMED ? problem : rest === undefined ? "" : Buffer.from(rest).toString("hex"),
    ];
  });
  const { samplingReceivedBytes, samplingReceivedTraces, samplingReceivedAdjusted, samplingReceivedKept } = rig.metrics;
  const received = [samplingReceivedBytes, samplingReceivedTraces, samplingReceivedAdjusted, samplingReceivedKept];
  const { samplingItems, samplingOddities } = rig.metrics;
  const decided = [samplingItems, samplingOddities].map(({ series }) =>
    Array.from(series.values(), ({ labels, series: { value } }) => [...labels, value].join(" ")),
  );
  return [left, rig.dropped(), rig.received(), decided, received.map((family) => seriesOf(family))];
}

test("kernel: what it makes of requests is what TypeScript makes of them, byte for byte and count for count", () => {
  fc.assert(
    fc.property(global, fc.array(request, { minLength: 1, maxLength: 3 }), (config, requests) => {
      const own = told("own", config, requests);
      for (const place of PLACES.slice(1)) assert.deepEqual(told(place, config, requests), own, place);
    }),
    { numRuns: 300 },
  );
});

test("kernel: a request that only grows in part is not marked where it is", () => {
  const kept = field(0x12, Buffer.concat([field(0x0a, Buffer.alloc(16, 255)), field(0x12, Buffer.alloc(8, 7))]), 4);
  const spans = (count: number): Buffer => field(0x12, Buffer.concat(Array.from({ length: count }, () => kept)));
  const first = field(0x0a, spans(100));
  const short = field(0x0a, spans(1));
  const hollow = field(0x0a, Buffer.concat([spans(1), ...Array.from({ length: 600 }, () => field(0x12, NONE, 4))]));
  const wide = Array.from({ length: 600 }, () => field(0x0a, field(0x12, kept), 5));
  for (const config of [
    "{ sampling_rate: 0.5 }",
    byRules("{ priority: high, rate: 1, conditions: [{ span_status: error }] }"),
  ]) {
    for (const all of [
      [first, hollow],
      [first, ...wide],
      [short, Buffer.from([0x2a, 3, 97, 98, 99]), short],
    ]) {
      const one = Buffer.concat(all);
      const own = told("own", config, [one]);
      for (const place of PLACES.slice(1)) assert.deepEqual(told(place, config, [one]), own, place);
    }
  }
});

test("kernel: it works in all of the largest arena", (t) => {
  const arena = new Arena(LARGEST, { memory: allocWasmMemory(LARGEST) });
  const body = arena.alloc(2 * CHUNK_BYTES, true)!; // where arenas put what is long: at the end
  const kernel = spanKernelOf(body.bytes.buffer);
  if (kernel === undefined) return t.skip("the system does not give as many addresses");
  const one = field(0x12, field(0x12, [...field(0x0a, Buffer.alloc(16, 255)), ...field(0x12, Buffer.alloc(8, 7))]));
  body.bytes.set(one);
  const { byteOffset } = body.bytes;
  const out = byteOffset + CHUNK_BYTES;
  const to = classThreshold(0.5, "priority_based", "traces");
  const marked = kernel.measure(byteOffset, byteOffset + one.length, to);
  assert.equal(marked, one.length + to.mark.length);
  const written = 2 + marked; // with its tag and length
  assert.equal(kernel.write(byteOffset, byteOffset + one.length, to, 0, marked, out), out + written);
  assert.equal(kernel.move(out, out + written, out - 1), out + written - 1);
});

test("kernel: what a degraded node does not let in is counted once, wherever there is room for the rest", () => {
  const config = byRules("{ priority: low, rate: 0.1, services: [ship] }");
  const one = requestOf([
    { service: "cart", spans: [{ name: "high" }] },
    { service: "ship", spans: [{ name: "high" }, { name: "low" }] },
  ]);
  const refused = PLACES.map((place) => {
    const rig = new SamplingRig("traces", config, place);
    rig.sampler.obey(undefined, { ...NOTHING_GIVEN_UP, level: DEGRADATION_STEPS.lowIsRefused });
    assert.equal(rig.sample(Buffer.from(one)).result, SAMPLED.LESS);
    return rig.sampler.refused;
  });
  assert.deepEqual(refused, [2, 2, 2, 2]);
});

test("kernel: it decides about plain spans of one class, and about no others", () => {
  const kernel = spanKernelOf(wasmMemory)!;
  const taken = (config: string, spans: Parameters<typeof requestOf>[0][number]["spans"]): number => {
    kernel.kept = kernel.dropped = 0;
    new SamplingRig("traces", config, "arena").sample(requestOf([{ service: "cart", spans }]));
    return kernel.kept + kernel.dropped;
  };
  const half = "{ sampling_rate: 0.5 }";
  assert.equal(
    taken(half, [{ name: "low" }, { name: "high", parent: true }, { name: "high", tier: "x".repeat(200) }]),
    3,
  );
  assert.equal(taken(half, [{ name: "high", state: "ot=th:4" }]), 0, "somebody has said something of sampling");
  assert.equal(taken(half, [{ name: "none" }]), 0, "there is nothing to decide by");
  const rules = "rules: [{ priority: high, rate: 1, conditions: [{ attribute: { key: tier, equals: x } }] }]";
  const asked = `{ sampling_rate: 0.5, sampling_strategies: [{ type: priority_based, ${rules} }] }`;
  assert.equal(taken(asked, [{ name: "high" }]), 0, "spans are asked one by one");
  assert.equal(
    taken("{ sampling_rate: 0.5, sampling: { randomness: hash } }", [{ name: "high" }]),
    0,
    "decided by a hash",
  );
});

test("kernel: it asks spans whole numbers, and nothing else", () => {
  const kernel = spanKernelOf(wasmMemory)!;
  const taken = (conditions: string, more = ""): number => {
    const config = byRules(`{ priority: high, rate: 1, conditions: [${conditions}] }`);
    const rig = new SamplingRig("traces", config.replace("sampling_rate: 0.5", `sampling_rate: 0.5${more}`), "arena");
    rig.sample(requestOf([{ service: "cart", spans: [{ name: "low" }, { name: "high", tier: "gold" }] }]));
    return kernel.asked.verdicts;
  };
  assert.equal(taken("{ span_status: error }"), 2);
  assert.equal(taken("{ span_kind: [client, server] }"), 2);
  assert.equal(
    taken("{ service_name: cart }, { attribute: { key: code, gte: 1, lt: 2.5 } }"),
    2,
    "the service is known",
  );
  assert.equal(taken("{ attribute: { key: tier, gte: 1 } }"), 0, "one of them has a text there");
  assert.equal(taken("{ attribute: { key: code, gte: 1 } }, { span_status: error }"), 0, "two questions");
  assert.equal(taken("{ not: { span_status: error } }"), 0);
  assert.equal(taken("{ span_kind: [internal, client] }"), 0, "kinds that are not next to each other");
  assert.equal(taken("{ span_name: high }"), 0);
  assert.equal(taken(`{ attribute: { key: ${"k".repeat(128)}, gte: 1 } }`), 0, "there is no room for the key");
  assert.equal(taken("{ span_status: error }", ", sampling: { randomness: hash }"), 0, "decided by a hash");
});

test("kernel: of more spans than it has room to note verdicts of, the others are asked in TypeScript", () => {
  const kernel = spanKernelOf(wasmMemory)!;
  const spans = Array.from({ length: 35_000 }, (_, i) => {
    const id = Buffer.alloc(16, 1);
    id.writeUInt32BE(Math.imul(i, 0x9e37_79b1) >>> 0, 9);
    return field(0x12, Buffer.concat([field(0x0a, id), Buffer.from([0x7a, 2, 0x18, i % 3])]));
  });
  const half = field(0x0a, field(0x12, Buffer.concat(spans)));
  const config = byRules("{ priority: high, rate: 1, conditions: [{ span_status: error }] }");
  const own = told("own", config, [Buffer.concat([half, half])]);
  assert.deepEqual(told("arena", config, [Buffer.concat([half, half])]), own);
  assert.equal(kernel.asked.verdicts, spans.length);
});

test("kernel: it notes the randomness of one in 64 of the spans that it decides on", () => {
  const span = (i: number): Buffer =>
    field(0x12, Buffer.concat([field(0x0a, Buffer.alloc(16, i)), Buffer.from([0x7a, 2, 0x18, i % 3])]));
  const config = byRules("{ priority: high, rate: 1, conditions: [{ span_status: error }] }");
  for (const place of ["own", "arena"] as const) {
    const rig = new SamplingRig("traces", config, place);
    for (let turn = 0; turn < 4; turn++) {
      const spans = Array.from({ length: 96 }, (_, i) => span(turn * 50 + i + 1));
      rig.sample(field(0x0a, field(0x12, Buffer.concat(spans))));
    }
    const noted = rig.randomness.seen.flatMap(({ buckets }) => buckets).reduce((sum, one) => sum + one, 0);
    assert.equal(noted, (4 * 96 * 2) / 3 / 64, place);
  }
});
