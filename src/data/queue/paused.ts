import { Unreachable } from "../../core/unreachable.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { TargetHandle } from "../export/target-port.ts";
import { type Delivery, expiresMs } from "./delivery.ts";
import type { LaneHold } from "./lane-hold.ts";
import { isAwaited, type ParcelOutcome } from "./parcel.ts";

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
function askedAgainMs(target: TargetHandle, signal: Signal): number | undefined {
  return target.refusals().find((refusal) => refusal.signal === signal)?.nextTryMs;
}

/**
 * Those of a lane's targets, and of their parts, that asked the sender of a delivery, and not all,
 * to leave them alone; undefined when none did.
 */
export function pausedTargets(
  targets: readonly TargetHandle[],
  { record, tenant }: Delivery,
  nowMs: number,
): readonly string[] | undefined {
  if (tenant === undefined) return undefined;
  let paused: string[] | undefined;
  for (const target of targets) {
    if (target.pausedForMs(record.headers) > nowMs) (paused ??= []).push(target.key);
    if (target.parts === undefined) continue;
    for (const part of target.parts.all) if (part.pausedForMs(record.headers) > nowMs) (paused ??= []).push(part.key);
  }
  return paused;
}

/**
 * When the first of them may be tried again, where all that could be used asked for a pause, this
 * sender or everybody; undefined where another could be used.
 */
export function pausedUntilMs(
  targets: readonly TargetHandle[],
  { record, paused }: Delivery,
  nowMs: number,
): number | undefined {
  if (paused === undefined) return undefined;
  let untilMs = Infinity;
  for (const target of leavesOf(targets)) {
    const forSenderMs = target.pausedForMs(record.headers);
    if (!target.usable(nowMs, record.signal)) {
      const pause = target.pause();
      const askedMs = askedAgainMs(target, record.signal);
      if (pause === undefined && askedMs === undefined) continue;
      const openMs = Math.max(pause?.untilMs ?? 0, forSenderMs, askedMs ?? 0);
      if (openMs > nowMs) untilMs = Math.min(untilMs, openMs); // else it is asked just now
      continue;
    }
    if (!paused.includes(target.key)) return undefined;
    untilMs = Math.min(untilMs, forSenderMs);
  }
  return untilMs === Infinity ? undefined : untilMs;
}

/**
 * What its sender is told at once when it is not to be tried again in time; undefined when it is,
 * or nobody waits.
 */
export function tooLateOf(
  delivery: Delivery,
  untilMs: number,
  { nowMs, maxAgeMs, targets }: Pick<LaneHold, "nowMs" | "maxAgeMs" | "targets">,
): ParcelOutcome | undefined {
  if (!isAwaited(delivery) || untilMs < expiresMs(delivery, maxAgeMs)) return undefined;
  const { paused = [] } = delivery;
  const isPaused = ({ key, parts }: TargetHandle): boolean =>
    paused.includes(key) || parts?.all.some((part) => paused.includes(part.key)) === true;
  const ids = targets
    .filter(isPaused)
    .map(({ plan }) => plan.id)
    .join(", ");
  const message = `${ids}: requests with these headers are to come later`;
  return { kind: "failed", reason: "target_failed", message, retryAfterMs: Math.ceil(untilMs - nowMs) };
}
