import type { PoolView } from "./picker.ts";

/**
 * Whom a node would rather send to among targets that are equal: by their regions and ids, in
 * order. One that gets only a share of its part, because it comes back or is loaded, is not
 * preferred.
 */
export class Preference {
  readonly #names: readonly string[];
  readonly #ranks: Int32Array;

  constructor(names: readonly string[], size: number) {
    this.#names = names;
    this.#ranks = new Int32Array(size).fill(names.length);
  }

  changed(view: PoolView, index: number): void {
    const { id, region } = view.gauge(index);
    const found = this.#names.findIndex((name) => name === region || name === id);
    this.#ranks[index] = found < 0 ? this.#names.length : found;
  }

  /** 0 is preferred most. */
  rankOf(view: PoolView, index: number): number {
    return view.share[index]! < 1 ? this.#names.length : this.#ranks[index]!;
  }
}

/** Undefined where nobody is preferred. */
export function preferenceFor(names: readonly string[] | undefined, size: number): Preference | undefined {
  return names === undefined || names.length === 0 ? undefined : new Preference(names, size);
}
