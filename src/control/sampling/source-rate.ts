import type { ClassShare, ShareReason } from "../../plan/sampling-plan.ts";

/** Smaller ones are of no use: one trace of a million. */
const MOST_HALVINGS = 20;
/** A rate is left alone while what is wanted is beyond its own part by less than this factor. */
const MARGIN = 1.1;
/** When other data arrives, routers' shares need so long to be right: they rise by 1.5 in 5 s. */
const SETTLE_MS = 60_000;
/** From here on the settings bind, and not the load. */
const NEARLY_ALL = 0.99;

type Basis = "load" | "fixed" | "none";

/**
 * How a share depends on what arrives. `load`: it rises as less arrives. `none`: what a node does
 * in need, or without a leader, says nothing of what sources should send.
 */
const BASIS: Readonly<Record<ShareReason, Basis>> = {
  priority_based: "fixed",
  sampling_rate: "fixed",
  region: "fixed",
  fixed: "fixed",
  degradation: "fixed",
  adaptive: "load",
  cost_based: "load",
  guard: "none",
  fallback: "none",
};

/** The smallest 2^-k that is at least this. */
export function halvingAbove(rate: number): number {
  const halvings = rate > 0 ? Math.floor(-Math.log2(rate)) : MOST_HALVINGS;
  return 2 ** -Math.min(MOST_HALVINGS, Math.max(0, halvings));
}

/** What routers keep of a class. */
export interface RoutedShare extends Pick<ClassShare, "probability" | "reason"> {
  /** What the settings let them keep of it, whatever arrives. */
  readonly most: number;
}

/**
 * What sources of one class are told to send: the smallest 2^-k that is at least twice what is to
 * be kept of all that there is, so that the routers' own rate does the rest, and can follow the
 * load meanwhile. A share that follows the load is one of what arrives: by the rate that was told,
 * it is one of what there is; and since routers keep no more than the settings let them, it is
 * counted as a part of that. What is told changes at most every two polling intervals: in the
 * first one sources hear of it, in the second the routers' shares become right. A loop without
 * that alternates for ever. Time is an argument.
 */
export class SourceRate {
  readonly #holdMs: number;
  #rate = 1;
  /** When it, or what the share depends on, was changed last. */
  #changedMs = Number.NEGATIVE_INFINITY;
  #basis: Basis = "none";
  /** What was lowered last: from which rate, and at which part. */
  #lowered: { readonly from: number; readonly part: number } | undefined;
  /** The part once the last change had its effect. */
  #settled: number | undefined;

  constructor(pollingIntervalMs: number) {
    this.#holdMs = pollingIntervalMs + Math.max(pollingIntervalMs, SETTLE_MS);
  }

  /** What was told last. */
  get told(): number {
    return this.#rate;
  }

  /** What is told now, by what the routers keep of the class. */
  at({ probability, reason, most }: RoutedShare, nowMs: number): number {
    const basis = BASIS[reason];
    if (basis === "none") return this.#rate;
    if (basis === "load" && this.#basis === "fixed") this.#changedMs = nowMs;
    this.#basis = basis;
    if (nowMs - this.#changedMs < this.#holdMs) return this.#rate;
    const part = most > 0 ? Math.min(1, probability / most) : 1;
    const next = basis === "fixed" ? halvingAbove(2 * probability) : this.#following(part);
    if (next === this.#rate) return next;
    const follows = basis === "load" && next < this.#rate;
    this.#lowered = follows ? { from: this.#rate, part } : undefined;
    this.#settled = undefined;
    this.#changedMs = nowMs;
    this.#rate = next;
    return next;
  }

  #following(part: number): number {
    this.#settled ??= part;
    // How much more is wanted cannot be seen; by so much, routers still have something to do.
    if (part >= NEARLY_ALL) return Math.min(1, 4 * this.#rate);
    const wanted = 2 * part * this.#rate;
    if (wanted > this.#rate * MARGIN) return halvingAbove(wanted);
    const isLower = wanted * MARGIN < this.#rate / 2;
    return isLower && this.#isHeeded(part) ? halvingAbove(wanted) : this.#rate;
  }

  /**
   * Whether sources did what they were told last. Where only some ask, less is gone than was hoped
   * for: to go on lowering would silence those, for the sake of the others. Unless more has come
   * since, which can be lowered.
   */
  #isHeeded(part: number): boolean {
    if (this.#lowered === undefined || this.#settled === undefined) return true;
    const hoped = Math.sqrt(this.#lowered.from / this.#rate);
    return this.#settled >= hoped * this.#lowered.part || part < this.#settled / 2;
  }
}
