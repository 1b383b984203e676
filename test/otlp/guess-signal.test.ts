import assert from "node:assert/strict";
import { test } from "node:test";
import { guessSignal } from "../../src/otlp/guess-signal.ts";
import type { Signal } from "../../src/otlp/signal.ts";
import { encodeRequest, type Plain } from "../support/oracle/oracle.ts";

const attributes = [{ key: "k", value: { stringValue: "v" } }];
const traceId = Buffer.alloc(16, 7);
const cases: { name: string; signal: Signal; request: Plain; want: Signal | undefined }[] = [
  {
    name: "a span",
    signal: "traces",
    request: {
      resourceSpans: [
        {
          scopeSpans: [
            { spans: [{ traceId, name: "n", kind: 2, startTimeUnixNano: 5, endTimeUnixNano: 6, attributes }] },
          ],
        },
      ],
    },
    want: "traces",
  },
  {
    name: "a log record",
    signal: "logs",
    request: {
      resourceLogs: [
        { scopeLogs: [{ logRecords: [{ timeUnixNano: 5, severityNumber: 9, traceId, body: { stringValue: "b" } }] }] },
      ],
    },
    want: "logs",
  },
  {
    name: "a gauge",
    signal: "metrics",
    request: {
      resourceMetrics: [
        { scopeMetrics: [{ metrics: [{ name: "m", gauge: { dataPoints: [{ asDouble: 1, attributes }] } }] }] },
      ],
    },
    want: "metrics",
  },
  { name: "no item", signal: "traces", request: { resourceSpans: [{}] }, want: undefined },
];
for (const { name, signal, request, want } of cases) {
  test(`of a request with ${name}, the signal seen is ${want ?? "none"}`, () => {
    assert.equal(guessSignal(encodeRequest(signal, request)), want);
  });
}

test("what is no request has no signal", () => assert.equal(guessSignal(Uint8Array.of(0xff, 0xff)), undefined));
