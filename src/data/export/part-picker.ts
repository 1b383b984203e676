import type { Signal } from "../../otlp/signal.ts";
import { mayTry } from "../health/health.ts";
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
    const probe = this.all.find((part) => wantsThis(part, history, paused, signal));
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

  #least(history: RetryHistory, nowMs: number, isOpen: (part: TargetHandle) => boolean): number {
    const { length } = this.all;
    let best = -1;
    let least = Infinity;
    for (let i = 0; i < length; i++) {
      const index = (this.#turn + i) % length;
      const part = this.all[index]!;
      if (!isOpen(part)) continue;
      const cost = part.inFlight / part.share(nowMs) + FAILED_COST * failedAt(part, history);
      if (cost >= least) continue;
      best = index;
      least = cost;
    }
    return best;
  }
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
