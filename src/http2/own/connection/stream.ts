import type { ReceiveWindow } from "./receive-window.ts";

/**
 * One stream that is not closed. Fields are set in one order in one place, so that all streams have
 * one shape.
 */
export class Stream {
  readonly id: number;
  readonly openedMs: number;
  /**
   * Whether we, and whether the peer, may send more: `open` is both, `half-closed` one of them (RFC
   * 9113, 5.1).
   */
  localOpen = true;
  remoteOpen = true;
  /** Set when the stream leaves the table: who still holds it drops it. */
  closed = false;

  // What the peer sends.
  readonly receive: ReceiveWindow;
  /** The head (of a client's stream: the final one) has come. */
  headCame = false;
  /** Body bytes that content-length still promises, or -1. */
  bodyLeft = -1;
  /** What still comes is dropped: see leftovers.ts. */
  discarding = false;
  /**
   * Until when it may come, when some of it came last, and whether the peer was asked if it has
   * read the reply.
   */
  restUntilMs = Number.POSITIVE_INFINITY;
  restCameMs = 0;
  restAsked = false;

  // What we send.
  /** Bytes that the peer allows; below zero after it made its window smaller: RFC 9113, 6.9.2. */
  sendWindow: number;
  headSent = false;
  /** Body bytes that wait, in `pieces` from `pieceIndex`, there from `pieceAt`. */
  waiting = 0;
  pieces: Uint8Array[] | undefined = undefined;
  pieceIndex = 0;
  pieceAt = 0;
  /** The last frame of the body ends the stream. */
  endWaits = false;
  /** What ends the stream after the body. */
  trailers: Uint8Array | undefined = undefined;
  /** Whether the owner is told when the body has gone. */
  tells = false;
  /** Reset with NO_ERROR after that: RFC 9113, 8.1. */
  resetWaits = false;
  /** In the round of streams that have something to send: send-round.ts. */
  inRound = false;
  before: Stream | undefined = undefined;
  after: Stream | undefined = undefined;

  constructor(id: number, receive: ReceiveWindow, sendWindow: number, openedMs: number) {
    this.id = id;
    this.openedMs = openedMs;
    this.receive = receive;
    this.sendWindow = sendWindow;
  }
}
