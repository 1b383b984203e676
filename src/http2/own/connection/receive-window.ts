/**
 * Flow control of what we receive, of a stream or of the connection (RFC 9113, 5.2 and 6.9): the
 * peer may send `left` bytes; the owner holds some and gives them back; what was given back is told
 * to the peer in large steps.
 */
export class ReceiveWindow {
  readonly #size: number;
  /** Below zero only after `shrink`: the peer sends nothing until it is above again. */
  #left: number;
  #held = 0;
  #due = 0;

  /** `left` may begin above `size`, where the peer cannot know our size yet. */
  constructor(size: number, left: number) {
    this.#size = size;
    this.#left = left;
  }

  /** What the peer may send as it knows of it. */
  get left(): number {
    return this.#left;
  }

  /** Bytes that the owner has not given back. */
  get held(): number {
    return this.#held;
  }

  /**
   * Bytes came, `body` of them for the owner, the rest of no use to it. False when the peer was not
   * allowed to send them.
   */
  take(bytes: number, body: number): boolean {
    if (bytes > this.#left && bytes > 0) return false;
    this.#left -= bytes;
    this.#held += body;
    this.#due += bytes - body;
    return true;
  }

  /** The owner gives bytes back; more than it holds are not counted. */
  give(bytes: number): void {
    const given = Math.min(bytes, this.#held);
    this.#held -= given;
    this.#due += given;
  }

  /**
   * What to tell the peer now, or 0. A sixteenth of the window is the least worth a frame; it is
   * told when half of the window is due, or as much as the peer has left, so that a peer whose
   * bytes are held for long does not run dry.
   */
  update(): number {
    const due = this.#due;
    if (due * 16 < this.#size || (due * 2 < this.#size && due < this.#left)) return 0;
    this.#due = 0;
    this.#left += due;
    return due;
  }

  /**
   * The peer acknowledged a window that is smaller by this than it had to assume: RFC 9113, 6.9.2.
   */
  shrink(bytes: number): void {
    this.#left -= bytes;
  }
}
