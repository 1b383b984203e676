import type { Signal } from "../otlp/signal.ts";
import type { Plan } from "../plan/plan.ts";
import type { Env } from "../telemetry/env.ts";
import { CircleReport } from "./queue/circle-report.ts";
import { RouteEntries } from "./route/route-entries.ts";
import type { PipelineAssembly, SignalPipeline } from "./signal-pipeline.ts";
import { HeaderIntake } from "./receive/header-intake.ts";
import { KnownShares } from "./queue/known-shares.ts";
import type { Limiter } from "./limit/limiter.ts";
import type { Losses } from "./queue/losses.ts";
import { openPassage } from "./pass-through.ts";
import { noRouteIn } from "./route/place.ts";
import type { Pool } from "./queue/pool-port.ts";
import type { Records } from "./queue/records.ts";
import { Router } from "./route/route.ts";
import type { NodeGuard } from "./sample/node-guard.ts";
import type { RandomnessCounts } from "./sample/randomness-counts.ts";
import { Sampler } from "./sample/sampler.ts";

/**
 * The stage functions built from one plan. Immutable but for caches: a change of the config makes a
 * new one.
 */
export interface Assembly extends PipelineAssembly {
  readonly plan: Plan;
}

interface AssemblyEnv extends Env {
  readonly losses: Pick<Losses, "tell">;
  readonly records: Records;
  /** Of the node's sampling; absent: none. */
  readonly guard?: NodeGuard | undefined;
  readonly randomness?: RandomnessCounts | undefined;
}

/** Name of the ledger's rule for items that no rule takes. */
const UNROUTED = "(none)";

/**
 * Builds the assembly of a plan on pools that are open. Pure apart from making the ledger's
 * entries, and from `limits`, which takes the plan's limits over when nothing can fail any more.
 */
export function assemble(
  plan: Plan,
  pools: ReadonlyMap<string, Pool>,
  env: AssemblyEnv,
  limits: () => Limiter | undefined = () => undefined,
): Assembly {
  const circles = new CircleReport(plan, env);
  const pipelineOf = (signal: Signal): SignalPipeline => ({
    ...assemblePipeline(signal, plan, pools, env),
    circles,
  });
  const headers = new HeaderIntake(plan.headers);
  const pipelines = { traces: pipelineOf("traces"), metrics: pipelineOf("metrics"), logs: pipelineOf("logs") };
  return { plan, headers, pipelines, limiter: limits() };
}

function assemblePipeline(
  signal: Signal,
  plan: Plan,
  pools: ReadonlyMap<string, Pool>,
  env: AssemblyEnv,
): Omit<SignalPipeline, "circles"> {
  const route = plan.routes[signal];
  const routes = new RouteEntries(route.rules, signal, env.ledger);
  const its = route.pools.map(({ name }) => {
    const pool = pools.get(name);
    if (pool === undefined) throw new TypeError(`the plan has no pool ${name}`);
    return pool;
  });
  const router = new Router(route, its, env.metrics);
  const sampler = samplerOf(signal, plan, env);
  watchCaches(sampler === undefined ? [router.cache] : [router.cache, sampler.cache], signal, env);
  const { ledger, losses, records } = env;
  const unrouted = ledger.entry(signal, UNROUTED, UNROUTED);
  const shares = new KnownShares();
  const passage = openPassage(signal, plan, { pools: its, routes }, env);
  return { sampler, router, passage, routes, pools: its, unrouted, noRoute: noRouteIn(plan), losses, records, shares };
}

/**
 * undefined where nothing of the signal is sampled, and while there is nothing to deliver to: then
 * senders keep all that they have.
 */
function samplerOf(signal: Signal, { sampling, pools }: Plan, env: AssemblyEnv): Sampler | undefined {
  if (sampling === undefined || pools.size === 0 || signal === "metrics") return undefined;
  const route = sampling.routes[signal];
  return route === undefined ? undefined : new Sampler(signal, route, sampling, env);
}

/**
 * The gauges are those of the newest plan: what an older one remembers goes with its last request.
 */
function watchCaches(caches: readonly Router["cache"][], signal: Signal, { metrics }: Env): void {
  metrics.resourceCacheBytes.with(signal).read(() => caches.reduce((sum, { bytes }) => sum + bytes, 0));
  metrics.resourceCacheEntries.with(signal).read(() => caches.reduce((sum, { size }) => sum + size, 0));
  const evictions = metrics.resourceCacheEvictions.with(signal);
  for (const cache of caches) cache.onEvict = (entries) => evictions.add(entries);
}
