import type { Clock } from "../../core/clock.ts";
import type { Envelope } from "../../otlp/scan.ts";
import { createItemExplainer, type ItemExplainer } from "../../plan/explain-item.ts";
import type { ExplainRequest } from "../../plan/explanation.ts";
import type { Plan, PoolPlan } from "../../plan/plan.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { Limiter } from "../limit/limiter.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import type { TargetHandle } from "../export/target-port.ts";
import { noRouteIn, type Obstacle, type PlaceablePool, type RoutedRequest } from "../route/place.ts";
import type { Pool } from "../queue/pool-port.ts";
import { Router } from "../route/route.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { LaneCopy } from "../queue/lane-port.ts";
import { openSamplingExplainer, type SamplingExplainer, type ThresholdOf } from "./explain-sampling.ts";

/** What a running data plane is made of, as far as explanations ask it. */
export interface ExplainParts {
  readonly plan: Plan;
  readonly pools: ReadonlyMap<string, Pool>;
  readonly targets: ReadonlyMap<string, TargetHandle>;
  readonly clock: Clock;
  /** What sampling does now; absent: what the plan says. */
  readonly thresholdOf?: ThresholdOf | undefined;
  /** What limits; absent: nothing is limited. */
  readonly limiter?: Pick<Limiter, "preview"> | undefined;
}

/** What an explanation works with. */
export interface ExplainWalk extends Omit<ExplainParts, "pools"> {
  readonly signal: ExplainRequest["signal"];
  readonly region: string;
  readonly headers: SenderHeaders;
  readonly router: Router;
  /** By index in the route plan, and by name. */
  readonly routePools: readonly ExplainedPool[];
  readonly pools: ReadonlyMap<string, ExplainedPool>;
  readonly explainer: ItemExplainer;
  /** undefined: nothing of the signal is sampled. */
  readonly sampling: SamplingExplainer | undefined;
  /** What is said where no rule takes anything. */
  readonly noRoute: Obstacle;
}

/** Opens what one explanation needs; nothing of it has to be closed. */
export function openWalk(
  parts: ExplainParts,
  signal: ExplainRequest["signal"],
  from: Pick<ExplainWalk, "region" | "headers">,
): ExplainWalk {
  const route = parts.plan.routes[signal];
  const routePools = route.pools.map(({ name }) => {
    const pool = parts.pools.get(name);
    if (pool === undefined) throw new TypeError(`the plan has no pool ${name}`);
    return explained(pool, parts.plan.pools.get(name)!);
  });
  // A router of its own: that of the data plane counts requests, and remembers resources that
  // really came.
  const router = new Router(route, routePools, createMetrics());
  const explainer = createItemExplainer(route);
  const pools = new Map(routePools.map((pool) => [pool.name, pool]));
  const sampling = openSamplingExplainer(signal, parts.plan, parts.thresholdOf);
  return { ...parts, ...from, signal, router, routePools, pools, explainer, sampling, noRoute: noRouteIn(parts.plan) };
}

/** An explanation knows no sender, and so none who would wait in vain. */
export function placedFor({ headers, clock }: ExplainWalk, envelope: Envelope): RoutedRequest {
  return { envelope, headers, path: [], nowMs: clock.nowMs(), deadlineMs: Infinity };
}

interface ExplainedPool extends PlaceablePool {
  /** What was seen until now may be different: before the next item is asked. */
  renew(): void;
  /** The lanes that something new for this channel would enter; copies of now. */
  lanesFor(channel: number, signal: Signal): readonly LaneCopy[];
}

/**
 * A pool as an explanation sees it: what depends on the memory of strategies is asked of copies, so
 * that nothing of it shows in later picks.
 */
function explained(pool: Pool, { strategy, division }: PoolPlan): ExplainedPool {
  // Each lane has one target, and remembers nothing.
  const isOneEach = strategy.type === "broadcast" || strategy.type === "consistent_hash";
  const seen = new Map<string, boolean>();
  const known = (what: string, lanes: () => readonly LaneCopy[]): boolean => {
    const usable = seen.get(what) ?? lanes().some(isOpen);
    seen.set(what, usable);
    return usable;
  };
  const usable = (signal: Signal): boolean =>
    isOneEach ? pool.usable(signal) : known(signal, () => pool.lanesOf(signal));
  const { name, ack, whenDown, maxBytes } = pool;
  return {
    name,
    ack,
    whenDown,
    maxBytes,
    get isFullOfItems() {
      return pool.isFullOfItems;
    },
    get pausesSome() {
      return pool.pausesSome;
    },
    returning: (path) => pool.returning(path),
    renew: () => seen.clear(),
    lanesFor: (channel, signal) => pool.lanesFor(channel, signal),
    refresh: () => pool.refresh(),
    usable,
    usableFor(channel, signal) {
      if (division.kind !== "cases") return usable(signal);
      return known(`${signal} ${channel}`, () => pool.lanesFor(channel, signal));
    },
    ownerOf: (hash, signal) => pool.ownerOf(hash, signal),
    hasAnyRoom: (signal) => pool.hasAnyRoom(signal),
    hasRoom: (...asked) => pool.hasRoom(...asked),
    pausedUntilMs: (channel, signal, headers) => pool.pausedUntilMs(channel, signal, headers),
  };
}

/** One of its targets can be used, or waits for a probe and nothing waits that could be one. */
function isOpen({ chooser: { targets, state, signal }, panicCounts, hasProbe }: LaneCopy): boolean {
  const { nowMs } = state;
  if (panicCounts ? state.usableCount > 0 : targets.some((target) => target.usable(nowMs, signal))) return true;
  return !hasProbe && targets.some((target, i) => state.probing.has(i) && target.wantsProbe(signal));
}
