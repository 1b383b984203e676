/** The same function of one object, which is asked only once of each that is still there. */
export function remembered<Of extends object, Made extends object>(make: (of: Of) => Made): (of: Of) => Made {
  const known = new WeakMap<Of, Made>();
  return (of) => {
    const there = known.get(of);
    if (there !== undefined) return there;
    const made = make(of);
    known.set(of, made);
    return made;
  };
}
