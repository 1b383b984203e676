import type { LimitsData } from "../../plan/limits/limits-plan.ts";
import type { Leadership } from "../../store/recipes/election.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { FLEET_PROTOCOL, type LimitsReply, type LimitsRequest } from "../fleet/messages.ts";
import { MOST_HOT_KEYS } from "./hot-keys.ts";
import { LimitAllocators } from "./limit-allocators.ts";

/** Each region may have other keys that are hot. */
const MOST_KEYS = 20 * MOST_HOT_KEYS;

interface FleetLimitsOptions {
  readonly place: Pick<RecipePlace, "clock">;
  readonly leadership: Pick<Leadership, "epoch" | "validForMs">;
  readonly generation: number;
  /** Nobody has led before it. */
  readonly isFirst: boolean;
  /** Of the config that runs here; none: nothing is limited. */
  readonly limits: (() => LimitsData | undefined) | undefined;
}

/** Shares the limits of the fleet out to its regions, while this node leads it. */
export class FleetLimits {
  readonly #options: FleetLimitsOptions;
  readonly #allocators: LimitAllocators;

  constructor(options: FleetLimitsOptions) {
    this.#options = options;
    const { place, leadership, generation, isFirst } = options;
    this.#allocators = new LimitAllocators({
      epoch: { generation, revision: leadership.epoch },
      sinceMs: place.clock.nowMs(),
      isFirst,
      mostKeys: MOST_KEYS,
    });
  }

  /** Undefined: it leads no more. */
  lend({ region, ask }: LimitsRequest): LimitsReply | undefined {
    const { place, leadership, limits } = this.#options;
    if (leadership.validForMs() <= 0) return undefined;
    this.#allocators.setLimits(limits?.());
    return { protocol: FLEET_PROTOCOL, grant: this.#allocators.lend(region, ask, place.clock.nowMs()) };
  }
}
