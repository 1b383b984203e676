import type { SessionLoss } from "../store.ts";
import { type Moment, untilMs } from "./moment.ts";

/** A lease as who renews it knows it. */
export interface LeaseState {
  /** As it was granted. */
  readonly ttlMs: number;
  /** From then on its holder acts as if it were lost, whatever the store says. */
  readonly validUntil: Moment;
  /** When it is renewed next, by the machine's time; `Infinity` while a renewal is under way. */
  readonly dueMs: number;
  /** What the last renewal said that failed, since one was answered. */
  readonly failure: string | undefined;
}

export type LeaseEvent =
  /** Time has passed. */
  | { readonly kind: "looked" }
  /** `ttlMs`: for this time; a store that has much to do grants more. */
  | { readonly kind: "answered"; readonly sent: Moment; readonly ttlMs: number }
  /** `chance`: of `Random`. */
  | { readonly kind: "failed"; readonly reason: string; readonly chance: number }
  /** The store says so. */
  | { readonly kind: "ended" };

export type LeaseStep =
  | {
      readonly kind: "held";
      readonly state: LeaseState;
      /** To be looked at again by then. */
      readonly wakeInMs: number;
      /** Renew it now; the call has so long. */
      readonly renewWithinMs?: number;
    }
  | { readonly kind: "lost"; readonly why: SessionLoss; readonly reason: string };

/** How much earlier than the store the holder gives it up. */
export function marginOf(ttlMs: number): number {
  return Math.max(1_000, ttlMs / 10);
}

/** How often the holder's loop is to beat. */
export function beatEveryMs(ttlMs: number): number {
  return ttlMs / 12;
}

export function leaseGranted(sent: Moment, ttlMs: number, now: Moment): LeaseState {
  return { ttlMs, validUntil: validUntil(sent, ttlMs), dueMs: now.machineMs + ttlMs / 3, failure: undefined };
}

/**
 * Renews a third of the TTL after the last answer, and sooner after a failure. Not while the
 * holder's loop stands still (`beatMs` is its last beat): for three quarters of the TTL that makes
 * no difference, after all of it the session is given up.
 */
export function stepLease(state: LeaseState, event: LeaseEvent, now: Moment, lastBeatMs: number): LeaseStep {
  if (event.kind === "ended") return { kind: "lost", why: "ended", reason: "the store says that it has ended" };
  if (untilMs(state.validUntil, now) <= 0) return unanswered(state);
  const stoodMs = now.machineMs - lastBeatMs;
  if (stoodMs >= state.ttlMs) {
    return { kind: "lost", why: "stalled", reason: `its holder's loop stood still for ${Math.round(stoodMs)} ms` };
  }
  const next = after(state, event, now);
  // An answer may be so late that what it grants is over.
  if (untilMs(next.validUntil, now) <= 0) return unanswered(next);
  return held(next, now, stoodMs);
}

function after(state: LeaseState, event: Exclude<LeaseEvent, { kind: "ended" }>, now: Moment): LeaseState {
  switch (event.kind) {
    case "looked":
      return state;
    case "answered":
      return { ...leaseGranted(event.sent, event.ttlMs, now), ttlMs: state.ttlMs };
    case "failed": {
      // Spread, so that not all renew at once when the store is back.
      const dueMs = now.machineMs + (state.ttlMs / 12) * (0.5 + event.chance);
      return { ...state, dueMs, failure: event.reason };
    }
    default:
      return event satisfies never;
  }
}

function held(state: LeaseState, now: Moment, stoodMs: number): LeaseStep {
  const { ttlMs } = state;
  const validMs = untilMs(state.validUntil, now);
  const dueInMs = state.dueMs - now.machineMs;
  const givenUpInMs = Math.min(validMs, ttlMs - stoodMs);
  if (dueInMs > 0) return { kind: "held", state, wakeInMs: Math.min(givenUpInMs, dueInMs) };
  if (stoodMs > (ttlMs * 3) / 4) return { kind: "held", state, wakeInMs: Math.min(givenUpInMs, ttlMs / 24) };
  const renewWithinMs = Math.min(validMs, ttlMs / 3);
  return { kind: "held", state: { ...state, dueMs: Infinity }, wakeInMs: givenUpInMs, renewWithinMs };
}

function unanswered({ failure }: LeaseState): LeaseStep {
  const reason = failure === undefined ? "" : `: ${failure}`;
  return { kind: "lost", why: "unanswered", reason: `no renewal was answered in time${reason}` };
}

function validUntil({ machineMs, wallMs }: Moment, ttlMs: number): Moment {
  const forMs = ttlMs - marginOf(ttlMs);
  return { machineMs: machineMs + forMs, wallMs: wallMs + forMs };
}
