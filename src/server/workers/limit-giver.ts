import type { Clock } from "../../core/clock.ts";
import { LimitAllocators } from "../../control/limits/limit-allocators.ts";
import { LimitRegions } from "../../control/limits/limit-regions.ts";
import type { LimitsAsk, LimitsGrant } from "../../plan/limits/limit-ask.ts";
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
  readonly #source: LimitAllocators | LimitRegions;
  #limits: LimitsData | undefined;

  /** `isInFleet`: the limits are other nodes', too, and what is here of them is granted. */
  constructor(clock: Clock, tell: (index: number, message: ToWorker) => void, isInFleet: boolean) {
    this.#clock = clock;
    this.#tell = tell;
    const options = { epoch: EPOCH, sinceMs: clock.nowMs(), isFirst: true };
    this.#source = isInFleet ? new LimitRegions(options) : new LimitAllocators(options);
  }

  /** The limits of the plan that runs. */
  adopt(limits: LimitsData | undefined): void {
    this.#limits = limits;
    this.#source.setLimits(limits);
  }

  asked(index: number, { seq, ask }: Extract<FromWorker, { readonly kind: "limits" }>): void {
    const grant = this.#source.lend(holderOf(index), ask, this.#clock.nowMs());
    this.#tell(index, { kind: "limits", seq, grant });
  }

  /** Of all of them together; undefined: the limits are the node's own alone, or there are none. */
  ask(): LimitsAsk | undefined {
    if (this.#limits === undefined || !(this.#source instanceof LimitRegions)) return undefined;
    return this.#source.ask(this.#clock.nowMs());
  }

  /** `sentMs`: when the ask was sent that it answers. */
  granted(grant: LimitsGrant, sentMs: number): void {
    if (this.#source instanceof LimitRegions) this.#source.answered(grant, sentMs, this.#clock.nowMs());
  }

  /** Its process has ended. */
  ended(index: number): void {
    this.#source.leave(holderOf(index), this.#clock.nowMs());
  }
}

function holderOf(index: number): string {
  return String(index);
}
