import { Unreachable } from "../../core/unreachable.ts";
import { SIGNAL_FACTS, type Signal } from "../../otlp/signal.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { TargetHandle } from "../export/target-port.ts";

/**
 * Clock.nowMs() before which certainly nothing of this signal can leave for these targets, because
 * all of them that operators have not taken out asked to be left alone, by all or by whoever has
 * these headers. 0 when that cannot be said: a target that is out may be back with the next check.
 */
export function laneOpenMs(targets: readonly TargetHandle[], signal: Signal, headers: SenderHeaders): number {
  let untilMs = Infinity;
  let isPaused = false;
  for (const target of targets) {
    const { health, refused } = target;
    if ((refused & SIGNAL_FACTS[signal].bit) !== 0) return 0;
    switch (health.state) {
      case "ready":
        isPaused = true;
        untilMs = Math.min(untilMs, Math.max(health.pausedUntilMs, target.pausedForMs(headers)));
        break;
      case "drain":
      case "maintenance":
        untilMs = Math.min(untilMs, health.untilMs);
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
