/**
 * Numbers 0 to size - 1 with weights, of which one can be found by a share of the sum. Sums are
 * added up anew on the way to the root, so that no rounding errors gather. Changing and finding
 * take O(log n).
 */
export class SumTree {
  readonly #leaves: number;
  /** Node i has the children 2 i and 2 i + 1; the root is 1. */
  readonly #sums: Float64Array;

  constructor(size: number) {
    let leaves = 1;
    while (leaves < size) leaves *= 2;
    this.#leaves = leaves;
    this.#sums = new Float64Array(2 * leaves);
  }

  get total(): number {
    return this.#sums[1]!;
  }

  set(index: number, weight: number): void {
    let node = this.#leaves + index;
    if (this.#sums[node] === weight) return;
    this.#sums[node] = weight;
    for (node >>= 1; node > 0; node >>= 1) {
      this.#sums[node] = this.#sums[2 * node]! + this.#sums[2 * node + 1]!;
    }
  }

  /**
   * The number at this share of the sum, 0 to 1: never one of weight 0. -1 when all weights are 0.
   */
  find(share: number): number {
    if (this.total <= 0) return -1;
    let left = share * this.total;
    let node = 1;
    while (node < this.#leaves) {
      node *= 2;
      const sum = this.#sums[node]!;
      if (left < sum || this.#sums[node + 1] === 0) continue;
      left -= sum; // rounding may leave a crumb too much: it ends at the last one that has weight
      node++;
    }
    return node - this.#leaves;
  }
}
