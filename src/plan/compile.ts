import { createHash } from "node:crypto";
import type { Config, PoolConfig, TargetConfig } from "../config/schema/config.ts";
import { compileDivision } from "./compile-division.ts";
import { compileRoutes } from "./compile-routes.ts";
import { compileHeaders } from "./header-plan.ts";
import { compileStrategy } from "./compile-strategy.ts";
import { compileResolve } from "./resolve-plan.ts";
import { compileProxies, type ProxyEnvironment, type ProxyOf } from "./proxy-plan.ts";
import type { Plan, PoolPlan, TargetPlan, TargetTlsPlan } from "./plan.ts";
import { compileStatuses } from "./status-verdicts.ts";
import { compileTargetHealth, revealHeaders } from "./target-health.ts";

export interface CompileOptions {
  /** Counts up with every config that is taken over. */
  readonly version: number;
  /** The document that the config was read from: its digest tells people which one runs. */
  readonly text: string;
  /** The node's environment, for proxies; nothing without. */
  readonly env?: ProxyEnvironment;
}

/** Compiles a valid config. Pure, and cannot fail: what could be wrong was found when the config was loaded. */
export function compile(config: Config, options: CompileOptions): Plan {
  const proxyOf = compileProxies(options.env ?? {});
  const targets = new Map(config.targets.map((target) => [target.id, compileTarget(target, proxyOf)]));
  const pools = new Map(
    Object.entries(config.pools).map(([name, pool]) => [name, compilePool(name, pool, config.targets)]),
  );
  const routes = compileRoutes(config.rules, config.default_pool, config.unmatched, pools);
  return {
    version: options.version,
    digest: digestOf(options.text),
    nodeRegion: config.node.region,
    plugins: config.node.plugins,
    targets,
    pools,
    routes,
    headers: compileHeaders(routes, pools, targets),
  };
}

/** The first 12 hex digits of the document's SHA-256. */
export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

function compileTarget(target: TargetConfig, proxyOf: ProxyOf): TargetPlan {
  const headers = revealHeaders(target.headers);
  const proxy = proxyOf(target.endpoint, target.proxy);
  const plan = {
    id: target.id,
    protocol: target.protocol,
    transport: target.transport,
    url: target.endpoint.replace(/\/+$/u, ""),
    resolve: compileResolve(target, proxy !== undefined),
    proxy,
    weight: target.weight,
    region: target.region,
    tags: target.tags,
    compression: target.compression,
    headers,
    forwardHeaders: namesOf(target.forward_headers).filter((name) => !Object.hasOwn(headers, name)),
    tls: compileTls(target),
    timeoutMs: target.timeout,
    keepaliveMs: target.keepalive_time,
    maxInFlight: target.limits.max_in_flight,
    maxRequestBytes: target.limits.max_request_bytes,
    health: compileTargetHealth(target, proxyOf),
    statuses: compileStatuses(target.statuses),
  };
  const { protocol, transport, url, keepaliveMs } = plan; // all else is read anew for every call
  // Certificates and keys are renewed in place (data/export/renewing-client.ts): the target is the same.
  const tls = plan.tls && { serverName: plan.tls.serverName, insecure: plan.tls.insecureSkipVerify };
  const named = plan.resolve !== "one";
  const identity = createHash("sha256").update(
    JSON.stringify({ protocol, transport, url, keepaliveMs, tls, named, proxy }),
  );
  return { ...plan, connectionIdentity: identity.digest("hex") };
}

function namesOf(names: readonly string[]): readonly string[] {
  return [...new Set(names.map((name) => name.toLowerCase()))].toSorted();
}

function compileTls({ tls }: TargetConfig): TargetTlsPlan | undefined {
  if (tls === undefined) return undefined;
  return {
    ca: tls.ca,
    cert: tls.cert,
    key: tls.key?.reveal(),
    serverName: tls.server_name,
    insecureSkipVerify: tls.insecure_skip_verify,
  };
}

function compilePool(name: string, pool: PoolConfig, targets: readonly TargetConfig[]): PoolPlan {
  return {
    name,
    targets: [...new Set(pool.targets)],
    strategy: compileStrategy(pool.strategy),
    division: compileDivision(pool, targets),
    adaptiveWeights: pool.adaptive_weights,
    fallback: pool.fallback,
    ack: pool.ack === "queued" ? "queued" : "delivered",
    whenDown: pool.when_down,
    queue: { maxBytes: pool.queue.max_bytes, maxAgeMs: pool.queue.max_age },
    batch: { maxItems: pool.batch.max_items, maxBytes: pool.batch.max_bytes, maxWaitMs: pool.batch.max_wait },
    retry: {
      initialMs: pool.retry.initial,
      maxMs: pool.retry.max,
      maxRetries: pool.retry.max_retries,
      budget: pool.retry.budget,
    },
  };
}
