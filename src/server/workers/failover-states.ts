import { isSameFailover, type LaneFailover } from "../../data/balance/failover-state.ts";
import type { ToWorker } from "./messages.ts";

/**
 * Where the failovers of the node stand. A worker that goes over to another target says so, and all
 * follow, also those that have nothing to send; of several that say something else at the same time
 * the first is right. Workers are known by their index.
 */
export class FailoverStates {
  readonly #count: number;
  readonly #tell: (index: number, message: ToWorker) => void;
  readonly #known = new Map<string, { readonly told: LaneFailover; readonly heardMs: number }>();
  readonly #nowMs: () => number;
  #pools: ReadonlySet<string> = new Set();

  constructor(count: number, nowMs: () => number, tell: (index: number, message: ToWorker) => void) {
    this.#count = count;
    this.#nowMs = nowMs;
    this.#tell = tell;
  }

  reported(index: number, reports: readonly LaneFailover[]): void {
    const accepted: LaneFailover[] = [];
    const corrected: LaneFailover[] = [];
    for (const report of reports) {
      if (!this.#pools.has(report.pool)) continue; // it has not applied the plan yet
      const key = keyOf(report);
      const known = this.#known.get(key);
      if (report.version === (known?.told.version ?? 0) && !(known && isSameFailover(known.told.state, report.state))) {
        const told = { ...report, version: report.version + 1 };
        this.#known.set(key, { told, heardMs: this.#nowMs() });
        accepted.push(told);
      } else if (known !== undefined) {
        corrected.push(this.#asOfNow(known));
      }
    }
    if (corrected.length > 0) this.#tell(index, { kind: "failovers", failovers: corrected });
    if (accepted.length === 0) return;
    for (let worker = 0; worker < this.#count; worker++) this.#tell(worker, { kind: "failovers", failovers: accepted });
  }

  /** A process that is about to begin knows nothing. */
  begin(index: number): void {
    const failovers = Array.from(this.#known.values(), (known) => this.#asOfNow(known));
    if (failovers.length > 0) this.#tell(index, { kind: "failovers", failovers });
  }

  /** These are the pools that there are. */
  adopt(pools: ReadonlySet<string>): void {
    this.#pools = pools;
    for (const [key, { told }] of this.#known) if (!pools.has(told.pool)) this.#known.delete(key);
  }

  #asOfNow({ told, heardMs }: { readonly told: LaneFailover; readonly heardMs: number }): LaneFailover {
    const elapsedMs = told.state.elapsedMs + this.#nowMs() - heardMs;
    return { ...told, state: { ...told.state, elapsedMs } };
  }
}

export function keyOf({ pool, lane, signal }: Pick<LaneFailover, "pool" | "lane" | "signal">): string {
  return `${pool}\n${lane}\n${signal ?? ""}`;
}
