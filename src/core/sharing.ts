/** Gives for plain values that say the same in JSON one of them: all others can be forgotten. */
export function sharing(): <Value>(value: Value) => Value {
  const known = new Map<string, unknown>();
  const given = new Set<unknown>();
  return <Value>(value: Value): Value => {
    if (given.has(value)) return value;
    const text = JSON.stringify(value);
    const same = known.get(text);
    if (same !== undefined) return same as Value; // oxlint-disable-line typescript/no-unsafe-type-assertion -- it says the same
    known.set(text, value);
    given.add(value);
    return value;
  };
}
