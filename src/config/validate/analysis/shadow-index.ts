import { type Cube, impliesCube } from "./cube.ts";
import { type Literal, SERVICE_NAME } from "./literal.ts";
import { MAX_COMPILED } from "./need.ts";

/** What an earlier rule takes of some signals, given as bits. */
export interface Taken<Owner> {
  readonly cube: Cube;
  readonly signals: number;
  readonly owner: Owner;
}

/**
 * What earlier rules take, found by what a later one asks: a rule that asks for one of a few texts by the texts, one with a
 * glob by its beginning, any other by what it asks for. So rules are compared only with few others.
 */
export class ShadowIndex<Owner> {
  readonly #everything: Taken<Owner>[] = [];
  readonly #bySubject = new Map<string, Taken<Owner>[]>();
  readonly #byText = new Map<string, Taken<Owner>[]>();
  readonly #byStart = new Map<string, Taken<Owner>[]>();
  /** Lengths of the beginnings that there are, by subject. */
  readonly #startLengths = new Map<string, Set<number>>();
  readonly #regexes = new Set<string>();
  #effort = 0;

  add(taken: Taken<Owner>): void {
    for (const pattern of taken.cube.flatMap(regexesOf)) this.#regexes.add(pattern);
    const [first] = taken.cube;
    if (first === undefined) {
      this.#everything.push(taken);
      return;
    }
    const texts = this.#rarestTexts(taken.cube);
    const start = texts === undefined ? longestStart(taken.cube) : undefined;
    if (texts !== undefined) {
      for (const key of texts) append(this.#byText, key, taken);
    } else if (start === undefined) append(this.#bySubject, first.subject, taken);
    else {
      append(this.#byStart, keyOf(start.subject, start.text), taken);
      const lengths = this.#startLengths.get(start.subject) ?? new Set();
      this.#startLengths.set(start.subject, lengths.add(start.text.length));
    }
  }

  /** Owners that together take all of the cube for the signals; undefined when it is not known that they do. */
  findOwners(cube: Cube, signals: number): Owner[] | undefined {
    const owners: Owner[] = [];
    let open = signals;
    for (const list of this.#candidates(cube)) {
      for (const taken of list) {
        if ((taken.signals & open) === 0) continue;
        this.#effort += this.#effortOf(taken.cube);
        if (this.#effort > MAX_EFFORT) return undefined;
        if (!impliesCube(cube, taken.cube)) continue;
        owners.push(taken.owner);
        open &= ~taken.signals;
        if (open === 0) return owners;
      }
    }
    return undefined;
  }

  /** In comparisons: a pattern that is not kept compiled costs as much as many. */
  #effortOf(cube: Cube): number {
    return cube.some((literal) => regexesOf(literal).length > 0) && this.#regexes.size > MAX_COMPILED ? 100 : 1;
  }

  /** The keys of the literal whose texts the fewest others ask for; the service's first. */
  #rarestTexts(cube: Cube): string[] | undefined {
    let best: string[] | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (const literal of cube) {
      const texts = textsOf(literal);
      if (texts === undefined) continue;
      const keys = [...texts].map((text) => keyOf(literal.subject, text));
      const crowd = Math.max(...keys.map((key) => this.#byText.get(key)?.length ?? 0));
      if (crowd > fewest || (crowd === fewest && literal.subject !== SERVICE_NAME)) continue;
      best = keys;
      fewest = crowd;
    }
    return best;
  }

  *#candidates(cube: Cube): Generator<readonly Taken<Owner>[]> {
    yield this.#everything;
    for (const literal of cube) {
      const [text] = textsOf(literal) ?? [];
      if (text !== undefined) yield this.#byText.get(keyOf(literal.subject, text)) ?? [];
      for (const start of text === undefined ? startsOf(literal) : [text]) {
        for (const length of this.#startLengths.get(literal.subject) ?? []) {
          if (length <= start.length) yield this.#byStart.get(keyOf(literal.subject, start.slice(0, length))) ?? [];
        }
      }
    }
    for (const subject of new Set(cube.map((literal) => literal.subject))) yield this.#bySubject.get(subject) ?? [];
  }
}

/** Ten thousand rules that have nothing to be found by are not all compared: the analysis must stay fast. */
const MAX_EFFORT = 300_000;

function append<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

function keyOf(subject: string, text: string): string {
  return `${subject}\n${text}`;
}

function textsOf(literal: Literal): ReadonlySet<string> | undefined {
  if (literal.kind !== "value" || !literal.wanted || literal.need.kind !== "value") return undefined;
  return literal.need.texts;
}

function regexesOf(literal: Literal): readonly string[] {
  return literal.kind === "value" && literal.need.kind === "value" ? literal.need.regexes : [];
}

/** What the texts must begin with; one that implies a glob begins with what the glob begins with. */
function startsOf(literal: Literal): readonly string[] {
  if (literal.kind !== "value" || !literal.wanted || literal.need.kind !== "value") return [];
  return literal.need.globs.flatMap(([start = ""]) => (start === "" ? [] : [start]));
}

function longestStart(cube: Cube): { subject: string; text: string } | undefined {
  const starts = cube.flatMap((literal) => startsOf(literal).map((text) => ({ subject: literal.subject, text })));
  return starts.toSorted((a, b) => b.text.length - a.text.length)[0];
}
