import assert from "node:assert/strict";
import { test } from "node:test";
import protobuf from "protobufjs";
import type { SourceStrategy } from "../../control/sampling/source-strategies.ts";
import { encodeStrategy, readParameters, strategyJson } from "./messages.ts";

/** Of jaeger-idl, proto/api_v2/sampling.proto. */
const { root } = protobuf.parse(`
syntax = "proto3";
package jaeger.api_v2;
enum SamplingStrategyType { PROBABILISTIC = 0; RATE_LIMITING = 1; }
message ProbabilisticSamplingStrategy { double samplingRate = 1; }
message RateLimitingSamplingStrategy { int32 maxTracesPerSecond = 1; }
message OperationSamplingStrategy {
  string operation = 1;
  ProbabilisticSamplingStrategy probabilisticSampling = 2;
}
message PerOperationSamplingStrategies {
  double defaultSamplingProbability = 1;
  double defaultLowerBoundTracesPerSecond = 2;
  repeated OperationSamplingStrategy perOperationStrategies = 3;
  double defaultUpperBoundTracesPerSecond = 4;
}
message SamplingStrategyResponse {
  SamplingStrategyType strategyType = 1;
  ProbabilisticSamplingStrategy probabilisticSampling = 2;
  RateLimitingSamplingStrategy rateLimitingSampling = 3;
  PerOperationSamplingStrategies operationSampling = 4;
}
message SamplingStrategyParameters { string serviceName = 1; }
`);
const Response = root.lookupType("jaeger.api_v2.SamplingStrategyResponse");
const Parameters = root.lookupType("jaeger.api_v2.SamplingStrategyParameters");

const ALL: SourceStrategy = { rate: 1, lowerBound: 0, operations: [] };
const SOME: SourceStrategy = {
  rate: 0.25,
  lowerBound: 0.5,
  operations: [
    { operation: "GET /größe", rate: 1 },
    { operation: "op", rate: 2 ** -20 },
  ],
};

test("Jaeger's messages: the bytes that tell a source to send all, and a quarter with other operations", () => {
  const hex = (strategy: SourceStrategy): string => Buffer.from(encodeStrategy(strategy)).toString("hex");
  assert.equal(hex(ALL), "120909000000000000f03f");
  const own = ["0a0c", Buffer.from("GET /größe").toString("hex"), "1209", "09000000000000f03f"];
  const op = ["0a026f70", "1209", "09000000000000b03e"];
  const operations = ["09000000000000d03f", "11000000000000e03f", "1a19", ...own, "1a0f", ...op];
  assert.equal(hex(SOME), ["1209", "09000000000000d03f", "223e", ...operations].join(""));
});

test("Jaeger's messages: another decoder reads them, and its JSON says the same", () => {
  for (const strategy of [ALL, SOME, { ...SOME, operations: [] }, { ...ALL, operations: SOME.operations }]) {
    const message = Response.decode(encodeStrategy(strategy));
    const read = Response.toObject(message, { enums: String, defaults: true, arrays: true });
    const { rateLimitingSampling, operationSampling, ...more } = read;
    assert.equal(rateLimitingSampling, null);
    const there = operationSampling === null ? {} : { operationSampling };
    assert.deepEqual(JSON.parse(strategyJson(strategy)), { ...more, ...there });
  }
});

test("Jaeger's messages: the JSON names its type although that is zero, and has no messages that are not there", () => {
  assert.equal(strategyJson(ALL), '{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":1}}');
});

test("Jaeger's messages: where less than all is sent there is a lower bound, also without other operations", () => {
  const message = Response.decode(encodeStrategy({ ...SOME, operations: [] }));
  const { operationSampling } = Response.toObject(message, { defaults: true, arrays: true });
  assert.deepEqual(operationSampling, {
    defaultSamplingProbability: 0.25,
    defaultLowerBoundTracesPerSecond: 0.5,
    perOperationStrategies: [],
    defaultUpperBoundTracesPerSecond: 0,
  });
});

test("Jaeger's messages: the name of a service is read, others are none of protobuf", () => {
  const bytes = (serviceName: string): Uint8Array => Parameters.encode({ serviceName }).finish();
  assert.equal(readParameters(bytes("größe")), "größe");
  assert.equal(readParameters(bytes("")), "");
  assert.equal(readParameters(Buffer.from([...bytes("a"), 0x12, 0x01, 0x61])), "a");
  assert.equal(readParameters(Buffer.from([0x0a, 0x05, 0x61])), undefined);
});
