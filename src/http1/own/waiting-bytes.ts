/**
 * What has come on connections of one listener of requests that are not to begin yet. It lies in no
 * arena, so it has a bound of its own.
 */
export class WaitingBytes {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** False: there is no room for so many. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.#most) return false;
    this.#held += bytes;
    return true;
  }

  free(bytes: number): void {
    this.#held -= bytes;
  }
}
