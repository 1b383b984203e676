import type { ClassShare, ShareReason } from "../../plan/sampling-plan.ts";
import type { ToldRate } from "../../plan/sampling/class-rate.ts";

/** Smaller ones are of no use: one trace of a million. */
const MOST_HALVINGS = 20;
/** A rate is left alone while what is wanted is beyond its own part by less than this factor. */
const MARGIN = 1.2;
/** When other data arrives, routers' shares need so long to be right: they rise by 1.5 in 5 s. */
const SETTLE_MS = 60_000;
/** What is wanted has to be wanted for so long: while a load rises, so does what is to be done. */
const STEADY_MS = 10_000;
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
interface RoutedShare extends Pick<ClassShare, "probability" | "reason"> {
  /** What the settings let them keep of it, whatever arrives. */
  readonly most: number;
}

interface ToldBefore extends ToldRate {
  /** Undefined: the share did not follow the load. */
  readonly part: number | undefined;
}

const ALL: ToldRate = { rate: 1, reach: 1 };

/**
 * What sources of one class are told to send: the smallest 2^-k that is at least twice what is to
 * be kept of all that there is, so that the routers' own rate does the rest, and can follow the
 * load meanwhile. A share that follows the load is one of what arrives; how much that is of all is
 * seen from what became of the share when sources were told something else last. Since routers
 * keep no more than the settings let them, it is counted as a part of that. What is told changes
 * at most every two polling intervals: in the first one sources hear of it, in the second the
 * routers' shares become right. A loop without that alternates for ever. Time is an argument.
 */
export class SourceRate {
  readonly #holdMs: number;
  #told: ToldRate;
  /** When it, or what the share depends on, was changed last. */
  #changedMs: number;
  #basis: Basis = "none";
  /** Since when something else is wanted than what is told. */
  #wantedMs: number | undefined;
  /** Before the last change, while nothing is known of what it came to. */
  #before: ToldBefore | undefined;

  /** `from`: what another one has told before. */
  constructor(pollingIntervalMs: number, from: ToldRate = ALL, changedMs = Number.NEGATIVE_INFINITY) {
    this.#holdMs = pollingIntervalMs + Math.max(pollingIntervalMs, SETTLE_MS);
    this.#told = from;
    this.#changedMs = changedMs;
  }

  /** What was told last. */
  get told(): ToldRate {
    return this.#told;
  }

  /** Another one decides it. */
  follow(rate: number, nowMs: number): number {
    if (rate === this.#told.rate || nowMs - this.#changedMs < this.#holdMs) return this.#told.rate;
    this.#told = { rate, reach: rate };
    this.#before = this.#wantedMs = undefined;
    this.#changedMs = nowMs;
    return rate;
  }

  /** What is told now, by what the routers keep of the class. */
  at({ probability, reason, most }: RoutedShare, nowMs: number): number {
    const basis = BASIS[reason];
    if (basis === "none") return this.#told.rate;
    if (basis === "load" && this.#basis === "fixed") this.#changedMs = nowMs;
    this.#basis = basis;
    if (nowMs - this.#changedMs < this.#holdMs) return this.#told.rate;
    const part = basis === "fixed" ? undefined : most > 0 ? Math.min(1, probability / most) : 1;
    const rate = part === undefined ? halvingAbove(2 * probability) : this.#following(part);
    this.#wantedMs = rate === this.#told.rate ? undefined : (this.#wantedMs ?? nowMs);
    const sinceMs = nowMs - (this.#wantedMs ?? nowMs);
    if (this.#wantedMs === undefined || (part !== undefined && sinceMs < STEADY_MS)) return this.#told.rate;
    this.#wantedMs = undefined;
    this.#before = { ...this.#told, part };
    this.#told = { rate, reach: reachIf(this.#before, rate) };
    this.#changedMs = nowMs;
    return rate;
  }

  #following(part: number): number {
    if (this.#before !== undefined) this.#told = { ...this.#told, reach: reachBy(this.#before, this.#told.rate, part) };
    this.#before = undefined;
    const { rate, reach } = this.#told;
    // How much more is wanted cannot be seen; by so much, routers still have something to do.
    if (part >= NEARLY_ALL) return Math.min(1, 4 * rate);
    const wanted = 2 * part * reach;
    return wanted > rate * MARGIN || wanted * MARGIN < rate / 2 ? halvingAbove(wanted) : rate;
  }
}

/** What arrives at this rate if all sources ask; each sends as much as that at least. */
function reachIf(before: ToldRate, rate: number): number {
  return Math.max(rate, Math.min(1, (before.reach * rate) / before.rate));
}

/**
 * What arrives, by what became of the routers' part: it has changed as much as what arrives, the
 * other way round. Something between all sources having asked, and none.
 */
function reachBy(before: ToldBefore, rate: number, part: number): number {
  const all = reachIf(before, rate);
  if (before.part === undefined) return all;
  const seen = part > 0 ? (before.reach * before.part) / part : 1;
  const reach = Math.max(rate, Math.min(Math.max(seen, Math.min(all, before.reach)), Math.max(all, before.reach)));
  return reach / all < MARGIN && all / reach < MARGIN ? all : reach;
}
