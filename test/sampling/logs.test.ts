/* oxlint-disable typescript/no-unsafe-type-assertion -- plain decodes are walked by names that the schema guarantees */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { seededRandom } from "../../src/core/random.ts";
import { thresholdOf } from "../../src/otlp/threshold.ts";
import { explode, type ExplodedItem } from "../support/oracle/explode.ts";
import { arbitraryRequest } from "../support/oracle/arbitraries.ts";
import { encodeRequest, normalize, type Plain, REQUEST_TYPE } from "../support/oracle/oracle.ts";
import { scramble } from "../support/oracle/scramble.ts";
import { list } from "../support/oracle/walk.ts";
import { modelOf } from "./model.ts";
import { SamplingRig } from "./sampling-rig.ts";

const THRESHOLD = "sampling.threshold";
const RANDOMNESS = "sampling.randomness";

const attribute = fc.oneof(
  fc.stringMatching(/^[0-9a-f]{1,14}$/u).map((th) => ({ key: THRESHOLD, value: { stringValue: th } })),
  fc.stringMatching(/^[0-9a-f]{14}$/u).map((rv) => ({ key: RANDOMNESS, value: { stringValue: rv } })),
  fc.constantFrom(
    { key: THRESHOLD, value: { stringValue: "none" } },
    { key: THRESHOLD, value: { intValue: "8" } },
    { key: "other", value: { stringValue: "8" } },
  ),
);

const requests = fc
  .tuple(
    arbitraryRequest("logs"),
    fc.array(fc.array(attribute, { maxLength: 2 }), { minLength: 1, maxLength: 9 }),
    fc.integer({ min: 0, max: 0x7fff_ffff }),
  )
  .map(([plain, attributes, seed]) => {
    let at = 0;
    for (const resource of list(plain["resourceLogs"]))
      for (const scope of list(resource["scopeLogs"]))
        for (const log of list(scope["logRecords"])) {
          log["attributes"] = [...attributes[at++ % attributes.length]!, ...list(log["attributes"])];
        }
    return scramble(REQUEST_TYPE.logs, normalize(REQUEST_TYPE.logs, plain), seededRandom(seed));
  });

/** Of attributes with the same key the first counts. */
function textOf(item: Plain, key: string): string | undefined | false {
  const pair = list(item["attributes"]).find((one) => one["key"] === key);
  if (pair === undefined) return undefined;
  const text = (pair["value"] as Plain | undefined)?.["stringValue"];
  return typeof text === "string" && text !== "" ? text : false;
}

/** The model of spans with attributes in the place of the tracestate. */
function modelOfLog({ item }: ExplodedItem, th: string): ReturnType<typeof modelOf> {
  const [threshold, randomness] = [textOf(item, THRESHOLD), textOf(item, RANDOMNESS)];
  const members = [
    ...(threshold === undefined ? [] : [`th:${threshold === false ? "?" : threshold}`]),
    ...(randomness === undefined ? [] : [`rv:${randomness === false ? "?" : randomness}`]),
  ];
  const id = item["traceId"] as Buffer | undefined;
  return modelOf(members.length === 0 ? "" : `ot=${members.join(";")}`, id?.toString("hex") ?? "", th);
}

/** With its own threshold taken out and the new one at the end. */
function marked(item: Plain, th: string): Plain {
  const attributes = list(item["attributes"]);
  const at = attributes.findIndex((one) => one["key"] === THRESHOLD);
  const others = at < 0 ? attributes : attributes.toSpliced(at, 1);
  return { ...item, attributes: [...others, { key: THRESHOLD, value: { stringValue: th } }] };
}

test("sampling logs: what is kept, and what is told of it, is as the Collector has it; all else stays", () => {
  const rates = fc.constantFrom(0.5, 0.1, 0.9);
  fc.assert(
    fc.property(requests, rates, (bytes, rate) => {
      const th = thresholdOf(rate).text;
      const rig = new SamplingRig("logs", `{ sampling_strategies: [{ type: fixed, rate: ${rate}, signals: [logs] }] }`);
      const before = explode("logs", bytes);
      const wanted = before.items.map((item) => ({ item, ...modelOfLog(item, th) })).filter(({ keep }) => keep);
      const { bytes: left } = rig.sample(bytes);
      const after = left === undefined ? [] : explode("logs", left).items;
      assert.equal(after.length, wanted.length);
      for (const [i, { item, ot }] of wanted.entries()) {
        if (ot === undefined) assert.equal(after[i]!.raw, item.raw);
        else assert.deepEqual(after[i]!.item, marked(item.item, th));
      }
    }),
    { numRuns: 100 },
  );
});

function logs(records: readonly Plain[]): Uint8Array {
  return encodeRequest("logs", { resourceLogs: [{ scopeLogs: [{ logRecords: [...records] }] }] });
}

test("sampling logs: without a trace id the hash of a configured attribute decides, and is told; without that it is kept", () => {
  const rig = new SamplingRig(
    "logs",
    `{ sampling: { logs: { randomness: [trace_id, { attribute: session.id }] } },
       sampling_strategies: [{ type: fixed, rate: 0.5, signals: [traces, logs] }] }`,
  );
  const of = (session: number): Plain => ({
    body: { stringValue: "b" },
    attributes: [{ key: "session.id", value: { stringValue: `session ${session}` } }],
  });
  const bytes = logs(Array.from({ length: 1_000 }, (_, i) => of(i % 500)));
  const kept = explode("logs", rig.sample(bytes).bytes!).items.map(({ item }) => item);
  assert.ok(Math.abs(kept.length - 500) < 130, String(kept.length));
  assert.equal(kept.length % 2, 0, "a session is kept or not, however many records it has");
  for (const item of kept) {
    assert.equal(textOf(item, THRESHOLD), "8");
    assert.match(String(textOf(item, RANDOMNESS)), /^[89a-f][0-9a-f]{13}$/u);
  }
  const without = logs([{ body: { stringValue: "b" } }]);
  assert.equal(rig.sample(without).bytes, without);
});

test("sampling logs: where all is hashed, what was sampled before by its trace id is sampled further by that", () => {
  const strategies = "[{ type: fixed, rate: 0.25, signals: [logs] }]";
  const rig = new SamplingRig("logs", `{ sampling: { randomness: hash }, sampling_strategies: ${strategies} }`);
  const attributes = [{ key: THRESHOLD, value: { stringValue: "8" } }];
  const bytes = logs([{ traceId: Buffer.alloc(16, 0xff), attributes }]);
  const [left] = explode("logs", rig.sample(bytes).bytes!).items;
  assert.deepEqual([textOf(left!.item, THRESHOLD), textOf(left!.item, RANDOMNESS)], ["c", undefined]);
});
