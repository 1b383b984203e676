import type { Random } from "../../core/random.ts";

/** How long senders that are refused should stay away. */
export interface Pressure {
  admitted(nowMs: number): void;
  /** Counts a refusal and gives its delay in milliseconds. */
  refused(nowMs: number): number;
  /** The delay when nothing presses, +-50 %. */
  calmMs(): number;
}

const WINDOW_MS = 1_000;
const BASE_MS = 1_000;
const MAX_MS = 30_000;

/**
 * When k requests are refused for each one admitted, it takes k more seconds to admit what was
 * refused in this one. So the delay is one second and k more, at most 30, +-50 % so that senders do
 * not come back in step.
 */
export function createPressure(random: Random): Pressure {
  let windowStartMs = Number.NEGATIVE_INFINITY;
  let before = { admitted: 0, refused: 0 };
  let now = { admitted: 0, refused: 0 };
  const turn = (nowMs: number): void => {
    if (nowMs - windowStartMs < WINDOW_MS) return;
    const next = nowMs - windowStartMs < 2 * WINDOW_MS;
    before = next ? now : { admitted: 0, refused: 0 };
    now = { admitted: 0, refused: 0 };
    windowStartMs = nowMs;
  };
  return {
    admitted(nowMs) {
      turn(nowMs);
      now.admitted++;
    },
    refused(nowMs) {
      turn(nowMs);
      now.refused++;
      const ratio = (before.refused + now.refused) / Math.max(1, before.admitted + now.admitted);
      return jittered(Math.min(MAX_MS, BASE_MS * (1 + ratio)), random);
    },
    calmMs: () => jittered(BASE_MS, random),
  };
}

function jittered(delayMs: number, random: Random): number {
  return Math.round(delayMs * (0.5 + random.next()));
}
