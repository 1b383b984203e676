import type { FleetLimit, LeasedPart } from "../../plan/limits/bucket-shares.ts";
import type { LimitShares, LimitsUsage } from "../../plan/limits/limit-shares.ts";
import { type LimitsAsk, type LimitsGrant, MOST_ASKED_KEYS } from "./limit-ask.ts";
import { LimitHolder } from "./limit-holder.ts";

/** What less is offered of a key, as a part of its limit, is let in by the safe share. */
const WORTH_ASKING = 0.01;

/** Who has parts of all limits: of everything together, and of keys. Time is an argument. */
export class LimitHolders {
  readonly #total: LimitHolder;
  readonly #keys = new Map<string, LimitHolder>();
  #controller: string | undefined;

  /** `controller`: whom it asks first, where that is known. */
  constructor(controller?: string) {
    this.#controller = controller;
    this.#total = new LimitHolder(controller);
  }

  ask(usage: LimitsUsage, nowMs: number): LimitsAsk {
    const wanted = new Map(
      usage.keys.filter((one) => one.wanted >= WORTH_ASKING * one.limit).map((one) => [one.key, one.wanted]),
    );
    for (const key of wanted.keys()) {
      if (this.#keys.size >= 2 * MOST_ASKED_KEYS) break;
      if (!this.#keys.has(key)) this.#keys.set(key, new LimitHolder(this.#controller));
    }
    for (const [key, holder] of this.#keys) {
      // What is offered no more is asked for until nothing is had of it, so that it is given back.
      if (!wanted.has(key) && holder.amountAt(nowMs) === 0) this.#keys.delete(key);
    }
    const asked = [...this.#keys].slice(0, MOST_ASKED_KEYS);
    return {
      total: this.#total.ask(usage.total.wanted, nowMs),
      keys: asked.map(([key, holder]) => ({ key, ...holder.ask(wanted.get(key) ?? 0, nowMs) })),
    };
  }

  /** `sentMs`: when the ask was sent that it answers. */
  answered({ total, keys }: LimitsGrant, sentMs: number): void {
    this.#controller = total.epoch;
    this.#total.answered(total, sentMs);
    for (const { key, ...grant } of keys) this.#keys.get(key)?.answered(grant, sentMs);
  }

  /** For its buckets, of limits that are these now. */
  shares(total: FleetLimit, nowMs: number): LimitShares {
    const keys = new Map<string, LeasedPart>();
    for (const [key, holder] of this.#keys) {
      const leased = holder.leased(nowMs);
      if (leased !== undefined) keys.set(key, leased);
    }
    return { total: this.#total.shares(total, nowMs), safe: this.#total.safePart(total, nowMs), keys };
  }
}
