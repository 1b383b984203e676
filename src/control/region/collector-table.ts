import { lowerBound } from "../../core/lower-bound.ts";
import type { CollectorReport } from "../fleet/messages.ts";
import { MemberDigest } from "./member-digest.ts";

/** Those who report to a controller, with what they said last. */
export interface KnownCollector {
  readonly report: CollectorReport;
  readonly state: CollectorState;
  /** `Clock.nowMs` of its last Report, and of the first of all. */
  readonly seenMs: number;
  readonly firstSeenMs: number;
  readonly reports: number;
}

/** Who is gone is not in the table any more. */
export const COLLECTOR_STATES = ["live", "suspect"] as const;
type CollectorState = (typeof COLLECTOR_STATES)[number];

/**
 * What became of a Report. `old`: overtaken on the way, or of an earlier start of its node; where
 * two nodes have one id, of the one that was there first. `full`: there is no room for one more.
 */
const REPORT_OUTCOMES = ["joined", "restarted", "taken", "old", "full"] as const;
export type ReportOutcome = (typeof REPORT_OUTCOMES)[number];

export interface CollectorTimes {
  /** Since the last Report. */
  readonly suspectAfterMs: number;
  readonly goneAfterMs: number;
}

/** Of those who do not say how often they report. */
interface CollectorTableOptions extends CollectorTimes {
  /** More are not listed. */
  readonly most: number;
}

/** For collectors that report so often: two Reports missed, and three. */
export function collectorTimes(reportIntervalMs: number): CollectorTimes {
  return { suspectAfterMs: 2.2 * reportIntervalMs, goneAfterMs: 3 * reportIntervalMs };
}

/** What one process sorts out; a larger region is two. */
export const MAX_COLLECTORS = 20_000;

/** What happened to a collector, for those who tell people. */
export interface CollectorChange {
  readonly id: string;
  readonly to: "suspect" | "gone";
}

interface CollectorRow {
  /** Of those who report as often. */
  pace: PaceGroup;
  report: CollectorReport;
  state: CollectorState;
  seenMs: number;
  readonly firstSeenMs: number;
  reports: number;
  /** Newest last: a Report of one of them is late, or another node's with the same id. */
  readonly earlier: string[];
}

/**
 * Who reports as often as others is silent by the same times: both with the longest silent first.
 */
interface PaceGroup extends CollectorTimes {
  readonly live: Map<string, CollectorRow>;
  readonly suspect: Map<string, CollectorRow>;
}

const MAX_EARLIER = 4;
/** Times are told apart by so much, rounded up: so there are few groups, whatever is said. */
const PACE_STEP_MS = 500;
/** Whoever looks more seldom stood still: what came meanwhile has not been read yet. */
const LONGEST_GAP_MS = 3_000;

/**
 * The collectors of a region as its controller sees them, in memory. Time is an argument; a Report
 * costs the same however many there are, and a tick as much as changes.
 */
export class CollectorTable {
  readonly #options: CollectorTableOptions;
  readonly #rows = new Map<string, CollectorRow>();
  /** By how often they report; 0: they do not say. */
  readonly #paces = new Map<number, PaceGroup>();
  readonly #digest = new MemberDigest();
  /** Undefined: others have come or gone since. */
  #sorted: readonly string[] | undefined;
  #tickedMs: number | undefined;
  #heardMs: number | undefined;

  constructor(options: CollectorTableOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#rows.size;
  }

  count(state: CollectorState): number {
    let count = 0;
    for (const pace of this.#paces.values()) count += pace[state].size;
    return count;
  }

  /** Of the ids of all that are listed. */
  get viewDigest(): string {
    return this.#digest.text;
  }

  get(id: string): KnownCollector | undefined {
    return this.#rows.get(id);
  }

  report(report: CollectorReport, nowMs: number): ReportOutcome {
    const { id } = report;
    const row = this.#rows.get(id);
    if (row === undefined) return this.#join(report, nowMs);
    const isNewStart = row.report.incarnation !== report.incarnation;
    if (isNewStart ? row.earlier.includes(report.incarnation) : report.seq <= row.report.seq) return "old";
    if (isNewStart) {
      row.earlier.push(row.report.incarnation);
      if (row.earlier.length > MAX_EARLIER) row.earlier.shift();
    }
    row.report = report;
    row.reports++;
    row.seenMs = nowMs;
    row.state = "live";
    row.pace.suspect.delete(id);
    row.pace.live.delete(id);
    row.pace = this.#paceOf(report);
    row.pace.live.set(id, row);
    return isNewStart ? "restarted" : "taken";
  }

  /** False: it was not there, or this is not its last start. */
  goodbye(id: string, incarnation: string): boolean {
    const row = this.#rows.get(id);
    if (row?.report.incarnation !== incarnation) return false;
    this.#remove(id, row);
    return true;
  }

  /** To be called once a second or so; gives what has changed by it. */
  tick(nowMs: number): CollectorChange[] {
    this.#forgive(nowMs);
    const changes: CollectorChange[] = [];
    for (const pace of this.#paces.values()) this.#tickOf(pace, nowMs, changes);
    return changes;
  }

  /** In the order of their ids, after this one. */
  page(after: string | undefined, limit: number): KnownCollector[] {
    const ids = this.#ids();
    const found: KnownCollector[] = [];
    for (let at = after === undefined ? 0 : placeAfter(ids, after); at < ids.length && found.length < limit; at++) {
      const known = this.get(ids[at]!);
      if (known !== undefined) found.push(known);
    }
    return found;
  }

  *[Symbol.iterator](): Generator<KnownCollector> {
    yield* this.#rows.values();
  }

  #join(report: CollectorReport, nowMs: number): ReportOutcome {
    if (this.size >= this.#options.most) return "full";
    const { id } = report;
    const pace = this.#paceOf(report);
    const times = { seenMs: nowMs, firstSeenMs: nowMs };
    const row: CollectorRow = { pace, report, state: "live", ...times, reports: 1, earlier: [] };
    this.#rows.set(id, row);
    pace.live.set(id, row);
    this.#digest.toggle(id);
    this.#sorted = undefined;
    return "joined";
  }

  #paceOf({ report_interval_ms: saidMs }: CollectorReport): PaceGroup {
    const everyMs = saidMs === undefined ? 0 : Math.ceil(saidMs / PACE_STEP_MS) * PACE_STEP_MS;
    let pace = this.#paces.get(everyMs);
    if (pace === undefined) {
      const { suspectAfterMs, goneAfterMs } = everyMs === 0 ? this.#options : collectorTimes(everyMs);
      pace = { suspectAfterMs, goneAfterMs, live: new Map(), suspect: new Map() };
      this.#paces.set(everyMs, pace);
    }
    return pace;
  }

  #tickOf({ live, suspect, suspectAfterMs, goneAfterMs }: PaceGroup, nowMs: number, changes: CollectorChange[]): void {
    for (const [id, row] of suspect) {
      if (nowMs - this.#seen(row) < goneAfterMs) break;
      this.#remove(id, row);
      changes.push({ id, to: "gone" });
    }
    for (const [id, row] of live) {
      const silentMs = nowMs - this.#seen(row);
      if (silentMs < suspectAfterMs) break;
      const isGone = silentMs >= goneAfterMs;
      if (isGone) this.#remove(id, row);
      else {
        row.state = "suspect";
        live.delete(id);
        suspect.set(id, row);
      }
      changes.push({ id, to: isGone ? "gone" : "suspect" });
    }
  }

  #remove(id: string, { pace }: CollectorRow): void {
    this.#rows.delete(id);
    pace.live.delete(id);
    pace.suspect.delete(id);
    this.#digest.toggle(id);
    this.#sorted = undefined;
  }

  /**
   * A process that stood still has not read what was reported meanwhile: nobody is silent for that
   * time, but from when it goes on.
   */
  #forgive(nowMs: number): void {
    if (this.#tickedMs !== undefined && nowMs - this.#tickedMs > LONGEST_GAP_MS) this.#heardMs = nowMs;
    this.#tickedMs = nowMs;
  }

  #seen({ seenMs }: CollectorRow): number {
    return this.#heardMs === undefined ? seenMs : Math.max(seenMs, this.#heardMs);
  }

  #ids(): readonly string[] {
    this.#sorted ??= [...this.#rows.keys()].toSorted(byOrder);
    return this.#sorted;
  }
}

function byOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Of the first that comes after it. */
function placeAfter(ids: readonly string[], after: string): number {
  return lowerBound(ids.length, (place) => ids[place]! <= after);
}
