import type { Refusal } from "../../core/reason.ts";
import { EXCESSES, type Excess, NO_LIMITS, type RequestLimits } from "../../otlp/limits.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { DegradationGate } from "./degradation-gate.ts";

/** What one request may hold, and what is said of one that holds more. */
export interface RequestGuard {
  readonly limits: RequestLimits;
  /** The refusal of a request that has too much of this. Counts it. */
  refuse(excess: Excess): Refusal;
  readonly degradation: DegradationGate;
}

/** For requests that were made here. */
export const NO_GUARD: RequestGuard = {
  limits: NO_LIMITS,
  refuse: (excess) => refusalOf(excess, NO_LIMITS),
  degradation: new DegradationGate(),
};

export function createRequestGuard(
  limits: () => RequestLimits,
  metrics: Metrics,
  degradation = new DegradationGate(),
): RequestGuard {
  const refused = new Map(EXCESSES.map((excess) => [excess, metrics.requestExcesses.with(excess)]));
  return {
    get limits() {
      return limits();
    },
    degradation,
    refuse(excess) {
      refused.get(excess)?.add(1);
      return refusalOf(excess, limits());
    },
  };
}

const KEYS = {
  resources: { key: "max_resources", of: "maxResources", what: "resources" },
  scopes: { key: "max_scopes", of: "maxScopes", what: "scopes" },
  items: { key: "max_items", of: "maxItems", what: "spans, metrics or log records" },
  points: { key: "max_points", of: "maxPoints", what: "data points" },
  attributes: { key: "max_attributes", of: "maxAttributes", what: "attributes, events, links, exemplars and values" },
} as const satisfies Partial<
  Record<Excess, { readonly key: string; readonly of: keyof RequestLimits; readonly what: string }>
>;

const OTHERS: Readonly<Record<Exclude<Excess, keyof typeof KEYS>, string>> = {
  fields: "the request has more fields around its items than the scopes and urls of that many need",
  json_objects: "the JSON text has more objects than a text of its length needs; send fewer empty ones, or protobuf",
  json_names: "the objects of the JSON text have too many different names; OTLP has about a hundred",
  parts: "the rules and pools divide a long resource into so many parts that they are too long together",
};

function refusalOf(excess: Excess, limits: RequestLimits): Refusal {
  if (!isKey(excess)) return { reason: "too_large", message: OTHERS[excess] };
  const { key, of, what } = KEYS[excess];
  const hint = `send it in several requests, or raise node.limits.${key}`;
  return { reason: "too_large", message: `the request has more than ${limits[of]} ${what}: ${hint}` };
}

function isKey(excess: Excess): excess is keyof typeof KEYS {
  return excess in KEYS;
}
