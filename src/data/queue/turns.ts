import { SIGNAL_FACTS } from "../../otlp/signal.ts";
import type { LaneStore } from "./lane-store.ts";
import type { SignalQueue } from "./signal-queue.ts";

/**
 * `stuck`: nothing of it can be sent now. `full`: nor of any other tenant's queue of its signal.
 */
export type Turn = "sent" | "stuck" | "full";

export interface TurnTaker {
  /** Sends what is first in this queue, if anything can be sent. */
  take(queue: SignalQueue, nowMs: number): Turn;
}

/**
 * Of so many queues that are stuck, whose turn it is is found by looking at all each time; more are
 * put in order once.
 */
const FEW = 16;

/** What cannot send in this turn. */
interface Stuck {
  readonly queues: Set<SignalQueue>;
  /** A bit each. */
  signals: number;
}

/** Lets queues send in turn for as long as any of them can. */
export function takeTurns(store: LaneStore, taker: TurnTaker, nowMs: number): void {
  const stuck: Stuck = { queues: new Set(), signals: 0 };
  for (;;) {
    const next = store.next(stuck.queues, stuck.signals);
    if (next === undefined) return;
    if (sends(taker, next, nowMs, stuck) || stuck.queues.size < FEW) continue;
    for (const one of store.inTurn(stuck.queues, stuck.signals)) if (sends(taker, one, nowMs, stuck)) break;
  }
}

/** False: it does not, as is noted. */
function sends(taker: TurnTaker, queue: SignalQueue, nowMs: number, stuck: Stuck): boolean {
  const { bit } = SIGNAL_FACTS[queue.signal];
  if ((stuck.signals & bit) !== 0) return false;
  const turn = taker.take(queue, nowMs);
  if (turn === "sent") return true;
  stuck.queues.add(queue);
  if (turn === "full") stuck.signals |= bit;
  return false;
}
