import type { Condition, SignalName } from "../../condition-type.ts";
import { ALL_SIGNALS } from "../../schema/values.ts";
import { type Cube, type Cubes, cubesOf, impliesCube } from "./cube.ts";
import type { Literal, LiteralKeys } from "./literal.ts";
import { textsOf, type ValueNeed } from "./need.ts";
import { MAX_COMPILED } from "./regex.ts";

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
  let places: Map<Entry, number> | undefined;
  const taken = new Map<SignalName, TakenIndex<Entry>>();
  const all = entries.map(({ conditions }) => cubesOf(conditions));
  const alike = signalsAlike(entries, all);
  return entries.map((entry, i) => {
    const asked = all[i]!;
    const signals = differentSignals(entry, alike);
    const by = new Set<Entry>();
    const isReached = signals.some((signal) =>
      asked[signal].cubes.some((cube) => !isTaken(cube, taken.get(signal), by)),
    );
    if (!isReached) {
      if (by.size === 0) return { kind: "impossible" };
      const at = (places ??= new Map(entries.map((one, place) => [one, place])));
      return { kind: "shadowed", by: [...by].toSorted((a, b) => (at.get(a) ?? 0) - (at.get(b) ?? 0)) };
    }
    // What is itself shadowed takes nothing that those before it would leave.
    for (const signal of entry.stops ? signals : []) {
      const index = taken.get(signal) ?? new TakenIndex();
      taken.set(signal, index);
      const { cubes, isExact } = asked[signal];
      if (isExact) for (const cube of cubes) index.add({ cube, owner: entry });
    }
    return REACHED;
  });
}

const REACHED = { kind: "reached" } as const;

function differentSignals({ signals }: Asked, alike: ReadonlyMap<SignalName, SignalName>): SignalName[] {
  const different: SignalName[] = [];
  for (const signal of signals) {
    const one = alike.get(signal) ?? signal;
    if (!different.includes(one)) different.push(one);
  }
  return different;
}

/** For each signal one that all entries treat the same, so that one answer holds for both. */
function signalsAlike(
  entries: readonly Asked[],
  cubes: readonly Readonly<Record<SignalName, Cubes>>[],
): Map<SignalName, SignalName> {
  const isAlike = (a: SignalName, b: SignalName): boolean =>
    entries.every(({ signals }, i) => {
      const isFor = signals.includes(a);
      return isFor === signals.includes(b) && (!isFor || cubes[i]![a] === cubes[i]![b]);
    });
  return new Map(ALL_SIGNALS.map((one) => [one, ALL_SIGNALS.find((other) => other === one || isAlike(other, one))!]));
}

/** Of lists in conditions, so long ones are looked at value by value. */
const MAX_SPLIT = 64;

/**
 * Whether others take all of the cube, which are added to `by`: `in: [a, b]` may be taken by one
 * for a and another for b.
 */
function isTaken<Owner>(cube: Cube, index: TakenIndex<Owner> | undefined, by: Set<Owner>): boolean {
  const owner = index?.ownerOf(cube);
  if (owner !== undefined) by.add(owner);
  if (owner !== undefined || index === undefined) return owner !== undefined;
  return cube.some((literal, i) => {
    if (!literal.wanted) return false;
    const owners = splitTexts(literal).map((part) => index.ownerOf(cube.with(i, part)));
    const isWhole = owners.length > 1 && owners.every((one) => one !== undefined);
    if (isWhole) for (const one of owners) by.add(one);
    return isWhole;
  });
}

function splitTexts(literal: Literal): Literal[] {
  const texts = textsOf(literal.need);
  if (literal.need.kind === "missing" || texts === undefined || texts.size < 2 || texts.size > MAX_SPLIT) return [];
  const others = literal.need.tests.filter(({ kind }) => kind !== "texts");
  return [...texts].map((text) => {
    const one: ValueNeed = { kind: "texts", texts: new Set([text]) };
    return { ...literal, need: { kind: "there", tests: [one, ...others] }, keys: undefined };
  });
}

interface Taken<Owner> {
  readonly cube: Cube;
  readonly owner: Owner;
}

/**
 * Ten thousand rules that have nothing to be found by are not all compared: the analysis must stay
 * fast.
 */
const MAX_EFFORT = 300_000;

/**
 * What earlier rules take of one signal, found by what a later one asks: a rule that asks for one
 * of a few texts by the texts, one with a glob by its beginning, any other by what it asks for. So
 * rules are compared only with few others.
 */
class TakenIndex<Owner> {
  readonly #byKey = new Map<string, Taken<Owner>[]>();
  /** Lengths of the beginnings that there are, by subject. */
  readonly #startLengths = new Map<string, Set<number>>();
  readonly #regexes = new Set<string>();
  #effort = 0;

  /** By that of its literals that the fewest others are found by. */
  add(taken: Taken<Owner>): void {
    let rarest: Literal | undefined;
    let fewest = Infinity;
    for (const literal of taken.cube) {
      const crowd = Math.max(...findingOf(literal).keptBy.map((key) => this.#byKey.get(key)?.length ?? 0));
      if (crowd < fewest) [rarest, fewest] = [literal, crowd];
    }
    for (const key of rarest === undefined ? [EVERYTHING] : findingOf(rarest).keptBy) {
      const list = this.#byKey.get(key);
      if (list === undefined) this.#byKey.set(key, [taken]);
      else list.push(taken);
    }
    const start = rarest && textOf(rarest) === undefined ? startOf(rarest) : undefined;
    if (rarest !== undefined && start !== undefined) {
      const lengths = this.#startLengths.get(rarest.subject) ?? new Set();
      this.#startLengths.set(rarest.subject, lengths.add(start.length));
    }
    for (const literal of taken.cube) for (const pattern of findingOf(literal).regexes) this.#regexes.add(pattern);
  }

  /** One that takes all of the cube; undefined when it is not known that one does. */
  ownerOf(cube: Cube): Owner | undefined {
    let owner = this.#ownerAt(EVERYTHING, cube);
    for (let i = 0; owner === undefined && i < cube.length; i++) {
      const { text, starts } = findingOf(cube[i]!);
      if (text !== undefined) owner = this.#ownerAt(text, cube);
      for (const length of this.#startLengths.get(cube[i]!.subject) ?? []) {
        for (const start of starts) {
          if (length <= start.length) owner ??= this.#ownerAt(`${cube[i]!.subject}^${start.slice(0, length)}`, cube);
        }
      }
    }
    for (let i = 0; owner === undefined && i < cube.length; i++) {
      const { subject } = cube[i]!;
      const isFirst = cube.findIndex((literal) => literal.subject === subject) === i;
      if (isFirst) owner = this.#ownerAt(subject, cube);
    }
    return owner;
  }

  #ownerAt(key: string, cube: Cube): Owner | undefined {
    for (const taken of this.#byKey.get(key) ?? []) {
      // A pattern that is not kept compiled costs as much as many comparisons.
      const isDear = this.#regexes.size > MAX_COMPILED && taken.cube.some((one) => findingOf(one).regexes.length > 0);
      this.#effort += isDear ? 100 : 1;
      if (this.#effort > MAX_EFFORT) return undefined;
      if (impliesCube(cube, taken.cube)) return taken.owner;
    }
    return undefined;
  }
}

const EVERYTHING = "";

function findingOf(literal: Literal): LiteralKeys {
  if (literal.keys !== undefined) return literal.keys;
  const text = textOf(literal);
  literal.keys = {
    keptBy: keysOf(literal),
    text: text === undefined ? undefined : `${literal.subject}=${text}`,
    starts: text === undefined ? startsOf(literal) : [text],
    regexes: regexesOf(literal),
  };
  return literal.keys;
}

function keysOf(literal: Literal): string[] {
  const texts = literal.wanted ? textsOf(literal.need) : undefined;
  if (texts !== undefined) return [...texts].map((text) => `${literal.subject}=${text}`);
  const start = startOf(literal);
  return [start === undefined ? literal.subject : `${literal.subject}^${start}`];
}

/** One of the texts that are possible. */
function textOf(literal: Literal): string | undefined {
  return literal.wanted ? textsOf(literal.need)?.values().next().value : undefined;
}

function startOf(literal: Literal): string | undefined {
  return startsOf(literal).toSorted((a, b) => b.length - a.length)[0];
}

/**
 * What the texts must begin with; one that implies a glob begins with what the glob begins with.
 */
function startsOf({ need, wanted }: Literal): string[] {
  if (!wanted || need.kind === "missing") return [];
  return need.tests.flatMap((test) => (test.kind === "glob" && test.parts[0] ? [test.parts[0]] : []));
}

function regexesOf({ need }: Literal): string[] {
  return need.kind === "missing" ? [] : need.tests.flatMap((test) => (test.kind === "regex" ? [test.pattern] : []));
}
