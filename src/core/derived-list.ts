/** How many items are the same at the beginning of two lists, and at their ends; none twice. */
export interface CommonItems {
  readonly head: number;
  readonly tail: number;
}

/**
 * What a list was made of: before `head`, and in the last `tail` items, both have the same ones.
 * The other list may go.
 */
interface Derivation extends CommonItems {
  readonly list: WeakRef<readonly unknown[]>;
}

const derivations = new WeakMap<readonly unknown[], Derivation>();

/** `toSpliced` has its arguments on the stack: so many at the most. */
const MOST_ARGUMENTS = 500;

/**
 * As `toSpliced`, of any number of items. What the new list has in common with the other is known
 * from then on, and need not be looked for among ten thousand items: after a second in which nobody
 * touched them that takes some milliseconds each time.
 */
export function derivedList<Item>(
  list: readonly Item[],
  start: number,
  cut: number,
  put: readonly Item[],
): readonly Item[] {
  const isFew = put.length < MOST_ARGUMENTS;
  const next = isFew
    ? list.toSpliced(start, cut, ...put)
    : [...list.slice(0, start), ...put, ...list.slice(start + cut)];
  derivations.set(next, {
    list: new WeakRef(list),
    head: Math.min(start, list.length),
    tail: Math.max(0, list.length - start - cut),
  });
  return next;
}

/** Lists are made of one another one change at a time. */
const MOST_STEPS = 4;

/**
 * What two lists have in common at both ends, as far as it is known from how they were made; there
 * may be more. Undefined where nothing is known.
 */
export function knownCommon(a: readonly unknown[], b: readonly unknown[]): CommonItems | undefined {
  if (a === b) return { head: a.length, tail: 0 };
  const above = lineOf(a);
  for (const [list, ofB] of lineOf(b)) {
    const ofA = above.get(list);
    if (ofA !== undefined) return joined(ofA, ofB);
  }
  return undefined;
}

/** The list itself and those that it was made of, each with what the list has in common with it. */
function lineOf(list: readonly unknown[]): Map<readonly unknown[], CommonItems> {
  const line = new Map<readonly unknown[], CommonItems>();
  let common: CommonItems = { head: list.length, tail: list.length };
  let at: readonly unknown[] | undefined = list;
  while (at !== undefined && line.size <= MOST_STEPS) {
    line.set(at, common);
    const derivation = derivations.get(at);
    at = derivation?.list.deref();
    if (derivation !== undefined) common = joined(common, derivation);
  }
  return line;
}

function joined(a: CommonItems, b: CommonItems): CommonItems {
  return { head: Math.min(a.head, b.head), tail: Math.min(a.tail, b.tail) };
}
