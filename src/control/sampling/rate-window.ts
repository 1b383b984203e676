import { type ReceivedReport, rowsBetween } from "../../plan/sampling/received-counts.ts";
import type { ReceivedRow } from "../../plan/sampling/received.ts";

/** What came in less time says little: reports are read and sent some tenths of a second late. */
const LEAST_MS = 3_000;
/** As long as as much comes, so much is looked at together. */
const MOST_MS = 7_500;
/** By so much another part of the time is another load. */
const ALIKE = 0.25;
/** Reports come once a second at the most. */
const MOST_REPORTS = 12;

/** What is known of one collector, from its reports. */
export interface RateWindow {
  /** The newest is the last; those before the window are gone. */
  readonly reports: readonly ReceivedReport[];
  /** A second, over the window; undefined: one report says nothing. */
  readonly rows: readonly ReceivedRow[] | undefined;
}

export const NO_REPORTS: RateWindow = { reports: [], rows: undefined };

/**
 * With one report more: what comes now is looked at over three seconds at least, since its reports
 * are one second apart while more or less comes. What is late, or is sent again, says nothing.
 * Another run begins anew, and what is known of the last one stands until then.
 */
export function widenWindow(before: RateWindow, report: ReceivedReport, region: string): RateWindow {
  const last = before.reports.at(-1);
  if (last !== undefined && last.run === report.run && report.atMs <= last.atMs) return before;
  if (last === undefined || last.run !== report.run) return { reports: [report], rows: before.rows };
  const reports = [...before.reports, report].slice(-MOST_REPORTS);
  const from = beginOf(reports);
  const rows = rowsBetween(reports[from], report, region);
  return { reports: reports.slice(from), rows };
}

/** The window's first report. */
function beginOf(reports: readonly ReceivedReport[]): number {
  const newest = reports.at(-1)!;
  let from = Math.max(
    0,
    reports.findLastIndex(({ atMs }) => newest.atMs - atMs >= LEAST_MS),
  );
  while (from > 0 && newest.atMs - reports[from - 1]!.atMs <= MOST_MS) {
    const rate = perSecond(reports[from]!, newest);
    if (Math.abs(perSecond(reports[from - 1]!, reports[from]!) - rate) > ALIKE * rate) break;
    from--;
  }
  return from;
}

function perSecond(a: ReceivedReport, b: ReceivedReport): number {
  return ((itemsIn(b) - itemsIn(a)) * 1_000) / (b.atMs - a.atMs);
}

function itemsIn({ counts }: ReceivedReport): number {
  let items = 0;
  for (const one of counts) items += one.items;
  return items;
}
