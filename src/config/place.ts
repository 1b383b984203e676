import type { Path } from "./finding.ts";

/** Where a value stands, and the values below it; offsets into the text. */
export interface Place {
  valueAt: number;
  readonly keyAt: number | undefined;
  readonly children: Map<string | number, Place>;
}

export function newPlace(valueAt: number, keyAt: number | undefined): Place {
  return { valueAt, keyAt, children: new Map() };
}

/** What stands in a part stands in the text from `offset` on. */
export function placeFrom(place: Place, part: Place, offset: number): void {
  place.valueAt = part.valueAt + offset;
  place.children.clear();
  for (const [key, below] of part.children) {
    const child = newPlace(below.valueAt, below.keyAt === undefined ? undefined : below.keyAt + offset);
    placeFrom(child, below, offset);
    place.children.set(key, child);
  }
}

/** Of the value at the path, or of its key, or of the nearest thing above it that is there. */
export function offsetOf(root: Place, path: Path, at: "key" | "value"): number {
  let place = root;
  for (const part of path) {
    const child = place.children.get(part);
    if (child === undefined) return place.valueAt;
    place = child;
  }
  return at === "key" ? (place.keyAt ?? place.valueAt) : place.valueAt;
}
