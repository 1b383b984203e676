import type { ReceivedRow, RatedSignal } from "./received.ts";

/**
 * What a collector received before sampling since it began, of one class and one octave of the
 * probability on arrival. It only grows, so that a report that is lost loses nothing.
 */
export interface ReceivedCounts {
  readonly signal: RatedSignal;
  readonly class: string;
  /** 0: above a half; each next one: half of that. Undefined: without randomness. */
  readonly octave: number | undefined;
  readonly items: number;
  readonly bytes: number;
  readonly traces: number;
  /** Sum of adjusted counts on arrival. */
  readonly adjusted: number;
  /** Pools that its kept items went to, added up over them. */
  readonly delivered: number;
  readonly kept: number;
}

export interface ReceivedReport {
  /** Which run of the collector it is. */
  readonly run: string;
  /** By a clock of its own that is never set. */
  readonly atMs: number;
  readonly counts: readonly ReceivedCounts[];
}

/** There are 56 bits of randomness. */
const MOST_OCTAVES = 56;

/** The bucket of a probability on arrival. */
export function octaveOf(arrival: number): number {
  return Math.min(MOST_OCTAVES, Math.max(0, Math.floor(-Math.log2(arrival))));
}

/** What was received between two reports of one run, a second. */
export function rowsBetween(
  before: ReceivedReport | undefined,
  after: ReceivedReport,
  region: string,
): readonly ReceivedRow[] | undefined {
  if (before === undefined || before.run !== after.run || after.atMs <= before.atMs) return undefined;
  const seconds = (after.atMs - before.atMs) / 1_000;
  const known = new Map(before.counts.map((counts) => [keyOf(counts), counts]));
  return after.counts.map((counts) => rowOf(known.get(keyOf(counts)), counts, { seconds, region }));
}

interface Span {
  readonly seconds: number;
  readonly region: string;
}

function rowOf(before: ReceivedCounts | undefined, after: ReceivedCounts, { seconds, region }: Span): ReceivedRow {
  const grown = (of: "items" | "bytes" | "traces" | "adjusted" | "delivered" | "kept"): number =>
    Math.max(0, after[of] - (before?.[of] ?? 0));
  const [items, adjusted, kept] = [grown("items"), grown("adjusted"), grown("kept")];
  return {
    signal: after.signal,
    class: after.class,
    region,
    arrival: arrivalOf(after, items, adjusted),
    items: items / seconds,
    bytes: grown("bytes") / seconds,
    traces: grown("traces") / seconds,
    // Whoever keeps nothing does not know where it would go.
    copies: kept > 0 ? grown("delivered") / kept : 1,
  };
}

function arrivalOf({ octave }: ReceivedCounts, items: number, adjusted: number): number | undefined {
  if (octave === undefined) return undefined;
  return items > 0 && adjusted > 0 ? Math.min(1, items / adjusted) : 2 ** -octave;
}

function keyOf({ signal, class: name, octave }: ReceivedCounts): string {
  return `${signal} ${octave ?? ""} ${name}`;
}
