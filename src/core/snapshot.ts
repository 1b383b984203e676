/**
 * What a process counted, as plain data: it can be sent to another process, and be added to what
 * that one counted.
 */
export interface Snapshot {
  readonly metrics: MetricsSnapshot;
  readonly ledger: readonly LedgerRow[];
}

/** Series by the name of their metric. */
export type MetricsSnapshot = Readonly<Record<string, readonly SeriesSnapshot[]>>;

export interface SeriesSnapshot {
  /** Values, in the order of the table of metrics. */
  readonly labels: readonly string[];
  /** The sum of what was observed, for a histogram. */
  readonly value: number;
  /** Of a histogram: how many are in each bucket, then those beyond the last; not cumulative. */
  readonly counts?: readonly number[];
}

/** One entry of the ledger as JSON. */
export interface LedgerRow {
  readonly signal: string;
  readonly rule: string;
  readonly pool: string;
  readonly received: number;
  readonly copied: number;
  readonly delivered: number;
  readonly rejected: number;
  readonly dead_lettered: number;
  readonly queued: number;
  /** Of `queued`: their senders were told already that all is well. No outcome of its own. */
  readonly acknowledged: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly shed: Readonly<Record<string, number>>;
  readonly lost: Readonly<Record<string, number>>;
  /** Besides, of what nothing was read; absent where nothing passed so. */
  readonly passed_through?: PassedRow;
}

/** Requests that went on compressed as they came, by what became of them; the unit is a request. */
export interface PassedRow {
  /** Of none of them. */
  readonly items: "unknown";
  readonly received: number;
  readonly delivered: number;
  readonly rejected: number;
  readonly shed: number;
  /** They could not go on as they came, and are counted by their items. */
  readonly read: number;
  readonly queued: number;
  /** Of all that were received, as they came. */
  readonly bytes: number;
  /** What targets that took them said that they rejected. */
  readonly rejected_items: number;
}
