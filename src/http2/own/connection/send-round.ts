import type { BodyToSend } from "./stream.ts";

/**
 * The bodies that have bytes to send and a window for them, each in its turn: a linked list through
 * them.
 */
export class SendRound {
  #head: BodyToSend | undefined = undefined;
  #tail: BodyToSend | undefined = undefined;

  /** Whose turn it is. */
  get head(): BodyToSend | undefined {
    return this.#head;
  }

  /**
   * To be called when something about it or its stream changed: puts it at the end, or takes it
   * out.
   */
  update(body: BodyToSend): void {
    const { stream } = body;
    const able = !stream.closed && body.waiting > 0 && stream.sendWindow > 0;
    if (able === body.inRound) return;
    if (able) this.#append(body);
    else this.#remove(body);
  }

  /** The head had its turn: to the end with it, or out. */
  turn(body: BodyToSend): void {
    this.#remove(body);
    this.update(body);
  }

  #append(body: BodyToSend): void {
    body.inRound = true;
    body.before = this.#tail;
    if (this.#tail === undefined) this.#head = body;
    else this.#tail.after = body;
    this.#tail = body;
  }

  #remove(body: BodyToSend): void {
    const { before, after } = body;
    if (before === undefined) this.#head = after;
    else before.after = after;
    if (after === undefined) this.#tail = before;
    else after.before = before;
    body.inRound = false;
    body.before = undefined;
    body.after = undefined;
  }
}
