import { parseStatus, STATUS } from "./grpc-status.ts";
import { decodeDetails, decodeStatusText, type HeaderBlock, headerText, retryAfterMs } from "./headers.ts";
import { MessageReader, type MessageGuard } from "./message-reader.ts";
import type { UnaryResult } from "./port.ts";
import { encodingOf, firstOf, valuesOf } from "./repeated.ts";

/** What one header block of a reply says: its head, or its trailers. */
export interface ReplyFields {
  /** NaN in trailers. */
  readonly httpStatus: number;
  readonly status: number | "malformed" | undefined;
  readonly text: string;
  readonly details: Uint8Array | undefined;
  readonly retryAfterMs: number | undefined;
  readonly loadReport: string | undefined;
  /** `grpc-encoding`, in lower case; `identity` when there is none. */
  readonly encoding: string;
}

export function readReplyFields(headers: HeaderBlock): ReplyFields {
  const details = headerText(headers, "grpc-status-details-bin");
  return {
    httpStatus: Number(headers[":status"]),
    status: statusOf(headers),
    text: decodeStatusText(headerText(headers, "grpc-message") ?? ""),
    details: details === undefined ? undefined : decodeDetails(details),
    retryAfterMs: retryAfterMs(headers),
    loadReport: firstOf(headers, "endpoint-load-metrics"),
    encoding: encodingOf(headers, "grpc-encoding"),
  };
}

/** Of several the first that is one. */
function statusOf(headers: HeaderBlock): ReplyFields["status"] {
  const values = valuesOf(headers, "grpc-status");
  if (values.length === 0) return undefined;
  for (const value of values) {
    const status = parseStatus(value);
    if (status !== undefined) return status;
  }
  return "malformed";
}

type ReplyFailure = Extract<UnaryResult, { kind: "failed" }>;

/** A result that is none of the peer's gRPC. */
export function failed(failure: Omit<ReplyFailure, "kind" | "unprocessed"> & { unprocessed?: boolean }): UnaryResult {
  return { kind: "failed", unprocessed: false, ...failure };
}

/**
 * Of bytes that are no message, so many times the longest message are read on for, to come to the
 * status behind them.
 */
const MOST_SKIPPED = 4;

/**
 * Reads one reply, in the order in which it comes. What `head` and `data` return ends the call
 * before its end. The status stands behind the message, and decides: a message that cannot be read,
 * or is not wanted, is thrown away.
 */
export class ReplyReader implements MessageGuard {
  readonly #maxResponseBytes: number;
  readonly #message: MessageReader;
  #head: ReplyFields | undefined;
  #trailers: ReplyFields | undefined;
  #unreadable = false;
  #skipped = 0;

  constructor(maxResponseBytes: number) {
    this.#maxResponseBytes = maxResponseBytes;
    this.#message = new MessageReader(this);
  }

  get hasHead(): boolean {
    return this.#head !== undefined;
  }

  get hasStatus(): boolean {
    return this.#statusFields() !== undefined;
  }

  head(fields: ReplyFields): UnaryResult | undefined {
    this.#head = fields;
    const { httpStatus } = fields;
    if (httpStatus === 200 || fields.status !== undefined) return undefined;
    // A proxy or another server; its body says nothing to a program.
    return failed({ reason: "http_status", text: `HTTP status ${httpStatus}`, httpStatus, ...pauseOf(fields) });
  }

  data(bytes: Uint8Array): UnaryResult | undefined {
    if (!this.#unreadable) {
      if (this.#message.add(bytes) === "read") return undefined;
      this.#unreadable = true;
      this.#message.drop();
    }
    this.#skipped += bytes.length;
    if (this.#skipped <= MOST_SKIPPED * this.#maxResponseBytes) return undefined;
    const text = `the reply is still not at its end after ${this.#skipped} bytes, the limit is ${this.#maxResponseBytes}`;
    return failed({ reason: "too_large", text });
  }

  trailers(fields: ReplyFields): void {
    this.#trailers = fields;
  }

  begins(flag: number, bytes: number): boolean {
    return flag <= 1 && bytes <= this.#maxResponseBytes;
  }

  /** Its length was checked before. */
  holds(): boolean {
    return true;
  }

  /** What a reply is that ended in peace. */
  end(): UnaryResult {
    const fields = this.#statusFields();
    if (fields?.status === undefined) {
      return failed({ reason: "protocol", text: "the reply ended without grpc-status" });
    }
    const { status, text, details } = fields;
    if (status === "malformed") return failed({ reason: "protocol", text: "the reply has a malformed grpc-status" });
    // Success needs no message: none is an empty one.
    const unreadable = status === STATUS.OK && (this.#unreadable || this.#message.progress === "partial");
    const message = status === STATUS.OK && !unreadable ? this.#message.take().bytes : NOTHING;
    const encoding = this.#head?.encoding;
    const isPlain = !unreadable && !this.#message.compressed && saysNothingMore(fields, this.#head);
    if (isPlain) return { kind: "answer", status, text, details, message };
    return {
      kind: "answer",
      status,
      text,
      details,
      message,
      ...(unreadable && { unreadable }),
      ...(encoding !== undefined && this.#message.compressed && { messageEncoding: encoding }),
      ...pauseOf(fields, this.#head),
      ...reportOf(fields, this.#head),
    };
  }

  #statusFields(): ReplyFields | undefined {
    const head = this.#head?.status === undefined ? undefined : this.#head;
    const trailers = this.#trailers?.status === undefined ? undefined : this.#trailers;
    return trailers?.status === "malformed" ? (head ?? trailers) : (trailers ?? head);
  }
}

const NOTHING = new Uint8Array(0);

/** As nearly all: what is put together for others costs 0.3 us. */
function saysNothingMore(fields: ReplyFields, head: ReplyFields | undefined): boolean {
  if (fields.retryAfterMs !== undefined || fields.loadReport !== undefined) return false;
  return head?.retryAfterMs === undefined && head?.loadReport === undefined;
}

function pauseOf(fields: ReplyFields, head?: ReplyFields): { readonly retryAfterMs?: number } {
  const pauseMs = fields.retryAfterMs ?? head?.retryAfterMs;
  return pauseMs === undefined ? {} : { retryAfterMs: pauseMs };
}

function reportOf(fields: ReplyFields, head: ReplyFields | undefined): { readonly loadReport?: string } {
  const loadReport = fields.loadReport ?? head?.loadReport;
  return loadReport === undefined ? {} : { loadReport };
}
