import { Draft } from "./draft.ts";

/**
 * The drafts of one owner, by pool and channel: made when they are first needed, and used again for
 * every request.
 */
export class DraftTable {
  /** Of channel 0, the only one of most pools. */
  readonly #first: (Draft | undefined)[] = [];
  readonly #others: (Draft | undefined)[][] = [];

  find(pool: number, channel: number): Draft {
    const channels = channel === 0 ? this.#first : (this.#others[pool] ??= []);
    const at = channel === 0 ? pool : channel;
    const known = channels[at];
    if (known !== undefined) return known;
    const draft = new Draft(pool, channel);
    channels[at] = draft;
    return draft;
  }
}
