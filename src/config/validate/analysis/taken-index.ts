import { type Cube, impliesCube } from "./cube.ts";
import type { Literal } from "./literal.ts";
import { findingOf, startOf } from "./literal-keys.ts";
import { MAX_COMPILED } from "./regex.ts";

/** What a rule takes, where it stops. */
export interface Taken<Owner> {
  readonly cube: Cube;
  readonly owner: Owner;
  /** Where the owner stands: of two, the one with the smaller number is asked first. */
  readonly order: number;
}

/**
 * Ten thousand rules that have nothing to be found by are not all compared: the analysis must stay
 * fast.
 */
export const MAX_EFFORT = 300_000;

/**
 * What earlier rules take of one signal, found by what a later one asks: a rule that asks for one
 * of a few texts by the texts, one with a glob by its beginning, any other by what it asks for. So
 * rules are compared only with few others.
 */
export class TakenIndex<Owner> {
  readonly #byKey = new Map<string, Taken<Owner>[]>();
  /** Lengths of the beginnings that there are, by subject. */
  readonly #startLengths = new Map<string, Set<number>>();
  readonly #regexes = new Set<string>();
  #effort = 0;

  /** How many comparisons there were. */
  get effort(): number {
    return this.#effort;
  }

  /** By that of its literals that the fewest others are found by. */
  add(taken: Taken<Owner>): void {
    let rarest: Literal | undefined;
    let fewest = Infinity;
    const { cube } = taken;
    for (let i = 0; i < cube.length; i++) {
      const crowd = this.#crowdAt(findingOf(cube[i]!).keptBy);
      if (crowd >= fewest) continue;
      rarest = cube[i];
      fewest = crowd;
    }
    const keys = rarest === undefined ? [EVERYTHING] : findingOf(rarest).keptBy;
    for (let i = 0; i < keys.length; i++) {
      const list = this.#byKey.get(keys[i]!);
      if (list === undefined) this.#byKey.set(keys[i]!, [taken]);
      else insert(list, taken);
    }
    const start = rarest && findingOf(rarest).text === undefined ? startOf(rarest) : undefined;
    if (rarest !== undefined && start !== undefined) {
      const lengths = this.#startLengths.get(rarest.subject) ?? new Set();
      this.#startLengths.set(rarest.subject, lengths.add(start.length));
    }
    for (let i = 0; i < cube.length; i++) {
      const { regexes } = findingOf(cube[i]!);
      for (let r = 0; r < regexes.length; r++) this.#regexes.add(regexes[r]!);
    }
  }

  /** All that the owner takes with this cube, wherever it is kept. */
  remove(owner: Owner, cube: Cube): void {
    this.#removeAt(EVERYTHING, owner);
    for (let i = 0; i < cube.length; i++) for (const key of findingOf(cube[i]!).keptBy) this.#removeAt(key, owner);
  }

  #removeAt(key: string, owner: Owner): void {
    const left = this.#byKey.get(key)?.filter((taken) => taken.owner !== owner);
    if (left?.length === 0) this.#byKey.delete(key);
    else if (left !== undefined) this.#byKey.set(key, left);
  }

  #crowdAt(keys: readonly string[]): number {
    let crowd = 0;
    for (let i = 0; i < keys.length; i++) crowd = Math.max(crowd, this.#byKey.get(keys[i]!)?.length ?? 0);
    return crowd;
  }

  /**
   * The first one in order, of those before `before`, that takes all of the cube; undefined when it
   * is not known that one does.
   */
  ownerOf(cube: Cube, before: number): Owner | undefined {
    let first = this.#firstAt(EVERYTHING, cube, before, undefined);
    for (let i = 0; i < cube.length; i++) {
      const { text } = findingOf(cube[i]!);
      if (text !== undefined) first = this.#firstAt(text, cube, before, first);
      first = this.#firstByStart(cube[i]!, cube, before, first);
    }
    for (let i = 0; i < cube.length; i++) {
      const { subject } = cube[i]!;
      if (isFirstOf(cube, subject, i)) first = this.#firstAt(subject, cube, before, first);
    }
    return first?.owner;
  }

  #firstByStart(literal: Literal, cube: Cube, before: number, known: First<Owner>): First<Owner> {
    const lengths = this.#startLengths.get(literal.subject);
    let first = known;
    if (lengths === undefined) return first;
    for (const length of lengths) {
      for (const start of findingOf(literal).starts) {
        if (length > start.length) continue;
        first = this.#firstAt(`${literal.subject}^${start.slice(0, length)}`, cube, before, first);
      }
    }
    return first;
  }

  /** `known` where none at this key is before it. */
  #firstAt(key: string, cube: Cube, before: number, known: First<Owner>): First<Owner> {
    const list = this.#byKey.get(key);
    if (list === undefined) return known;
    const end = known === undefined ? before : known.order;
    for (let i = 0; i < list.length; i++) {
      const taken = list[i]!;
      if (taken.order >= end) return known;
      // A pattern that is not kept compiled costs as much as many comparisons.
      const isDear = this.#regexes.size > MAX_COMPILED && taken.cube.some((one) => findingOf(one).regexes.length > 0);
      this.#effort += isDear ? 100 : 1;
      if (this.#effort > MAX_EFFORT) return known;
      if (impliesCube(cube, taken.cube)) return taken;
    }
    return known;
  }
}

type First<Owner> = Taken<Owner> | undefined;

/** In order: nearly always at the end. */
function insert<Owner>(list: Taken<Owner>[], taken: Taken<Owner>): void {
  let at = list.length;
  while (at > 0 && list[at - 1]!.order > taken.order) at--;
  if (at === list.length) list.push(taken);
  else list.splice(at, 0, taken);
}

const EVERYTHING = "";

function isFirstOf(cube: Cube, subject: string, at: number): boolean {
  for (let i = 0; i < at; i++) if (cube[i]!.subject === subject) return false;
  return true;
}
