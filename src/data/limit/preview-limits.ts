import type { Envelope } from "../../otlp/scan.ts";
import type { LimitExplanation, LimitsExplanation } from "../../plan/explanation.ts";
import type { FleetLimit } from "../../plan/limits/bucket-shares.ts";
import type { DebtBucket } from "../../plan/limits/debt-bucket.ts";
import { compileKeyRateOf, type LimitsData } from "../../plan/limits/limits-plan.ts";
import { retryRange } from "../../plan/limits/retry-delay.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import { resourceBytes } from "../scan/resource-programs.ts";
import type { KeyBucket } from "./key-bucket.ts";
import type { KeyBuckets } from "./key-buckets.ts";
import { keyKind, overKey, overTotal, spentLimit, waitToTellMs } from "./over-limit.ts";
import { keyIn } from "./request-keys.ts";

/** What a limiter decides by. */
interface PreviewedLimits {
  readonly data: LimitsData;
  readonly total: DebtBucket;
  /** undefined: no key has a limit of its own. */
  readonly keys: KeyBuckets | undefined;
  /** It has a part of the limits: others have the rest. */
  readonly isShared: boolean;
}

/** A request may have thousands of keys: so many are told, those over their limits first. */
const MOST_TOLD = 100;

interface CountedKey {
  readonly bucket: KeyBucket;
  items: number;
}

/**
 * What limits would make of a well-formed request now, by the rules of `Limiter.limit`. Nothing is
 * taken, and no key is remembered.
 */
export function previewLimits(
  limits: PreviewedLimits,
  envelope: Envelope,
  headers: SenderHeaders,
  nowMs: number,
): LimitsExplanation {
  const { data, total, keys, isShared } = limits;
  const items = envelope.totalPoints;
  const counted = keys === undefined ? [] : countKeys(data, keys, { envelope, headers }, nowMs);
  const over = counted.filter(({ bucket }) => !bucket.bucket.isOpen(nowMs));
  const overItems = over.reduce((sum, { items: its }) => sum + its, 0);
  const byKey = overItems > 0 && (overItems === items || data.mixed === "refuse");
  const byTotal = !byKey && !total.isOpen(nowMs);
  const outcome = byKey || byTotal ? "refused" : overItems > 0 ? "shed" : "let_in";
  const first = over[0]?.bucket;
  const at = { isShared, nowMs };
  const why =
    first === undefined || byTotal
      ? overTotal(spentLimit(data.total, total, at))
      : overKey(data.key, first.key, spentLimit(first.limit, first.bucket, at));
  const limiting = byTotal ? [{ limit: data.total, bucket: total }] : byKey ? over.map(({ bucket }) => bucket) : [];
  const settingOf = compileSettingOf(data);
  const told = [...over, ...counted.filter((one) => !over.includes(one))].slice(0, MOST_TOLD);
  return {
    outcome,
    items,
    shed_items: outcome === "shed" ? overItems : 0,
    why: outcome === "let_in" ? "each limit that it counts against has something left" : why,
    ...waitsOf(limiting, at),
    key: keyKind(data.key),
    mixed: data.mixed,
    shared: isShared,
    total: { setting: "max_qps", ...explained(data.total, total, items, nowMs) },
    keys: told.map(({ bucket: { key, limit, bucket }, items: its }) => {
      return { key, setting: settingOf(key), ...explained(limit, bucket, its, nowMs) };
    }),
    keys_left_out: counted.length - told.length,
  };
}

/** Of what refuses it; nothing does: null. */
function waitsOf(
  limiting: readonly { readonly limit: FleetLimit; readonly bucket: DebtBucket }[],
  at: { readonly isShared: boolean; readonly nowMs: number },
): Pick<LimitsExplanation, "wait_ms" | "retry_after_ms"> {
  if (limiting.length === 0) return { wait_ms: null, retry_after_ms: null };
  const waits = limiting.map(({ bucket }) => bucket.waitMs(at.nowMs));
  const toTell = limiting.map(({ limit, bucket }) => waitToTellMs(limit, bucket, at));
  return { wait_ms: finite(Math.max(...waits)), retry_after_ms: retryRange(Math.max(...toTell)) };
}

interface AskedRequest {
  readonly envelope: Envelope;
  readonly headers: SenderHeaders;
}

/** In the order in which they are met. */
function countKeys(
  data: LimitsData,
  keys: KeyBuckets,
  { envelope, headers }: AskedRequest,
  nowMs: number,
): CountedKey[] {
  const counted = new Map<string, CountedKey>();
  for (let r = 0; r < envelope.resources; r++) {
    const points = envelope.points[r]!;
    if (points === 0) continue;
    const bucket = keys.peek(keyIn(data.key, resourceBytes(envelope, r), headers), nowMs);
    if (bucket === undefined) continue;
    const known = counted.get(bucket.key);
    if (known === undefined) counted.set(bucket.key, { bucket, items: points });
    else known.items += points;
  }
  return [...counted.values()];
}

function explained(
  limit: FleetLimit,
  bucket: DebtBucket,
  items: number,
  nowMs: number,
): Omit<LimitExplanation, "setting"> {
  const left = bucket.tokensAt(nowMs);
  return {
    items,
    limit: limit.perSecond,
    burst: tidy(limit.burst),
    granted: tidy(bucket.perSecondAt(nowMs)),
    left: tidy(left),
    over: left <= 0,
  };
}

/** Below `global.rate_limiting`. */
function compileSettingOf({ keys }: LimitsData): (key: string) => string {
  const rateOf = compileKeyRateOf(keys);
  return (key) => {
    const rate = rateOf(key);
    return rate === undefined ? "per_service_limit" : `keys[${JSON.stringify(rate.pattern)}]`;
  };
}

function tidy(value: number): number {
  return Number(value.toFixed(2));
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? Math.ceil(ms) : null;
}
