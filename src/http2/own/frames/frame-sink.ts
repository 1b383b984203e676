import type { ConnectionFault, H2ErrorCode } from "../contract.ts";

/**
 * What the frame decoder tells its owner. Bytes are borrowed until the call returns. Frames come
 * well-formed by their head and in a legal order of HEADERS and CONTINUATION; what they mean for a
 * stream is the owner's to check.
 */
export interface FrameSink {
  /**
   * Nothing more is wanted, not even of the chunk under way: after `violation`, or when the owner
   * ended the connection.
   */
  readonly over: boolean;
  /**
   * A DATA frame begins: `flowBytes` count against flow control, `bodyBytes` of them come by
   * `dataBytes`.
   */
  dataBegins(stream: number, flowBytes: number, bodyBytes: number, endStream: boolean): void;
  /**
   * A piece of the DATA frame that began last; `last`: its body ends here. An empty body is one
   * empty piece.
   */
  dataBytes(piece: Uint8Array, last: boolean): void;
  /** A whole header block, `bytes` from `start` to `end`. */
  headerBlock(stream: number, bytes: Uint8Array, start: number, end: number, endStream: boolean): void;
  priority(): void;
  rstStream(stream: number, code: H2ErrorCode): void;
  /** The parameters, six bytes each, from `start` to `end`. */
  settings(bytes: Uint8Array, start: number, end: number): void;
  settingsAck(): void;
  /** Eight bytes from `start`. */
  ping(bytes: Uint8Array, start: number): void;
  pong(bytes: Uint8Array, start: number): void;
  /** `debug` is cut to 256 bytes. */
  goaway(lastStream: number, code: H2ErrorCode, debug: Uint8Array): void;
  /** Of the connection when `stream` is 0. */
  windowUpdate(stream: number, increment: number): void;
  unknownFrame(): void;
  /** A frame broke a rule in a way that concerns its stream alone. */
  streamViolation(stream: number, code: H2ErrorCode): void;
  /** A frame broke a rule: the connection is over. */
  violation(code: H2ErrorCode, fault: ConnectionFault): void;
}
