import type { Clock } from "../../core/clock.ts";
import { SIGNAL_FACTS, SIGNALS } from "../../otlp/signal.ts";
import { TARGET_STATES, type TargetState } from "../../plan/data-plane.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { showReason } from "../health/report.ts";
import type { TargetHandle } from "./target-port.ts";

const UNREADABLE_EVERY_MS = 600_000;

/** A target took a batch, and its reply cannot be read: what it may have rejected is not known. */
export function tellUnreadable(target: string, { metrics, log }: { metrics: Metrics; log?: Log }): void {
  metrics.exportUnreadable.with(target).add(1);
  const hint =
    "a target answers 200 with an empty body, or with an Export response in protobuf: look at what is between it and this node";
  log
    ?.limited(`unreadable ${target}`, UNREADABLE_EVERY_MS)
    ?.warn("a target took what was sent, and its reply cannot be read", { target, hint });
}

/** From here on the gauges of a target's calls tell of this handle. */
export function showCalls(metrics: Metrics, id: string, target: TargetHandle): void {
  metrics.exportInFlight.with(id).read(() => target.inFlight);
  metrics.exportWindow.with(id).read(() => target.windowSize());
  metrics.exportLearned.with(id).read(() => target.learnedMaxBytes ?? 0);
}

/** The same for its health. */
export function showTarget(metrics: Metrics, id: string, target: TargetHandle, clock: Clock): void {
  const inUnixSeconds = (ms: number): number => Math.round(clock.wallMs() + ms - clock.nowMs()) / 1_000;
  for (const state of TARGET_STATES) {
    metrics.targetState.with(id, state).read(() => (target.health().state === state ? 1 : 0));
  }
  for (const signal of SIGNALS) {
    const { bit } = SIGNAL_FACTS[signal];
    metrics.targetRefuses.with(id, signal).read(() => ((target.refused() & bit) === 0 ? 0 : 1));
  }
  showReason(metrics, id, target.health().reason, undefined);
  metrics.targetSince.with(id).read(() => inUnixSeconds(target.health().sinceMs));
  metrics.targetNextTry.with(id).read(() => {
    const nextTryMs = target.nextTryMs();
    return nextTryMs === undefined ? 0 : inUnixSeconds(nextTryMs);
  });
  metrics.targetPausedTenants.with(id).read(() => target.pausedTenants);
  if (target.parts !== undefined) {
    for (const state of TARGET_STATES) {
      metrics.targetAddresses.with(id, state).read(() => countIn(target, state));
    }
  }
  metrics.targetPausedUntil.with(id).read(() => {
    const pause = target.pause();
    return pause === undefined ? 0 : inUnixSeconds(pause.untilMs);
  });
  metrics.targetShare.with(id).read(() => (target.health().state === "ready" ? target.share(clock.nowMs()) : 0));
}

/** The target is gone from the config, or another handle now has its id. */
export function hideTarget(metrics: Metrics, id: string, target: TargetHandle): void {
  const { reason } = target.health();
  metrics.exportInFlight.remove(id);
  metrics.exportWindow.remove(id);
  metrics.exportLearned.remove(id);
  for (const state of TARGET_STATES) {
    metrics.targetState.remove(id, state);
    metrics.targetAddresses.remove(id, state);
  }
  for (const signal of SIGNALS) metrics.targetRefuses.remove(id, signal);
  metrics.targetReason.remove(id, reason);
  metrics.targetSince.remove(id);
  metrics.targetNextTry.remove(id);
  metrics.targetPausedUntil.remove(id);
  metrics.targetShare.remove(id);
  metrics.targetPausedTenants.remove(id);
}

function countIn({ parts }: TargetHandle, state: TargetState): number {
  let count = 0;
  for (const part of parts?.all ?? []) if (part.health().state === state) count++;
  return count;
}
