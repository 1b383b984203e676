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
  const taken = new Map<SignalName, TakenIndex<Entry>>();
  const all = entries.map(({ conditions }) => cubesOf(conditions));
  const alike = signalsAlike(entries, all);
  const reaches: Reach<Entry>[] = entries.map(() => REACHED);
  const by = new Set<Entry>();
  let places: Map<Entry, number> | undefined;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    const asked = all[i]!;
    const signals = alike.of(entry.signals);
    by.clear();
    if (!isReached(asked, signals, taken, by)) {
      const at = (places ??= new Map(entries.map((one, place) => [one, place])));
      const inOrder = [...by].toSorted((a, b) => (at.get(a) ?? 0) - (at.get(b) ?? 0));
      reaches[i] = by.size === 0 ? { kind: "impossible" } : { kind: "shadowed", by: inOrder };
      continue;
    }
    // What is itself shadowed takes nothing that those before it would leave.
    if (!entry.stops) continue;
    for (const signal of signals) {
      const { cubes, isExact } = asked[signal];
      const index = indexOf(taken, signal);
      if (isExact) for (let c = 0; c < cubes.length; c++) index.add({ cube: cubes[c]!, owner: entry });
    }
  }
  return reaches;
}

/** Those before it that take of it are added to `by`. */
function isReached<Entry>(
  asked: Readonly<Record<SignalName, Cubes>>,
  signals: readonly SignalName[],
  taken: ReadonlyMap<SignalName, TakenIndex<Entry>>,
  by: Set<Entry>,
): boolean {
  for (const signal of signals) {
    const { cubes } = asked[signal];
    for (let i = 0; i < cubes.length; i++) if (!isTaken(cubes[i]!, taken.get(signal), by)) return true;
  }
  return false;
}

function indexOf<Entry>(taken: Map<SignalName, TakenIndex<Entry>>, signal: SignalName): TakenIndex<Entry> {
  const index = taken.get(signal) ?? new TakenIndex();
  taken.set(signal, index);
  return index;
}

const REACHED = { kind: "reached" } as const;

/**
 * Signals that all entries treat the same, so that one answer holds for both: `of` gives of some
 * signals those that differ.
 */
function signalsAlike(
  entries: readonly Asked[],
  cubes: readonly Readonly<Record<SignalName, Cubes>>[],
): { of(signals: readonly SignalName[]): readonly SignalName[] } {
  const isAlike = (a: SignalName, b: SignalName): boolean =>
    entries.every(({ signals }, i) => {
      const isFor = signals.includes(a);
      return isFor === signals.includes(b) && (!isFor || cubes[i]![a] === cubes[i]![b]);
    });
  const alike = new Map(
    ALL_SIGNALS.map((one) => [one, ALL_SIGNALS.find((other) => other === one || isAlike(other, one))!]),
  );
  const known = new Map<readonly SignalName[], readonly SignalName[]>();
  return {
    of(signals) {
      const before = known.get(signals);
      if (before !== undefined) return before;
      const different = [...new Set(signals.map((signal) => alike.get(signal) ?? signal))];
      known.set(signals, different);
      return different;
    },
  };
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
  for (let i = 0; i < cube.length; i++) {
    if (!isSplit(cube[i]!)) continue;
    const owners = splitTexts(cube[i]!).map((part) => index.ownerOf(cube.with(i, part)));
    if (owners.some((one) => one === undefined)) continue;
    for (const one of owners) by.add(one!);
    return true;
  }
  return false;
}

/** Whether it is for one of a few texts. */
function isSplit({ wanted, need }: Literal): boolean {
  const size = wanted ? (textsOf(need)?.size ?? 0) : 0;
  return size >= 2 && size <= MAX_SPLIT;
}

function splitTexts(literal: Literal): Literal[] {
  const texts = textsOf(literal.need);
  if (literal.need.kind === "missing" || texts === undefined) return [];
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
      else list.push(taken);
    }
    const start = rarest && textOf(rarest) === undefined ? startOf(rarest) : undefined;
    if (rarest !== undefined && start !== undefined) {
      const lengths = this.#startLengths.get(rarest.subject) ?? new Set();
      this.#startLengths.set(rarest.subject, lengths.add(start.length));
    }
    for (let i = 0; i < cube.length; i++) {
      const { regexes } = findingOf(cube[i]!);
      for (let r = 0; r < regexes.length; r++) this.#regexes.add(regexes[r]!);
    }
  }

  #crowdAt(keys: readonly string[]): number {
    let crowd = 0;
    for (let i = 0; i < keys.length; i++) crowd = Math.max(crowd, this.#byKey.get(keys[i]!)?.length ?? 0);
    return crowd;
  }

  /** One that takes all of the cube; undefined when it is not known that one does. */
  ownerOf(cube: Cube): Owner | undefined {
    let owner = this.#ownerAt(EVERYTHING, cube);
    for (let i = 0; owner === undefined && i < cube.length; i++) {
      const { text } = findingOf(cube[i]!);
      if (text !== undefined) owner = this.#ownerAt(text, cube);
      owner ??= this.#ownerByStart(cube[i]!, cube);
    }
    for (let i = 0; owner === undefined && i < cube.length; i++) {
      const { subject } = cube[i]!;
      if (isFirstOf(cube, subject, i)) owner = this.#ownerAt(subject, cube);
    }
    return owner;
  }

  #ownerByStart(literal: Literal, cube: Cube): Owner | undefined {
    const lengths = this.#startLengths.get(literal.subject);
    if (lengths === undefined) return undefined;
    let owner: Owner | undefined;
    for (const length of lengths) {
      for (const start of findingOf(literal).starts) {
        if (length <= start.length) owner ??= this.#ownerAt(`${literal.subject}^${start.slice(0, length)}`, cube);
      }
    }
    return owner;
  }

  #ownerAt(key: string, cube: Cube): Owner | undefined {
    const list = this.#byKey.get(key);
    if (list === undefined) return undefined;
    for (let i = 0; i < list.length; i++) {
      const taken = list[i]!;
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

function isFirstOf(cube: Cube, subject: string, at: number): boolean {
  for (let i = 0; i < at; i++) if (cube[i]!.subject === subject) return false;
  return true;
}

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
