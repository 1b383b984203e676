/** Somebody who wants a part of a whole. */
export interface WantedShare {
  readonly wanted: number;
  /** A holder of twice the weight has twice as much before anybody has all. */
  readonly weight: number;
}

/**
 * The level of weighted max-min: each has the lower of what it wants and `level x weight`, and all
 * of it together is the capacity. Infinity: everybody has what it wants.
 */
export function waterLevel(capacity: number, parts: readonly WantedShare[]): number {
  let left = Math.max(0, capacity);
  let weights = parts.reduce((sum, { weight }) => sum + weight, 0);
  for (const { wanted, weight } of parts.toSorted((a, b) => a.wanted / a.weight - b.wanted / b.weight)) {
    if (wanted * weights > left * weight) return left / weights;
    left -= wanted;
    weights -= weight;
  }
  return Number.POSITIVE_INFINITY;
}
