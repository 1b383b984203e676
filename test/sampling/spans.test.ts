/* oxlint-disable typescript/no-unsafe-type-assertion -- plain decodes are walked by names that the schema guarantees */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { seededRandom } from "../../src/core/random.ts";
import { SAMPLED } from "../../src/data/sample/sampler.ts";
import { thresholdOf } from "../../src/otlp/threshold.ts";
import { explode, type ExplodedItem } from "../support/oracle/explode.ts";
import { arbitraryRequest } from "../support/oracle/arbitraries.ts";
import { normalize, type Plain, REQUEST_TYPE } from "../support/oracle/oracle.ts";
import { scramble } from "../support/oracle/scramble.ts";
import { list } from "../support/oracle/walk.ts";
import { listOf, modelOf } from "./model.ts";
import { leftOf, requestOf } from "./requests.ts";
import { SamplingRig } from "./sampling-rig.ts";

const digits = fc.stringMatching(/^[0-9a-f]{14}$/u);
const member = fc.oneof(
  { arbitrary: fc.stringMatching(/^[0-9a-f]{1,14}$/u).map((th) => `th:${th}`), weight: 4 },
  { arbitrary: digits.map((rv) => `rv:${rv}`), weight: 3 },
  { arbitrary: fc.constantFrom("p:8", "x9:a.b", "th:", "rv:12", "T:1", "", "th:c", "rv:fffffffffffff0"), weight: 2 },
);
const ot = fc.array(member, { minLength: 1, maxLength: 3 }).map((members) => `ot=${members.join(";")}`);
const tracestate = fc
  .array(
    fc.oneof({ arbitrary: ot, weight: 3 }, { arbitrary: fc.constantFrom("rojo=1", " a@b=2\t", "", "o=t"), weight: 2 }),
    {
      maxLength: 4,
    },
  )
  .map((members) => members.join(","));

/** Requests whose spans have tracestates that sampling reads. */
const requests = fc
  .tuple(
    arbitraryRequest("traces"),
    fc.array(fc.option(tracestate, { nil: "", freq: 3 }), { minLength: 1, maxLength: 9 }),
    fc.integer({ min: 0, max: 0x7fff_ffff }),
  )
  .map(([plain, states, seed]) => {
    let at = 0;
    for (const resource of list(plain["resourceSpans"]))
      for (const scope of list(resource["scopeSpans"]))
        for (const span of list(scope["spans"])) span["traceState"] = states[at++ % states.length]!;
    return scramble(REQUEST_TYPE.traces, normalize(REQUEST_TYPE.traces, plain), seededRandom(seed));
  });

const rates = fc.oneof(
  fc.constantFrom(0.5, 0.1, 0.9, 0.01, 1 - 2 ** -14),
  fc.double({ min: 0.001, max: 0.999, noNaN: true }),
);

function modelOfItem({ item }: ExplodedItem, th: string): ReturnType<typeof modelOf> {
  const id = item["traceId"] as Buffer | undefined;
  return modelOf(String(item["traceState"] ?? ""), id?.toString("hex") ?? "", th);
}

/** The item with what surrounds it, and what was added at the end of its bytes. */
function assertSame(before: ExplodedItem, after: ExplodedItem, value: string | undefined): void {
  if (value === undefined) return assert.equal(after.raw, before.raw);
  const [around, scope, item] = before.raw.split(" ");
  const raw = after.raw.split(" ");
  assert.deepEqual(raw.slice(0, 2), [around, scope]);
  const [old, fresh] = [Buffer.from(item!, "base64"), Buffer.from(raw[2]!, "base64")];
  assert.deepEqual(fresh.subarray(0, old.length), old, "all that was in the span is there, byte for byte");
  const state = [`ot=${value}`, ...others(before.item)].slice(0, 32).join(",");
  assert.deepEqual(after.item, { ...before.item, traceState: state });
}

function others(item: Plain): string[] {
  return listOf(String(item["traceState"] ?? "")).filter((one) => !one.startsWith("ot="));
}

test("sampling spans: what is kept, and what is told of it, is what the specification says; all other bytes stay", () => {
  fc.assert(
    fc.property(requests, rates, (bytes, rate) => {
      const rig = new SamplingRig("traces", `{ sampling_rate: ${rate} }`);
      const th = thresholdOf(rate).text;
      const before = explode("traces", bytes);
      const wanted = before.items.map((item) => ({ item, ...modelOfItem(item, th) })).filter(({ keep }) => keep);
      const { result, bytes: left } = rig.sample(bytes);
      if (wanted.length === 0 && before.items.length > 0) assert.equal(result, SAMPLED.NOTHING);
      if (left === undefined) return assert.equal(wanted.length, 0);
      const after = explode("traces", left);
      assert.equal(after.extras, before.extras);
      assert.equal(after.items.length, wanted.length);
      for (const [i, { item, ot: value }] of wanted.entries()) assertSame(item, after.items[i]!, value);
      assert.equal(rig.dropped(), before.items.length - wanted.length);
      if (left === bytes) assert.ok(wanted.every((one) => one.ot === undefined));
    }),
    { numRuns: 100 },
  );
});

test("sampling spans: what was sampled before is sampled the same again, and a lower rate keeps a part of it", () => {
  fc.assert(
    fc.property(requests, rates, rates, (bytes, a, b) => {
      const [high, low] = [Math.max(a, b), Math.min(a, b)];
      const at = (rate: number): SamplingRig => new SamplingRig("traces", `{ sampling_rate: ${rate} }`);
      const first = at(high).sample(bytes).bytes;
      if (first === undefined) return;
      assert.deepEqual(meanings(at(high).sample(first).bytes), meanings(first));
      // A threshold that its randomness does not reach is erased by whoever lowers it further.
      assert.deepEqual(meanings(at(low).sample(first).bytes), meanings(at(low).sample(bytes).bytes));
    }),
    { numRuns: 100 },
  );
});

function meanings(bytes: Uint8Array | undefined): string[] {
  return bytes === undefined ? [] : explode("traces", bytes).items.map(({ meaning }) => meaning);
}

test("sampling spans: where all is hashed, what was sampled before by its trace id is sampled further by that", () => {
  const rig = new SamplingRig("traces", "{ sampling: { randomness: hash }, sampling_rate: 0.25 }");
  const states = ["ot=th:8", "ot=th:f"];
  const bytes = requestOf([{ service: "cart", spans: states.map((state) => ({ name: "high", state }) as const) }]);
  assert.deepEqual(leftOf(rig.sample(bytes).bytes), ["cart: high ot=th:c, high ot=th:f"]);
});

test("sampling spans: of many long tracestates in one request each is written whole", () => {
  const rig = new SamplingRig("traces", "{ sampling_rate: 0.5 }");
  const states = Array.from({ length: 100 }, (_, i) => `long=${String(i).padStart(200, "x")}`);
  const bytes = requestOf([{ service: "cart", spans: states.map((state) => ({ name: "high", state }) as const) }]);
  const want = states.map((state) => `high ot=th:8,${state}`).join(", ");
  assert.deepEqual(leftOf(rig.sample(bytes).bytes), [`cart: ${want}`]);
});
