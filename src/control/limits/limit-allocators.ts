import { compileLimitOf, type LimitOf, type LimitsData } from "../../plan/limits/limits-plan.ts";
import { askKey, MOST_HOT_KEYS, PerHotKey } from "./hot-keys.ts";
import type { LimitsAsk, LimitsGrant } from "../../plan/limits/limit-ask.ts";
import { LimitAllocator, type LimitAllocatorOptions, SAFE_PART } from "./limit-allocator.ts";
import { CHOOSE_MS, OfferedKeys } from "./offered-keys.ts";

export interface LimitAllocatorsOptions extends LimitAllocatorOptions {
  /** So many keys are shared out exactly; of several regions together. */
  readonly mostKeys?: number;
}

/**
 * Shares all limits of a config out: everything together, and the keys that are nearest to their
 * limits, or above. Time is an argument.
 */
export class LimitAllocators {
  readonly #options: LimitAllocatorsOptions;
  readonly #total: LimitAllocator;
  readonly #keys: PerHotKey<LimitAllocator>;
  readonly #offered: OfferedKeys;
  #limits: LimitsData | undefined;
  #limitOf: LimitOf = () => undefined;
  #chosenMs = Number.NEGATIVE_INFINITY;

  constructor(options: LimitAllocatorsOptions) {
    this.#options = options;
    this.#total = new LimitAllocator(options);
    this.#offered = new OfferedKeys();
    this.#keys = new PerHotKey(
      (key) => this.#open(key),
      (allocator, nowMs) => allocator.outstanding(nowMs).lease === 0,
    );
  }

  /** Undefined: nothing is limited, and nothing granted. */
  setLimits(limits: LimitsData | undefined): void {
    if (limits === this.#limits) return;
    this.#limits = limits;
    const perSecond = limits?.total.perSecond ?? 0;
    this.#total.setLease((1 - SAFE_PART) * perSecond);
    this.#total.setSafe(SAFE_PART * perSecond);
    this.#limitOf = limits === undefined ? (): undefined => undefined : compileLimitOf(limits);
    this.#keys.each((key, allocator) => allocator.setLease(this.#leasedOf(key)));
  }

  /** Of somebody who has a part of it. */
  lend(holder: string, { total, keys }: LimitsAsk, nowMs: number): LimitsGrant {
    this.#offered.note(holder, keys, nowMs);
    if (nowMs - this.#chosenMs >= CHOOSE_MS) this.#choose(nowMs);
    return {
      total: this.#total.ask(holder, total, nowMs),
      keys: keys.flatMap(({ key, ...ask }) => {
        const allocator = this.#keys.known(key);
        const grant = allocator && askKey(allocator, holder, { ask, isHot: this.#keys.hot.has(key), nowMs });
        return grant === undefined ? [] : [{ key, ...grant }];
      }),
    };
  }

  /** It said goodbye, or has ended: it uses nothing any more. */
  leave(holder: string, nowMs: number): void {
    this.#offered.forget(holder);
    this.#total.leave(holder, nowMs);
    this.#keys.each((_, allocator) => allocator.leave(holder, nowMs));
  }

  #choose(nowMs: number): void {
    this.#chosenMs = nowMs;
    this.#keys.setOffered(this.#offered.limited(this.#limitOf, nowMs), nowMs, this.#options.mostKeys ?? MOST_HOT_KEYS);
  }

  #open(key: string): LimitAllocator {
    const allocator = new LimitAllocator(this.#options);
    allocator.setLease(this.#leasedOf(key));
    return allocator;
  }

  #leasedOf(key: string): number {
    return (1 - SAFE_PART) * (this.#limitOf(key)?.perSecond ?? 0);
  }
}
