import { type LimitHolding, type LimitsAsk, type LimitsGrant, MOST_ASKED_KEYS } from "../../plan/limits/limit-ask.ts";
import type { LimitsData } from "../../plan/limits/limits-plan.ts";
import type { LimitsUsage } from "../../plan/limits/limit-shares.ts";
import type { Env } from "../../telemetry/env.ts";
import { Limiter } from "./limiter.ts";

/**
 * The limiter of a data plane, through its plans: there while one of them has limits. With a
 * `holding` the limits are others', too, and it has none of them before it is granted some.
 */
export class NodeLimiter {
  readonly #env: Pick<Env, "clock" | "random" | "metrics" | "ledger">;
  readonly #holding: LimitHolding | undefined;
  #current: Limiter | undefined;

  constructor(env: Pick<Env, "clock" | "random" | "metrics" | "ledger">, holding: LimitHolding | undefined) {
    this.#env = env;
    this.#holding = holding;
    env.metrics.limitGranted.with().read(() => this.usage(0)?.total.granted ?? 0);
    env.metrics.limitKeys.with().read(() => this.#current?.keyCount ?? 0);
  }

  get current(): Limiter | undefined {
    return this.#current;
  }

  /** From the next request on. */
  adopt(data: LimitsData | undefined): Limiter | undefined {
    if (data === undefined) this.#current = undefined;
    else if (this.#current === undefined) this.#current = new Limiter(data, this.#env, this.#holding !== undefined);
    else this.#current.adopt(data);
    this.#share();
    return this.#current;
  }

  /** Undefined: the limits are its own alone, or there are none. */
  ask(): LimitsAsk | undefined {
    const usage = this.#holding && this.usage(MOST_ASKED_KEYS);
    if (usage === undefined) return undefined;
    this.#share(); // without what is over
    return this.#holding?.ask(usage, this.#env.clock.nowMs());
  }

  /** `sentMs`: when the ask was sent that it answers. */
  granted(grant: LimitsGrant, sentMs: number): void {
    this.#holding?.answered(grant, sentMs);
    this.#share();
  }

  usage(mostKeys: number): LimitsUsage | undefined {
    return this.#current?.usage(mostKeys);
  }

  #share(): void {
    const limiter = this.#current;
    const shares = limiter && this.#holding?.shares(limiter.data.total, this.#env.clock.nowMs());
    if (shares !== undefined) limiter?.setShares(shares);
  }
}
