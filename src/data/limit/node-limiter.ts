import type { LimitsData } from "../../plan/limits/limits-plan.ts";
import type { LimitShares, LimitsUsage } from "../../plan/limits/limit-shares.ts";
import type { Env } from "../../telemetry/env.ts";
import { Limiter } from "./limiter.ts";

/**
 * The limiter of a data plane, through its plans: there while one of them has limits. `isShared`:
 * the limits are others', too, and it has none of them before it is told.
 */
export class NodeLimiter {
  readonly #env: Pick<Env, "clock" | "random" | "metrics" | "ledger">;
  readonly #isShared: boolean;
  #shares: LimitShares | undefined;
  #current: Limiter | undefined;

  constructor(env: Pick<Env, "clock" | "random" | "metrics" | "ledger">, isShared: boolean) {
    this.#env = env;
    this.#isShared = isShared;
    env.metrics.limitKeys.with().read(() => this.#current?.keyCount ?? 0);
  }

  get current(): Limiter | undefined {
    return this.#current;
  }

  /** From the next request on. */
  adopt(data: LimitsData | undefined): Limiter | undefined {
    if (data === undefined) this.#current = undefined;
    else if (this.#current === undefined) this.#current = this.#open(data);
    else this.#current.adopt(data);
    return this.#current;
  }

  setShares(shares: LimitShares): void {
    this.#shares = shares;
    this.#current?.setShares(shares);
  }

  usage(mostKeys: number): LimitsUsage | undefined {
    return this.#current?.usage(mostKeys);
  }

  #open(data: LimitsData): Limiter {
    const limiter = new Limiter(data, this.#env, this.#isShared);
    if (this.#shares !== undefined) limiter.setShares(this.#shares);
    return limiter;
  }
}
