import type { AskedOfSignals } from "./asked.ts";
import type { Cube } from "./cube.ts";
import { findingOf, startOf } from "./literal-keys.ts";

/** A literal with more texts is found by its subject, whatever the texts are. */
const MOST_TEXTS = 16;
/** Shorter lists have room for no more than they hold: there are as many as there are texts. */
const SHORT_LIST = 32;

/**
 * Entries by the texts that they ask for. Of what a rule for one of a few texts may take something,
 * asks for one of these texts, too, and where it has a glob, for what begins as that does: of ten
 * thousand only a few are compared with it.
 */
export class AskedIndex<Entry extends AskedOfSignals> {
  readonly #byKey = new Map<string, Entry[]>();

  constructor(entries: readonly Entry[]) {
    for (let i = 0; i < entries.length; i++) this.add(entries[i]!);
  }

  add(entry: Entry): void {
    eachKey(entry, (key) => {
      const list = this.#byKey.get(key) ?? [];
      if (list.at(-1) === entry) return; // it asks for the text in another way, too
      if (list.length < SHORT_LIST) this.#byKey.set(key, list.concat([entry]));
      else list.push(entry);
    });
  }

  remove(entry: Entry): void {
    eachKey(entry, (key) => {
      const list = this.#byKey.get(key) ?? [];
      const at = list.indexOf(entry);
      if (at >= 0) list.splice(at, 1);
      if (list.length === 0) this.#byKey.delete(key);
    });
  }

  /**
   * Those of which the taker may take something, among others, in no order; undefined where it
   * asks for nothing that they are found by, so that any may be.
   */
  candidatesOf({ asked, different }: AskedOfSignals): ReadonlySet<Entry> | undefined {
    const candidates = new Set<Entry>();
    for (const signal of different) {
      const { cubes, isExact } = asked[signal];
      if (!isExact) continue; // as TakenIndex: it takes nothing
      for (const cube of cubes) {
        const keys = this.#rarestOf(cube);
        if (keys === undefined) return undefined;
        for (const key of keys) for (const entry of this.#byKey.get(key) ?? []) candidates.add(entry);
      }
    }
    return candidates;
  }

  /** What the fewest are found by of those that ask for all that the cube does. */
  #rarestOf(cube: Cube): readonly string[] | undefined {
    let rarest: readonly string[] | undefined;
    let fewest = Infinity;
    for (const literal of cube) {
      const { text, keptBy } = findingOf(literal);
      if (text === undefined) continue;
      const keys = [...keptBy, literal.subject];
      const count = keys.reduce((sum, key) => sum + (this.#byKey.get(key)?.length ?? 0), 0);
      if (count >= fewest) continue;
      rarest = keys;
      fewest = count;
    }
    return rarest ?? this.#keysLike(cube);
  }

  /** Those of texts and globs that begin as a glob of the cube does. */
  #keysLike(cube: Cube): readonly string[] | undefined {
    for (const literal of cube) {
      const { subject } = literal;
      const start = startOf(literal);
      if (start === undefined) continue;
      const [text, glob] = [`${subject}=${start}`, `${subject}^${start}`];
      const isLike = (key: string): boolean => key.startsWith(text) || key.startsWith(glob) || key === subject;
      return [...this.#byKey.keys()].filter(isLike);
    }
    return undefined;
  }
}

/** Some several times. */
function eachKey({ asked, different }: AskedOfSignals, use: (key: string) => void): void {
  for (const signal of different)
    for (const cube of asked[signal].cubes)
      for (const literal of cube) {
        const { starts, keptBy } = findingOf(literal);
        if (starts.length === 0) continue;
        if (keptBy.length > MOST_TEXTS) use(literal.subject);
        else keptBy.forEach(use);
      }
}
