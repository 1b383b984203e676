import type { Clock } from "../../core/clock.ts";
import type { Envelope } from "../../otlp/scan.ts";
import { createItemExplainer, type ItemExplainer } from "../../plan/explain-item.ts";
import type { ExplainRequest } from "../../plan/explanation.ts";
import type { Plan } from "../../plan/plan.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import type { TargetHandle } from "../export/target-port.ts";
import { noRouteIn, type Obstacle, type RoutedRequest } from "../route/place.ts";
import type { Pool } from "../queue/pool-port.ts";
import { ExplainedPool } from "./explained-pool.ts";
import { Router } from "../route/route.ts";

/** What a running data plane is made of, as far as explanations ask it. */
export interface ExplainParts {
  readonly plan: Plan;
  readonly pools: ReadonlyMap<string, Pool>;
  readonly targets: ReadonlyMap<string, TargetHandle>;
  readonly clock: Clock;
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
    return new ExplainedPool(pool, parts.plan.pools.get(name)!);
  });
  // A router of its own: that of the data plane counts requests, and remembers resources that
  // really came.
  const router = new Router(route, routePools, createMetrics());
  const explainer = createItemExplainer(route);
  const pools = new Map(routePools.map((pool) => [pool.name, pool]));
  return { ...parts, ...from, signal, router, routePools, pools, explainer, noRoute: noRouteIn(parts.plan) };
}

/** An explanation knows no sender, and so none who would wait in vain. */
export function placedFor({ headers, clock }: ExplainWalk, envelope: Envelope): RoutedRequest {
  return { envelope, headers, nowMs: clock.nowMs(), deadlineMs: Infinity };
}
