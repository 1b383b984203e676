import type { DebtBucket } from "../../plan/limits/debt-bucket.ts";
import type { KeyUsage, LimitsUsage, LimitUsage } from "../../plan/limits/limit-shares.ts";
import type { KeyBucket } from "./key-bucket.ts";
import type { Meter } from "./meter.ts";

interface Metered {
  readonly limit: number;
  readonly bucket: DebtBucket;
  readonly offered: Meter;
  readonly admitted: Meter;
  readonly shed: Meter;
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
    const { bucket, offered, admitted, shed } = key;
    used.push({ key: key.key, ...usageOf({ limit: key.limit.perSecond, bucket, offered, admitted, shed }, nowMs) });
  }
  const nearest = used.toSorted((a, b) => b.wanted / b.limit - a.wanted / a.limit || (a.key < b.key ? -1 : 1));
  return {
    total: { ...usageOf(total, nowMs), burst },
    keys: nearest.slice(0, mostKeys),
    keyCount: keys.length,
  };
}

function usageOf({ limit, bucket, offered, admitted, shed }: Metered, nowMs: number): LimitUsage {
  return {
    limit,
    granted: bucket.perSecondAt(nowMs),
    wanted: offered.peak(nowMs),
    offered: offered.perSecond(nowMs),
    used: admitted.perSecond(nowMs),
    shed: shed.total,
  };
}
