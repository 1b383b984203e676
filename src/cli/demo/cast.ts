import type { Signal } from "../../otlp/signal.ts";
import { DEFAULT_RULE } from "../../plan/compile-routes.ts";
import type { Protocol } from "../send/options.ts";

/** Who takes part in the demo: targets, rules, senders. The config (demo-config.ts) says the same in YAML. */

/** `port` is tried first; any free one is taken when it is in use. */
export const TARGETS = [
  { id: "target-1", protocol: "grpc", port: 14_317, weight: 50 },
  { id: "target-2", protocol: "grpc", port: 14_327, weight: 30 },
  { id: "target-3", protocol: "http/protobuf", port: 14_338, weight: 20 },
  { id: "errors", protocol: "grpc", port: 14_347, weight: 1 },
] as const;
export type TargetFacts = (typeof TARGETS)[number];
export type TargetId = TargetFacts["id"];

/** A record with one entry for each target. */
export function perTarget<Value>(valueOf: (target: TargetFacts) => Value): Record<TargetId, Value> {
  const [one, two, three, errors] = TARGETS;
  return { [one.id]: valueOf(one), [two.id]: valueOf(two), [three.id]: valueOf(three), [errors.id]: valueOf(errors) };
}

/** The one that is stopped and started again, and the one that stands in for it. */
export const PRIMARY: TargetId = "target-1";
export const STANDBY: TargetId = "target-2";

/** In the order of the rule table. `says` fits into a narrow column. */
export const RULES = [
  { id: "copy-errors", pool: "errors", says: "spans ≥ 500: a copy" },
  { id: "error-logs", pool: "errors", says: "logs ≥ ERROR" },
  { id: "payments", pool: "payments", says: "payment*: failover" },
  { id: "shop", pool: "shop", says: "by weight 50:30:20" },
  { id: DEFAULT_RULE, pool: "rest", says: "everything else" },
] as const;
export type RuleId = (typeof RULES)[number]["id"];

export const PAYMENTS: RuleId = "payments";
export const SHOP_SERVICES: readonly string[] = ["frontend", "checkout", "search"];

/** One service with its SDK. Rates are spans, data points and log records a second. */
export interface Sender {
  readonly service: string;
  readonly protocol: Protocol;
  readonly rates: Readonly<Partial<Record<Signal, number>>>;
}

/** About 2,000 items a second in all. */
export const SENDERS: readonly Sender[] = [
  { service: "frontend", protocol: "http/json", rates: { traces: 200, logs: 50 } },
  { service: "checkout", protocol: "grpc", rates: { traces: 200, metrics: 60, logs: 100 } },
  { service: "search", protocol: "grpc", rates: { traces: 250, metrics: 60 } },
  { service: "payment-api", protocol: "grpc", rates: { traces: 200, metrics: 60, logs: 50 } },
  { service: "payment-worker", protocol: "http", rates: { traces: 100, logs: 50 } },
  { service: "inventory", protocol: "grpc", rates: { traces: 150, metrics: 60 } },
  { service: "batch-report", protocol: "http", rates: { metrics: 240, logs: 200 } },
];

/** The rule that brought items of a service to a target, as the rules are written. */
export function ruleOf(target: TargetId, signal: Signal, service: string): RuleId {
  if (target === "errors") return signal === "traces" ? "copy-errors" : "error-logs";
  if (service.startsWith("payment")) return PAYMENTS;
  return SHOP_SERVICES.includes(service) ? "shop" : DEFAULT_RULE;
}
