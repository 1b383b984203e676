import { parseStatus, STATUS } from "./grpc-status.ts";
import { decodeDetails, decodeStatusText, type HeaderBlock, headerText, retryAfterMs } from "./headers.ts";
import { MessageReader, type PrefixJudge } from "./message-reader.ts";
import type { UnaryResult } from "./port.ts";

/** What one header block of a reply says: its head, or its trailers. */
export interface ReplyFields {
  /** NaN in trailers. */
  readonly httpStatus: number;
  readonly status: number | "malformed" | undefined;
  readonly text: string;
  readonly details: Uint8Array | undefined;
  readonly retryAfterMs: number | undefined;
  readonly loadReport: string | undefined;
}

export function readReplyFields(headers: HeaderBlock): ReplyFields {
  const status = headerText(headers, "grpc-status");
  const details = headerText(headers, "grpc-status-details-bin");
  return {
    httpStatus: Number(headers[":status"]),
    status: status === undefined ? undefined : (parseStatus(status) ?? "malformed"),
    text: decodeStatusText(headerText(headers, "grpc-message") ?? ""),
    details: details === undefined ? undefined : decodeDetails(details),
    retryAfterMs: retryAfterMs(headers),
    loadReport: headerText(headers, "endpoint-load-metrics"),
  };
}

type Failure = Extract<UnaryResult, { kind: "failed" }>;

/** A result that is none of the peer's gRPC. */
export function failed(failure: Omit<Failure, "kind" | "unprocessed"> & { unprocessed?: boolean }): UnaryResult {
  return { kind: "failed", unprocessed: false, ...failure };
}

/** Reads one reply, in the order in which it comes. What `head` and `data` return ends the call before its end. */
export class ReplyReader implements PrefixJudge {
  readonly #maxResponseBytes: number;
  readonly #message: MessageReader;
  #head: ReplyFields | undefined;
  #trailers: ReplyFields | undefined;
  #refusal: UnaryResult | undefined;

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
    const read = this.#message.add(bytes);
    if (read === "read") return undefined;
    return this.#refusal ?? failed({ reason: "protocol", text: "the reply has bytes after its message" });
  }

  trailers(fields: ReplyFields): void {
    this.#trailers = fields;
  }

  begins(flag: number, bytes: number): boolean {
    if (flag !== 0) {
      const text = "the reply is compressed, although identity was asked for";
      this.#refusal = failed({ reason: "protocol", text });
    } else if (bytes > this.#maxResponseBytes) {
      const text = `the reply has ${bytes} bytes, the limit is ${this.#maxResponseBytes}`;
      this.#refusal = failed({ reason: "too_large", text });
    }
    return this.#refusal === undefined;
  }

  /** Its length was judged before. */
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
    if (status === STATUS.OK && this.#message.progress !== "whole") {
      return failed({ reason: "protocol", text: "the reply has the status OK, but no whole message" });
    }
    const message = status === STATUS.OK ? this.#message.take() : NOTHING;
    return {
      kind: "answer",
      status,
      text,
      details,
      message,
      ...pauseOf(fields, this.#head),
      ...reportOf(fields, this.#head),
    };
  }

  #statusFields(): ReplyFields | undefined {
    if (this.#trailers?.status !== undefined) return this.#trailers;
    return this.#head?.status === undefined ? undefined : this.#head;
  }
}

const NOTHING = new Uint8Array(0);

function pauseOf(fields: ReplyFields, head?: ReplyFields): { readonly retryAfterMs?: number } {
  const pauseMs = fields.retryAfterMs ?? head?.retryAfterMs;
  return pauseMs === undefined ? {} : { retryAfterMs: pauseMs };
}

function reportOf(fields: ReplyFields, head: ReplyFields | undefined): { readonly loadReport?: string } {
  const loadReport = fields.loadReport ?? head?.loadReport;
  return loadReport === undefined ? {} : { loadReport };
}
