/** Above this many entries, arrays that are used again from request to request are given back. */
export const WORKING_ENTRIES = 16_384;

/**
 * Whether arrays that grew beyond their working size stay for the next request. One large request
 * alone leaves nothing behind; where they come one after the other, the second and those after it
 * find the arrays of the one before.
 */
export class Slack {
  #large = false;

  /**
   * Told after each request how many entries it used of an array, and how many there are. True:
   * give them back.
   */
  gives(used: number, entries: number): boolean {
    const large = used > WORKING_ENTRIES;
    const gives = entries > WORKING_ENTRIES && !(large && this.#large);
    this.#large = large;
    return gives;
  }
}
