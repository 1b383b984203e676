import { SIGNALS, type Signal } from "../../otlp/signal.ts";
import type { Health } from "./health.ts";
import type { SignalRefusal } from "./signal-refusal.ts";
import type { TenantPause } from "./target-news.ts";

/**
 * The health of the node's targets as plain data, for its workers. Times are in milliseconds from
 * the moment at which it is told, for no two processes have the same clock.
 */
export interface ToldTarget {
  readonly id: string;
  /** One without an address, or one for each address behind the name, or for each member. */
  readonly parts: readonly ToldPart[];
}

export interface ToldPart {
  /** Which part: an address, or the id of a member. */
  readonly address?: string;
  /** Of a member: where it is reached. */
  readonly place?: string;
  /** And what it says of its load, while that is no older than it may be. */
  readonly utilization?: number;
  readonly health: Health;
  /** In the target's words, while it asked to be left alone. */
  readonly said?: string;
  readonly nextTryMs?: number;
  /** The worker may send the probe, and gives the permit back when it has none in this time. */
  readonly probeWithinMs?: number;
  readonly refusals: readonly ToldRefusal[];
  /** For a worker that begins. */
  readonly tenants?: readonly TenantPause[];
}

/** Tenants of one target that are to be left alone. */
export interface ToldTenants {
  readonly id: string;
  /** As in ToldPart. */
  readonly address?: string;
  readonly tenants: readonly TenantPause[];
}

export interface ToldRefusal {
  readonly signal: Signal;
  readonly refusal: Extract<SignalRefusal, { state: "refused" }>;
}

/** JSON has no Infinity. */
const ENDLESS_MS = 1e15;

/** Times from now on, as numbers that JSON has. */
export function fromNow(health: Health, nowMs: number): Health {
  return shifted(health, (ms) => Math.max(-ENDLESS_MS, Math.min(ENDLESS_MS, ms - nowMs)));
}

/** The other way round. */
export function onClock(health: Health, nowMs: number): Health {
  return shifted(health, (ms) => clockTime(ms, nowMs));
}

export function refusalFromNow({ signal, refusal }: ToldRefusal, nowMs: number): ToldRefusal {
  return {
    signal,
    refusal: { ...refusal, sinceMs: refusal.sinceMs - nowMs, nextTryMs: refusal.nextTryMs - nowMs },
  };
}

/** All signals, by their numbers; undefined: it is taken. */
export function refusalsOnClock(
  told: readonly ToldRefusal[],
  nowMs: number,
): readonly (ToldRefusal["refusal"] | undefined)[] {
  return SIGNALS.map((signal) => {
    const refusal = told.find((one) => one.signal === signal)?.refusal;
    return refusal && { ...refusal, sinceMs: refusal.sinceMs + nowMs, nextTryMs: refusal.nextTryMs + nowMs };
  });
}

function clockTime(ms: number, nowMs: number): number {
  if (ms >= ENDLESS_MS) return Infinity;
  return ms <= -ENDLESS_MS ? -Infinity : nowMs + ms;
}

function shifted(health: Health, shift: (ms: number) => number): Health {
  const sinceMs = shift(health.sinceMs);
  switch (health.state) {
    case "ready":
      return {
        ...health,
        sinceMs,
        pausedUntilMs: shift(health.pausedUntilMs),
        rampFromMs: shift(health.rampFromMs),
      };
    case "ejected":
      return { ...health, sinceMs, nextTryMs: shift(health.nextTryMs), panicFromMs: shift(health.panicFromMs) };
    case "down": {
      const { probeFromMs, ...rest } = health;
      const panicFromMs = shift(health.panicFromMs);
      return { ...rest, sinceMs, panicFromMs, ...(probeFromMs !== undefined && { probeFromMs: shift(probeFromMs) }) };
    }
    case "probing":
      return { ...health, sinceMs };
    default:
      return { ...health, sinceMs, untilMs: shift(health.untilMs) };
  }
}
