import { commonItems } from "../../../core/common-ends.ts";
import { Heap, type HeapItem } from "../../../core/heap.ts";
import { lowerBound } from "../../../core/lower-bound.ts";
import type { SignalName } from "../../condition-type.ts";
import { alikeIn } from "./alike-signals.ts";
import { type Asked, type AskedOfSignals, takesOf } from "./asked.ts";
import { AskedIndex } from "./asked-index.ts";
import { cubesOf } from "./cube.ts";
import { isTaken } from "./split.ts";
import { MAX_EFFORT, TakenIndex } from "./taken-index.ts";

/** What is known of one of them. */
export type Reach<Entry> =
  | { readonly kind: "reached" }
  /** Nothing meets its conditions. */
  | { readonly kind: "impossible" }
  /** Those before it, in their order, take all that it would match. */
  | { readonly kind: "shadowed"; readonly by: readonly Entry[] };

/** What can be told of each: of some that are never reached it cannot, but what is told is so. */
export function findShadows<Entry extends Asked>(entries: readonly Entry[]): Reach<Entry>[] {
  const reaches = entries.map((): Reach<Entry> => REACHED);
  for (const { at, reach } of new ShadowAnalysis().unreached(entries)) reaches[at] = reach;
  return reaches;
}

/** Of many entries those that may take something of the others, where these come after them. */
export function thoseThatTake<Entry extends Asked>(entries: readonly Entry[], others: readonly Asked[]): Entry[] {
  const cubes = others.map(({ conditions, signals }) => ({ asked: cubesOf(conditions), different: signals }));
  return entries.filter(({ conditions, signals }) => {
    const taker = { asked: cubesOf(conditions), different: signals };
    return cubes.some((other) => takesOf(taker, other));
  });
}

/** One that no item reaches, and its place in the list. */
export interface Unreached<Entry> {
  readonly at: number;
  readonly entry: Entry;
  readonly reach: Exclude<Reach<Entry>, { readonly kind: "reached" }>;
}

/** One entry of the list that was looked at last. */
interface Examined extends AskedOfSignals, HeapItem {
  readonly stops: boolean;
  /** Grows from place to place. */
  readonly order: number;
  /** What is itself shadowed takes nothing that those before it would leave. */
  takes: boolean;
}

/** Where more is new, or takes what it did not take, or no longer does, all is looked at. */
const MOST_CHANGED = 32;
/** What is left in the index of entries that are gone is forgotten at last. */
const MOST_UPDATES = 1_000;

/**
 * The same for lists of which one is mostly as the one before: when an entry changes, only those
 * are looked at of which it takes something, or of which the one that is gone took something. The
 * others are not touched. What is told is what would be told of the list alone.
 */
export class ShadowAnalysis {
  #entries: readonly Asked[] = [];
  /** Of each entry. */
  #places: Examined[] = [];
  /** By whom all that they would match is taken; by nobody: nothing meets their conditions. */
  #unreached = new Map<Examined, readonly Examined[]>();
  #taken = new Map<SignalName, TakenIndex<Examined>>();
  /** Of all places, once one of them changed. */
  #index: AskedIndex<Examined> | undefined;
  #alike = alikeIn([]);
  #updates = 0;
  #looks = 0;

  /** How often all of a list had to be looked at. */
  get looks(): number {
    return this.#looks;
  }

  /** Those of the list, in its order. It is kept until the next one comes. */
  unreached<Entry extends Asked>(entries: readonly Entry[]): Unreached<Entry>[] {
    if (!this.#update(entries)) this.#lookAtAll(entries);
    this.#entries = entries;
    return this.#told(entries);
  }

  #lookAtAll(entries: readonly Asked[]): void {
    this.#places = [];
    this.#unreached = new Map();
    this.#taken = new Map();
    this.#index = undefined;
    this.#alike = alikeIn(entries);
    this.#updates = 0;
    this.#looks++;
    for (let i = 0; i < entries.length; i++) this.#places.push(this.#place(entries[i]!, i));
  }

  #place({ conditions, signals, stops }: Asked, order: number): Examined {
    const different = this.#alike.differentOf(signals);
    const place = { asked: cubesOf(conditions), different, stops, order, takes: false, heapIndex: -1 };
    this.#examine(place);
    this.#index?.add(place);
    return place;
  }

  /** What becomes of it at its place; what it takes is known from then on. */
  #examine(place: Examined): void {
    const by = this.#takersOf(place);
    if (by === undefined) this.#unreached.delete(place);
    else this.#unreached.set(place, by);
    const takes = by === undefined && place.stops;
    if (takes && !place.takes) this.#addTaker(place);
    if (!takes && place.takes) this.#removeTaker(place);
    place.takes = takes;
  }

  #forget(place: Examined): void {
    if (place.takes) this.#removeTaker(place);
    this.#unreached.delete(place);
    this.#index?.remove(place);
  }

  #addTaker(place: Examined): void {
    for (const signal of place.different) {
      const { cubes, isExact } = place.asked[signal];
      const index = this.#indexOf(signal);
      if (!isExact) continue;
      for (let c = 0; c < cubes.length; c++) index.add({ cube: cubes[c]!, owner: place, order: place.order });
    }
  }

  #removeTaker(place: Examined): void {
    for (const signal of place.different) {
      for (const cube of place.asked[signal].cubes) this.#taken.get(signal)?.remove(place, cube);
    }
  }

  /** Undefined: something of it is left. */
  #takersOf({ asked, different, order }: Examined): Examined[] | undefined {
    const by = new Set<Examined>();
    for (let s = 0; s < different.length; s++) {
      const { cubes } = asked[different[s]!];
      const index = this.#taken.get(different[s]!);
      for (let i = 0; i < cubes.length; i++) if (!isTaken(cubes[i]!, index, order, by)) return undefined;
    }
    return [...by].toSorted((a, b) => a.order - b.order);
  }

  #indexOf(signal: SignalName): TakenIndex<Examined> {
    const index = this.#taken.get(signal) ?? new TakenIndex();
    this.#taken.set(signal, index);
    return index;
  }

  /** False where more than a few change, or have a say in what becomes of others. */
  #update(entries: readonly Asked[]): boolean {
    const { from, gone, fresh } = changeOf(this.#entries, entries);
    const places = this.#places;
    const changed = gone + fresh.length;
    if (changed === 0) return true;
    if (changed > MOST_CHANGED || gone === places.length || ++this.#updates > MOST_UPDATES) return false;
    const orders = ordersBetween(places[from - 1]?.order, places[from + gone]?.order, fresh.length);
    if (orders === undefined || !this.#isWithin(MAX_EFFORT / 2)) return false;
    if (!fresh.every((entry) => this.#alike.holdsFor(entry))) return false;
    this.#index ??= new AskedIndex(places);
    const lost = places.slice(from, from + gone);
    for (const place of lost) this.#forget(place);
    const put = fresh.map((entry, i) => this.#place(entry, orders[i]!));
    places.splice(from, gone, ...put);
    return this.#follow(lost.filter(isTaker), put.filter(isTaker)) && this.#isWithin(MAX_EFFORT);
  }

  /** Where not all could be compared, it depends on the order of the comparisons what was. */
  #isWithin(effort: number): boolean {
    return this.#taken.values().every((index) => index.effort <= effort);
  }

  /**
   * Looks again at those of which the lost takers took something or the new ones do; what becomes
   * of these may concern those after them. False: of too many.
   */
  #follow(lost: readonly Examined[], found: readonly Examined[]): boolean {
    const concerned = new Heap<Examined>();
    for (const taker of lost) this.#addTakenBy(taker, concerned);
    for (const taker of found) this.#addTakenOf(taker, concerned);
    let changed = lost.length + found.length;
    for (let place = concerned.first; place !== undefined; place = concerned.first) {
      concerned.remove(place);
      const took = place.takes;
      this.#examine(place);
      if (place.takes === took) continue;
      if (++changed > MOST_CHANGED) return false;
      if (took) this.#addTakenBy(place, concerned);
      else this.#addTakenOf(place, concerned);
    }
    return true;
  }

  /** Those of which it took something. */
  #addTakenBy(taker: Examined, concerned: Heap<Examined>): void {
    for (const [place, by] of this.#unreached) if (by.includes(taker)) concerned.set(place, place.order);
  }

  /** Those of which it may take something. */
  #addTakenOf(taker: Examined, concerned: Heap<Examined>): void {
    const some = this.#index?.candidatesOf(taker) ?? this.#places.slice(this.#placeOf(taker) + 1);
    for (const place of some) if (place.order > taker.order && takesOf(taker, place)) concerned.set(place, place.order);
  }

  #told<Entry>(entries: readonly Entry[]): Unreached<Entry>[] {
    const inOrder = [...this.#unreached].toSorted(([a], [b]) => a.order - b.order);
    return inOrder.map(([place, by]) => {
      const at = this.#placeOf(place);
      const takers = by.map((taker) => entries[this.#placeOf(taker)]!);
      return { at, entry: entries[at]!, reach: takers.length === 0 ? IMPOSSIBLE : { kind: "shadowed", by: takers } };
    });
  }

  /** Where it stands: of ten thousand, few are asked for. */
  #placeOf({ order }: Examined): number {
    const places = this.#places;
    return lowerBound(places.length, (place) => places[place]!.order < order);
  }
}

const REACHED = { kind: "reached" } as const;
const IMPOSSIBLE = { kind: "impossible" } as const;

function isTaker({ takes }: Examined): boolean {
  return takes;
}

interface AskedChange {
  readonly from: number;
  /** How many stood there. */
  readonly gone: number;
  readonly fresh: readonly Asked[];
}

/** Between those at both ends that are, or ask, the same. */
function changeOf(before: readonly Asked[], after: readonly Asked[]): AskedChange {
  const { head, tail } = commonItems(before, after);
  const gone = before.slice(head, before.length - tail);
  const fresh = after.slice(head, after.length - tail);
  const same = commonItems(gone, fresh, isSame);
  const few = gone.length - same.head - same.tail;
  return { from: head + same.head, gone: few, fresh: fresh.slice(same.head, fresh.length - same.tail) };
}

function isSame(a: Asked, b: Asked): boolean {
  if (a.conditions !== b.conditions || a.stops !== b.stops) return false;
  const [was, is] = [a.signals, b.signals];
  return was === is || (was.length === is.length && was.every((signal, i) => signal === is[i]));
}

/** Numbers for so many places; undefined where none is left between the two. */
function ordersBetween(above = -1, below: number | undefined, count: number): number[] | undefined {
  const step = below === undefined ? 1 : (below - above) / (count + 1);
  const orders = Array.from({ length: count }, (_, i) => above + (i + 1) * step);
  const all = [above, ...orders, below ?? Infinity];
  return all.every((order, i) => i === 0 || all[i - 1]! < order) ? orders : undefined;
}
