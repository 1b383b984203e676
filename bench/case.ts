import type { HttpTransport } from "../src/core/http-transport.ts";
import type { Signal } from "../src/otlp/signal.ts";

/** One load and what the measured system does with it. */
export interface Case {
  readonly name: string;
  readonly title: string;
  readonly protocol: "grpc" | "http";
  /** Whose HTTP/1.1 the listener has; undefined: the default, also in builds without a choice. */
  readonly httpTransport: HttpTransport | undefined;
  readonly signal: Signal;
  /** Of the requests; JSON over HTTP only. */
  readonly encoding: "protobuf" | "json";
  /** What targets speak, where it is not what the load does; `json`: over HTTP/1.1. */
  readonly targets: "same" | "grpc" | "json";
  readonly itemsPerRequest: number;
  readonly resourcesPerRequest: number;
  readonly services: number;
  readonly rules: Rules;
  readonly sampling: Sampling;
  /** Stages that are on and take nothing: limits far above the load, degradation below it. */
  readonly idle: "none" | "limits" | "degradation";
  readonly gzipIn: boolean;
  readonly gzipOut: boolean;
  /** Of the pools; undefined: the default, also in builds without a choice. */
  readonly compressed: "pass_through" | undefined;
  /** `in`: between the load and the system. `both`: also between the system and the sinks. */
  readonly tls: "none" | "in" | "both";
  readonly limits: RouterLimits;
  /** `node.workers`; undefined: none, as in builds that do not have them. */
  readonly workers: number | undefined;
  /**
   * Connections of the generator, and calls under way on each of them; over HTTP/1.1 more than one
   * is a pipeline.
   */
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
 * 1,000 services. `item`: to pool b what has an attribute of a failed request, or of metrics all
 * that are a gauge by their name.
 */
export type Rules = "none" | "by_service" | "resource_10" | "resource_10000" | "item";

/**
 * `none`: everything is kept. `tenth`: one class, of which a tenth is kept. `marked`: one class, of
 * which all but one in 65,536 is kept, and marked: of less the four digits of `th` would be zeros,
 * and nothing is written. `span`: a tenth, but all failed spans.
 */
export type Sampling = "none" | "tenth" | "marked" | "span";

/** Share of the items that arrives at the sinks; 2 % of what the generator makes has failed. */
export const KEPT: Readonly<Record<Sampling, number>> = { none: 1, tenth: 0.1, marked: 1 - 1 / 65_536, span: 0.1 };

export const BASE: Omit<Case, "name" | "title"> = {
  protocol: "grpc",
  httpTransport: undefined,
  signal: "traces",
  encoding: "protobuf",
  targets: "same",
  itemsPerRequest: 100,
  resourcesPerRequest: 4,
  services: 8,
  rules: "by_service",
  sampling: "none",
  idle: "none",
  gzipIn: false,
  gzipOut: false,
  compressed: undefined,
  tls: "none",
  limits: {},
  workers: undefined,
  connections: 4,
  streams: 16,
  peers: false,
  short: false,
};

export function serviceNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `service-${String(i).padStart(4, "0")}`);
}

/** What the sinks have to speak. */
export function targetsSpeak({ targets, protocol }: Case): Case["protocol"] {
  if (targets === "json") return "http";
  return targets === "same" ? protocol : targets;
}
