import { IdMap } from "../../../core/id-map.ts";
import type { Stream } from "./stream.ts";

/**
 * How many streams that we reset are remembered: frames that were under way to them are no fault.
 */
const MAX_RESETS = 4_096;
/** Gaps in the peer's stream identifiers that are remembered. */
const MAX_GAPS = 16;

/** What is known of a stream that is not in the table, by its identifier. */
type Absence =
  /** Nobody opened it yet. */
  | "idle"
  /** The peer passed over it: it is closed and was never open (RFC 9113, 5.1.1). */
  | "skipped"
  /** We reset it, or it is too long ago to tell: frames of it may come for a while. */
  | "reset"
  /** The peer ended or reset it. */
  | "ended";

/**
 * The streams of a connection that are not closed, and what has to be known of those that are. All
 * have odd identifiers: nobody pushes.
 */
export class StreamTable {
  readonly #streams = new IdMap<Stream>();
  /** The identifiers of streams that we reset, oldest first. */
  readonly #resets = new Set<number>();
  /** The highest identifier of a reset stream that was forgotten. */
  #forgotten = 0;
  /** First and last identifier of each gap. */
  readonly #gaps: number[] = [];
  #highest = 0;

  get size(): number {
    return this.#streams.size;
  }

  /** The highest identifier that was opened, or 0. */
  get highest(): number {
    return this.#highest;
  }

  get(id: number): Stream | undefined {
    return this.#streams.get(id);
  }

  /** In the order of their identifiers; streams may be closed meanwhile. */
  values(): Iterable<Stream> {
    return this.#streams.values();
  }

  /**
   * The identifier is used from here on, whether the stream is let in or not. It must be above
   * `highest`.
   */
  pass(id: number): void {
    const next = this.#highest === 0 ? 1 : this.#highest + 2;
    if (id > next) {
      this.#gaps.push(next, id - 2);
      if (this.#gaps.length > MAX_GAPS * 2) this.#gaps.splice(0, 2);
    }
    this.#highest = id;
  }

  add(stream: Stream): void {
    this.#streams.set(stream.id, stream);
  }

  /** Closes a stream that both sides ended, or that the peer reset. */
  close(stream: Stream): void {
    stream.closed = true;
    stream.body = undefined;
    this.#streams.delete(stream.id);
  }

  /** Remembers that we reset a stream. */
  rememberReset(id: number): void {
    this.#resets.add(id);
    if (this.#resets.size <= MAX_RESETS) return;
    for (const oldest of this.#resets) {
      this.#resets.delete(oldest);
      if (oldest > this.#forgotten) this.#forgotten = oldest;
      return;
    }
  }

  absence(id: number): Absence {
    if (id > this.#highest || id % 2 === 0) return "idle";
    if (this.#resets.has(id)) return "reset";
    for (let i = 0; i < this.#gaps.length; i += 2) {
      if (id >= this.#gaps[i]! && id <= this.#gaps[i + 1]!) return "skipped";
    }
    return id <= this.#forgotten ? "reset" : "ended";
  }
}
