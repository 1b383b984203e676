import type { LedgerRow, MetricsSnapshot, Snapshot } from "../../core/snapshot.ts";
import type { ReceivedCounts, ReceivedReport } from "../../plan/sampling/received-counts.ts";
import type { RatedSignal } from "../../plan/sampling/received.ts";
import { CLASS_RULE } from "../../telemetry/ledger.ts";
import { METRICS } from "../../telemetry/metric-table.ts";

/** Delivered since a start, once for each pool; bytes as they came. */
export type SamplingSpent = Readonly<Record<RatedSignal, { readonly items: number; readonly bytes: number }>>;

export interface SamplingReading {
  readonly report: ReceivedReport;
  readonly spent: SamplingSpent;
}

const COUNTED = [
  ["items", METRICS.samplingReceivedItems.name],
  ["bytes", METRICS.samplingReceivedBytes.name],
  ["traces", METRICS.samplingReceivedTraces.name],
  ["adjusted", METRICS.samplingReceivedAdjusted.name],
  ["kept", METRICS.samplingReceivedKept.name],
] as const;
const SIGNALS: readonly RatedSignal[] = ["traces", "logs"];

type LessDelivered = Omit<ReceivedCounts, "delivered">;
interface KnownCounts extends ReceivedCounts {
  readonly key: string;
}

interface SignalLedger {
  /** What goes on from sampling, and how many go to pools: copies count. */
  readonly left: number;
  readonly placed: number;
  readonly delivered: number;
}

interface SignalState extends SignalLedger {
  /** To how many pools an item goes, and how many bytes it has, of late. */
  copies: number;
  itemBytes: number;
  spentBytes: number;
}

/** What a node has received before sampling and what became of it, made of all that it counts. */
export class ReceivedReader {
  readonly #run: string;
  #known = new Map<string, KnownCounts>();
  #signals = new Map<RatedSignal, SignalState>();

  /** `run`: of this start of the node. */
  constructor(run: string) {
    this.#run = run;
  }

  /** `atMs`: by a clock that is never set. */
  read({ metrics, ledger }: Snapshot, atMs: number): SamplingReading {
    const counted = countsIn(metrics);
    const states = new Map(SIGNALS.map((signal) => [signal, this.#step(signal, ledger, counted)]));
    this.#signals = states;
    const counts = Array.from(counted, ([key, its]) => this.#withDelivered(key, its));
    this.#known = new Map(counts.map((one) => [one.key, one]));
    const spent = (signal: RatedSignal): SamplingSpent[RatedSignal] => {
      const { delivered = 0, spentBytes = 0 } = states.get(signal) ?? {};
      return { items: delivered, bytes: spentBytes };
    };
    const told = counts.map(({ key: _key, ...one }) => one);
    return {
      report: { run: this.#run, atMs, counts: told },
      spent: { traces: spent("traces"), logs: spent("logs") },
    };
  }

  #step(signal: RatedSignal, ledger: readonly LedgerRow[], counted: ReadonlyMap<string, LessDelivered>): SignalState {
    const before = this.#signals.get(signal);
    const now = ledgerOf(signal, ledger);
    const left = now.left - (before?.left ?? 0);
    const copies = left > 0 ? (now.placed - (before?.placed ?? 0)) / left : (before?.copies ?? 1);
    const itemBytes = this.#itemBytes(signal, counted) ?? before?.itemBytes ?? 0;
    const delivered = Math.max(0, now.delivered - (before?.delivered ?? 0));
    return { ...now, copies, itemBytes, spentBytes: (before?.spentBytes ?? 0) + delivered * itemBytes };
  }

  /** Of what was kept since the last reading. */
  #itemBytes(signal: RatedSignal, counted: ReadonlyMap<string, LessDelivered>): number | undefined {
    let [kept, bytes] = [0, 0];
    for (const [key, its] of counted) {
      if (its.signal !== signal) continue;
      const before = this.#known.get(key);
      const [items, more] = [its.items - (before?.items ?? 0), its.kept - (before?.kept ?? 0)];
      if (items <= 0) continue;
      kept += more;
      bytes += (more * (its.bytes - (before?.bytes ?? 0))) / items;
    }
    return kept > 0 ? bytes / kept : undefined;
  }

  #withDelivered(key: string, its: LessDelivered): KnownCounts {
    const before = this.#known.get(key);
    const { copies = 1 } = this.#signals.get(its.signal) ?? {};
    const delivered = (before?.delivered ?? 0) + Math.max(0, its.kept - (before?.kept ?? 0)) * copies;
    return { ...its, delivered, key };
  }
}

function ledgerOf(signal: RatedSignal, ledger: readonly LedgerRow[]): SignalLedger {
  let [left, placed, delivered] = [0, 0, 0];
  for (const row of ledger) {
    // What sampling has dropped has rows of its own, and goes nowhere.
    if (row.signal !== signal || row.rule.startsWith(CLASS_RULE)) continue;
    left += row.received;
    placed += row.received + row.copied - (row.dropped["unrouted"] ?? 0);
    delivered += row.delivered;
  }
  return { left, placed, delivered };
}

function countsIn(metrics: MetricsSnapshot): ReadonlyMap<string, LessDelivered> {
  const found = new Map<string, { -readonly [K in keyof LessDelivered]: LessDelivered[K] }>();
  for (const [of, family] of COUNTED) {
    for (const { labels, value } of metrics[family] ?? []) {
      const [signal, name = "", octave = ""] = labels;
      // More classes than have series of their own: nothing is known of each.
      if (signal !== "traces" && signal !== "logs") continue;
      const key = labels.join("\u0000");
      const known = found.get(key) ?? { ...emptyCounts(signal, name), octave: octaveIn(octave) };
      known[of] = value;
      found.set(key, known);
    }
  }
  return found;
}

function emptyCounts(signal: RatedSignal, name: string): Omit<LessDelivered, "octave"> {
  return { signal, class: name, items: 0, bytes: 0, traces: 0, adjusted: 0, kept: 0 };
}

function octaveIn(label: string): number | undefined {
  return /^\d+$/u.test(label) ? Number(label) : undefined;
}
