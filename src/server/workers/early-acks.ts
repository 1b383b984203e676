import type { PlanData } from "../../plan/plan-data.ts";

/**
 * Pools that are remembered; those that were in no plan for the longest time are forgotten first.
 */
const MAX_REMEMBERED = 10_000;

/**
 * Which pools tell senders that all is well before anything has arrived. Also of those that the
 * config does not have any more: they may hold something still.
 */
export class EarlyAcks {
  readonly #known = new Map<string, boolean>();

  constructor(plan: Pick<PlanData, "pools">) {
    this.adopt(plan);
  }

  adopt({ pools }: Pick<PlanData, "pools">): void {
    for (const { name, ack } of pools) {
      this.#known.delete(name);
      this.#known.set(name, ack === "queued");
    }
    const most = Math.max(MAX_REMEMBERED, pools.length);
    for (const name of this.#known.keys()) {
      if (this.#known.size <= most) return;
      this.#known.delete(name);
    }
  }

  has(pool: string): boolean {
    return this.#known.get(pool) === true;
  }
}
