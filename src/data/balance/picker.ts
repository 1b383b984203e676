/** A strategy: owns nothing but the memory of its own picks. */
export interface Picker {
  /**
   * Index of an eligible target, or -1: wait. Asking changes nothing: the same view gives the same
   * answer, or, by chance, one of the same shares.
   */
  pick(view: PoolView): number;
  /** A batch leaves for this target; also for one that was not picked, such as a probe. */
  charge(view: PoolView, index: number, batch: BatchSize): void;
  /**
   * Something of this target is not as it was: its weight, whether it is eligible, or what is
   * measured of it.
   */
  changed(view: PoolView, index: number): void;
}

/** A strategy whose memory of its own picks decides about the next one. */
export interface RememberingPicker extends Picker {
  /** One with the same memory, to try picks on; undefined where nobody can make one. */
  copy(): Picker | undefined;
}

/** Undefined for strategies that remember nothing, and for those of others. */
export function copyOf(picker: Picker): Picker | undefined {
  return remembers(picker) ? picker.copy() : undefined;
}

function remembers(picker: Picker): picker is RememberingPicker {
  return "copy" in picker && typeof picker.copy === "function";
}

export interface BatchSize {
  readonly items: number;
  readonly bytes: number;
}

/**
 * A pool at one moment, by the index of its targets in the order of the config. Valid during one
 * call.
 */
export interface PoolView {
  readonly nowMs: number;
  readonly size: number;
  /**
   * What counts of its weight: times its share; 0 gets nothing. Weight 0 counts as 1 when no usable
   * target has more.
   */
  readonly weight: ArrayLike<number>;
  /** 0.1 to 1: how much of its usual part it gets, because it comes back or is loaded. */
  readonly share: ArrayLike<number>;
  /** 1 when health lets it be used. Where nothing is usable, what may be tried counts as usable. */
  readonly usable: ArrayLike<number>;
  /**
   * 1 when it may be picked: usable, or tried in a panic; with room in its window; and not
   * excluded.
   */
  readonly eligible: ArrayLike<number>;
  /**
   * 1 when it is not for this pick, because the batch just failed there: says nothing about the
   * target itself.
   */
  readonly excluded: ArrayLike<number>;
  /** Since when it has been usable without a break, in Clock.nowMs(). */
  readonly usableSinceMs: ArrayLike<number>;
  /** The first `candidateCount` are those that are eligible and have weight, in no order. */
  readonly candidates: ArrayLike<number>;
  readonly candidateCount: number;
  gauge(index: number): TargetGauge;
}

/** What can be read of one target at any time. */
export interface TargetGauge {
  readonly id: string;
  readonly region: string;
  /** Batches under way, and what is in them. */
  readonly inFlight: number;
  readonly inFlightItems: number;
  readonly inFlightBytes: number;
  /** A target that comes back gets its part within this time. */
  readonly slowStartMs: number;
  /** Peak EWMA; 0 when nothing is known. */
  latencyMs(nowMs: number): number;
  /** In the order of the latencies; those of different moments can be compared. */
  latencyRank(nowMs: number): number;
  /** 0 (idle) to 1. */
  load(nowMs: number): number;
}

/** Eligible, with weight. */
export function isCandidate(view: PoolView, index: number): boolean {
  return view.eligible[index] === 1 && view.weight[index]! > 0;
}
