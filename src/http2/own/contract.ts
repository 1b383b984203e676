/**
 * What stands between the protocol (connection.ts: pure of I/O, time as an argument) and those who
 * use it: the drivers, which move bytes, and unary gRPC, which gives streams a meaning. One
 * connection has one owner; nothing here waits.
 */

import type { FixedReply } from "./frames/fixed-reply.ts";
import { DROPPED_BYTES_PER_SECOND } from "../session-settings.ts";

/**
 * A decoded header block: names and values in turn, `[name, value, name, value, ...]`, names in
 * lower case. Shared with the cache: never change it.
 */
export type HeaderList = readonly string[];

/** Error codes of RFC 9113, section 7. */
export const H2_ERROR = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
} as const;
export type H2ErrorCode = number;

/**
 * What a connection tells its owner, from within `receive` or `tick` (`flushed`: from within
 * `takeOutput`). None of these may throw; all may call commands.
 */
export interface ConnectionEvents {
  /**
   * A whole header block of a stream: a request's or a reply's head, or trailers. Already checked
   * by RFC 9113, section 8.
   */
  headers(stream: number, headers: HeaderList, endStream: boolean): void;
  /**
   * Body bytes as they come: borrowed until this returns. Their flow-control credit stays out until
   * `credit` gives it back.
   */
  data(stream: number, bytes: Uint8Array, endStream: boolean): void;
  /**
   * The peer reset the stream, or broke the protocol on it and was reset. Nothing more comes of it.
   */
  reset(stream: number, code: H2ErrorCode, byPeer: boolean): void;
  /**
   * What was queued with `sendData` for this stream has been handed to the output to its last byte.
   * Not after a reset.
   */
  flushed(stream: number): void;
  /**
   * The peer goes away: streams of ours above `lastStream` were not processed. A `reset` with
   * REFUSED_STREAM follows for each of them; the others go on. A server that goes gracefully says
   * so twice: the first time with a `lastStream` of 2^31-1.
   */
  goaway(lastStream: number, code: H2ErrorCode, debug: string): void;
  /** The peer's SETTINGS arrived (again). */
  settings(maxConcurrentStreams: number): void;
  /** Our PING came back. */
  pong(payload: number): void;
  /**
   * The connection is over by an error of the protocol, ours or the peer's; GOAWAY is in the
   * output. Called once.
   */
  failed(code: H2ErrorCode, reason: ConnectionFault): void;
}

/** Why a connection ended: a closed list, because it is the label of a metric. */
export const CONNECTION_FAULTS = [
  "bad_preface",
  "protocol_error",
  "frame_size",
  "flow_control",
  "compression",
  "header_list_too_large",
  "continuation_flood",
  "rapid_reset",
  "settings_flood",
  "ping_flood",
  "empty_frame_flood",
  "small_frame_flood",
  "window_update_flood",
  "priority_flood",
  "unknown_frame_flood",
  "stream_errors",
  "settings_timeout",
  "stalled",
  "internal",
] as const;
export type ConnectionFault = (typeof CONNECTION_FAULTS)[number];

/** Bounds of one connection, each with a number; see docs/http2.md. */
export interface ConnectionLimits {
  /** Our SETTINGS. */
  readonly maxConcurrentStreams: number;
  readonly initialWindowBytes: number;
  readonly maxFrameBytes: number;
  readonly maxHeaderListBytes: number;
  readonly maxHeaderCount: number;
  readonly headerTableBytes: number;
  /** Flow-control window of the whole connection, to which it is raised at once. */
  readonly connectionWindowBytes: number;
  /** Bytes that may wait in the output because the peer does not read or gives no credit. */
  readonly maxOutputBytes: number;
  /** CONTINUATION frames of one header block. */
  readonly maxContinuations: number;
  /**
   * Of frames that cost work and carry nothing (PING, SETTINGS, PRIORITY, empty DATA,
   * WINDOW_UPDATE, unknown): per second, with a burst of the same.
   */
  readonly maxIdleFramesPerSecond: number;
  /**
   * Of DATA frames with few bytes: per second, with a burst of the same. A frame of 64 bytes, on
   * the average, costs nothing, and each message may have four small ones.
   */
  readonly maxSmallFramesPerSecond: number;
  /**
   * Streams that the peer opened and reset within a tenth of a second without an answer: per
   * second, with a burst of the same, and one for each stream that was answered. Streams that we
   * have to reset because of the peer: the same number.
   */
  readonly maxResetsPerSecond: number;
  /**
   * Bytes of requests that were answered before their end for which the peer gets credit: per
   * second, with a burst of the same.
   */
  readonly droppedBytesPerSecond: number;
}

export const DEFAULT_LIMITS: ConnectionLimits = {
  maxConcurrentStreams: 1_024,
  initialWindowBytes: 4_194_304,
  maxFrameBytes: 1_048_576,
  maxHeaderListBytes: 16_384,
  maxHeaderCount: 100,
  headerTableBytes: 4_096,
  connectionWindowBytes: 16_777_216,
  maxOutputBytes: 16_777_216,
  maxContinuations: 16,
  maxIdleFramesPerSecond: 1_000,
  maxSmallFramesPerSecond: 1_000,
  maxResetsPerSecond: 200,
  droppedBytesPerSecond: DROPPED_BYTES_PER_SECOND,
};

/** Whose window credit is for. */
export type CreditTo = "both" | "connection" | "stream";

/**
 * One side of one HTTP/2 connection as a state machine without I/O: bytes and commands in, events
 * and bytes out.
 */
export interface Connection {
  readonly role: "server" | "client";
  /** Streams that are not closed. */
  readonly openStreams: number;
  /**
   * True after `failed`, or when it drains and the last stream has ended: write the output, then
   * close.
   */
  readonly done: boolean;
  /**
   * Client: whether another request may be started now (limits of the peer, no GOAWAY, ids left).
   */
  readonly mayOpen: boolean;
  /**
   * What the peer takes of one header list, names and values and 32 bytes for each field; Infinity
   * until it says so. It is advice (RFC 9113, 6.5.2), and the owner's to follow: what is larger is
   * sent all the same, and most likely refused.
   */
  readonly peerMaxHeaderListBytes: number;

  /**
   * Bytes from the peer in any split; views of them are passed on in `data`, nothing of them is
   * kept.
   */
  receive(bytes: Uint8Array, nowMs: number): void;
  /**
   * Checks what has a time limit (SETTINGS acknowledgement, stalled output). Call about once a
   * second.
   */
  tick(nowMs: number): void;

  /**
   * Client: opens a stream with an encoded header block (hpack/encoder.ts). Returns its id, or 0
   * when `mayOpen` is false.
   */
  open(block: Uint8Array, endStream: boolean): number;
  /** Sends an encoded header block on a stream: a reply's head, or trailers with `endStream`. */
  sendHeaders(stream: number, block: Uint8Array, endStream: boolean): void;
  /**
   * Queues body bytes, sent as windows allow, streams in turn so that none starves. The pieces are
   * borrowed until what is taken after `flushed` has been written; or, when the stream is reset
   * before, `madeBytes` as they are then.
   */
  sendData(stream: number, pieces: readonly Uint8Array[], endStream: boolean): void;
  /**
   * The whole of a small reply as one piece of output: head, one DATA frame and trailers, when the
   * windows allow it; otherwise as sendHeaders, sendData and trailers after it. `data` is copied.
   */
  sendReply(stream: number, head: Uint8Array, data: Uint8Array, trailers: Uint8Array): void;
  /** The same with frames that are written already. */
  sendFixedReply(stream: number, reply: FixedReply): void;
  /** RST_STREAM; no event of the stream follows. Does nothing on a stream that is closed. */
  resetStream(stream: number, code: H2ErrorCode): void;
  /**
   * Server: the reply is complete, and what still comes of the request is dropped, within bounds;
   * then RST_STREAM with NO_ERROR (RFC 9113, 8.1). No event of the stream follows. `waits`: the
   * client sends nothing more, and waits for that.
   */
  dismiss(stream: number, waits: boolean): void;
  /**
   * Gives back, once for each byte, flow-control credit for body bytes that were taken: this is the
   * back-pressure. For a closed stream only to the connection. `to`: that of the one may be given
   * later than that of the other.
   */
  credit(stream: number, bytes: number, to?: CreditTo): void;
  ping(payload: number): void;
  /**
   * GOAWAY that lets open streams end; `done` follows. A second call with an error code ends at
   * once.
   */
  goaway(code: H2ErrorCode, debug: string): void;

  /**
   * Bytes that `takeOutput` has given, all together; and with those that wait to be taken and are
   * made up already.
   */
  readonly takenBytes: number;
  readonly madeBytes: number;
  /** Whether there is something to write. */
  readonly hasOutput: boolean;
  /**
   * Takes the bytes to write, in order; small frames are already joined. Large body pieces are
   * views (see sendData).
   */
  takeOutput(maxBytes: number): Uint8Array[];
}
