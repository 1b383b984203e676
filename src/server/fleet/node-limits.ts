import type { ReportReply } from "../../control/fleet/messages.ts";
import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import type { DataPlane } from "../../plan/data-plane.ts";
import type { LimitsAsk } from "../../plan/limits/limit-ask.ts";
import type { LimitAsk, LimitGrant } from "../../plan/limits/limit-lease.ts";

/** Who has too little, or gives back some, reports so soon again. */
const PRESSING_MS = 1_000;
/** Who has too much: it may be a pause only, and what is wanted falls when it is not. */
const SPARE_MS = 500;
/**
 * A controller of so many collectors hears of what is spare or given back a second later at most:
 * where it is in all of them at once, it is spread.
 */
const SOON_OF = 500;
/** What comes is so little of what is had. */
const SPARE = 0.5;
/** Of what is wanted; less than that is too little. */
const ENOUGH = 0.95;
/** What is given back is told at once where so little is left of what was had. */
const MUCH_LESS = 0.5;

/** What a node has of the fleet's limits: asked for in its Reports, granted in their replies. */
export class NodeLimits {
  readonly #dataPlane: Pick<DataPlane, "limitAsk" | "limitGranted">;
  readonly #clock: Clock;
  readonly #random: Random;
  /** It does, so long after its Report; Infinity: it does not. */
  #givesBackMs = Number.POSITIVE_INFINITY;
  #collectors = 1;
  /** The ask that is under way, or was answered last. */
  #asked: { readonly ask: LimitsAsk; readonly sentMs: number } | undefined;
  /** Keys that the last answer said nothing of; and of which the last two did not. */
  #missed: ReadonlySet<string> = new Set();
  #unshared: ReadonlySet<string> = new Set();

  constructor(dataPlane: Pick<DataPlane, "limitAsk" | "limitGranted">, clock: Clock, random: Random) {
    this.#dataPlane = dataPlane;
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Its controller is to hear of it soon: more comes than it has; or so little that others can have
   * some of it, and it did not say so; or it was granted less than it had, and the rest is free for
   * others once it says so. Of keys that are not shared out it would hear in vain.
   * `perSecond`: what comes now. `toldAgoMs`: since the last Report.
   */
  isPressing(perSecond: number, toldAgoMs: number): boolean {
    const ask = this.#asked?.ask;
    if (toldAgoMs >= this.#givesBackMs) return true;
    if (ask === undefined) return false;
    if (toldAgoMs >= Math.max(SPARE_MS, this.#spreadMs) && isSpare(ask.total, perSecond)) return true;
    if (toldAgoMs < PRESSING_MS) return false;
    return isLittle(ask.total) || ask.keys.some((one) => isLittle(one) && !this.#unshared.has(one.key));
  }

  get #spreadMs(): number {
    return Math.min(PRESSING_MS, (PRESSING_MS * this.#collectors) / SOON_OF);
  }

  async ask(): Promise<LimitsAsk | undefined> {
    const sentMs = this.#clock.nowMs();
    const ask = await this.#dataPlane.limitAsk();
    this.#asked = ask && { ask, sentMs };
    this.#givesBackMs = Number.POSITIVE_INFINITY;
    return ask;
  }

  answered({ limits, collectors }: ReportReply): void {
    this.#collectors = collectors;
    if (limits === undefined || this.#asked === undefined) return;
    const { ask, sentMs } = this.#asked;
    const missed = new Set(ask.keys.map(({ key }) => key)).difference(new Set(limits.keys.map(({ key }) => key)));
    [this.#unshared, this.#missed] = [missed.intersection(this.#missed), missed];
    const keys = new Map(ask.keys.map((one) => [one.key, one]));
    const parts = [[ask.total, limits.total] as const];
    for (const { key, ...grant } of limits.keys) {
      const its = keys.get(key);
      if (its !== undefined) parts.push([its, grant]);
    }
    if (parts.some(([its, grant]) => isLess(its, grant, MUCH_LESS)))
      this.#givesBackMs = this.#random.next() * this.#spreadMs;
    else if (parts.some(([its, grant]) => isLess(its, grant, ENOUGH))) this.#givesBackMs = PRESSING_MS;
    this.#dataPlane.limitGranted(limits, sentMs);
  }
}

/** It is granted less than this part of what it has. */
function isLess({ lease: held }: LimitAsk, { lease }: LimitGrant, part: number): boolean {
  return held !== undefined && lease !== undefined && lease.amount < part * held.amount;
}

/** Also who has nothing yet. */
function isLittle({ wanted, lease, safe }: LimitAsk): boolean {
  return lease === undefined || lease.amount + (safe?.amount ?? 0) < ENOUGH * wanted;
}

/** What came in the last seconds is told as wanted, since it may be a pause only. */
function isSpare({ wanted, lease }: LimitAsk, perSecond: number): boolean {
  return lease !== undefined && perSecond < SPARE * Math.min(lease.amount, wanted);
}
