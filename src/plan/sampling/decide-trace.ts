import { probabilityOf, thresholdOf } from "../../otlp/threshold.ts";

/** What consistent probability sampling makes of a trace. */
export interface TraceDecision {
  readonly kept: boolean;
  /** As `th` has it; empty: nothing is kept. */
  readonly threshold: string;
  /** 56 bits as 14 hex digits, as `rv` has them. */
  readonly randomness: string;
  /** How many traces each one that is kept stands for; Infinity where none is. */
  readonly adjustedCount: number;
}

const TRACE_ID = /^(?!0{32}$)[0-9a-f]{32}$/u;
const THRESHOLD = /^[0-9a-f]{1,14}$/u;
const DIGITS = 14;

/**
 * Keeps a trace iff R >= T: R is the last seven bytes of its id (32 lower-case hex digits, not all
 * zeros), T is (1 - probability) 2^56 to four digits, as OpenTelemetry's probability sampling by
 * tracestate has it. The same on every node; what is kept at a lower probability is kept at each
 * higher one. Throws a TypeError for an id that is none, and a probability outside 0 to 1.
 */
export function decideTrace(traceId: string, probability: number): TraceDecision {
  if (!TRACE_ID.test(traceId)) throw new TypeError("a trace id has 32 hex digits in lower case, not all of them zeros");
  if (!(probability >= 0 && probability <= 1))
    throw new TypeError(`a probability is within 0 and 1, not ${probability}`);
  const { hi, lo, text: threshold } = thresholdOf(probability);
  const randomness = traceId.slice(-DIGITS);
  // Digits of the same length compare as the numbers do.
  const kept = threshold !== "" && randomness >= threshold.padEnd(DIGITS, "0");
  return { kept, threshold, randomness, adjustedCount: 1 / probabilityOf(hi, lo) };
}

/**
 * The probability that a threshold stands for, as `th` has it: 1 to 14 hex digits. Exact to a
 * double. Undefined: it is no threshold.
 */
export function probabilityOfThreshold(text: string): number | undefined {
  if (!THRESHOLD.test(text)) return undefined;
  const digits = text.padEnd(DIGITS, "0");
  return probabilityOf(Number.parseInt(digits.slice(0, 6), 16), Number.parseInt(digits.slice(6), 16));
}
