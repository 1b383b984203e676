import type { Picker, PoolView } from "./picker.ts";

/**
 * In order, the first being the primary. It leaves a target when that is no longer usable, and goes back to an earlier
 * one when that has been usable for `returnAfterMs` without a break, so that a target that flaps gets no traffic.
 */
export function failover(returnAfterMs: number): Picker {
  let current = -1;
  return {
    pick(view) {
      current = settleOn(view, current, returnAfterMs);
      const target = view.targets[current];
      if (target === undefined) return -1;
      if (target.excluded) return firstEligible(view); // this one batch only
      return target.eligible ? current : -1; // a full window is no reason to leave
    },
    charge() {
      // Order knows no shares.
    },
  };
}

function settleOn(view: PoolView, current: number, returnAfterMs: number): number {
  const stays = view.targets[current]?.usable === true;
  for (let i = 0; i < view.targets.length; i++) {
    const target = view.targets[i]!;
    if (!target.usable) continue;
    if (!stays || i === current) return i;
    if (i < current && view.nowMs - target.usableSinceMs >= returnAfterMs) return i;
  }
  return current;
}

function firstEligible(view: PoolView): number {
  for (let i = 0; i < view.targets.length; i++) {
    if (view.targets[i]!.eligible) return i;
  }
  return -1;
}
