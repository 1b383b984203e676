/** One load and what the measured system does with it. */
export interface Case {
  readonly name: string;
  readonly title: string;
  readonly protocol: "grpc" | "http";
  readonly itemsPerRequest: number;
  readonly resourcesPerRequest: number;
  readonly services: number;
  readonly rules: Rules;
  readonly sampling: Sampling;
  readonly gzipIn: boolean;
  readonly gzipOut: boolean;
  /** `in`: between the load and the system. `both`: also between the system and the sinks. */
  readonly tls: "none" | "in" | "both";
  readonly limits: RouterLimits;
  /** `node.workers`; undefined: none, as in builds that do not have them. */
  readonly workers: number | undefined;
  /** Connections of the generator, and calls under way on each of them. */
  readonly connections: number;
  readonly streams: number;
  /** Whether peers run it too, as far as they can: everything goes to one target there. */
  readonly peers: boolean;
  readonly short: boolean;
}

/** Where the router's defaults would hold the load back. */
export interface RouterLimits {
  readonly maxConnections?: number;
  readonly maxConcurrentStreams?: number;
  readonly maxInFlightBytes?: number;
  readonly maxConcurrentRequests?: number;
  /** Of each target. */
  readonly maxInFlight?: number;
  /** Of each pool. */
  readonly queueBytes?: number;
}

/**
 * `none`: one pool. `by_service`: half of the services to pool a, the others to pool b.
 * `resource_10`: ten rules on attributes of the resource. `resource_10000`: ten rules for each of
 * 1,000 services. `span`: failed spans to pool b.
 */
export type Rules = "none" | "by_service" | "resource_10" | "resource_10000" | "span";

/**
 * `none`: everything is kept. `tenth`: one class, of which a tenth is kept. `marked`: one class, of
 * which all but one in a million is kept, and marked. `span`: a tenth, but all failed spans.
 */
export type Sampling = "none" | "tenth" | "marked" | "span";

/** Share of the items that arrives at the sinks; 2 % of what the generator makes has failed. */
export const KEPT: Readonly<Record<Sampling, number>> = { none: 1, tenth: 0.1, marked: 1 - 1e-6, span: 0.1 };

export const BASE: Omit<Case, "name" | "title"> = {
  protocol: "grpc",
  itemsPerRequest: 100,
  resourcesPerRequest: 4,
  services: 8,
  rules: "by_service",
  sampling: "none",
  gzipIn: false,
  gzipOut: false,
  tls: "none",
  limits: {},
  workers: undefined,
  connections: 4,
  streams: 16,
  peers: false,
  short: false,
};

/** What docs/benchmarks.md lists: closed loops, as fast as they go. */
export const CASES: readonly Case[] = [
  { ...BASE, name: "grpc-1000", title: "gRPC, 1,000 spans a request, by service", ...items(1_000), peers: true },
  { ...BASE, name: "grpc-100", title: "gRPC, 100 spans a request, by service", peers: true, short: true },
  { ...BASE, name: "grpc-10", title: "gRPC, 10 spans a request, by service", ...items(10), peers: true, short: true },
  { ...BASE, name: "tls-1000", title: "TLS in: gRPC, 1,000 spans a request", ...items(1_000), tls: "in" },
  { ...BASE, name: "tls-100", title: "TLS in: gRPC, 100 spans a request", tls: "in", peers: true },
  { ...BASE, name: "tls-10", title: "TLS in: gRPC, 10 spans a request", ...items(10), tls: "in", peers: true },
  { ...BASE, name: "tls-both", title: "TLS in and out: gRPC, 100 spans a request", tls: "both" },
  { ...BASE, name: "http-1000", title: "HTTP, 1,000 spans a request, by service", ...http(1_000) },
  { ...BASE, name: "http-100", title: "HTTP, 100 spans a request, by service", ...http(100) },
  { ...BASE, name: "http-10", title: "HTTP, 10 spans a request, by service", ...http(10) },
  { ...BASE, name: "one-pool", title: "no rules, one pool", rules: "none" },
  { ...BASE, name: "rules-10", title: "10 rules on the resource", rules: "resource_10" },
  { ...BASE, name: "rules-10000", title: "10,000 rules, 1,000 services", rules: "resource_10000", services: 1_000 },
  { ...BASE, name: "rule-span", title: "a rule on the span", rules: "span" },
  { ...BASE, name: "sampled-tenth", title: "by service, a tenth is kept", sampling: "tenth" },
  { ...BASE, name: "sampled-marked", title: "by service, all is kept and marked", sampling: "marked" },
  { ...BASE, name: "sampled-span", title: "by service, a tenth is kept and all that failed", sampling: "span" },
  { ...BASE, name: "gzip-in", title: "gzip in", gzipIn: true },
  { ...BASE, name: "gzip-out", title: "gzip out", gzipOut: true },
];

/** Resources grow with requests, more slowly. */
export function items(itemsPerRequest: number): Pick<Case, "itemsPerRequest" | "resourcesPerRequest"> {
  const resources = { 10: 2, 100: 4, 1_000: 10 } as const;
  return { itemsPerRequest, resourcesPerRequest: resources[itemsPerRequest as keyof typeof resources] };
}

/** HTTP/1.1 has one call on each connection: as many connections as there are calls with gRPC. */
function http(itemsPerRequest: number): Partial<Case> {
  return { ...items(itemsPerRequest), protocol: "http", connections: 64, streams: 1 };
}

export function serviceNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `service-${String(i).padStart(4, "0")}`);
}
