import type { Signal } from "../../otlp/signal.ts";
import { type Health, isUsable, mayTry, usableSinceMs, wantsProbe } from "../health/health.ts";
import type { Parts, RetryHistory } from "./parts.ts";
import type { TargetHandle } from "./target-port.ts";

/**
 * Picks among the addresses of one target: who waits for a probe, else who has the fewest calls
 * under way, for the share that it is up to; in turn where that is the same. Where the batch has
 * just failed it goes only when no other has room.
 */
export class PartPicker implements Parts {
  readonly all: readonly TargetHandle[];
  #turn = 0;

  constructor(all: readonly TargetHandle[]) {
    this.all = all;
  }

  pick(history: RetryHistory, paused: readonly string[], nowMs: number, signal?: Signal): TargetHandle | undefined {
    const probe = probeAmong(this.all, history, paused, signal);
    if (probe !== undefined) return probe;
    const anyUsable = this.all.some((part) => part.usable(nowMs, signal));
    const index = this.#least(history, nowMs, (part) => {
      if (paused.includes(part.key)) return false;
      if (anyUsable) return part.usable(nowMs, signal) && part.inFlight < part.windowSize();
      return isTriable(part, nowMs);
    });
    if (index < 0) return undefined;
    this.#turn = index + 1;
    return this.all[index];
  }

  #least(history: RetryHistory, nowMs: number, isFree: (part: TargetHandle) => boolean): number {
    const { length } = this.all;
    let best = -1;
    let least = Infinity;
    for (let i = 0; i < length; i++) {
      const index = (this.#turn + i) % length;
      const part = this.all[index]!;
      if (!isFree(part)) continue;
      const cost = part.inFlight / part.share(nowMs) + FAILED_COST * failedAt(part, history);
      if (cost >= least) continue;
      best = index;
      least = cost;
    }
    return best;
  }
}

/** Who waits for a probe that this batch may be. */
export function probeAmong(
  parts: readonly TargetHandle[],
  history: RetryHistory,
  paused: readonly string[],
  signal: Signal | undefined,
): TargetHandle | undefined {
  return parts.find((part) => wantsThis(part, history, paused, signal));
}

/** More than any number of calls under way. */
const FAILED_COST = 1_000_000;

/** 1 where the batch failed, 2 where nobody listened, or its signal is not taken. */
function failedAt({ key }: TargetHandle, { avoid, unreachable, unwilling }: RetryHistory): number {
  if (unreachable.includes(key) || unwilling.includes(key)) return 2;
  return key === avoid ? 1 : 0;
}

function wantsThis(
  part: TargetHandle,
  { unreachable }: RetryHistory,
  paused: readonly string[],
  signal: Signal | undefined,
): boolean {
  if (!part.wantsProbe(signal) || part.inFlight >= part.maxInFlight) return false;
  return !unreachable.includes(part.key) && !paused.includes(part.key);
}

/** Where nothing can be used as usual, a pool that has nothing better tries one that is out. */
function isTriable(part: TargetHandle, nowMs: number): boolean {
  const health = part.health();
  if (health.state === "ejected" && health.reason === "success_rate") return part.inFlight < part.windowSize();
  return mayTry(health, nowMs) && part.inFlight === 0;
}

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
