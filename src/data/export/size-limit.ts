import { Unreachable } from "../../core/unreachable.ts";

/**
 * What is known of how large the requests may be that a target takes. All sizes in bytes, before
 * compression; times are Clock.nowMs().
 */
export interface SizeLimit {
  /**
   * The largest that was taken where more was refused for its size; Infinity while nothing was
   * learned.
   */
  readonly learnedBytes: number;
  readonly learnedMs: number;
  /** The largest that was taken in the last while. */
  readonly provenBytes: number;
  readonly provenMs: number;
  /**
   * The smallest that was taken just now, and left after the last refusal that it does not explain;
   * Infinity when none was.
   */
  readonly smallBytes: number;
  readonly smallMs: number;
  /** It left before the last refusal, which was of more than the learned limit. */
  readonly smallIsBefore: boolean;
  /** Whose that was, where targets tell senders apart. */
  readonly smallOf: string;
  readonly refusedMs: number;
  /**
   * Answers in a row that were taken for throttling; of calls that were under way together one
   * counts.
   */
  readonly throttles: number;
  readonly throttledMs: number;
}

export type SizeEvent =
  | { readonly kind: "taken"; readonly bytes: number; readonly sentMs: number; readonly of: string }
  /** Refused for its size, or perhaps for it. */
  | { readonly kind: "refused"; readonly bytes: number }
  | { readonly kind: "throttled"; readonly sentMs: number }
  /** `bytes` were taken after `refusedBytes`, of which they are a part, had been refused. */
  | { readonly kind: "learned"; readonly bytes: number; readonly refusedBytes: number };

/**
 * No target can be meant to take less: what is smaller and refused is not split, and no reason to
 * split more.
 */
export const SMALLEST_LIMIT_BYTES = 16_384;

/** The learned limit doubles as often as this time passes. */
const GROW_MS = 600_000;
/** What was taken so long ago was taken "just now". */
const JUST_NOW_MS = 10_000;
/** The times are kept as exactly as this, so that not every batch makes a new object. */
const FRESH_MS = 1_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

export const NO_SIZE_LIMIT: SizeLimit = {
  learnedBytes: Infinity,
  learnedMs: 0,
  provenBytes: 0,
  provenMs: -Infinity,
  smallBytes: Infinity,
  smallMs: -Infinity,
  smallIsBefore: false,
  smallOf: "",
  refusedMs: -Infinity,
  throttles: 0,
  throttledMs: -Infinity,
};

/** Pure. Returns the same object when nothing changes that matters. */
export function stepSizeLimit(limit: SizeLimit, event: SizeEvent, nowMs: number): SizeLimit {
  switch (event.kind) {
    case "taken":
      return taken(limit, event, nowMs);
    case "refused": {
      // What was taken once and is refused now is no proof any more.
      const provenBytes = limit.provenBytes < event.bytes ? limit.provenBytes : 0;
      // More than the target is known to take: no sign that it refuses other things now as well.
      const explained = event.bytes > learnedMaxBytes(limit, nowMs);
      const smallBytes = explained ? limit.smallBytes : Infinity;
      return { ...limit, provenBytes, smallBytes, smallIsBefore: explained, refusedMs: nowMs };
    }
    case "throttled":
      return throttled(limit, event.sentMs, nowMs);
    case "learned": {
      const proven = provenBelow(limit, event.refusedBytes, nowMs);
      return { ...limit, learnedBytes: Math.max(event.bytes, proven), learnedMs: nowMs };
    }
    default:
      throw new Unreachable(event satisfies never);
  }
}

/**
 * No batch should be larger. Grows while nothing is learned anew; Infinity when nothing was
 * learned.
 */
export function learnedMaxBytes(limit: SizeLimit, nowMs: number): number {
  if (limit.learnedBytes === Infinity) return Infinity;
  return limit.learnedBytes * 2 ** Math.floor((nowMs - limit.learnedMs) / GROW_MS);
}

/**
 * To what a batch of `bytes` is to be split that was refused for its size; `proven`: the target
 * takes that much, as far as is known.
 */
export function splitSize(limit: SizeLimit, bytes: number, nowMs: number): { readonly bytes: number; proven: boolean } {
  const half = Math.floor(bytes / 2);
  const proven = provenBelow(limit, bytes, nowMs);
  return proven >= half ? { bytes: proven, proven: true } : { bytes: half, proven: false };
}

/**
 * RESOURCE_EXHAUSTED without RetryInfo says both "too large" and "over quota". It is taken for a
 * size where a smaller batch has just been taken, which is `recent`; and where that was before the
 * last refusal, if both were of more than the learned limit (`above`). Else a half is to be tried
 * (`half`); what is `decisive` already is such a half, or cannot be split, and shows that it is
 * throttling. `of`: who sent it, where the target tells senders apart: others may have another
 * quota.
 */
export function readExhausted(
  limit: SizeLimit,
  { bytes, decisive, of }: { readonly bytes: number; readonly decisive: boolean; readonly of: string },
  nowMs: number,
): "recent" | "above" | "half" | "throttled" {
  if (limit.smallBytes < bytes && limit.smallOf === of && nowMs - limit.smallMs <= JUST_NOW_MS) {
    if (!limit.smallIsBefore) return "recent";
    if (bytes > learnedMaxBytes(limit, nowMs)) return "above";
  }
  return decisive || bytes < SMALLEST_LIMIT_BYTES ? "throttled" : "half";
}

/**
 * For how long a target is left alone that has just throttled and named no time: longer each time
 * in a row.
 */
export function pauseMs({ throttles }: SizeLimit): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(throttles - 1, 20));
}

function taken(
  limit: SizeLimit,
  { bytes, sentMs, of }: Extract<SizeEvent, { kind: "taken" }>,
  nowMs: number,
): SizeLimit {
  const { provenBytes, provenMs, smallBytes, smallMs, refusedMs, throttles } = limit;
  const larger = bytes > provenBytes || nowMs - provenMs > (bytes === provenBytes ? FRESH_MS : GROW_MS);
  // What left before the last refusal says nothing of what it meant.
  const news = sentMs >= refusedMs;
  const isOld = limit.smallIsBefore || nowMs - smallMs > (bytes === smallBytes ? FRESH_MS : JUST_NOW_MS);
  const other = of !== limit.smallOf || isOld;
  const smaller = news && (bytes < smallBytes || other);
  if (!larger && !smaller && (throttles === 0 || !news)) return limit;
  return {
    ...limit,
    provenBytes: larger ? bytes : provenBytes,
    provenMs: larger ? nowMs : provenMs,
    smallBytes: smaller ? bytes : smallBytes,
    smallMs: smaller ? nowMs : smallMs,
    smallOf: smaller ? of : limit.smallOf,
    smallIsBefore: !smaller && limit.smallIsBefore,
    throttles: news ? 0 : throttles,
  };
}

/** What left before the last throttling met the same one. */
function throttled(limit: SizeLimit, sentMs: number, nowMs: number): SizeLimit {
  const refused = { ...limit, smallBytes: Infinity, refusedMs: nowMs };
  if (sentMs < limit.throttledMs) return refused;
  return { ...refused, throttles: limit.throttles + 1, throttledMs: nowMs };
}

/** The largest that was taken in the last while, if it is smaller than `bytes`. */
function provenBelow({ provenBytes, provenMs }: SizeLimit, bytes: number, nowMs: number): number {
  return provenBytes < bytes && nowMs - provenMs <= GROW_MS ? provenBytes : 0;
}
