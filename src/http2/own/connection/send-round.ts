import type { Stream } from "./stream.ts";

/**
 * The streams that have body bytes to send and a window for them, each in its turn: a linked list
 * through the streams.
 */
export class SendRound {
  #head: Stream | undefined = undefined;
  #tail: Stream | undefined = undefined;

  /** Whose turn it is. */
  get head(): Stream | undefined {
    return this.#head;
  }

  /** To be called when something about the stream changed: puts it at the end, or takes it out. */
  update(stream: Stream): void {
    const able = !stream.closed && stream.waiting > 0 && stream.sendWindow > 0;
    if (able === stream.inRound) return;
    if (able) this.#append(stream);
    else this.#remove(stream);
  }

  /** The head had its turn: to the end with it, or out. */
  turn(stream: Stream): void {
    this.#remove(stream);
    this.update(stream);
  }

  #append(stream: Stream): void {
    stream.inRound = true;
    stream.before = this.#tail;
    if (this.#tail === undefined) this.#head = stream;
    else this.#tail.after = stream;
    this.#tail = stream;
  }

  #remove(stream: Stream): void {
    const { before, after } = stream;
    if (before === undefined) this.#head = after;
    else before.after = after;
    if (after === undefined) this.#tail = before;
    else after.before = before;
    stream.inRound = false;
    stream.before = undefined;
    stream.after = undefined;
  }
}
