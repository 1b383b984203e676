import type { FailoverState } from "./failover-state.ts";
import type { BatchSize, PoolView, RememberingPicker } from "./picker.ts";

/** What a target gets at first when data returns to it. */
const LEAST_SHARE = 0.1;

/**
 * In order, the first being the primary. It leaves a target when that is no longer usable, and goes
 * back to an earlier one when that has been usable for `returnAfterMs` without a break, so that a
 * target that flaps gets no traffic. Then its share of the items grows over its slow start from a
 * tenth to all, while the target that stood in has the rest.
 */
export class Failover implements RememberingPicker {
  readonly #returnAfterMs: number;
  #current = -1;
  /** Who stands in while the current one comes back; -1: nobody. */
  #standIn = -1;
  #returnedMs = 0;
  /** Items that the current one got above its share since it came back. */
  #ahead = 0;

  constructor(returnAfterMs: number) {
    this.#returnAfterMs = returnAfterMs;
  }

  copy(): Failover {
    const copy = new Failover(this.#returnAfterMs);
    copy.#current = this.#current;
    copy.#standIn = this.#standIn;
    copy.#returnedMs = this.#returnedMs;
    copy.#ahead = this.#ahead;
    return copy;
  }

  /** `idOf` gives the id of a target by its index. */
  stateAt(nowMs: number, idOf: (index: number) => string): FailoverState {
    const current = this.#current < 0 ? "" : idOf(this.#current);
    const standIn = this.#standIn < 0 ? "" : idOf(this.#standIn);
    return { current, standIn, elapsedMs: nowMs - this.#returnedMs };
  }

  /** Another process of this node is there: from here on, so is this one. */
  follow({ current, standIn, elapsedMs }: FailoverState, nowMs: number, indexOf: (id: string) => number): void {
    const [now, other] = [indexOf(current), indexOf(standIn)];
    if (now < 0 || (now === this.#current && other === this.#standIn)) return;
    this.#current = now;
    this.#standIn = other;
    this.#returnedMs = nowMs - elapsedMs;
    this.#ahead = 0;
  }

  pick(view: PoolView): number {
    this.#settle(view);
    const chosen = this.#standIn >= 0 && this.#ahead > 0 ? this.#standIn : this.#current;
    if (chosen < 0) return -1;
    if (view.excluded[chosen] === 1) return firstEligible(view); // this one batch only
    return view.eligible[chosen] === 1 ? chosen : -1; // a full window is no reason to leave
  }

  charge(view: PoolView, index: number, { items }: BatchSize): void {
    if (this.#standIn < 0 || (index !== this.#current && index !== this.#standIn)) return;
    this.#ahead += (index === this.#current ? items : 0) - this.#shareOfCurrent(view) * items;
  }

  changed(): void {
    // All is looked at for each pick.
  }

  #settle(view: PoolView): void {
    const next = this.#settleOn(view);
    if (next !== this.#current) {
      const returns = next >= 0 && next < this.#current && view.usable[this.#current] === 1;
      this.#standIn = returns ? this.#current : -1;
      this.#returnedMs = view.nowMs;
      this.#ahead = 0;
      this.#current = next;
    }
    if (this.#standIn < 0) return;
    if (view.usable[this.#standIn] === 0 || this.#shareOfCurrent(view) >= 1) this.#standIn = -1;
  }

  #settleOn(view: PoolView): number {
    const current = this.#current;
    const stays = current >= 0 && view.usable[current] === 1;
    for (let i = 0; i < view.size; i++) {
      if (view.usable[i] === 0) continue;
      if (!stays || i === current) return i;
      if (i < current && view.nowMs - view.usableSinceMs[i]! >= this.#returnAfterMs) return i;
    }
    return current;
  }

  #shareOfCurrent(view: PoolView): number {
    const { slowStartMs } = view.gauge(this.#current);
    if (slowStartMs === 0) return 1;
    return Math.min(1, Math.max(LEAST_SHARE, (view.nowMs - this.#returnedMs) / slowStartMs));
  }
}

function firstEligible(view: PoolView): number {
  for (let i = 0; i < view.size; i++) if (view.eligible[i] === 1) return i;
  return -1;
}
