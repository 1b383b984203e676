import { type Health, isUsable, mayTry, usableSinceMs, wantsProbe } from "../health/health.ts";
import type { TargetHandle } from "./target-port.ts";

/**
 * The part that tells best what can be done with a target of several addresses: of those that can
 * be used the one that could be for longest, else the one that may be tried first. Its health
 * stands for all of them.
 */
export function bestPart(parts: readonly TargetHandle[], nowMs: number): TargetHandle {
  let best = parts[0]!;
  let rank = rankOf(best.health(), nowMs);
  for (let i = 1; i < parts.length; i++) {
    const part = parts[i]!;
    const its = rankOf(part.health(), nowMs);
    if (its < rank || (its === rank && sinceMs(part.health()) >= sinceMs(best.health()))) continue;
    best = part;
    rank = its;
  }
  return best;
}

const PAUSED = 5;
const RESTS = 1;

/** Something may be sent to it now: as usual, as a probe, or where there is nothing better. */
export function isOpen(health: Health, nowMs: number): boolean {
  const rank = rankOf(health, nowMs);
  return rank > RESTS && rank !== PAUSED;
}

/** How far the health of a part lets it be used; those with the same serve together. */
export function rankOf(health: Health, nowMs: number): number {
  if (isUsable(health, nowMs)) return 6;
  if (health.state === "ready") return PAUSED;
  if (wantsProbe(health)) return 4;
  if (health.state === "ejected" && health.reason === "success_rate") return 3;
  if (mayTry(health, nowMs)) return 2;
  return health.state === "drain" || health.state === "maintenance" ? 0 : RESTS;
}

function sinceMs(health: Health): number {
  return health.state === "ready" ? usableSinceMs(health) : health.sinceMs;
}
