import { Unreachable } from "../../core/unreachable.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { TargetHandle } from "../export/target-port.ts";

/**
 * Clock.nowMs() before which certainly nothing of this signal can leave for these targets, because
 * all of them that operators have not taken out asked to be left alone, by all or by whoever has
 * these headers, or are not asked before whether they take the signal. 0 when that cannot be said:
 * a target that is out may be back with the next check.
 */
export function laneOpenMs(targets: readonly TargetHandle[], signal: Signal, headers: SenderHeaders): number {
  let untilMs = Infinity;
  let isPaused = false;
  for (const target of leavesOf(targets)) {
    const health = target.health();
    const askedMs = askedAgainMs(target, signal);
    switch (health.state) {
      case "ready":
        isPaused ||= askedMs === undefined;
        untilMs = Math.min(untilMs, Math.max(health.pausedUntilMs, target.pausedForMs(headers), askedMs ?? 0));
        break;
      case "drain":
      case "maintenance":
        untilMs = Math.min(untilMs, Math.max(health.untilMs, askedMs ?? 0));
        break;
      case "ejected":
      case "down":
      case "probing":
        return 0;
      default:
        throw new Unreachable(health);
    }
  }
  return isPaused ? untilMs : 0;
}

/** What is sent to: targets, and the addresses of those that have several. */
export function leavesOf(targets: readonly TargetHandle[]): readonly TargetHandle[] {
  return targets.flatMap((target) => target.parts?.all ?? target);
}

/** When it may be sent something of a signal that it does not take; undefined for one it takes. */
export function askedAgainMs(target: TargetHandle, signal: Signal): number | undefined {
  return target.refusals().find((refusal) => refusal.signal === signal)?.nextTryMs;
}
