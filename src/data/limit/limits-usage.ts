import type { DebtBucket } from "../../plan/limits/debt-bucket.ts";
import type { KeyUsage, LimitsUsage, LimitUsage } from "../../plan/limits/limit-shares.ts";
import type { KeyBucket } from "./key-bucket.ts";
import { type Meter, PAUSE_MS } from "./meter.ts";

/** What is asked for by whoever is short, of what it has. */
const MORE = 2;

interface Metered {
  readonly limit: number;
  readonly bucket: DebtBucket;
  readonly offered: Meter;
  readonly admitted: Meter;
  readonly shed: Meter;
  /** When it has refused something last. */
  readonly shortMs: number;
}

interface Looked {
  readonly total: Metered;
  readonly burst: number;
  readonly keys: readonly KeyBucket[];
  readonly mostKeys: number;
}

/** Of keys those that are nearest to their limits, or farthest above. */
export function limitsUsage({ total, burst, keys, mostKeys }: Looked, nowMs: number): LimitsUsage {
  if (mostKeys === 0) return { total: { ...usageOf(total, nowMs), burst }, keys: [], keyCount: keys.length };
  const used: KeyUsage[] = [];
  for (const key of keys) {
    if (key.offered.total === 0) continue;
    const { bucket, offered, admitted, shed, shortMs } = key;
    const its = { limit: key.limit.perSecond, bucket, offered, admitted, shed, shortMs };
    used.push({ key: key.key, ...usageOf(its, nowMs) });
  }
  const nearest = used.toSorted((a, b) => b.wanted / b.limit - a.wanted / a.limit || (a.key < b.key ? -1 : 1));
  return {
    total: { ...usageOf(total, nowMs), burst },
    keys: nearest.slice(0, mostKeys),
    keyCount: keys.length,
  };
}

function usageOf(its: Metered, nowMs: number): LimitUsage {
  const { limit, bucket, offered, admitted, shed } = its;
  return {
    limit,
    granted: bucket.perSecondAt(nowMs),
    wanted: wantedOf(its, nowMs),
    offered: offered.perSecond(nowMs),
    used: admitted.perSecond(nowMs),
    shed: shed.total,
  };
}

/**
 * What is owed is to be paid back as well. Senders that were refused wait, and what comes says
 * little of what they have: so it is asked for more, step by step, until nothing is refused.
 */
function wantedOf({ bucket, offered, shortMs }: Metered, nowMs: number): number {
  const more = nowMs - shortMs <= PAUSE_MS ? MORE * bucket.perSecondAt(nowMs) : 0;
  return Math.max(offered.peak(nowMs), -bucket.tokensAt(nowMs), more);
}
