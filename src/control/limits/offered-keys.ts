import type { KeyAsk } from "../../plan/limits/limit-ask.ts";
import type { LimitOf } from "../../plan/limits/limits-plan.ts";
import type { OfferedKey } from "./hot-keys.ts";
import { LIMIT_LEASE_MS } from "./limit-allocator.ts";

/** Which keys are hot is looked at no more often. */
export const CHOOSE_MS = 250;

interface Noted {
  readonly keys: readonly Pick<KeyAsk, "key" | "wanted">[];
  readonly atMs: number;
}

/** What holders say is offered of keys, until they are silent for the time of a lease. */
export class OfferedKeys {
  readonly #holders = new Map<string, Noted>();

  note(holder: string, keys: Noted["keys"], nowMs: number): void {
    this.#holders.set(holder, { keys, atMs: nowMs });
  }

  forget(holder: string): void {
    this.#holders.delete(holder);
  }

  /** Of all holders together, keys that have a limit. */
  limited(limitOf: LimitOf, nowMs: number): OfferedKey[] {
    const sums = new Map<string, number>();
    for (const [holder, { keys, atMs }] of this.#holders) {
      if (nowMs - atMs > LIMIT_LEASE_MS) this.#holders.delete(holder);
      else for (const { key, wanted } of keys) sums.set(key, (sums.get(key) ?? 0) + wanted);
    }
    return Array.from(sums).flatMap(([key, offered]) => {
      const limit = limitOf(key)?.perSecond;
      return limit === undefined ? [] : [{ key, offered, limit }];
    });
  }
}
