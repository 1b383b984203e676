import type { ReportReply } from "../../control/fleet/messages.ts";
import type { Clock } from "../../core/clock.ts";
import type { DataPlane } from "../../plan/data-plane.ts";
import type { LimitsAsk } from "../../plan/limits/limit-ask.ts";
import type { LimitAsk, LimitGrant } from "../../plan/limits/limit-lease.ts";

/** Who has too little or too much, or gives back some, reports so soon again. */
const PRESSING_MS = 1_000;
/** What comes is so little of what is had. */
const SPARE = 0.5;
/** Of what is wanted; less than that is too little. */
const ENOUGH = 0.95;

/** What a node has of the fleet's limits: asked for in its Reports, granted in their replies. */
export class NodeLimits {
  readonly #dataPlane: Pick<DataPlane, "limitAsk" | "limitGranted">;
  readonly #clock: Clock;
  #givesBack = false;
  /** The ask that is under way, or was answered last. */
  #asked: { readonly ask: LimitsAsk; readonly sentMs: number } | undefined;
  /** Keys that the last answer said nothing of; and of which the last two did not. */
  #missed: ReadonlySet<string> = new Set();
  #unshared: ReadonlySet<string> = new Set();

  constructor(dataPlane: Pick<DataPlane, "limitAsk" | "limitGranted">, clock: Clock) {
    this.#dataPlane = dataPlane;
    this.#clock = clock;
  }

  /**
   * Its controller is to hear of it soon: more comes than it has; or so little that others can have
   * some of it, and it did not say so; or it was granted less than it had, and the rest is free for
   * others once it says so. Of keys that are not shared out it would hear in vain.
   * `perSecond`: what comes now. `toldAgoMs`: since the last Report.
   */
  isPressing(perSecond: number, toldAgoMs: number): boolean {
    const ask = this.#asked?.ask;
    if (toldAgoMs < PRESSING_MS) return false;
    if (this.#givesBack || ask === undefined) return this.#givesBack;
    return (
      isLittle(ask.total) ||
      isSpare(ask.total, perSecond) ||
      ask.keys.some((one) => isLittle(one) && !this.#unshared.has(one.key))
    );
  }

  async ask(): Promise<LimitsAsk | undefined> {
    const sentMs = this.#clock.nowMs();
    const ask = await this.#dataPlane.limitAsk();
    this.#asked = ask && { ask, sentMs };
    this.#givesBack = false;
    return ask;
  }

  answered({ limits }: ReportReply): void {
    if (limits === undefined || this.#asked === undefined) return;
    const { ask, sentMs } = this.#asked;
    const missed = new Set(ask.keys.map(({ key }) => key)).difference(new Set(limits.keys.map(({ key }) => key)));
    [this.#unshared, this.#missed] = [missed.intersection(this.#missed), missed];
    this.#givesBack =
      isLess(ask.total, limits.total) ||
      limits.keys.some(({ key, ...grant }) => ask.keys.some((one) => one.key === key && isLess(one, grant)));
    this.#dataPlane.limitGranted(limits, sentMs);
  }
}

function isLess({ lease: held }: LimitAsk, { lease }: LimitGrant): boolean {
  return held !== undefined && lease !== undefined && lease.amount < ENOUGH * held.amount;
}

/** Also who has nothing yet. */
function isLittle({ wanted, lease, safe }: LimitAsk): boolean {
  return lease === undefined || lease.amount + (safe?.amount ?? 0) < ENOUGH * wanted;
}

/** What came in the last seconds is told as wanted, since it may be a pause only. */
function isSpare({ wanted, lease }: LimitAsk, perSecond: number): boolean {
  return lease !== undefined && perSecond < SPARE * Math.min(lease.amount, wanted);
}
