import type { SourceStrategy } from "../../control/sampling/source-strategies.ts";
import { readFields, readText } from "../../otlp/proto-reader.ts";
import { ProtoWriter } from "../../otlp/proto-writer.ts";

/**
 * The messages of Jaeger remote sampling: jaeger.api_v2 of jaeger-idl's sampling.proto, as protobuf
 * and as the JSON that agents and collectors of Jaeger give.
 */

const MAX_NAME_BYTES = 4_096;

/** SamplingStrategyParameters: the name of the service. Undefined for what is not protobuf. */
export function readParameters(bytes: Uint8Array): string | undefined {
  let service = "";
  const isWhole = readFields(bytes, (number, value) => {
    if (number === 1 && typeof value !== "bigint") service = readText(value, MAX_NAME_BYTES);
  });
  return isWhole ? service : undefined;
}

/** SamplingStrategyResponse. Its type is PROBABILISTIC, which is zero, and so not written. */
export function encodeStrategy(strategy: SourceStrategy): Uint8Array {
  const { rate, lowerBound, operations } = strategy;
  const out = new ProtoWriter(64 + 64 * operations.length);
  if (hasOperations(strategy)) {
    const mark = out.mark();
    for (const one of operations.toReversed()) writeOperation(out, one);
    if (lowerBound !== 0) out.doubleField(2, lowerBound);
    out.doubleField(1, rate);
    out.message(4, mark);
  }
  writeProbability(out, rate);
  return out.finish();
}

function writeOperation(out: ProtoWriter, { operation, rate }: SourceStrategy["operations"][number]): void {
  const mark = out.mark();
  writeProbability(out, rate);
  out.string(1, operation);
  out.message(3, mark);
}

/** ProbabilisticSamplingStrategy, which is field 2 of both that have one. */
function writeProbability(out: ProtoWriter, rate: number): void {
  const mark = out.mark();
  out.doubleField(1, rate);
  out.message(2, mark);
}

/** The same as JSON. The type is told as a text, and numbers that are zero are there. */
export function strategyJson(strategy: SourceStrategy): string {
  const { rate, lowerBound, operations } = strategy;
  const operationSampling = {
    defaultSamplingProbability: rate,
    defaultLowerBoundTracesPerSecond: lowerBound,
    perOperationStrategies: operations.map((one) => ({
      operation: one.operation,
      probabilisticSampling: { samplingRate: one.rate },
    })),
    defaultUpperBoundTracesPerSecond: 0,
  };
  return JSON.stringify({
    strategyType: "PROBABILISTIC",
    probabilisticSampling: { samplingRate: rate },
    ...(hasOperations(strategy) && { operationSampling }),
  });
}

/** Where all is sent, there is nothing to say of operations, and no bound to keep. */
function hasOperations({ rate, operations }: SourceStrategy): boolean {
  return rate < 1 || operations.length > 0;
}
