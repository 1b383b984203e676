import type { Clock } from "../../core/clock.ts";
import { LimitDesks } from "../../control/limits/limit-desks.ts";
import type { LimitsData } from "../../plan/limits/limits-plan.ts";
import { formatEpoch } from "../../store/recipes/epoch.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/** Workers end with the process that shares limits out: it has no predecessor. */
const EPOCH = { generation: 1, revision: 1n } as const;
export const GIVER_EPOCH = formatEpoch(EPOCH);

/**
 * Shares the limits of a node's config out to its workers, by what comes to each of them. Together
 * they never have more than the node.
 */
export class LimitGiver {
  readonly #clock: Clock;
  readonly #tell: (index: number, message: ToWorker) => void;
  readonly #desks: LimitDesks;

  constructor(clock: Clock, tell: (index: number, message: ToWorker) => void) {
    this.#clock = clock;
    this.#tell = tell;
    this.#desks = new LimitDesks({ epoch: EPOCH, sinceMs: clock.nowMs(), isFirst: true });
  }

  /** The limits of the plan that runs. */
  adopt(limits: LimitsData | undefined): void {
    this.#desks.setLimits(limits);
  }

  asked(index: number, { seq, ask }: Extract<FromWorker, { readonly kind: "limits" }>): void {
    const grant = this.#desks.ask(holderOf(index), ask, this.#clock.nowMs());
    this.#tell(index, { kind: "limits", seq, grant });
  }

  /** Its process has ended. */
  ended(index: number): void {
    this.#desks.leave(holderOf(index), this.#clock.nowMs());
  }
}

function holderOf(index: number): string {
  return String(index);
}
