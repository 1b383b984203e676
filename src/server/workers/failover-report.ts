import type { Clock } from "../../core/clock.ts";
import { isSameFailover, type LaneFailover, type LaneFailoverState } from "../../data/balance/failover-state.ts";
import { keyOf } from "./failover-states.ts";
import type { FromWorker } from "./messages.ts";

/** The data plane as its failovers are concerned. */
export interface FailoverPlane {
  failovers(): LaneFailoverState[];
  followFailover(failover: LaneFailoverState): void;
}

const REFRESH_MS = 100;

/** Tells when a worker goes over to another target, and follows when others do. */
export class FailoverReport {
  readonly #clock: Clock;
  readonly #send: (message: FromWorker) => void;
  /** What the main process said last, and what it was told and has not answered. */
  readonly #heard = new Map<string, LaneFailover>();
  readonly #said = new Map<string, LaneFailover>();
  #plane: FailoverPlane | undefined;

  constructor(clock: Clock, send: (message: FromWorker) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  attend(plane: FailoverPlane): void {
    this.#plane = plane;
    for (const failover of this.#heard.values()) plane.followFailover(failover);
    this.#refreshAgain();
  }

  told(failovers: readonly LaneFailover[]): void {
    for (const failover of failovers) {
      this.#heard.set(keyOf(failover), failover);
      this.#said.delete(keyOf(failover));
      this.#plane?.followFailover(failover);
    }
  }

  /** Another plan runs: what is not in it is forgotten, as the main process has done. */
  planChanged(): void {
    const pools = new Set(this.#plane?.failovers().map(({ pool }) => pool));
    for (const map of [this.#heard, this.#said])
      for (const [key, { pool }] of map) if (!pools.has(pool)) map.delete(key);
  }

  #refreshAgain(): void {
    this.#clock.after(REFRESH_MS, () => this.#refreshAgain());
    const reports: LaneFailover[] = [];
    for (const now of this.#plane?.failovers() ?? []) {
      const key = keyOf(now);
      const heard = this.#heard.get(key);
      const last = this.#said.get(key) ?? heard;
      // Only of a signal of its own there may be none any more.
      if (now.state.current === "" && (now.signal === undefined || last === undefined)) continue;
      if (last !== undefined && isSameFailover(last.state, now.state)) continue;
      const report = { ...now, version: heard?.version ?? 0 };
      this.#said.set(key, report);
      reports.push(report);
    }
    if (reports.length > 0) this.#send({ kind: "failovers", failovers: reports });
  }
}
