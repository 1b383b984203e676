import type { RateLimitingDocument } from "../config/schema/limiting.ts";
import type { LimitKey, LimitsData } from "./limits/limits-plan.ts";

/** What the stage limit needs of a config; undefined: there are no limits. */
export function compileLimits(limiting: RateLimitingDocument | undefined): LimitsData | undefined {
  if (limiting === undefined) return undefined;
  const { max_qps, burst_size = max_qps, per_service_limit, key, keys, mixed } = limiting;
  return {
    total: { perSecond: max_qps, burst: burst_size },
    key: keyOf(key),
    perKey: per_service_limit,
    keys: Object.entries(keys).map(([pattern, perSecond]) => ({ pattern, perSecond })),
    mixed,
  };
}

function keyOf(key: RateLimitingDocument["key"]): LimitKey {
  if (key === "service") return { from: "service" };
  if ("header" in key) return { from: "header", name: key.header.toLowerCase() };
  return { from: "resource", attribute: key.resource };
}
