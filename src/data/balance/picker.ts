/** One target of a pool, as a strategy sees it at one moment. */
export interface TargetView {
  readonly weight: number;
  /** Batches under way. */
  readonly inFlight: number;
  /** Health lets it be used. In a pool that panics every target counts as usable. */
  readonly usable: boolean;
  /** Since when it has been usable without a break, in Clock.nowMs(). */
  readonly usableSinceMs: number;
  /** Usable, with room in its window, and not excluded. */
  readonly eligible: boolean;
  /** Not for this pick, because the parcel just failed there; says nothing about the target itself. */
  readonly excluded: boolean;
}

/** A pool at one moment, in the order of its config. Valid during one pick. */
export interface PoolView {
  readonly nowMs: number;
  readonly targets: readonly TargetView[];
}

/** A strategy: owns nothing but the memory of its own picks. */
export interface Picker {
  /** Index of an eligible target, or -1: wait. A pick is final: the batch goes there. */
  pick(view: PoolView): number;
  /** What the batch of the last pick turned out to hold, for strategies that balance by items or bytes. */
  charge(index: number, items: number, bytes: number): void;
}

/** The weight that counts: a target of weight 0 gets nothing, unless no usable target weighs more. */
export function effectiveWeight(view: PoolView, index: number): number {
  const weight = view.targets[index]!.weight;
  if (weight > 0) return weight;
  for (const target of view.targets) {
    if (target.usable && target.weight > 0) return 0;
  }
  return 1;
}
