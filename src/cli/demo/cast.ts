import type { Signal } from "../../otlp/signal.ts";
import { DEFAULT_RULE } from "../../plan/compile-routes.ts";
import type { Protocol } from "../send/sender.ts";

/**
 * Who takes part in the demo: targets, rules, senders; and the config that says the same in YAML.
 */

/** `port` is tried first; any free one is taken when it is in use. */
export const TARGETS = [
  { id: "target-1", protocol: "grpc", port: 14_317, weight: 50 },
  { id: "target-2", protocol: "grpc", port: 14_327, weight: 30 },
  { id: "target-3", protocol: "http/protobuf", port: 14_338, weight: 20 },
  { id: "errors", protocol: "grpc", port: 14_347, weight: 1 },
] as const;
export type DemoTargetFacts = (typeof TARGETS)[number];

/** The one that is stopped and started again, and the one that stands in for it. */
export const PRIMARY = "target-1";
export const STANDBY = "target-2";

/** In the order of the rule table. `says` fits into a narrow column. */
export const RULES = [
  { id: "copy-errors", pool: "errors", says: "spans ≥ 500: a copy" },
  { id: "error-logs", pool: "errors", says: "logs ≥ ERROR" },
  { id: "payments", pool: "payments", says: "payment*: failover" },
  { id: "shop", pool: "shop", says: "by weight 50:30:20" },
  { id: DEFAULT_RULE, pool: "rest", says: "everything else" },
] as const;
export type RuleId = (typeof RULES)[number]["id"];

const SHOP_SERVICES: readonly string[] = ["frontend", "checkout", "search"];

/** The rule that brought items of a service to a target, as the rules are written. */
export function ruleOf(target: string, signal: Signal, service: string): RuleId {
  if (target === "errors") return signal === "traces" ? "copy-errors" : "error-logs";
  if (service.startsWith("payment")) return "payments";
  return SHOP_SERVICES.includes(service) ? "shop" : DEFAULT_RULE;
}

/** One service with its SDK. Rates are spans, data points and log records a second. */
export interface Service {
  readonly name: string;
  readonly protocol: Protocol;
  readonly rates: Readonly<Partial<Record<Signal, number>>>;
}

/** About 2,000 items a second in all. */
export const SERVICES: readonly Service[] = [
  { name: "frontend", protocol: "http/json", rates: { traces: 200, logs: 50 } },
  { name: "checkout", protocol: "grpc", rates: { traces: 200, metrics: 60, logs: 100 } },
  { name: "search", protocol: "grpc", rates: { traces: 250, metrics: 60 } },
  { name: "payment-api", protocol: "grpc", rates: { traces: 200, metrics: 60, logs: 50 } },
  { name: "payment-worker", protocol: "http", rates: { traces: 100, logs: 50 } },
  { name: "inventory", protocol: "grpc", rates: { traces: 150, metrics: 60 } },
  { name: "batch-report", protocol: "http", rates: { metrics: 240, logs: 200 } },
];

export const HOST = "127.0.0.1";

/** Where the router listens, as `host:port`. */
export interface RouterAddresses {
  readonly grpc: string;
  readonly http: string;
  readonly admin: string;
}

export const STANDARD_ADDRESSES: RouterAddresses = {
  grpc: `${HOST}:4317`,
  http: `${HOST}:4318`,
  admin: `${HOST}:4320`,
};

/** The demo's config, with targets at these ports. */
export function demoConfig(listen: RouterAddresses, ports: readonly number[]): string {
  return `# The config of "signalbox demo". With OTLP servers of your own behind the targets: signalbox run <this file>
node:
  id: demo
  listen:
    otlp_grpc: { address: "${listen.grpc}" }
    otlp_http: { address: "${listen.http}" }
    admin: { address: "${listen.admin}" }
  shutdown_grace: 5s
  log: { level: warn, format: text }

targets:
${TARGETS.map((target, i) => `  - ${targetLine(target, ports[i] ?? 0)}`).join("\n")}

pools:
  # The first one that works; back to target-1 once it has worked for 2s without a break.
  payments:
    targets: [target-1, target-2]
    strategy: { type: failover, return_after: 2s }
  # Shared out by the targets' weights, 50 : 30 : 20. What is down is left out.
  shop:
    targets: [target-1, target-2, target-3]
    strategy: weighted_round_robin
  errors: { targets: [errors] }
  rest: { targets: [target-3] }

${RULES_YAML}`;
}

const RULES_YAML = `rules:
  # Failed requests are also copied to the errors target; the rules below see them all the same.
  - id: copy-errors
    priority: high
    signals: [traces]
    mode: copy
    conditions:
      - attribute: { key: http.response.status_code, gte: 500 }
    pool: errors
  # Error logs go to the errors target, and nowhere else.
  - id: error-logs
    priority: high
    signals: [logs]
    conditions:
      - severity: { gte: ERROR }
    pool: errors
  - id: payments
    conditions:
      - service_name: "payment*"
    pool: payments
  - id: shop
    conditions:
      - service_name: { in: [${SHOP_SERVICES.join(", ")}] }
    pool: shop

# All that no rule above takes.
default_pool: rest
`;

function targetLine({ id, protocol, weight }: DemoTargetFacts, port: number): string {
  const more = [protocol === "grpc" ? "" : `, protocol: ${protocol}`, weight === 1 ? "" : `, weight: ${weight}`];
  return `{ id: ${id}, endpoint: "http://127.0.0.1:${port}"${more.join("")}, slow_start: 2s }`;
}
