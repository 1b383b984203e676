import type { BytesOwner } from "../../../core/arena/extent.ts";

/**
 * Owners of bytes that a socket may still write although their call has ended; each is released
 * once, when it has written them.
 */
export class HeldOwners {
  readonly #owners: BytesOwner[] = [];
  /** Of each, how much of all output has to be written. */
  readonly #untils: number[] = [];

  get size(): number {
    return this.#owners.length;
  }

  hold(owner: BytesOwner, until: number): void {
    owner.retain();
    this.#owners.push(owner);
    this.#untils.push(until);
  }

  /** So much of all output has been written. */
  written(bytes: number): void {
    let kept = 0;
    for (let i = 0; i < this.#owners.length; i++) {
      const [owner, until] = [this.#owners[i]!, this.#untils[i]!];
      if (until <= bytes) {
        owner.release();
        continue;
      }
      this.#owners[kept] = owner;
      this.#untils[kept++] = until;
    }
    this.#owners.length = this.#untils.length = kept;
  }
}
