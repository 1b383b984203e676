import { compareEpochs, parseEpoch } from "../../store/recipes/epoch.ts";
import type { LimitHeld, LimitShare } from "../../plan/limits/limit-lease.ts";

/** A part of a limit that is held, with its end by the holder's clock. */
export interface HeldPart {
  readonly epoch: string;
  readonly amount: number;
  readonly untilMs: number;
  readonly seq: number;
  /**
   * The limit that it is a part of, items a second, as its holder knew it when it was granted;
   * undefined: it is over before another limit matters.
   */
  readonly of?: number | undefined;
}

/** Of two parts the one that counts: of the newer leader, then the one that was granted later. */
export function newerPart(
  before: HeldPart | undefined,
  part: LimitShare | undefined,
  { epoch, sentMs, of }: { readonly epoch: string; readonly sentMs: number; readonly of?: number | undefined },
): HeldPart | undefined {
  if (part === undefined) return before;
  const next: HeldPart = { epoch, amount: part.amount, untilMs: sentMs + part.validForMs, seq: part.seq, of };
  return before === undefined || isNewer(next, before) ? next : before;
}

export function isNewer(a: Pick<HeldPart, "epoch" | "seq">, b: Pick<HeldPart, "epoch" | "seq">): boolean {
  const [ofA, ofB] = [parseEpoch(a.epoch), parseEpoch(b.epoch)];
  if (ofA === undefined || ofB === undefined) return false;
  const step = compareEpochs(ofA, ofB);
  return step === 0 ? a.seq > b.seq : step > 0;
}

/**
 * Whether an answer is of a leader before the one that is known: what it grants is refused, since
 * the one that is known has been told what there is.
 */
export function isOvertaken(epoch: string, known: string | undefined): boolean {
  return known !== undefined && epoch !== known && isNewer({ epoch: known, seq: 0 }, { epoch, seq: 0 });
}

/**
 * Of a part, what may be used under a limit that may be another one now: of a lower one as much
 * less, whether or not anybody can be asked. Less than was granted is never too much.
 */
export function usableOf({ amount, of }: HeldPart, limit: number | undefined): number {
  return of === undefined || limit === undefined || limit >= of ? amount : (amount * limit) / of;
}

/** Undefined: it is over, or there is none. */
export function tellHeld(part: HeldPart | undefined, nowMs: number): LimitHeld | undefined {
  if (part === undefined || part.untilMs <= nowMs) return undefined;
  return { epoch: part.epoch, amount: part.amount, validForMs: part.untilMs - nowMs, seq: part.seq };
}
