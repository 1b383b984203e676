import type { StrategyConfig } from "../config/schema/config.ts";
import type { GrpcTransport } from "../core/grpc-transport.ts";
import type { Secret } from "../core/secret.ts";
import type { Compression } from "../otlp/compress.ts";
import type { Signal } from "../otlp/signal.ts";
import type { Division, HashKey } from "./division.ts";
import type { HeaderPlan } from "./header-plan.ts";
import type { LimitsData } from "./limits/limits-plan.ts";
import type { MembersPlan } from "./members.ts";
import type { ProxyPlan } from "./proxy-plan.ts";
import type { ResolvePlan } from "./resolve-plan.ts";
import type { RoutePlan } from "./route-plan.ts";
import type { SamplingPlan } from "./bind-sampling.ts";
import type { StatusVerdicts } from "./status-verdicts.ts";
import type { TargetHealthPlan } from "./target-health.ts";

/**
 * What runs of one config: PlanData (plan-data.ts) with the functions that are made of it, and with
 * secrets in the place of their references. A plan that exists is valid: every reference resolves
 * and every pattern has been compiled.
 */
export interface Plan extends PlanHead {
  readonly targets: ReadonlyMap<string, TargetPlan>;
  /**
   * By name. Pools written in place are named after the rule: `rule:<id>`; the default pool in
   * place is `default`.
   */
  readonly pools: ReadonlyMap<string, PoolPlan>;
  readonly routes: Readonly<Record<Signal, RoutePlan>>;
  readonly headers: HeaderPlan;
  /** undefined: everything is kept. */
  readonly sampling: SamplingPlan | undefined;
  /** undefined: everything is let in. */
  readonly limits: LimitsData | undefined;
}

/** What is the same before and after a plan is bound. */
export interface PlanHead {
  /** Counts up with every config that was applied, from 1. */
  readonly version: number;
  /** Digest of the document, so that people can tell two configs apart. */
  readonly digest: string;
  readonly nodeRegion: string;
  /** Whole paths of the modules that bring strategies along. */
  readonly plugins: readonly string[];
  /** Set while there is none to run: what senders are told of it, who are to come again. */
  readonly noConfig?: string | undefined;
}

/** A target, as its protocol has it: what only one of them knows stands in that one's variant. */
export type TargetPlan = TargetCommon & ProtocolPlan;

/**
 * One variant for each protocol that is exported by: data/export/client.ts has the client of each.
 * Plain data.
 */
export type ProtocolPlan =
  | ({ readonly protocol: "grpc" } & GrpcConnectionPlan)
  | { readonly protocol: "http/protobuf" | "http/json" };

export type TargetPlanOf<Protocol extends TargetPlan["protocol"]> = TargetCommon &
  Extract<ProtocolPlan, { readonly protocol: Protocol }>;

export interface GrpcConnectionPlan {
  readonly transport: GrpcTransport;
  /** A PING after this time without a byte while calls are under way; 0: never. */
  readonly keepaliveMs: number;
}

/** What targets have whatever their protocol. */
export interface TargetCommon {
  readonly id: string;
  /** Scheme, host and port; for HTTP the base path too, without a slash at the end. */
  readonly url: string;
  readonly resolve: ResolvePlan;
  /**
   * One of those behind the URL's host: dialled in its place. Only for a part of a target with
   * several.
   */
  readonly address?: string | undefined;
  /** It stands for these nodes of the fleet: its URL is that of nobody. */
  readonly members?: MembersPlan | undefined;
  /** The node's id, and its URL is where that is. Only for a part of a target with `members`. */
  readonly member?: string | undefined;
  /** With which a node that has `members` proves to them what it says of links. */
  readonly linkKey?: Secret | undefined;
  /** On the way to it; undefined: none. */
  readonly proxy?: ProxyPlan | undefined;
  readonly weight: number;
  readonly region: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly compression: "none" | Compression;
  /** Without compression it says nothing. */
  readonly compressionLevel: number;
  /** Lower-case names. The values may be secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Lower-case names, in order, of senders' headers that are passed on; none that `headers` has.
   */
  readonly forwardHeaders: readonly string[];
  readonly tls: TargetTlsPlan | undefined;
  /** One attempt may take this long. */
  readonly timeoutMs: number;
  /** Calls under way at the same time, at most. */
  readonly maxInFlight: number;
  /** A batch above this many bytes, before compression, is not sent (OTLP: 64 MiB). */
  readonly maxRequestBytes: number;
  readonly health: TargetHealthPlan;
  /** Where the config says otherwise than the protocol; undefined: nowhere. */
  readonly statuses: StatusVerdicts | undefined;
  /**
   * Two targets with the same identity can share their connections: changes with whatever a
   * connection depends on.
   */
  readonly connectionIdentity: string;
}

export interface TargetTlsPlan {
  /** PEM texts. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly serverName: string | undefined;
  readonly insecureSkipVerify: boolean;
}

export interface PoolPlan {
  readonly name: string;
  /** Ids of targets, in the order of the config, each once. */
  readonly targets: readonly string[];
  readonly strategy: StrategyPlan;
  /** How the pool's items are divided among its channels. */
  readonly division: Division;
  /** Weights follow the load of the targets. */
  readonly adaptiveWeights: boolean;
  /**
   * The fallback pool: it takes over when this one is full or has no usable target. Chains of them
   * have no cycles.
   */
  readonly fallback?: string | undefined;
  readonly ack: "delivered" | "queued";
  /**
   * Requests that come compressed go on as they came, where nothing has to be read of them
   * (pass-through.ts); undefined: they are inflated.
   */
  readonly compressed?: "pass_through" | undefined;
  readonly whenDown: "next_rule" | "hold" | "refuse";
  readonly queue: QueuePlan;
  readonly batch: BatchPlan;
  readonly retry: RetryPlan;
}

/**
 * How a pool picks a target: one variant for each strategy. Plain data: two that have the same JSON
 * are the same.
 */
export type StrategyPlan =
  | PlainStrategy
  /** `prefer`: among equals, as in geography. */
  | { readonly type: "least_connections"; readonly prefer?: readonly string[] | undefined }
  | { readonly type: "latency"; readonly pick: "lowest" }
  | {
      readonly type: "latency";
      readonly pick: "within";
      readonly thresholdMs: number;
      readonly prefer?: readonly string[] | undefined;
    }
  /**
   * `region` is that of the items of one channel; undefined in the plan of the whole pool. `prefer`
   * comes before the order: regions, and ids of targets.
   */
  | {
      readonly type: "geography";
      readonly region?: string | undefined;
      readonly prefer?: readonly string[] | undefined;
      readonly order: readonly string[];
    }
  /**
   * Each case has a channel with targets of its own, `otherwise` the last one; inside, weighted
   * round robin.
   */
  | { readonly type: "content"; readonly cases: readonly (readonly string[])[]; readonly otherwise: readonly string[] }
  /**
   * Each target has a channel; whoever asks the pool for the owner of a key decides, not a pick.
   */
  | { readonly type: "consistent_hash"; readonly key: HashKey }
  | { readonly type: "load_latency"; readonly loadWeight: number; readonly latencyWeight: number }
  | { readonly type: "failover"; readonly returnAfterMs: number }
  /** Registered by a plugin under this name; the options are the plugin's own. */
  | { readonly type: "plugin"; readonly name: string; readonly options: Readonly<Record<string, unknown>> };

/** Strategies whose plan is what the config says: all that have no variant of their own above. */
type PlainStrategy = Readonly<
  Exclude<
    StrategyConfig,
    {
      type:
        | "least_connections"
        | "latency"
        | "geography"
        | "content"
        | "consistent_hash"
        | "load_latency"
        | "failover"
        | "plugin";
    }
  >
>;

interface QueuePlan {
  readonly maxBytes: number;
  /** While it holds so many items nothing more enters; undefined: bytes alone bind. */
  readonly maxItems?: number | undefined;
  /** A parcel older than this is given up. */
  readonly maxAgeMs: number;
}

interface BatchPlan {
  readonly maxItems: number;
  readonly maxBytes: number;
  /** How long a parcel waits for a batch to fill although a target has room; 0: not at all. */
  readonly maxWaitMs: number;
}

export interface RetryPlan {
  readonly initialMs: number;
  readonly maxMs: number;
  /** Tries after the first; undefined: until the deadline or `queue.maxAgeMs`. */
  readonly maxRetries?: number | undefined;
  /** Share of requests that may be retries; at least 10 a second may be. */
  readonly budget: number;
}
