import type { Extent } from "./extent.ts";

/** What was given back is filled with this. No length and no text of OTLP begins with it. */
export const POISON = 0xdb;

/** Extents that nobody gave back, by who asked for them. */
export interface Leak {
  readonly owner: string;
  readonly extents: number;
  readonly bytes: number;
}

/** Finds faults of those who use an arena, at a price that only tests pay. */
export class ArenaWatch {
  readonly #bytes: Buffer;
  readonly #poison: Buffer;
  readonly #poisoned = new Set<number>();
  readonly #alive = new Map<Extent, string>();

  constructor(bytes: Buffer, chunkBytes: number) {
    this.#bytes = bytes;
    this.#poison = Buffer.allocUnsafeSlow(chunkBytes).fill(POISON);
  }

  get leaks(): readonly Leak[] {
    const leaks = new Map<string, Leak>();
    for (const [extent, owner] of this.#alive) {
      const { extents, bytes } = leaks.get(owner) ?? { extents: 0, bytes: 0 };
      leaks.set(owner, { owner, extents: extents + 1, bytes: bytes + extent.bytes.length });
    }
    return [...leaks.values()];
  }

  born(extent: Extent, owner: string): void {
    this.#alive.set(extent, owner);
  }

  died(extent: Extent): void {
    this.#alive.delete(extent);
  }

  /** A range is not used any more. */
  left(start: number, end: number): void {
    this.#bytes.fill(POISON, start, end);
  }

  /** A whole chunk is free. */
  freed(chunk: number): void {
    const { length } = this.#poison;
    this.#bytes.fill(POISON, chunk * length, (chunk + 1) * length);
    this.#poisoned.add(chunk);
  }

  /** Throws when somebody wrote into a chunk while it was free. */
  taken(chunk: number): void {
    if (!this.#poisoned.delete(chunk)) return;
    const { length } = this.#poison;
    if (this.#bytes.subarray(chunk * length, (chunk + 1) * length).equals(this.#poison)) return;
    throw new Error(`arena: chunk ${chunk} was written to after it had been given back`);
  }
}
