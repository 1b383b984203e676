import { LISTENER_KINDS, type ListenerKind } from "../../core/listener-kinds.ts";
import type { Env } from "../../telemetry/env.ts";
import { ASK_LIMIT_MS } from "./ask-limits.ts";
import type { WorkerSlot } from "./worker-slot.ts";

/** Below this all workers together have little to do: who does it is of no interest. */
const MIN_PER_SECOND = 100;
/** Of two workers one may have 60 % of the work; of more, as much above its share. */
const EXCESS = 1.2;
/** What a client gets to come back, and what the spread gets to show what came of it. */
const MOVE_MS = 10_000;
const CALM_MS = 30_000;

/** What would make the work of workers more equal. */
interface Skew {
  /** It has too much, and connections to give away. */
  readonly busiest: WorkerSlot;
  readonly idlest: WorkerSlot;
  /** Of these connections. */
  readonly listener: ListenerKind;
}

/**
 * Undefined while the work is spread well enough, or nothing can be done about it. `last`: whose
 * connection was asked away before; nobody knows which of both has the work, so they take turns.
 */
export function findSkew(ready: readonly WorkerSlot[], last: ListenerKind | undefined): Skew | undefined {
  const [first, ...others] = ready;
  if (first === undefined || others.length === 0) return undefined;
  const total = ready.reduce((sum, { itemsPerSecond }) => sum + itemsPerSecond, 0);
  const busiest = others.reduce((most, one) => (one.itemsPerSecond > most.itemsPerSecond ? one : most), first);
  const idlest = others.reduce((least, one) => (one.itemsPerSecond < least.itemsPerSecond ? one : least), first);
  if (total < MIN_PER_SECOND || busiest.itemsPerSecond <= (EXCESS * total) / ready.length) return undefined;
  const many = LISTENER_KINDS.filter((kind) => busiest.connections[kind] >= 2);
  const listener = many.find((kind) => kind !== last) ?? many[0];
  return listener === undefined ? undefined : { busiest, idlest, listener };
}

/** Keeps the work of workers equal: their connections are asked away, and taken by others. */
export class ConnectionSpread {
  readonly #env: Pick<Env, "clock" | "log">;
  /** The next connection of this listener goes there. */
  #move: { readonly listener: ListenerKind; readonly to: WorkerSlot; readonly untilMs: number } | undefined;
  #last: ListenerKind | undefined;
  #skewed: WorkerSlot | undefined;
  #calmUntilMs = 0;

  constructor(env: Pick<Env, "clock" | "log">) {
    this.#env = env;
  }

  /** Where a connection goes that was asked away from another worker. */
  taker(listener: ListenerKind): WorkerSlot | undefined {
    const move = this.#move;
    if (move?.listener !== listener) return undefined;
    this.#move = undefined;
    return move.to.isReady && this.#env.clock.nowMs() < move.untilMs ? move.to : undefined;
  }

  /** One connection at a time, twice in a row seen to be needed, and then a while nothing. */
  mend(ready: readonly WorkerSlot[]): void {
    const nowMs = this.#env.clock.nowMs();
    const skew = nowMs < this.#calmUntilMs ? undefined : findSkew(ready, this.#last);
    const isSeenAgain = skew !== undefined && skew.busiest === this.#skewed;
    this.#skewed = skew?.busiest;
    if (skew === undefined || !isSeenAgain) return;
    const { busiest, idlest, listener } = skew;
    this.#calmUntilMs = nowMs + CALM_MS;
    this.#last = listener;
    this.#move = { listener, to: idlest, untilMs: nowMs + MOVE_MS };
    this.#env.log.info("a connection is asked away from a worker that has most of the work", {
      worker: busiest.index + 1,
      to: idlest.index + 1,
      listener,
    });
    // Who is gone has none to ask away.
    busiest.link?.ask("retireOldest", { listener }, ASK_LIMIT_MS).catch(() => undefined);
  }
}
