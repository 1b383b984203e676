import { Draft } from "./draft.ts";

/** The drafts of one owner, by pool and channel: made when they are first needed, and used again for every request. */
export class DraftTable {
  readonly #byPool: (Draft | undefined)[][] = [];

  find(pool: number, channel: number): Draft {
    const channels = (this.#byPool[pool] ??= []);
    return (channels[channel] ??= new Draft(pool, channel));
  }
}
