import type { Clock } from "../core/clock.ts";
import type { HealthStatus, LossStatus, PoolStatus, TargetStatus } from "../plan/data-plane.ts";
import { placeIn } from "../plan/members.ts";
import type { Plan } from "../plan/plan.ts";
import type { TargetHandle } from "./export/target-port.ts";
import type { Losses } from "./queue/losses.ts";
import type { Pool } from "./queue/pool-port.ts";

/** One pool for people, computed when asked for. */
export function poolStatus(
  pool: Pool,
  { plan, targets, losses }: { plan: Plan; targets: ReadonlyMap<string, TargetHandle>; losses: Losses },
): PoolStatus {
  const poolPlan = plan.pools.get(pool.name);
  const ids = poolPlan?.targets ?? [];
  const usable = ids.filter((id) => isAtWork(targets.get(id))).length;
  return {
    name: pool.name,
    strategy: poolPlan?.strategy.type ?? "",
    targets: ids,
    fallback: poolPlan?.fallback,
    queuedBytes: pool.queuedBytes,
    queuedItems: pool.queuedItems,
    inFlight: pool.inFlight,
    usable,
    losses: losses.ofPool(pool.name),
  };
}

function isAtWork(target: TargetHandle | undefined): boolean {
  return target?.health().state === "ready" && target.pause() === undefined;
}

/** One target for people, computed when asked for. */
export function targetStatus(target: TargetHandle, clock: Clock, losses?: LossStatus): TargetStatus {
  const { plan } = target;
  const health = target.health();
  const override = target.override();
  const nowMs = clock.nowMs();
  return {
    id: plan.id,
    endpoint: plan.url,
    region: plan.region,
    weight: plan.weight,
    ...partStatus(target, clock),
    learnedMaxBytes: target.learnedMaxBytes,
    share: health.state === "ready" && target.pause() === undefined ? target.share(nowMs) : 0,
    score: target.load.score(nowMs, target.windowSize()),
    note: override?.note ?? "",
    untilMs: override?.untilMs,
    losses,
    addresses: (target.parts?.all ?? []).flatMap((part) => {
      const { address, member, url } = part.plan;
      if (member !== undefined) return [{ address: placeIn(url), member, ...partStatus(part, clock) }];
      return address === undefined ? [] : [{ address, ...partStatus(part, clock) }];
    }),
  };
}

/** What is told of a target as of each of its addresses. */
function partStatus(target: TargetHandle, clock: Clock): HealthStatus {
  const health = target.health();
  const pause = target.pause();
  const nextTryMs = target.nextTryMs() ?? pause?.untilMs;
  const nowMs = clock.nowMs();
  const toWall = (ms: number): number => Math.round(clock.wallMs() + ms - nowMs);
  return {
    state: health.state,
    reason: health.reason,
    sinceMs: toWall(health.sinceMs),
    nextTryMs: nextTryMs === undefined ? undefined : toWall(nextTryMs),
    inFlight: target.inFlight,
    window: target.windowSize(),
    latencyMs: target.latencyMs > 0 ? target.latencyMs : undefined,
    latencyCalls: target.latencyMs > 0 ? target.latencyCalls : 0,
    paused: pause && { untilMs: toWall(pause.untilMs), said: pause.said },
    refuses: target.refusals().map(({ signal, sinceMs, nextTryMs: askMs, said }) => {
      return { signal, sinceMs: toWall(sinceMs), nextTryMs: toWall(askMs), said };
    }),
    errorRate: target.errorRate,
    check: target.check,
  };
}
