import type { LimitsAsk, LimitsGrant } from "../../plan/limits/limit-ask.ts";
import { compileLimitOf, type LimitOf, type LimitsData } from "../../plan/limits/limits-plan.ts";
import { askKey, MOST_HOT_KEYS, PerHotKey } from "./hot-keys.ts";
import type { LimitAllocatorsOptions } from "./limit-allocators.ts";
import { LimitRegion } from "./limit-region.ts";
import { CHOOSE_MS, OfferedKeys } from "./offered-keys.ts";

/**
 * Between those who have the limits of a config and those to whom parts of them are lent on: a
 * region between the leader and its collectors, a node between its controller and its workers.
 * Time is an argument.
 */
export class LimitRegions {
  readonly #total: LimitRegion;
  readonly #keys: PerHotKey<LimitRegion>;
  readonly #offered = new OfferedKeys();
  #limits: LimitsData | undefined;
  #limitOf: LimitOf = () => undefined;
  #chosenMs = Number.NEGATIVE_INFINITY;
  readonly #mostKeys: number;

  constructor(options: LimitAllocatorsOptions) {
    this.#mostKeys = options.mostKeys ?? MOST_HOT_KEYS;
    this.#total = new LimitRegion(options);
    this.#keys = new PerHotKey(
      () => new LimitRegion(options, 1, this.#total.leader),
      ({ allocator }, nowMs) => allocator.outstanding(nowMs).lease === 0,
    );
  }

  /** By these it is decided which keys are hot. */
  setLimits(limits: LimitsData | undefined): void {
    if (limits === this.#limits) return;
    this.#limits = limits;
    this.#total.setLimit(limits?.total.perSecond);
    this.#limitOf = limits === undefined ? (): undefined => undefined : compileLimitOf(limits);
  }

  /** Of somebody who has a part of what is here. */
  lend(holder: string, { total, keys }: LimitsAsk, nowMs: number): LimitsGrant {
    this.#offered.note(holder, keys, nowMs);
    if (nowMs - this.#chosenMs >= CHOOSE_MS) this.#choose(nowMs);
    this.#total.settle(nowMs);
    return {
      total: this.#total.allocator.ask(holder, total, nowMs),
      keys: keys.flatMap(({ key, ...ask }) => {
        const region = this.#keys.known(key);
        region?.settle(nowMs);
        const grant = region && askKey(region.allocator, holder, { ask, isHot: this.#keys.hot.has(key), nowMs });
        return grant === undefined ? [] : [{ key, ...grant }];
      }),
    };
  }

  /** It said goodbye, or has ended: it uses nothing any more. */
  leave(holder: string, nowMs: number): void {
    this.#offered.forget(holder);
    this.#total.allocator.leave(holder, nowMs);
    this.#keys.each((_, { allocator }) => allocator.leave(holder, nowMs));
  }

  /** Of whoever it has its own from; keys that are hot no more until they are given back. */
  ask(nowMs: number): LimitsAsk {
    const keys: LimitsAsk["keys"][number][] = [];
    this.#keys.each((key, region) => keys.push({ key, ...region.ask(nowMs) }));
    return { total: this.#total.ask(nowMs), keys };
  }

  /** The leader is to hear of it at once. What is wanted of keys changes all the time. */
  hasNews(nowMs: number): boolean {
    let hasNews = this.#total.wantsOther(nowMs) || this.#total.givesBack(nowMs);
    this.#keys.each((_, region) => (hasNews ||= region.givesBack(nowMs)));
    return hasNews;
  }

  /** It has less of everything together than is wanted. */
  isShort(nowMs: number): boolean {
    return this.#total.isShort(nowMs);
  }

  /** `sentMs`: when the ask was sent that it answers. */
  answered({ total, keys }: LimitsGrant, sentMs: number, nowMs: number): void {
    this.#total.answered(total, sentMs, nowMs);
    const granted = new Map(keys.map(({ key, ...grant }) => [key, grant]));
    this.#keys.each((key, region) => {
      const grant = granted.get(key);
      if (grant !== undefined) region.answered(grant, sentMs, nowMs);
    });
  }

  #choose(nowMs: number): void {
    this.#chosenMs = nowMs;
    this.#keys.setOffered(this.#offered.limited(this.#limitOf, nowMs), nowMs, this.#mostKeys);
  }
}
