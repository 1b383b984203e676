/** Gives for plain values that say the same in JSON one of them: all others can be forgotten. */
export function sharing(): <Value>(value: Value) => Value {
  const known = new Map<string, unknown>();
  return <Value>(value: Value): Value => {
    const text = JSON.stringify(value);
    if (!known.has(text)) known.set(text, value);
    return known.get(text) as Value; // oxlint-disable-line typescript/no-unsafe-type-assertion -- it says the same
  };
}
