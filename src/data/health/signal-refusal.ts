/** Whether a target takes a signal, as far as its answers tell. */
export type SignalRefusal =
  | {
      readonly state: "taken";
      /** Answers in a row that said: not here. */
      readonly inRow: number;
    }
  | {
      readonly state: "refused";
      readonly sinceMs: number;
      /** The target's own words, of the last answer. */
      readonly said: string;
      /** Clock.nowMs() from which on one batch may ask again. */
      readonly nextTryMs: number;
      /**
       * Times it was refused without a success in between: each rest is longer than the one before.
       */
      readonly rests: number;
      readonly probeOut: boolean;
    };

export type RefusalEvent =
  /** A batch leaves; of a signal that is refused it is a probe. */
  | { readonly kind: "sent" }
  /** The target took it, or objected to what was in it: it reads what is of this signal. */
  | { readonly kind: "took" }
  /** `jitter` is in [0, 1). */
  | { readonly kind: "elsewhere"; readonly said: string; readonly jitter: number }
  /** Ended in another way, which tells nothing of the signal. */
  | { readonly kind: "unclear" }
  /** What was the matter with the target is over: worth a try at once. */
  | { readonly kind: "hurry" };

interface RefusalPolicy {
  readonly restMs: number;
  readonly maxRestMs: number;
}

/**
 * So many answers in a row refuse a signal: one may come from a proxy that has just been restarted.
 */
export const REFUSED_AFTER = 3;
/** A probe that told nothing is followed by another one after this time. */
const UNCLEAR_MS = 1_000;
const LONGEST_SAID = 200;

export const TAKEN: SignalRefusal = { state: "taken", inRow: 0 };

/** Pure. Returns the same object when nothing changes. docs/health.md has the rules in words. */
export function stepRefusal(
  refusal: SignalRefusal,
  event: RefusalEvent,
  nowMs: number,
  policy: RefusalPolicy,
): SignalRefusal {
  switch (event.kind) {
    case "sent":
      return refusal.state === "refused" ? { ...refusal, probeOut: true } : refusal;
    case "took":
      return refusal.state === "taken" && refusal.inRow === 0 ? refusal : TAKEN;
    case "elsewhere":
      return onElsewhere(refusal, event, nowMs, policy);
    case "unclear":
      if (refusal.state !== "refused" || !refusal.probeOut) return refusal;
      return { ...refusal, probeOut: false, nextTryMs: Math.max(refusal.nextTryMs, nowMs + UNCLEAR_MS) };
    case "hurry":
      return refusal.state === "refused" ? { ...refusal, nextTryMs: Math.min(refusal.nextTryMs, nowMs) } : refusal;
  }
}

/** Whether the one batch may leave that asks again. */
export function isDue(refusal: SignalRefusal, nowMs: number): boolean {
  return refusal.state === "refused" && !refusal.probeOut && nowMs >= refusal.nextTryMs;
}

function onElsewhere(
  refusal: SignalRefusal,
  { said, jitter }: Extract<RefusalEvent, { kind: "elsewhere" }>,
  nowMs: number,
  { restMs, maxRestMs }: RefusalPolicy,
): SignalRefusal {
  if (refusal.state === "taken" && refusal.inRow + 1 < REFUSED_AFTER) return { ...refusal, inRow: refusal.inRow + 1 };
  // What was under way when it was refused is no probe, and makes no rest longer.
  if (refusal.state === "refused" && !refusal.probeOut) return refusal;
  const rests = refusal.state === "refused" ? refusal.rests + 1 : 1;
  // Less by up to a fifth, so that targets that were asked together are not asked together again.
  const rest = Math.min(maxRestMs, restMs * rests) * (1 - 0.2 * jitter);
  const sinceMs = refusal.state === "refused" ? refusal.sinceMs : nowMs;
  const words = said.slice(0, LONGEST_SAID);
  return { state: "refused", sinceMs, said: words, nextTryMs: nowMs + rest, rests, probeOut: false };
}
