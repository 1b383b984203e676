import { perTarget, SHOP_SERVICES, type TargetFacts, TARGETS, type TargetId } from "./cast.ts";

/** Where the router listens, as `host:port`. */
export interface RouterAddresses {
  readonly grpc: string;
  readonly http: string;
  readonly admin: string;
}

export const STANDARD_ADDRESSES: RouterAddresses = {
  grpc: "127.0.0.1:4317",
  http: "127.0.0.1:4318",
  admin: "127.0.0.1:4320",
};

/** The targets' usual ports. */
export const STANDARD_PORTS: Readonly<Record<TargetId, number>> = perTarget(({ port }) => port);

/** How long the primary must have worked to get its traffic back. */
export const RETURN_AFTER = "2s";

/** How long a target that comes back gets less than its weight: as short as a demo. */
const SLOW_START = "2s";

/** The demo's config. `ports` are those of the targets. */
export function demoConfig(listen: RouterAddresses, ports: Readonly<Record<TargetId, number>>): string {
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
${TARGETS.map((target) => `  - ${targetLine(target, ports[target.id])}`).join("\n")}

pools:
  # The first one that works; back to target-1 once it has worked for ${RETURN_AFTER} without a break.
  payments:
    targets: [target-1, target-2]
    strategy: { type: failover, return_after: ${RETURN_AFTER} }
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

function targetLine({ id, protocol, weight }: TargetFacts, port: number): string {
  const more = [protocol === "grpc" ? "" : `, protocol: ${protocol}`, weight === 1 ? "" : `, weight: ${weight}`];
  return `{ id: ${id}, endpoint: "http://127.0.0.1:${port}"${more.join("")}, slow_start: ${SLOW_START} }`;
}
