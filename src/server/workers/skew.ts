import { LISTENER_KINDS, type ListenerKind } from "../../plan/data-plane.ts";
import type { WorkerSlot } from "./worker-slot.ts";

/** Below this all workers together have little to do: who does it is of no interest. */
const MIN_PER_SECOND = 100;
/** Of two workers one may have 60 % of the work; of more, as much above its share. */
const EXCESS = 1.2;

/** What would make the work of workers more equal. */
export interface Skew {
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
