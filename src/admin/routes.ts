import { EXPOSITION_TYPE, expositionChunks } from "../telemetry/prometheus.ts";
import { configRoutes } from "./config-routes.ts";
import type { AdminContext } from "./context.ts";
import { degradationRoutes } from "./degradation-routes.ts";
import { elementRoutes } from "./element-routes.ts";
import { eventsRoute } from "./events.ts";
import { explainRoute } from "./explain-route.ts";
import { limitRoutes } from "./limit-routes.ts";
import { loadRoutes } from "./load-routes.ts";
import { openapi } from "./openapi.ts";
import { operatorRoutes } from "./operator-routes.ts";
import { problemReply } from "./reply.ts";
import { rolloutRoutes } from "./rollout-routes.ts";
import { samplingRoutes } from "./sampling-routes.ts";
import { seatRoutes } from "./seat-routes.ts";
import { type AdminReply, type AdminRoute } from "./route.ts";
import { topologyRoutes } from "./topology-routes.ts";
import { dropView, ledgerView, nodeView, readinessView } from "./views.ts";

/** All that the admin listener answers: the one place to add a route. */
export function createRoutes(context: AdminContext): readonly AdminRoute[] {
  const routes: readonly AdminRoute[] = [
    ...processRoutes(context),
    ...configRoutes(context),
    ...rolloutRoutes(context),
    ...elementRoutes(context),
    ...operatorRoutes(context),
    ...seatRoutes(context),
    ...loadRoutes(context),
    ...limitRoutes(context),
    ...degradationRoutes(context),
    ...samplingRoutes(context),
    ...topologyRoutes(context),
    explainRoute(context),
    eventsRoute(context),
    get("/openapi.json", "none", "This description.", () => ok(openapi(routes, context.facts.version))),
  ];
  return routes;
}

/** The process, and what it did. */
function processRoutes(context: AdminContext): AdminRoute[] {
  const { dataPlane, runtime } = context;
  const page = async (): Promise<AdminReply> => {
    runtime.refresh();
    const { metrics } = await dataPlane.snapshot();
    return { status: 200, body: undefined, chunks: () => expositionChunks(metrics) };
  };
  return [
    get("/healthz", "none", "200 while the process works; and of which pools nothing can be delivered now.", async () =>
      ok({ status: "ok", undeliverable: await dataPlane.undeliverable() }),
    ),
    get(
      "/readyz",
      "none",
      "Whether something can be accepted now, and why not. Targets never decide it.",
      () => readyReply(context),
      [503],
    ),
    { ...get("/metrics", "viewer", "All metrics in the Prometheus text format.", page), type: EXPOSITION_TYPE },
    get("/api/v1/node", "viewer", "This process: where it listens, which config it runs.", async () =>
      ok(await nodeView(context)),
    ),
    get("/api/v1/ledger", "viewer", "What became of all items; both sides are equal.", async () =>
      ok(ledgerView((await dataPlane.snapshot()).ledger)),
    ),
    get("/api/v1/drops", "operator", "Some of what was dropped, refused for good or lost, newest first.", async () =>
      ok({ drops: (await dataPlane.drops()).map(dropView) }),
    ),
  ];
}

function get(
  path: string,
  role: AdminRoute["role"],
  summary: string,
  handle: AdminRoute["handle"],
  statuses: readonly number[] = [],
): AdminRoute {
  return { method: "GET", path, role, summary, statuses, handle };
}

function ok(body: unknown): AdminReply {
  return { status: 200, body };
}

async function readyReply(context: AdminContext): Promise<AdminReply> {
  const view = await readinessView(context);
  return view.ready ? ok(view) : problemReply(503, view.reasons.join("; "), { more: view });
}
