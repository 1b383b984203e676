/**
 * A value as JSON would give it back: keys without a value are left out, and -0 is 0. What needs no
 * change is shared with what was given, and not copied. For trees of texts, finite numbers,
 * booleans, null, lists and objects without a class.
 */
export function plainOf<Value>(value: Value): Value {
  return plain(value) as Value; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what is left out had no value
}

function plain(value: unknown): unknown {
  if (value === 0) return 0;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return plainList(value);
  const entries = Object.entries(value);
  const kept = entries.filter(([, entry]) => entry !== undefined).map(([key, entry]) => [key, plain(entry)] as const);
  const isSame = kept.length === entries.length && kept.every(([, entry], i) => Object.is(entry, entries[i]?.[1]));
  return isSame ? value : Object.fromEntries(kept);
}

function plainList(list: readonly unknown[]): readonly unknown[] {
  const entries = list.map(plain);
  return entries.every((entry, i) => Object.is(entry, list[i])) ? list : entries;
}
