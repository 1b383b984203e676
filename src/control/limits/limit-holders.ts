import type { FleetLimit, LeasedPart } from "../../plan/limits/bucket-shares.ts";
import type { LimitShares, LimitsUsage } from "../../plan/limits/limit-shares.ts";
import {
  type KeyAsk,
  type LimitHolding,
  type LimitsAsk,
  type LimitsGrant,
  MOST_ASKED_KEYS,
} from "../../plan/limits/limit-ask.ts";
import { LimitHolder } from "./limit-holder.ts";

/** What less is offered of a key, as a part of its limit, is let in by the safe share. */
const WORTH_ASKING = 0.01;

/** Of a key that is offered no more; what is less is not asked for again, and ends. */
const LITTLE = 0.02;

interface HeldKey {
  readonly holder: LimitHolder;
  wanted: number;
  limit: number;
  /** What it had at the last ask. */
  told: number;
}

/** Who has parts of all limits: of everything together, and of keys. Time is an argument. */
export class LimitHolders implements LimitHolding {
  readonly #total: LimitHolder;
  readonly #keys = new Map<string, HeldKey>();
  #controller: string | undefined;

  /** `controller`: whom it asks first, where that is known. */
  constructor(controller?: string) {
    this.#controller = controller;
    this.#total = new LimitHolder(controller);
  }

  ask(usage: LimitsUsage, nowMs: number): LimitsAsk {
    this.#total.setLimit(usage.total.limit);
    for (const one of this.#keys.values()) one.wanted = 0;
    for (const { key, wanted, limit } of usage.keys) {
      if (wanted >= WORTH_ASKING * limit) this.#want(key, wanted, limit);
    }
    const asked: KeyAsk[] = [];
    for (const [key, one] of this.#keys) {
      const { holder, wanted, limit, told } = one;
      const has = holder.amountAt(nowMs);
      one.told = has;
      if (wanted === 0 && has === 0) this.#keys.delete(key);
      // What is offered no more is asked for until it was told that little is had of it: so the
      // rest is given back.
      else if (wanted > 0 || Math.max(has, told) > LITTLE * limit) asked.push({ key, ...holder.ask(wanted, nowMs) });
    }
    return { total: this.#total.ask(usage.total.wanted, nowMs), keys: asked.slice(0, MOST_ASKED_KEYS) };
  }

  /** `sentMs`: when the ask was sent that it answers. */
  answered({ total, keys }: LimitsGrant, sentMs: number): void {
    this.#controller = total.epoch;
    this.#total.answered(total, sentMs);
    for (const { key, ...grant } of keys) this.#keys.get(key)?.holder.answered(grant, sentMs);
  }

  /** For its buckets, of limits that are these now. */
  shares(total: FleetLimit, nowMs: number): LimitShares {
    this.#total.setLimit(total.perSecond);
    const keys = new Map<string, LeasedPart>();
    for (const [key, { holder }] of this.#keys) {
      const leased = holder.leased(nowMs);
      if (leased !== undefined) keys.set(key, leased);
    }
    return { total: this.#total.shares(total, nowMs), safe: this.#total.safePart(total, nowMs), keys };
  }

  #want(key: string, wanted: number, limit: number): void {
    const known = this.#keys.get(key);
    if (known !== undefined) [known.wanted, known.limit] = [wanted, limit];
    else if (this.#keys.size < 2 * MOST_ASKED_KEYS) {
      this.#keys.set(key, { holder: new LimitHolder(this.#controller), wanted, limit, told: 0 });
    }
  }
}
