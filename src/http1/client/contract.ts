/**
 * What stands between the protocol of a client (reply-reader.ts: pure of I/O and of clocks), its
 * connections, and those who send requests on them.
 */

import type { BytesOwner } from "../../core/arena/extent.ts";
import type { Duplex } from "node:stream";
import type { Cancel } from "../../core/clock.ts";
import type { TakeBytes } from "../../core/sockets/read-socket.ts";
import type { Breach } from "../own/contract.ts";

/** Why a reply could not be read: a closed list, because it is the label of a metric. */
export const REPLY_FAULTS = [
  "bad_status_line",
  "bad_header",
  "bad_length",
  "bad_transfer_encoding",
  "bad_chunk",
  "bad_trailer",
  "head_too_large",
  "extensions_too_large",
  "trailers_too_large",
  "too_many_interim",
  "cut_off",
  "unasked",
] as const;
export type ReplyFault = (typeof REPLY_FAULTS)[number];
export type ReplyBreach = Breach<ReplyFault>;

export function badReply(fault: ReplyFault, why: string): ReplyBreach {
  return { fault, message: `the reply breaks the rules of HTTP/1.1: ${why}` };
}

/** Bounds of one reply; see docs/http1.md. */
export interface ReplyLimits {
  /** The status line and all headers, with their line ends; of each interim reply, too. */
  readonly maxHeadBytes: number;
  /** Interim replies (1xx) before the final one. */
  readonly maxInterim: number;
  readonly maxExtensionBytes: number;
  readonly maxTrailerBytes: number;
}

export const REPLY_LIMITS: ReplyLimits = {
  maxHeadBytes: 16_384,
  maxInterim: 32,
  maxExtensionBytes: 4_096,
  maxTrailerBytes: 8_192,
};

/** By names in lower case; what came more than once is a list. */
export type ReplyHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The head of a final reply. Calls may share it: never change it. */
export interface ReplyHead {
  readonly status: number;
  readonly headers: ReplyHeaders;
  readonly isChunked: boolean;
  /** The connection is not used any more when the reply has ended. */
  readonly closes: boolean;
  /** So long the peer keeps it without a request; undefined where it does not say. */
  readonly keptMs: number | undefined;
}

/** What is read, in its order. None of these may throw. */
export interface ReplyEvents {
  head(head: ReplyHead): void;
  /** Borrowed until this returns. */
  data(bytes: Uint8Array): void;
  /**
   * `isLast`: something is behind it that nobody asked for, or only the connection's end ended it.
   */
  end(isLast: boolean): void;
  /** The last that comes. `head`: what is there of a head that breaks the rules; borrowed. */
  breach(breach: ReplyBreach, head: Buffer | undefined): void;
}

/** One request as it is written. */
export interface OutboundRequest {
  /** To its empty line. */
  readonly head: Uint8Array;
  /** Of the body. Borrowed until the exchange has ended. */
  readonly pieces: readonly Uint8Array[];
  /**
   * Of the pieces, retained by whoever reads them after that. Without one they are never changed.
   */
  readonly owner: BytesOwner | undefined;
}

/** Why there is no answer, or no more of it. */
export interface ExchangeFailure {
  /**
   * `connect`: there was no connection, nothing was sent. `stale`: the connection was kept, and
   * nothing came on it since the request began: it was dead, or closed just then. `closed`: the
   * pool has ended.
   */
  readonly reason: "connect" | "reset" | "stale" | "closed";
  readonly text: string;
  /** What came of a head that breaks the rules. Borrowed. */
  readonly head?: Buffer | undefined;
}

/**
 * One request, and what comes of it: `end` or `failed` once, unless it is given up. None may throw.
 */
export interface ClientExchange {
  readonly request: OutboundRequest;
  /** It is being written: from here on the peer may have seen it. */
  began(): void;
  head(head: ReplyHead): void;
  /** Borrowed until this returns. */
  data(bytes: Uint8Array): void;
  end(): void;
  failed(failure: ExchangeFailure): void;
}

/**
 * Opens one connection that is read by `take`. Told once, never from within; after a cancel not at
 * all. What has come is there: TLS is, too.
 */
export type OpenConnection = (take: TakeBytes, done: (opened: Duplex | Error) => void) => Cancel;
