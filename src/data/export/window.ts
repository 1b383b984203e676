import { Unreachable } from "../../core/unreachable.ts";

/**
 * How many calls a target may have under way: grows while more would be sent, shrinks when the
 * target shows that it cannot keep up. So a slow target holds few batches, and slows nobody else.
 */
export interface Window {
  /** With a fraction; the whole part is what may be under way. 1 or more. */
  readonly size: number;
  /** Successes since it last grew. */
  readonly credit: number;
  /** What was sent before does not shrink it again: one congestion, one step. */
  readonly shrunkMs: number;
  readonly shortMs: number;
  readonly longMs: number;
  readonly samples: number;
}

/**
 * `wanted`: the batch was full, or more waits. `sentMs` is Clock.nowMs() at which the batch left.
 */
type WindowEvent =
  | { readonly kind: "success"; readonly sentMs: number; readonly wanted: boolean }
  | { readonly kind: "overload"; readonly sentMs: number };

const START = 4;
const SHRINK = 0.7;
const GRADIENT_SHRINK = 0.9;
const SHORT_WEIGHT = 0.3;
const LONG_WEIGHT = 0.03;
const MIN_SAMPLES = 10;
/** Latency noise of a busy event loop is not a slow target. */
const NOISE_MS = 5;

export function initialWindow(limit: number): Window {
  return { size: Math.min(START, limit), credit: 0, shrunkMs: -Infinity, shortMs: 0, longMs: 0, samples: 0 };
}

/** Where only so many calls may be under way as yet: what it may come to ask for. */
export function widestWindow(calls: number): number {
  return Math.max(START, 2 * calls);
}

/** No larger than one that begins; what was measured stays. */
export function cappedWindow(window: Window): Window {
  return window.size <= START ? window : { ...window, size: START, credit: 0 };
}

/** Pure. The size stays within 1 and `limit`. */
export function stepWindow(window: Window, event: WindowEvent, nowMs: number, limit: number): Window {
  switch (event.kind) {
    case "overload":
      return shrink(window, SHRINK, event.sentMs, nowMs, limit);
    case "success":
      return succeed(measure(window, nowMs - event.sentMs), event, nowMs, limit);
    default:
      throw new Unreachable(event satisfies never);
  }
}

function measure(window: Window, latencyMs: number): Window {
  const samples = window.samples + 1;
  // The weights start as those of a plain mean, so that the first sample is not remembered for
  // ever.
  const shortMs = window.shortMs + Math.max(SHORT_WEIGHT, 1 / samples) * (latencyMs - window.shortMs);
  const longMs = window.longMs + Math.max(LONG_WEIGHT, 1 / samples) * (latencyMs - window.longMs);
  return { ...window, samples, shortMs, longMs };
}

function succeed(
  window: Window,
  event: { readonly sentMs: number; readonly wanted: boolean },
  nowMs: number,
  limit: number,
): Window {
  const slower = window.shortMs > 2 * window.longMs && window.shortMs - window.longMs > NOISE_MS;
  if (slower && window.samples >= MIN_SAMPLES) return shrink(window, GRADIENT_SHRINK, event.sentMs, nowMs, limit);
  const size = Math.min(window.size, limit);
  if (!event.wanted) return { ...window, size };
  if (window.credit + 1 < size) return { ...window, size, credit: window.credit + 1 };
  return { ...window, size: Math.min(limit, size + 1), credit: 0 };
}

function shrink(window: Window, factor: number, sentMs: number, nowMs: number, limit: number): Window {
  if (sentMs <= window.shrunkMs) return { ...window, size: Math.min(window.size, limit) };
  return { ...window, size: Math.max(1, Math.min(window.size, limit) * factor), credit: 0, shrunkMs: nowMs };
}
