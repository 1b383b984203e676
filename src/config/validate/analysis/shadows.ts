import { commonItems } from "../../../core/common-ends.ts";
import type { Condition, SignalName } from "../../condition-type.ts";
import { ALL_SIGNALS } from "../../schema/values.ts";
import { type Cubes, cubesOf } from "./cube.ts";
import { isPartTaken, isTaken } from "./split.ts";
import { MAX_EFFORT, TakenIndex } from "./taken-index.ts";

/** A rule, or a case of a strategy, in the order in which they are asked. */
export interface Asked {
  readonly conditions: readonly Condition[];
  readonly signals: readonly SignalName[];
  /** What it takes is not asked any further. */
  readonly stops: boolean;
}

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

type AskedCubes = Readonly<Record<SignalName, Cubes>>;

interface AskedOfSignals {
  readonly asked: AskedCubes;
  /** Those that are not treated like another one. */
  readonly different: readonly SignalName[];
}

/** One entry of the list that was looked at last. */
interface Examined extends Asked, AskedOfSignals {
  /** Grows from place to place. */
  readonly order: number;
  /** Those that take all that it would match; empty: nothing meets its conditions. */
  readonly by: readonly Examined[] | undefined;
}

/** Where more is new, or takes what it did not take, or no longer does, all is looked at. */
const MOST_CHANGED = 32;
/** What is left in the index of entries that are gone is forgotten at last. */
const MOST_UPDATES = 1_000;

/**
 * The same for lists of which one is mostly as the one before: when an entry changes, only those
 * are looked at of which it takes something, or of which the one that is gone took something. What
 * is told is what would be told of the list alone.
 */
export class ShadowAnalysis {
  #places: Examined[] = [];
  #taken = new Map<SignalName, TakenIndex<Examined>>();
  #alike: AlikeSignals = alikeIn([]);
  #updates = 0;
  #looks = 0;

  /** How often all of a list had to be looked at. */
  get looks(): number {
    return this.#looks;
  }

  /** Those of the list, in its order. */
  unreached<Entry extends Asked>(entries: readonly Entry[]): Unreached<Entry>[] {
    if (!this.#update(entries)) this.#lookAtAll(entries);
    return this.#told(entries);
  }

  #lookAtAll(entries: readonly Asked[]): void {
    this.#places = [];
    this.#taken = new Map();
    this.#alike = alikeIn(entries);
    this.#updates = 0;
    this.#looks++;
    for (let i = 0; i < entries.length; i++) this.#places.push(this.#place(entries[i]!, i));
  }

  /** What becomes of an entry at this place; what it takes is known from then on. */
  #place({ conditions, signals: named, stops }: Asked, order: number): Examined {
    const asked = cubesOf(conditions);
    const { signals, different } = this.#alike.of(named);
    const by = this.#takersOf(asked, different, order);
    const place: Examined = { conditions, signals, stops, asked, different, order, by };
    if (isTaker(place)) this.#addTaker(place);
    return place;
  }

  #addTaker(place: Examined): void {
    for (const signal of place.different) {
      const { cubes, isExact } = place.asked[signal];
      const index = this.#indexOf(signal);
      if (!isExact) continue;
      for (let c = 0; c < cubes.length; c++) index.add({ cube: cubes[c]!, owner: place, order: place.order });
    }
  }

  /** Undefined: something of it is left. */
  #takersOf(asked: AskedCubes, signals: readonly SignalName[], order: number): Examined[] | undefined {
    const by = new Set<Examined>();
    for (let s = 0; s < signals.length; s++) {
      const { cubes } = asked[signals[s]!];
      const index = this.#taken.get(signals[s]!);
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
    const places = this.#places;
    const { head, tail } = commonItems<Asked>(places, entries, isSame);
    const gone = places.slice(head, places.length - tail);
    const fresh = entries.slice(head, entries.length - tail);
    if (head + tail === 0 || gone.length + fresh.length > MOST_CHANGED || ++this.#updates > MOST_UPDATES) return false;
    // Where not all could be compared, it depends on the order of the comparisons what was.
    for (const { effort } of this.#taken.values()) if (effort > MAX_EFFORT / 2) return false;
    if (!fresh.every((entry) => this.#alike.holdsFor(entry))) return false;
    for (const place of gone) this.#forget(place);
    const put = this.#put(fresh, places[head - 1]?.order, places[head + gone.length]?.order);
    if (put === undefined) return false;
    places.splice(head, gone.length, ...put);
    return this.#follow(head + put.length, gone.filter(isTaker), put.filter(isTaker));
  }

  /**
   * Looks again at those from this place on of which the lost takers took something or the new ones
   * do; what becomes of these may concern those after them. False: of too many.
   */
  #follow(from: number, lost: readonly Examined[], found: readonly Examined[]): boolean {
    const places = this.#places;
    const gone = new Set(lost);
    const fresh = [...found];
    for (let i = from; i < places.length; i++) {
      const was = places[i]!;
      if (!isTakenByAny(was, gone) && !takeAnyOf(fresh, was)) continue;
      const is: Examined = { ...was, by: this.#takersOf(was.asked, was.different, was.order) };
      // One that takes what it took stays what others know it as.
      if (isTaker(was) && isTaker(is)) continue;
      places[i] = is;
      if (isTaker(was)) {
        this.#forget(was);
        gone.add(was);
      } else if (isTaker(is)) {
        this.#addTaker(is);
        fresh.push(is);
      }
      if (gone.size + fresh.length > MOST_CHANGED) return false;
    }
    return true;
  }

  #forget(place: Examined): void {
    if (!isTaker(place)) return;
    for (const signal of place.different) {
      for (const cube of place.asked[signal].cubes) this.#taken.get(signal)?.remove(place, cube);
    }
  }

  /** Undefined where there is no number left between the two. */
  #put(fresh: readonly Asked[], above = -1, below = above + fresh.length + 1): Examined[] | undefined {
    const step = (below - above) / (fresh.length + 1);
    const orders = fresh.map((_, i) => above + (i + 1) * step);
    const isBetween = [above, ...orders, below].every((order, i, all) => i === 0 || all[i - 1]! < order);
    return isBetween ? fresh.map((entry, i) => this.#place(entry, orders[i]!)) : undefined;
  }

  #told<Entry>(entries: readonly Entry[]): Unreached<Entry>[] {
    const told: Unreached<Entry>[] = [];
    for (let at = 0; at < entries.length; at++) {
      const { by } = this.#places[at]!;
      if (by === undefined) continue;
      const takers = by.map((place) => entries[this.#placeOf(place)]!);
      const reach = takers.length === 0 ? IMPOSSIBLE : ({ kind: "shadowed", by: takers } as const);
      told.push({ at, entry: entries[at]!, reach });
    }
    return told;
  }

  /** Where it stands: of ten thousand, few are asked for. */
  #placeOf({ order }: Examined): number {
    let [low, high] = [0, this.#places.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#places[middle]!.order < order) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const REACHED = { kind: "reached" } as const;
const IMPOSSIBLE = { kind: "impossible" } as const;

function isSame(a: Asked, b: Asked): boolean {
  if (a.conditions !== b.conditions || a.stops !== b.stops) return false;
  const [was, is] = [a.signals, b.signals];
  return was === is || (was.length === is.length && was.every((signal, i) => signal === is[i]));
}

/** What is itself shadowed takes nothing that those before it would leave. */
function isTaker({ by, stops }: Examined): boolean {
  return by === undefined && stops;
}

function isTakenByAny({ by }: Examined, takers: ReadonlySet<Examined>): boolean {
  if (by !== undefined) for (let i = 0; i < by.length; i++) if (takers.has(by[i]!)) return true;
  return false;
}

function takeAnyOf(takers: readonly Examined[], other: Examined): boolean {
  for (let i = 0; i < takers.length; i++) if (takesOf(takers[i]!, other)) return true;
  return false;
}

/** Whether the taker may take something of one that is asked after it. */
function takesOf({ different, asked }: AskedOfSignals, other: AskedOfSignals): boolean {
  for (let s = 0; s < different.length; s++) {
    const signal = different[s]!;
    const { cubes, isExact } = asked[signal];
    if (!isExact || !other.different.includes(signal)) continue;
    const theirs = other.asked[signal].cubes;
    for (let c = 0; c < theirs.length; c++)
      for (let own = 0; own < cubes.length; own++) if (isPartTaken(theirs[c]!, cubes[own]!)) return true;
  }
  return false;
}

interface AlikeSignals {
  /** The signals, as one list wherever they are the same; and of them those that differ. */
  of(signals: readonly SignalName[]): Pick<Examined, "signals" | "different">;
  /** Whether an entry, too, treats those the same that others do. */
  holdsFor(entry: Asked): boolean;
}

/** Signals that all entries treat the same, so that one answer holds for both. */
function alikeIn(entries: readonly Asked[]): AlikeSignals {
  const alike = new Map(
    ALL_SIGNALS.map((one) => {
      const same = ALL_SIGNALS.find((other) => other === one || entries.every((entry) => isAlike(entry, one, other)));
      return [one, same ?? one];
    }),
  );
  return alikeSignals(alike); // which, made here, would keep the entries
}

function alikeSignals(alike: ReadonlyMap<SignalName, SignalName>): AlikeSignals {
  const make = (signals: readonly SignalName[]): ReturnType<AlikeSignals["of"]> => {
    return { signals, different: [...new Set(signals.map((signal) => alike.get(signal) ?? signal))] };
  };
  const all = make(ALL_SIGNALS);
  const known = new Map<string, typeof all>();
  return {
    of(signals) {
      if (signals === ALL_SIGNALS) return all;
      const key = signals.join();
      const made = known.get(key) ?? make(signals);
      known.set(key, made);
      return made;
    },
    holdsFor: (entry) => [...alike].every(([one, same]) => one === same || isAlike(entry, one, same)),
  };
}

function isAlike({ signals, conditions }: Asked, a: SignalName, b: SignalName): boolean {
  const isFor = signals.includes(a);
  if (isFor !== signals.includes(b)) return false;
  if (!isFor) return true;
  const cubes = cubesOf(conditions);
  return cubes[a] === cubes[b];
}
