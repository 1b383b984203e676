import { z } from "zod";
import { MOST_RECEIVED_SERIES } from "../../telemetry/sampling-metric-table.ts";
import type { ReceivedReport } from "../../plan/sampling/received-counts.ts";
import type { SamplingReading, SamplingSpent } from "./received-reader.ts";

const quantity = z.number().min(0);
const SpentSchema = z.object({ items: quantity.default(0), bytes: quantity.default(0) });

/** Of both signals that are sampled. */
export const SamplingSpentSchema = z.object({ traces: SpentSchema.prefault({}), logs: SpentSchema.prefault({}) });

const CountsSchema = z.object({
  signal: z.enum(["traces", "logs"]),
  class: z.string().max(128),
  /** Absent: what has no randomness. */
  octave: z.int().min(0).max(56).optional(),
  items: quantity,
  bytes: quantity.default(0),
  traces: quantity.default(0),
  adjusted: quantity,
  delivered: quantity.default(0),
  kept: quantity.default(0),
});

/** What a node has received before sampling since its start, as its Reports have it. */
export const SamplingReportSchema = z.object({
  run: z.string().min(1).max(64),
  /** By a clock of its own that is never set. */
  at_ms: quantity,
  counts: z.array(CountsSchema).max(MOST_RECEIVED_SERIES),
  spent: SamplingSpentSchema.prefault({}),
  /** What of it some controller has counted already: the next one counts the rest. */
  counted: SamplingSpentSchema.prefault({}),
});
export type SamplingReport = z.output<typeof SamplingReportSchema>;

/** In which summary of its region a Report will be. */
export const SamplingReplySchema = z.object({ summary: z.int().min(0) });
export type SamplingReply = z.output<typeof SamplingReplySchema>;

export const NOTHING_SPENT: SamplingSpent = { traces: { items: 0, bytes: 0 }, logs: { items: 0, bytes: 0 } };

export function samplingReport({ report, spent }: SamplingReading, counted: SamplingSpent): SamplingReport {
  const counts = report.counts.slice(0, MOST_RECEIVED_SERIES);
  return { run: report.run, at_ms: report.atMs, counts, spent, counted };
}

export function receivedIn({ run, at_ms: atMs, counts }: SamplingReport): ReceivedReport {
  return { run, atMs, counts: counts.map((one) => ({ ...one, octave: one.octave })) };
}
