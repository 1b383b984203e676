import type { PoolStatus, TargetStatus } from "../plan/data-plane.ts";
import { EXPOSITION_TYPE, exposition } from "../telemetry/prometheus.ts";
import type { AdminContext } from "./context.ts";
import { openapi } from "./openapi.ts";
import { problemReply } from "./problem-details.ts";
import { type AdminReply, type AdminRequest, JSON_TYPE, type Route } from "./route.ts";
import { configView, ledgerView, nodeView, poolView, readinessView, targetView } from "./views.ts";

/** All that the admin listener answers: the one place to add a route. */
export function createRoutes(context: AdminContext): readonly Route[] {
  const routes: readonly Route[] = [
    ...processRoutes(context),
    ...deliveryRoutes(context),
    get("/openapi.json", "none", "This description.", () => ok(openapi(routes, context.facts.version))),
  ];
  return routes;
}

/** The process and its config. */
function processRoutes(context: AdminContext): Route[] {
  const { walk, env, runtime } = context;
  const metrics = (): AdminReply => {
    runtime.refresh();
    return ok(exposition(env.metrics));
  };
  return [
    get("/healthz", "none", "200 while the process works.", () => ok({ status: "ok" })),
    get("/readyz", "none", "Whether something can be delivered now, and why not.", () => readyReply(context), [503]),
    { ...get("/metrics", "viewer", "All metrics in the Prometheus text format.", metrics), type: EXPOSITION_TYPE },
    get("/api/v1/node", "viewer", "This process: where it listens, which config it runs.", () => ok(nodeView(context))),
    get("/api/v1/config", "viewer", "The running config, secrets redacted.", () => ok(configView(walk.status))),
  ];
}

/** What is delivered, and where to. */
function deliveryRoutes({ dataPlane, env }: AdminContext): Route[] {
  const pools = (): readonly PoolStatus[] => dataPlane.status().pools;
  const targets = (): readonly TargetStatus[] => dataPlane.status().targets;
  const onePool = ({ params }: AdminRequest): AdminReply => {
    const pool = pools().find(({ name }) => name === params["name"]);
    return pool === undefined ? problemReply(404, `there is no pool ${params["name"]}`) : ok(poolView(pool));
  };
  const oneTarget = ({ params }: AdminRequest): AdminReply => {
    const target = targets().find(({ id }) => id === params["id"]);
    return target === undefined ? problemReply(404, `there is no target ${params["id"]}`) : ok(targetView(target));
  };
  return [
    get("/api/v1/ledger", "viewer", "What became of all items; both sides are equal.", () =>
      ok(ledgerView(env.ledger)),
    ),
    get("/api/v1/pools", "viewer", "All pools and their queues.", () => ok(pools().map(poolView))),
    get("/api/v1/pools/{name}", "viewer", "One pool.", onePool, [404]),
    get("/api/v1/targets", "viewer", "All targets and their health.", () => ok(targets().map(targetView))),
    get("/api/v1/targets/{id}", "viewer", "One target.", oneTarget, [404]),
  ];
}

function get(
  path: string,
  role: Route["role"],
  summary: string,
  handle: Route["handle"],
  statuses: readonly number[] = [],
): Route {
  return { method: "GET", path, role, summary, type: JSON_TYPE, statuses, handle };
}

function ok(body: unknown): AdminReply {
  return { status: 200, body };
}

function readyReply(context: AdminContext): AdminReply {
  const view = readinessView(context);
  return view.ready ? ok(view) : problemReply(503, view.reasons.join("; "), { more: view });
}
