import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRequest } from "../../../test/support/oracle/oracle.ts";
import type { Plain } from "../../../test/support/oracle/oracle.ts";
import type { Signal } from "../signal.ts";
import { NO_LIMITS } from "../limits.ts";
import { transcode } from "./transcode.ts";

const TRACE_ID = "5b8efff798038103d269b633813fc60c";
const IN_SPAN = "resourceSpans[0].scopeSpans[0].spans[0]";

function requestOf(signal: Signal, items: string): string {
  switch (signal) {
    case "traces":
      return `{"resourceSpans":[{"scopeSpans":[{"spans":[${items}]}]}]}`;
    case "metrics":
      return `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[${items}]}]}]}`;
    case "logs":
      return `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${items}]}]}]}`;
  }
}

for (const [how, more] of [
  ["in one pass", ""],
  ["with a name that stands twice", ',"name":"a name of some length"'],
] as const) {
  test(`${how}: what finds room in the scratch is written there, and all else is owned`, () => {
    const scratch = Buffer.alloc(8_000);
    const spans = (count: number): Buffer =>
      Buffer.from(requestOf("traces", Array<string>(count).fill(`{"name":"a name of some length"${more}}`).join(",")));
    for (const count of [1, 50, 100, 1_000]) {
      const owned = transcode("traces", spans(count));
      const given = transcode("traces", spans(count), NO_LIMITS, scratch);
      assert.ok(owned.ok && given.ok);
      assert.deepEqual(Buffer.from(given.bytes), Buffer.from(owned.bytes));
      assert.notEqual(owned.bytes.buffer, scratch.buffer);
      assert.equal(given.bytes.buffer === scratch.buffer, given.bytes.length <= scratch.length, `${count} spans`);
    }
  });
}

function run(signal: Signal, text: string): ReturnType<typeof transcode> {
  return transcode(signal, new TextEncoder().encode(text));
}

/** What the items of a request are after transcoding; the request must be taken as a whole. */
function itemsOf(signal: Signal, items: string): unknown {
  const result = run(signal, requestOf(signal, items));
  assert.ok(result.ok);
  assert.equal(result.message, "");
  return firstItems(decodeRequest(signal, result.bytes));
}

/** Of the first scope of the first resource. */
function firstItems(plain: Plain): unknown {
  let at: unknown = plain;
  for (let level = 0; level < 3; level++) {
    const list: unknown = Object.values(at as object)[0];
    if (level === 2 || !Array.isArray(list)) return list;
    at = list[0];
  }
  return at;
}

const spans = [
  { name: "hex ids in lower case", json: `{"spanId":"eee19b7ec3c1b174"}`, want: { spanId: "eee19b7ec3c1b174" } },
  { name: "hex ids in capitals", json: `{"spanId":"EEE19B7EC3C1B17F"}`, want: { spanId: "eee19b7ec3c1b17f" } },
  { name: "an empty id is absent", json: `{"traceId":"","parentSpanId":"","name":"a"}`, want: { name: "a" } },
  {
    name: "null is absent",
    json: `{"name":null,"kind":null,"attributes":null,"status":null,"traceId":null}`,
    want: {},
  },
  {
    name: "snake case is an unknown name",
    json: `{"trace_id":"x","start_time_unix_nano":"1","name":"a"}`,
    want: { name: "a" },
  },
  {
    name: "unknown names are ignored with what is in them",
    json: `{"x":[{"y":[[]]}],"name":"a"}`,
    want: { name: "a" },
  },
  {
    name: "names of every object are unknown names",
    json: `{"constructor":1,"__proto__":{"name":"b"},"toString":2}`,
    want: {},
  },
  { name: "a name that stands twice counts as it stands last", json: `{"name":"a","name":"b"}`, want: { name: "b" } },
  {
    name: "so does an object or a list: what stood there before is not kept beside it",
    json: `{"status":{"code":2},"status":{"message":"x"},"links":[{}],"links":[{"flags":1}]}`,
    want: { status: { message: "x" }, links: [{ flags: 1 }] },
  },
  { name: "enums are integers", json: `{"kind":3,"status":{"code":2}}`, want: { kind: 3, status: { code: 2 } } },
  {
    name: "enums may be names",
    json: `{"kind":"SPAN_KIND_CONSUMER","status":{"code":"STATUS_CODE_ERROR"}}`,
    want: { kind: 5, status: { code: 2 } },
  },
  { name: "an enum's zero by its name is absent", json: `{"kind":"SPAN_KIND_UNSPECIFIED"}`, want: {} },
  { name: "an enum value of the future is kept", json: `{"kind":99}`, want: { kind: 99 } },
  {
    name: "64-bit integers come as text or as numbers",
    json: `{"startTimeUnixNano":"1544712660000000001","endTimeUnixNano":1544712661000000001}`,
    want: { startTimeUnixNano: "1544712660000000001", endTimeUnixNano: "1544712661000000001" },
  },
  {
    name: "32-bit integers come as numbers or as text",
    json: `{"flags":257,"droppedAttributesCount":"4294967295","droppedLinksCount":1e2}`,
    want: { flags: 257, droppedAttributesCount: 4_294_967_295, droppedLinksCount: 100 },
  },
  { name: "an escaped name is the same name", json: `{"n\\u0061me":"\\ud83d\\ude80"}`, want: { name: "🚀" } },
  { name: "a lone surrogate becomes a replacement character", json: `{"name":"a\\ud83d"}`, want: { name: "a\ufffd" } },
  { name: "an empty status is present", json: `{"status":{}}`, want: { status: {} } },
] as const;
for (const { name, json, want } of spans) {
  test(`transcode: ${name}`, () => {
    const [span] = itemsOf("traces", json) as [Plain];
    const id = span["spanId"];
    assert.deepEqual(Buffer.isBuffer(id) ? { ...span, spanId: id.toString("hex") } : span, want);
  });
}

const values = [
  { json: `{}`, want: {} },
  { json: `{"stringValue":""}`, want: { stringValue: "" } },
  { json: `{"boolValue":false}`, want: { boolValue: false } },
  { json: `{"intValue":"0"}`, want: { intValue: "0" } },
  { json: `{"intValue":0}`, want: { intValue: "0" } },
  { json: `{"doubleValue":0}`, want: { doubleValue: 0 } },
  { json: `{"doubleValue":-0}`, want: { doubleValue: -0 } },
  { json: `{"bytesValue":""}`, want: { bytesValue: Buffer.alloc(0) } },
  { json: `{"arrayValue":{}}`, want: { arrayValue: {} } },
  { json: `{"arrayValue":{"values":[{}]}}`, want: { arrayValue: { values: [{}] } } },
  { json: `{"kvlistValue":{"values":[]}}`, want: { kvlistValue: {} } },
  { json: `{"stringValue":null,"intValue":"5"}`, want: { intValue: "5" } },
  { json: `{"intValue":9007199254740993}`, want: { intValue: "9007199254740993" } },
  { json: `{"intValue":-9223372036854775808}`, want: { intValue: "-9223372036854775808" } },
  { json: `{"intValue":"9223372036854775807"}`, want: { intValue: "9223372036854775807" } },
  { json: `{"intValue":9007199254740993.0}`, want: { intValue: "9007199254740993" } },
  { json: `{"intValue":9.007199254740993e15}`, want: { intValue: "9007199254740993" } },
  { json: `{"intValue":123456789012345e3}`, want: { intValue: "123456789012345000" } },
  { json: `{"intValue":1e3}`, want: { intValue: "1000" } },
  { json: `{"intValue":"1e3"}`, want: { intValue: "1000" } },
  { json: `{"intValue":"1.0"}`, want: { intValue: "1" } },
  { json: `{"intValue":"-12.50e1"}`, want: { intValue: "-125" } },
  { json: `{"intValue":"0e99"}`, want: { intValue: "0" } },
  { json: `{"doubleValue":"NaN"}`, want: { doubleValue: Number.NaN } },
  { json: `{"doubleValue":"Infinity"}`, want: { doubleValue: Infinity } },
  { json: `{"doubleValue":"-Infinity"}`, want: { doubleValue: -Infinity } },
  { json: `{"doubleValue":"1.5e3"}`, want: { doubleValue: 1_500 } },
  { json: `{"doubleValue":0.30000000000000004}`, want: { doubleValue: 0.30000000000000004 } },
  { json: `{"doubleValue":1.7976931348623157e308}`, want: { doubleValue: Number.MAX_VALUE } },
  { json: `{"doubleValue":9007199254740993}`, want: { doubleValue: 9_007_199_254_740_992 } },
  { json: `{"bytesValue":"-_-_"}`, want: { bytesValue: Buffer.from([0xfb, 0xff, 0xbf]) } },
  { json: `{"bytesValue":"+/+/"}`, want: { bytesValue: Buffer.from([0xfb, 0xff, 0xbf]) } },
  { json: `{"bytesValue":"AQ=="}`, want: { bytesValue: Buffer.from([1]) } },
  { json: `{"bytesValue":"AQ"}`, want: { bytesValue: Buffer.from([1]) } },
] as const;
for (const { json, want } of values) {
  test(`transcode: the value ${json}`, () => {
    const [span] = itemsOf("traces", `{"attributes":[{"key":"k","value":${json}}]}`) as [Plain];
    assert.deepEqual(span, { attributes: [{ key: "k", value: want }] });
  });
}

const points = [
  { json: `{"gauge":{"dataPoints":[{"asInt":"0"}]}}`, want: { gauge: { dataPoints: [{ asInt: "0" }] } } },
  { json: `{"gauge":{"dataPoints":[{"asDouble":0}]}}`, want: { gauge: { dataPoints: [{ asDouble: 0 }] } } },
  { json: `{"gauge":{"dataPoints":[{}]}}`, want: { gauge: { dataPoints: [{}] } } },
  { json: `{"sum":{}}`, want: { sum: {} } },
  {
    json: `{"histogram":{"dataPoints":[{"sum":0,"min":0,"max":0,"count":"0"}]}}`,
    want: { histogram: { dataPoints: [{ sum: 0, min: 0, max: 0 }] } },
  },
  {
    json: `{"histogram":{"dataPoints":[{"bucketCounts":["18446744073709551615",1],"explicitBounds":[0.1,"Infinity"]}]}}`,
    want: {
      histogram: { dataPoints: [{ bucketCounts: ["18446744073709551615", "1"], explicitBounds: [0.1, Infinity] }] },
    },
  },
  {
    json: `{"exponentialHistogram":{"dataPoints":[{"scale":-3,"negative":{"offset":-1,"bucketCounts":[300]}}]}}`,
    want: {
      exponentialHistogram: { dataPoints: [{ scale: -3, negative: { offset: -1, bucketCounts: ["300"] } }] },
    },
  },
] as const;
for (const { json, want } of points) {
  test(`transcode: the metric ${json}`, () => assert.deepEqual(itemsOf("metrics", json), [want]));
}

const badSpans = [
  { json: `{"traceId":"xyz"}`, at: ".traceId", problem: "must be 32 hex digits" },
  { json: `{"traceId":"${TRACE_ID}0c"}`, at: ".traceId", problem: "must be 32 hex digits" },
  { json: `{"traceId":"${TRACE_ID.replace("5b", "5g")}"}`, at: ".traceId", problem: "must be 32 hex digits" },
  { json: `{"traceId":7}`, at: ".traceId", problem: "must be 32 hex digits" },
  { json: `{"spanId":"W47/95gDgQPSabYzgT/GDA=="}`, at: ".spanId", problem: "must be 16 hex digits" },
  { json: `{"links":[{},{"spanId":"00"}]}`, at: ".links[1].spanId", problem: "must be 16 hex digits" },
  {
    json: `{"kind":"SERVER"}`,
    at: ".kind",
    problem: "must be an integer, or the name of a value of this enum",
  },
  { json: `{"status":{"code":1.5}}`, at: ".status.code", problem: "must be an integer" },
  { json: `{"name":5}`, at: ".name", problem: "must be a string" },
  { json: `{"startTimeUnixNano":"-1"}`, at: ".startTimeUnixNano", problem: "is out of range" },
  { json: `{"startTimeUnixNano":18446744073709551616}`, at: ".startTimeUnixNano", problem: "is out of range" },
  { json: `{"startTimeUnixNano":""}`, at: ".startTimeUnixNano", problem: "must be an integer" },
  { json: `{"startTimeUnixNano":"0x10"}`, at: ".startTimeUnixNano", problem: "must be an integer" },
  { json: `{"flags":4294967296}`, at: ".flags", problem: "is out of range" },
  { json: `{"flags":true}`, at: ".flags", problem: "must be an integer" },
  { json: `{"attributes":{}}`, at: ".attributes", problem: "must be an array" },
  { json: `{"attributes":[null]}`, at: ".attributes[0]", problem: "must be an object" },
  { json: `{"events":[{"name":[]}]}`, at: ".events[0].name", problem: "must be a string" },
  { json: `null`, at: "", problem: "must be an object" },
  { json: `[]`, at: "", problem: "must be an object" },
  { json: `"span"`, at: "", problem: "must be an object" },
  ...[
    { json: `{"intValue":9223372036854775808}`, at: ".intValue", problem: "is out of range" },
    { json: `{"intValue":"1e40"}`, at: ".intValue", problem: "must be an integer" },
    { json: `{"intValue":1.5}`, at: ".intValue", problem: "must be an integer" },
    { json: `{"intValue":" 1"}`, at: ".intValue", problem: "must be an integer" },
    { json: `{"boolValue":"true"}`, at: ".boolValue", problem: "must be true or false" },
    {
      json: `{"doubleValue":"nan"}`,
      at: ".doubleValue",
      problem: 'must be a number, "NaN", "Infinity" or "-Infinity"',
    },
    {
      json: `{"doubleValue":1e999}`,
      at: ".doubleValue",
      problem: 'must be a number, "NaN", "Infinity" or "-Infinity"',
    },
    { json: `{"bytesValue":"A"}`, at: ".bytesValue", problem: "is not valid base64" },
    { json: `{"bytesValue":"A A="}`, at: ".bytesValue", problem: "is not valid base64" },
    { json: `{"bytesValue":"AQ="}`, at: ".bytesValue", problem: "is not valid base64" },
    { json: `{"bytesValue":"===="}`, at: ".bytesValue", problem: "is not valid base64" },
    {
      json: `{"stringValue":"","intValue":"0"}`,
      at: "",
      problem: "cannot have both stringValue and intValue",
    },
    { json: `{"arrayValue":[]}`, at: ".arrayValue", problem: "must be an object" },
    { json: `"text"`, at: "", problem: "must be an object" },
  ].map(({ json, at, problem }) => ({
    json: `{"attributes":[{"key":"k","value":${json}}]}`,
    at: `.attributes[0].value${at}`,
    problem,
  })),
];
for (const { json, at, problem } of badSpans) {
  test(`transcode: ${json.slice(0, 90)} rejects its span, and only that`, () => {
    const result = run("traces", requestOf("traces", `${json},{"name":"good"}`));
    assert.ok(result.ok);
    assert.deepEqual([result.rejected, result.message], [1, `${IN_SPAN}${at}: ${problem}`]);
    assert.deepEqual(firstItems(decodeRequest("traces", result.bytes)), [{ name: "good" }]);
  });
}

test("transcode: the first of several bad items is named, and the others are counted", () => {
  const logs = `{"logRecords":[{"body":{}},{"flags":-1},{"traceId":"0"}]}`;
  const result = run("logs", `{"resourceLogs":[{},{"scopeLogs":[{},${logs},${logs}]}]}`);
  assert.ok(result.ok);
  const first = "resourceLogs[1].scopeLogs[1].logRecords[1].flags: is out of range (and 3 more)";
  assert.deepEqual([result.rejected, result.message], [4, first]);
});

const badMetrics = [
  {
    name: "a bad data point is left out, its metric stays",
    json: `{"name":"m","sum":{"dataPoints":[{"asInt":"x"},{"asInt":"1"},{"asInt":1,"asDouble":1}],"isMonotonic":true}}`,
    rejected: 2,
    at: ".sum.dataPoints[0].asInt: must be an integer (and 1 more)",
    want: [{ name: "m", sum: { dataPoints: [{ asInt: "1" }], isMonotonic: true } }],
  },
  {
    name: "a bad exemplar rejects its data point",
    json: `{"gauge":{"dataPoints":[{"exemplars":[{"traceId":"1"}]}]}}`,
    rejected: 1,
    at: ".gauge.dataPoints[0].exemplars[0].traceId: must be 32 hex digits",
    want: [{ gauge: {} }],
  },
  {
    name: "a bad bucket count rejects its data point",
    json: `{"histogram":{"dataPoints":[{"bucketCounts":[1,2,-3]},{}]}}`,
    rejected: 1,
    at: ".histogram.dataPoints[0].bucketCounts[2]: is out of range",
    want: [{ histogram: { dataPoints: [{}] } }],
  },
  {
    name: "a bad metric is lost with all its data points, each counted once",
    json: `{"name":7,"sum":{"dataPoints":[{"asInt":"x"},{},{}]}}`,
    rejected: 3,
    at: ".name: must be a string (and 1 more)",
    want: undefined,
  },
  {
    name: "a metric of two kinds is lost with the points of both",
    json: `{"gauge":{"dataPoints":[{}]},"sum":{"dataPoints":[{},{}]}}`,
    rejected: 3,
    at: ": cannot have both gauge and sum",
    want: undefined,
  },
  {
    name: "a bad metric without data points is told without a count",
    json: `{"unit":1}`,
    rejected: 0,
    at: ".unit: must be a string",
    want: undefined,
  },
];
for (const { name, json, rejected, at, want } of badMetrics) {
  test(`transcode: ${name}`, () => {
    const result = run("metrics", requestOf("metrics", json));
    assert.ok(result.ok);
    const message = `resourceMetrics[0].scopeMetrics[0].metrics[0]${at}`;
    assert.deepEqual([result.rejected, result.message], [rejected, message]);
    const plain = decodeRequest("metrics", result.bytes);
    assert.deepEqual(want === undefined ? undefined : firstItems(plain), want);
    assert.ok(want !== undefined || !JSON.stringify(plain).includes('"metrics"'));
  });
}

const refused = [
  { json: `[]`, path: "", message: "must be an object" },
  { json: `{"resourceSpans":{}}`, path: "resourceSpans", message: "must be an array" },
  { json: `{"resourceSpans":[null]}`, path: "resourceSpans[0]", message: "must be an object" },
  {
    json: `{"resourceSpans":[{"scopeSpans":[{"spans":7}]}]}`,
    path: "resourceSpans[0].scopeSpans[0].spans",
    message: "must be an array",
  },
  {
    json: `{"resourceSpans":[{"resource":{"attributes":[{"key":1}]}}]}`,
    path: "resourceSpans[0].resource.attributes[0].key",
    message: "must be a string",
  },
  {
    json: `{"resourceSpans":[{"resource":{"entityRefs":[{"idKeys":["a",2]}]}}]}`,
    path: "resourceSpans[0].resource.entityRefs[0].idKeys[1]",
    message: "must be a string",
  },
  {
    json: `{"resourceSpans":[{"scopeSpans":[{"scope":{"name":{}}}]}]}`,
    path: "resourceSpans[0].scopeSpans[0].scope.name",
    message: "must be a string",
  },
  { json: `{"resourceSpans":[{"schemaUrl":1}]}`, path: "resourceSpans[0].schemaUrl", message: "must be a string" },
];
for (const { json, path, message } of refused) {
  test(`transcode: ${json} is refused as a whole`, () => {
    assert.deepEqual(run("traces", json), { ok: false, path, message });
  });
}

for (const [name, text] of [
  ["an empty body", ""],
  ["half a text", `{"resourceSpans":[`],
  ["a text with something after it", `{} {}`],
  ["a number with a leading zero", `{"resourceSpans":[],"x":01}`],
] as const) {
  test(`transcode: ${name} is not JSON`, () => {
    const result = run("traces", text);
    assert.ok(!result.ok && result.message.startsWith("the body is not valid JSON: "));
  });
}

test("transcode: a body that is not UTF-8 is refused", () => {
  const result = transcode("logs", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]));
  assert.deepEqual(result, { ok: false, path: "", message: "the body is not valid UTF-8" });
});

test("transcode: an empty object is an empty request", () => {
  assert.deepEqual(run("metrics", "{}"), { ok: true, bytes: new Uint8Array(0), rejected: 0, message: "" });
});

test("transcode: values nest as deep as decoders go; what is deeper rejects its item", () => {
  const taken = run("traces", spanOf(nested(47)));
  assert.ok(taken.ok && taken.rejected === 0);
  assert.ok(decodeRequest("traces", taken.bytes));
  const deeper = run("traces", spanOf(nested(48)));
  assert.ok(deeper.ok && deeper.rejected === 1 && deeper.message.endsWith("is nested deeper than 100 messages"));
});

test("transcode: brackets within a text do not nest", () => {
  assert.deepEqual(itemsOf("traces", `{"name":"${'[{\\"'.repeat(1_000)}"}`), [{ name: `[{"`.repeat(1_000) }]);
});

function spanOf(value: string): string {
  return requestOf("traces", `{"attributes":[{"value":${value}}]}`);
}

function nested(levels: number): string {
  return `${`{"arrayValue":{"values":[`.repeat(levels)}{"stringValue":"x"}${"]}}".repeat(levels)}`;
}
