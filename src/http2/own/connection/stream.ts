import type { ReceiveWindow } from "./receive-window.ts";

/** What still comes of a body that is dropped: see leftovers.ts. */
export interface RestOfBody {
  /** Until when it may come, and when some of it came last. */
  untilMs: number;
  cameMs: number;
  /** The peer was asked if it has read the reply. */
  asked: boolean;
}

/** Body bytes that wait to be sent, and what ends the stream after them. */
export class BodyToSend {
  readonly stream: Stream;
  /** Bytes that wait, in `pieces` from `pieceIndex`, there from `pieceAt`. */
  waiting = 0;
  readonly pieces: Uint8Array[] = [];
  pieceIndex = 0;
  pieceAt = 0;
  /** The last frame of the body ends the stream, or these trailers do. */
  ends = false;
  trailers: Uint8Array | undefined = undefined;
  /** Whether the owner is told when the body has gone. */
  tells = false;
  /** In the round of what can be sent: send-round.ts. */
  inRound = false;
  before: BodyToSend | undefined = undefined;
  after: BodyToSend | undefined = undefined;

  constructor(stream: Stream) {
    this.stream = stream;
  }
}

/**
 * One stream that is not closed. Fields are set in one order in one place, so that all streams have
 * one shape. What few streams have, or have for a short time, are objects of their own: thousands
 * of calls may wait for their replies.
 */
export class Stream {
  readonly id: number;
  /** In whole milliseconds: a fraction would be an object. */
  readonly openedMs: number;
  /** We may send more. */
  localOpen = true;
  /** Set when the stream leaves the table: who still holds it drops it. */
  closed = false;

  // What the peer sends.
  /** Until the peer has sent all that it will. */
  receive: ReceiveWindow | undefined;
  /** The head (of a client's stream: the final one) has come. */
  headCame = false;
  /** Body bytes that content-length still promises, or -1. */
  bodyLeft = -1;
  /** What still comes is dropped. */
  rest: RestOfBody | undefined = undefined;

  // What we send.
  /** Bytes that the peer allows; below zero after it made its window smaller: RFC 9113, 6.9.2. */
  sendWindow: number;
  headSent = false;
  body: BodyToSend | undefined = undefined;
  /** Reset with NO_ERROR after the end: RFC 9113, 8.1. */
  resetWaits = false;

  constructor(id: number, receive: ReceiveWindow, sendWindow: number, openedMs: number) {
    this.id = id;
    this.openedMs = Math.floor(openedMs);
    this.receive = receive;
    this.sendWindow = sendWindow;
  }

  /**
   * The peer may send more: with `localOpen` the stream is `open`, with one of both `half-closed`
   * (RFC 9113, 5.1).
   */
  get remoteOpen(): boolean {
    return this.receive !== undefined;
  }

  endRemote(): void {
    this.receive = undefined;
  }

  get discarding(): boolean {
    return this.rest !== undefined;
  }
}
