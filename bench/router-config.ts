import type { GrpcTransport } from "../src/core/grpc-transport.ts";
import { KEPT, serviceNames, targetsSpeak } from "./case.ts";
import type { Case, RouterLimits, Sampling } from "./case.ts";
import type { IdentityFiles } from "./identity.ts";

export interface RouterPorts {
  readonly grpc: number;
  readonly http: number;
  readonly admin: number;
  /** Of the sinks behind pool a and pool b. */
  readonly targets: readonly [a: number, b: number];
}

export interface RouterPlace {
  readonly dataDir: string;
  readonly transport: GrpcTransport;
  /** `node.workers`; undefined for a build that does not have it. */
  readonly workers: Case["workers"];
  /** Needed where the case has TLS. */
  readonly identity: IdentityFiles;
}

/** The config of the measured router. JSON, which is YAML too. */
export function routerConfig(
  run: Case,
  ports: RouterPorts,
  { dataDir, transport, workers, identity }: RouterPlace,
): string {
  const overHttp = run.targets === "json" ? "http/json" : "http/protobuf";
  const protocol = targetsSpeak(run) === "grpc" ? "grpc" : overHttp;
  const compression = run.gzipOut ? { compression: "gzip" } : {};
  const { cert, key, ca } = identity;
  const { maxConcurrentStreams, maxInFlight, queueBytes } = run.limits;
  const queue = queueBytes === undefined ? {} : { queue: { max_bytes: queueBytes } };
  const passing = run.compressed === undefined ? {} : { compressed: run.compressed };
  const grpc = {
    transport,
    ...(run.tls !== "none" && { tls: { cert, key } }),
    ...(maxConcurrentStreams !== undefined && { max_concurrent_streams: maxConcurrentStreams }),
  };
  const config = {
    node: {
      id: "bench",
      data_dir: dataDir,
      listen: {
        otlp_grpc: { address: `127.0.0.1:${ports.grpc}`, ...grpc },
        otlp_http: { address: `127.0.0.1:${ports.http}`, transport: run.httpTransport },
        admin: { address: `127.0.0.1:${ports.admin}` },
      },
      ...(workers !== undefined && { workers }),
      limits: nodeLimits(run.limits),
    },
    targets: ports.targets.map((port, i) => ({
      id: i === 0 ? "a" : "b",
      endpoint: `${run.tls === "both" ? "https" : "http"}://127.0.0.1:${port}`,
      ...(run.tls === "both" && { tls: { ca } }),
      protocol,
      ...(protocol === "grpc" && { transport }),
      ...compression,
      ...(maxInFlight !== undefined && { limits: { max_in_flight: maxInFlight } }),
    })),
    pools: { a: { targets: ["a"], ...queue, ...passing }, b: { targets: ["b"], ...queue, ...passing } },
    rules: rulesOf(run),
    default_pool: "a",
    global: { ...samplingOf(run.sampling), ...idleStages(run) },
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

const FAILED = { attribute: { key: "http.response.status_code", gte: 500 } };
const GAUGE = { metric_name: "process.*" };

function samplingOf(sampling: Sampling): object {
  if (sampling === "none") return {};
  const strategy = { type: "priority_based", rules: [{ priority: "high", rate: 1, conditions: [FAILED] }] };
  return { sampling_rate: KEPT[sampling], ...(sampling === "span" && { sampling_strategies: [strategy] }) };
}

/** More than any machine carries, and a load that is never exceeded. */
function idleStages({ idle, services }: Case): object {
  const most = 1_000_000_000;
  const keys = Object.fromEntries(serviceNames(services).map((service) => [service, most / 4]));
  const rate_limiting = { max_qps: most, per_service_limit: most / 2, key: "service", keys };
  const degradation = { enabled: true, threshold: 1, target_rate: 0.5, recovery_threshold: 0.9 };
  if (idle === "limits") return { rate_limiting };
  return idle === "degradation" ? { degradation } : {};
}

/** Those that are not left at their defaults: what is undefined does not come into the JSON. */
function nodeLimits({ maxConnections, maxInFlightBytes, maxConcurrentRequests }: RouterLimits): object {
  return {
    max_connections: maxConnections,
    max_in_flight_bytes: maxInFlightBytes,
    max_concurrent_requests: maxConcurrentRequests,
  };
}

interface Rule {
  readonly id: string;
  readonly conditions: readonly object[];
  readonly pool: "a" | "b";
}

function rulesOf({ rules, services, signal }: Case): Rule[] {
  switch (rules) {
    case "none":
      return [];
    case "by_service":
      return serviceNames(services)
        .filter((_, i) => i % 2 === 1)
        .map((service, i) => ({ id: `service-${i}`, conditions: [{ service_name: service }], pool: "b" }));
    case "resource_10":
      return resourceRules();
    case "resource_10000":
      return serviceNames(services).flatMap((service, i) => tenRules(service, i));
    case "item":
      return [{ id: "item", conditions: [signal === "metrics" ? GAUGE : FAILED], pool: "b" }];
    default:
      throw new Error("rules that the benchmark does not know");
  }
}

/**
 * Nine that match nothing the generator sends, in the ways people write them, and one that matches
 * half.
 */
function resourceRules(): Rule[] {
  const misses: object[] = [
    { service_name: "payment*" },
    { service_name: { in: ["checkout", "cart", "billing"] } },
    { resource: { key: "deployment.environment.name", equals: "staging" } },
    { resource: { key: "cloud.region", glob: "ap-northeast-*" } },
    { resource: { key: "host.name", regex: "^db-[0-9]+$" } },
    { resource: { key: "k8s.namespace.name", exists: true } },
    { resource: { key: "service.version", glob: "2.*" } },
    { resource: { key: "tenant", equals: "blue" } },
    { resource: { key: "telemetry.sdk.language", in: ["rust", "cpp"] } },
  ];
  const rules: Rule[] = misses.map((condition, i) => ({ id: `miss-${i}`, conditions: [condition], pool: "b" }));
  rules.push({ id: "odd", conditions: [{ service_name: { regex: "[13579]$" } }], pool: "b" });
  return rules;
}

/**
 * Nine for environments that the generator does not send, and one that matches: its pool changes
 * from service to service.
 */
function tenRules(service: string, index: number): Rule[] {
  return Array.from({ length: 10 }, (_, i) => {
    const environment = i === 9 ? "production" : `stage-${i}`;
    return {
      id: `${service}-${i}`,
      conditions: [
        { service_name: service },
        { resource: { key: "deployment.environment.name", equals: environment } },
      ],
      pool: index % 2 === 0 ? "a" : "b",
    };
  });
}
