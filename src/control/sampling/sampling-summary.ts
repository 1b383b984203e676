import { z } from "zod";
import { readJson, type Shaped } from "../../store/recipes/json-value.ts";
import { checkedPart, checkedPrefix } from "../../store/recipes/keys.ts";
import type { ReceivedRow } from "../../plan/sampling/received.ts";
import { fewerRows } from "./received-sums.ts";
import type { RegionRates } from "./region-flow.ts";
import { SamplingSpentSchema } from "./sampling-report.ts";

const quantity = z.number().min(0);

/** A row of what is received, a second; short names, since there may be many. */
const RowSchema = z.object({
  s: z.enum(["traces", "logs"]),
  c: z.string().max(128),
  /** The probability that it came with; absent: it has no randomness. */
  p: z.number().gt(0).max(1).optional(),
  i: quantity,
  b: quantity.default(0),
  t: quantity.default(0),
  k: quantity.default(1),
});

/** What stands at `<prefix>/sampling/<region>`: fields are only ever added. */
const SamplingSummarySchema = z.object({
  schema: z.int().min(1).default(1),
  region: z.string().min(1).max(128),
  seq: z.int().min(0),
  latest: z.array(RowSchema),
  smooth: z.array(RowSchema),
  collectors: z.int().min(0),
  learning: z.boolean().default(false),
  /** Much more, or less, comes than in the one before: it is to be decided at once. */
  news: z.boolean().default(false),
  /** Delivered since whoever writes this began, and how long that is. */
  run: z.string().max(256),
  for_ms: quantity,
  spent: SamplingSpentSchema,
});
export type SamplingSummary = z.output<typeof SamplingSummarySchema>;

export function samplingPrefix(prefix: string): string {
  return `${checkedPrefix(prefix)}/sampling/`;
}

/** Fails with `STORE_REFUSED` for what cannot be a key. */
export function samplingKey(prefix: string, region: string): string {
  return samplingPrefix(prefix) + checkedPart(region, "the id of a region");
}

/** What was spent in this hour. */
export function spendKey(prefix: string): string {
  return `${checkedPrefix(prefix)}/sampling-spend`;
}

export function decodeSamplingSummary(value: Uint8Array): Shaped<SamplingSummary> {
  return readJson(value, SamplingSummarySchema);
}

/**
 * Two lists of so many fit a value of a store. What senders say of their thresholds may make many
 * rows of each class.
 */
const MOST_ROWS = 1_500;

export function rowsOf(rows: readonly ReceivedRow[]): SamplingSummary["latest"] {
  return fewerRows(rows, MOST_ROWS).map(({ signal, class: name, arrival, items, bytes, traces, copies = 1 }) => ({
    s: signal,
    c: name,
    ...(arrival !== undefined && { p: arrival }),
    i: short(items),
    b: short(bytes),
    t: short(traces),
    k: short(copies),
  }));
}

export function ratesIn({ region, seq, latest, smooth, collectors, learning }: SamplingSummary): RegionRates {
  const rows = (all: SamplingSummary["latest"]): ReceivedRow[] =>
    all.map(({ s, c, p, i, b, t, k }) => {
      return { signal: s, class: c, region, arrival: p, items: i, bytes: b, traces: t, copies: k };
    });
  return { seq, latest: rows(latest), smooth: rows(smooth), collectors, isLearning: learning };
}

/** Fifteen digits say no more than seven, and take more room. */
function short(value: number): number {
  return Number(value.toPrecision(7));
}
