import { compileGlob, splitGlob } from "../../config/glob.ts";
import type { FleetLimit } from "./bucket-shares.ts";

/** What limits of one key tell apart. Header names are in lower case. */
export type LimitKey =
  | { readonly from: "service" }
  | { readonly from: "header"; readonly name: string }
  | { readonly from: "resource"; readonly attribute: string };

/** Of a plan, what the stage limit needs. Plain data. */
export interface LimitsData {
  /** Of everything together, items a second. */
  readonly total: FleetLimit;
  readonly key: LimitKey;
  /** Items a second of each key that `keys` does not name; undefined: no limit of its own. */
  readonly perKey?: number | undefined;
  /** Names or globs. */
  readonly keys: readonly KeyRate[];
  readonly mixed: "refuse" | "shed";
}

interface KeyRate {
  readonly pattern: string;
  readonly perSecond: number;
}

/** Whether keys have limits of their own. */
export function limitsKeys({ perKey, keys }: Pick<LimitsData, "perKey" | "keys">): boolean {
  return perKey !== undefined || keys.length > 0;
}

/** What has no key of the kind that limits ask for: together it is like one key. */
export const NO_KEY = "unknown";

/** The limit of a key; undefined: it has none of its own. */
export type LimitOf = (key: string) => FleetLimit | undefined;

/**
 * Names go before globs, and the first of these that fits decides. What may come at once of a key
 * is as many seconds' worth as of the whole.
 */
export function compileLimitOf({ total, perKey, keys }: LimitsData): LimitOf {
  const of = (perSecond: number): FleetLimit => {
    return { perSecond, burst: Math.min(total.burst, (total.burst * perSecond) / total.perSecond) };
  };
  const rest = perKey === undefined ? undefined : of(perKey);
  const limits = new Map(keys.map((rate) => [rate, of(rate.perSecond)]));
  const rateOf = compileKeyRateOf(keys);
  return (key) => {
    const rate = rateOf(key);
    return rate === undefined ? rest : limits.get(rate);
  };
}

/** The one of `keys` that decides of a key; undefined: none of them does. */
export function compileKeyRateOf(keys: readonly KeyRate[]): (key: string) => KeyRate | undefined {
  const named = new Map<string, KeyRate>();
  const globs: { readonly fits: (key: string) => boolean; readonly rate: KeyRate }[] = [];
  for (const rate of keys) {
    const [name = "", ...more] = splitGlob(rate.pattern);
    if (more.length === 0) named.set(name, rate);
    else globs.push({ fits: compileGlob(rate.pattern), rate });
  }
  return (key) => named.get(key) ?? globs.find(({ fits }) => fits(key))?.rate;
}

/** Keys whose limits are written for them alone. */
export function namedKeys({ keys }: Pick<LimitsData, "keys">): ReadonlySet<string> {
  const parts = keys.map(({ pattern }) => splitGlob(pattern));
  return new Set(parts.flatMap(([name = "", ...more]) => (more.length === 0 ? [name] : [])));
}
