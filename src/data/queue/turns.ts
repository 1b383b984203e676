import { SIGNAL_FACTS } from "../../otlp/signal.ts";
import type { LaneOrder } from "./lane-order.ts";
import type { StorePartition } from "./queue-store.ts";

/**
 * `stuck`: nothing of it can be sent now. `full`: nor of any other tenant's queue of its signal.
 */
export type Turn = "sent" | "stuck" | "full";

export interface TurnTaker {
  /** Sends what is first in this queue, if anything can be sent. */
  take(queue: StorePartition, nowMs: number): Turn;
}

/**
 * Of so many queues that are stuck, whose turn it is is found by looking at all each time; more are
 * put in order once.
 */
const FEW = 16;

/** What cannot send in this turn. */
interface Stuck {
  readonly queues: Set<StorePartition>;
  /** A bit each. */
  signals: number;
}

/** Lets queues send in turn for as long as any of them can. */
export function takeTurns(order: LaneOrder, taker: TurnTaker, nowMs: number): void {
  const stuck: Stuck = { queues: new Set(), signals: 0 };
  for (;;) {
    const next = order.next(stuck.queues, stuck.signals);
    if (next === undefined) return;
    if (sends(taker, next, nowMs, stuck) || stuck.queues.size < FEW) continue;
    for (const one of order.inTurn(stuck.queues, stuck.signals)) if (sends(taker, one, nowMs, stuck)) break;
  }
}

/** False: it does not, as is noted. */
function sends(taker: TurnTaker, queue: StorePartition, nowMs: number, stuck: Stuck): boolean {
  const { bit } = SIGNAL_FACTS[queue.signal];
  if ((stuck.signals & bit) !== 0) return false;
  const turn = taker.take(queue, nowMs);
  if (turn === "sent") return true;
  stuck.queues.add(queue);
  if (turn === "full") stuck.signals |= bit;
  return false;
}
