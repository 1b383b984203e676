/**
 * What stands between the protocol (connection.ts: pure of I/O, time as an argument) and those who
 * use it. One connection has one owner; nothing here waits.
 */

import type { Reason, Refusal } from "../../core/reason.ts";
import type { HeadMemo } from "../port.ts";

/** Why a connection ended: a closed list, because it is the label of a metric. */
export const HTTP_FAULTS = [
  "bad_request_line",
  "bad_header",
  "bad_host",
  "bad_length",
  "bad_transfer_encoding",
  "bad_chunk",
  "bad_trailer",
  "head_too_large",
  "extensions_too_large",
  "trailers_too_large",
  "cut_off",
  "head_timeout",
  "body_timeout",
  "pipelined",
  "stalled",
  "http2",
  "tls",
] as const;
export type HttpFault = (typeof HTTP_FAULTS)[number];

/** Those of a body in chunks. */
export type ChunkFault = Extract<
  HttpFault,
  "bad_chunk" | "bad_trailer" | "extensions_too_large" | "trailers_too_large"
>;

/** What a peer did that ends its connection, once it is told. */
export interface Breach<Fault extends string = HttpFault> {
  readonly fault: Fault;
  /** For the peer: what was wrong, and how to mend it. Never anything that it has sent. */
  readonly message: string;
}

/** Bounds of one connection, each with a number; see docs/http1.md. */
export interface HttpLimits {
  /** The request line and all fields, with their line ends. */
  readonly maxHeadBytes: number;
  readonly maxRequestLineBytes: number;
  readonly maxFields: number;
  /** Extensions of all chunks of one body, which are thrown away. */
  readonly maxExtensionBytes: number;
  /** Trailers of one body, which are thrown away. */
  readonly maxTrailerBytes: number;
  /** Requests that are not answered yet: beyond, the connection is not read for a while. */
  readonly maxRequests: number;
  /** Of all connections of a listener: what has come of further requests by then. */
  readonly maxWaitingBytes: number;
  /** From the start of a connection, or the first byte of a request, to the end of its head. */
  readonly headTimeoutMs: number;
  /** From the first byte of a request to the last of its body; and for a reply to be read. */
  readonly bodyTimeoutMs: number;
  /** Without a request for this long, a connection is closed. */
  readonly idleTimeoutMs: number;
}

/** What is not configurable. */
export const DEFAULT_HTTP_LIMITS: Omit<
  HttpLimits,
  "maxHeadBytes" | "headTimeoutMs" | "bodyTimeoutMs" | "idleTimeoutMs"
> = {
  maxRequestLineBytes: 8_192,
  maxFields: 100,
  maxExtensionBytes: 4_096,
  maxTrailerBytes: 8_192,
  maxRequests: 32,
  maxWaitingBytes: 8 * 1_048_576,
};

/** The head of a request, without its length. Connections may share it: never change it. */
export interface InboundHead {
  readonly method: string;
  /** As sent: begins with `/`, `http://` or `https://`, or is `*`. */
  readonly target: string;
  /** Names in lower case, and values, in turn; without `content-length`. */
  readonly fields: readonly string[];
  readonly isChunked: boolean;
  /** The peer waits for `100 Continue` before it sends the body. */
  readonly expects: boolean;
  /** Nothing is read behind this request. */
  readonly closes: boolean;
  readonly memo: HeadMemo;
}

/**
 * What is read, in its order: a head, its body in any pieces, its end; or at last a breach, after
 * which nothing comes. None of these may throw.
 */
export interface RequestEvents {
  /** No request is to begin now: what is behind the last one is left where it is. */
  readonly isFull: boolean;
  /** `length`: of the body, 0 without one, undefined for chunks. */
  head(head: InboundHead, length: number | undefined): void;
  /** Borrowed until this returns. */
  data(bytes: Uint8Array): void;
  end(): void;
  breach(breach: Breach): void;
}

/** What a peer is told of a breach. */
export function refusalOf({ fault, message }: Breach): Refusal {
  return { reason: REASONS_OF[fault] ?? "bad_data", message };
}

const REASONS_OF: Readonly<Partial<Record<HttpFault, Reason>>> = {
  head_too_large: "too_large",
  extensions_too_large: "too_large",
  trailers_too_large: "too_large",
  head_timeout: "deadline",
  body_timeout: "deadline",
  pipelined: "too_many_requests",
};
