import type { FleetLimit } from "../../plan/limits/bucket-shares.ts";
import type { DebtBucket } from "../../plan/limits/debt-bucket.ts";
import type { LimitKey } from "../../plan/limits/limits-plan.ts";

/** A limit that is used up, items a second. */
interface SpentLimit {
  readonly perSecond: number;
  /** What of it may be let in here now; undefined: all of it, since nobody else has a part. */
  readonly granted: number | undefined;
}

export function spentLimit(
  { perSecond }: FleetLimit,
  bucket: DebtBucket,
  { isShared, nowMs }: { readonly isShared: boolean; readonly nowMs: number },
): SpentLimit {
  return { perSecond, granted: isShared ? bucket.perSecondAt(nowMs) : undefined };
}

/** Whoever is short of a share asks for more each second: by then it may have that. */
const NEXT_SHARE_MS = 1_000;

/**
 * What a sender is told to wait, before it is spread: until there is a token. Of a limit that is
 * shared what is granted here may be too little now, and all of it when the sender comes again.
 */
export function waitToTellMs(
  { perSecond }: FleetLimit,
  bucket: DebtBucket,
  { isShared, nowMs }: { readonly isShared: boolean; readonly nowMs: number },
): number {
  const waitMs = bucket.waitMs(nowMs);
  return isShared ? Math.min(waitMs, Math.max(NEXT_SHARE_MS, bucket.waitMsAt(perSecond, nowMs))) : waitMs;
}

/** For senders whose request is over the limit of everything together. */
export function overTotal(limit: SpentLimit): string {
  return `over the limit of ${limit.perSecond} items a second (global.rate_limiting.max_qps)${grantedText(limit)}`;
}

/** For senders whose request has a key that is over its limit. */
export function overKey(key: LimitKey, name: string, limit: SpentLimit): string {
  const of = `${keyKind(key)} ${JSON.stringify(name)}`;
  return `over the limit of ${limit.perSecond} items a second of ${of} (global.rate_limiting)${grantedText(limit)}`;
}

/** What keys are, for people: `service`, or the name of a header or an attribute. */
export function keyKind(key: LimitKey): string {
  return key.from === "service" ? "service" : key.from === "header" ? key.name : key.attribute;
}

/** So near to all of it nobody else has a part. */
const ALL = 0.99;

function grantedText({ perSecond, granted }: SpentLimit): string {
  if (granted === undefined || granted > ALL * perSecond) return "";
  return `; granted here now: ${granted > 0 ? Number(granted.toPrecision(2)) : "nothing"}`;
}
