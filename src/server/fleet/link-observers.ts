import { reasonOf } from "../../core/errors.ts";
import type { ControllerMethod } from "../../control/fleet/controller-calls.ts";
import type { FollowerObserver } from "../../control/fleet/follower-ports.ts";
import { METHOD_NAMES } from "../../control/fleet/methods.ts";
import type { StandingDirective } from "../../control/fleet/directive-book.ts";
import { parseEpoch } from "../../store/recipes/epoch.ts";
import type { Env } from "../../telemetry/env.ts";
import type { ServedObserver } from "./fleet-handler.ts";

const QUIET_MS = 60_000;

/** Counts what this node answers as a controller. */
export function servedObserver({ metrics, log }: Pick<Env, "log" | "metrics">): ServedObserver {
  const underWay = new Map<ControllerMethod, number>(METHOD_NAMES.map((name) => [name, 0]));
  for (const name of METHOD_NAMES) metrics.fleetHeldCalls.with(name).read(() => underWay.get(name) ?? 0);
  const add = (method: ControllerMethod, by: number): void =>
    void underWay.set(method, (underWay.get(method) ?? 0) + by);
  return {
    began: (method) => add(method, 1),
    ended(method, outcome) {
      add(method, -1);
      metrics.fleetCalls.with(method, outcome).add(1);
    },
    refused(peer, reason) {
      metrics.fleetRefusedNodes.with().add(1);
      log
        .limited("fleet-refused-node", QUIET_MS)
        ?.warn("somebody is refused as a node of this fleet", { peer, reason });
    },
    failed(method, cause) {
      log.limited(`fleet-call-${method}`, QUIET_MS)?.error("a call of a node could not be answered", {
        method,
        reason: reasonOf(cause),
        error: cause,
      });
    },
  };
}

/** Counts what this node hears from its controller. */
export function followerObserver({ metrics }: Pick<Env, "metrics">): FollowerObserver {
  return {
    followed: () => undefined,
    left: () => undefined,
    lost: (why) => metrics.fleetControllerLost.with(why).add(1),
    reported: () => metrics.fleetReports.with().add(1),
    directive: (_scope, verdict) => metrics.fleetDirectives.with(verdict).add(1),
    saidGoodbye: () => undefined,
  };
}

/** The epochs that are obeyed. */
export function showEpoch({ metrics }: Pick<Env, "metrics">, { scope, epoch }: StandingDirective): void {
  const revision = Number(parseEpoch(epoch)?.revision ?? 0n);
  metrics.fleetDirectiveEpoch.with(scope).read(() => revision);
}
