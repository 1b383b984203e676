import type { Signal } from "../../../src/otlp/signal.ts";

export type SinkEncoding = "identity" | "gzip" | "zstd";

/** What arrived at a sink: one Export request, decompressed. */
export interface SinkRequest {
  /** Undefined when the path is none of OTLP's. */
  readonly signal: Signal | undefined;
  readonly path: string;
  /** Lower-case names; a name that came twice is joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** Export request message: protobuf, or JSON text when the content type says so. */
  readonly body: Uint8Array;
  /** As it was on the wire, without gRPC's 5-byte prefix. */
  readonly encoding: SinkEncoding;
  readonly wireBytes: number;
  /** Spans, metrics or log records; 0 for JSON and for what is malformed. */
  readonly items: number;
  /**
   * Bytes that cannot be inflated or are not protobuf: answered INVALID_ARGUMENT or 400 whatever
   * the script says.
   */
  readonly malformed: boolean;
}

/**
 * How a sink answers one request. `status` codes are gRPC codes at a gRPC sink and HTTP codes at an
 * HTTP sink; with `retryAfterMs` they carry RetryInfo (gRPC) or Retry-After in whole seconds,
 * rounded up (HTTP).
 */
export type SinkAnswer =
  | { readonly kind: "ok" }
  | { readonly kind: "partial"; readonly rejected: number; readonly message: string }
  | { readonly kind: "status"; readonly code: number; readonly message?: string; readonly retryAfterMs?: number }
  /** Reads the request and never answers. */
  | { readonly kind: "hang" }
  /**
   * Resets the call: RST_STREAM with an HTTP/2 error code, INTERNAL_ERROR by default; at an HTTP
   * sink the socket is destroyed.
   */
  | { readonly kind: "reset"; readonly http2Code?: number }
  /** Destroys the connection with all that is under way on it. */
  | { readonly kind: "disconnect" }
  | { readonly kind: "delay"; readonly ms: number; readonly next: SinkAnswer }
  /** Answers when the test says so. */
  | { readonly kind: "held"; readonly until: Promise<void>; readonly next: SinkAnswer };

/** What a server can send at once. */
export type AnswerNow = Exclude<SinkAnswer, { readonly kind: "delay" | "held" }>;

/** Decides the answer to each request, `nth` counted from 0 since the sink was opened. */
export type SinkScript = (request: SinkRequest, nth: number) => SinkAnswer;

export const OK: SinkAnswer = { kind: "ok" };

export const answerOk: SinkScript = () => OK;

/** Accepts and never answers. */
export const hung: SinkScript = () => ({ kind: "hang" });

export function slow(ms: number): SinkScript {
  return () => ({ kind: "delay", ms, next: OK });
}

/** Says no to everything. */
export function refusing(code: number, more: { message?: string; retryAfterMs?: number } = {}): SinkScript {
  return () => ({ kind: "status", code, ...more });
}

/** `good` requests are taken, then `bad` ones get the answer, and so on. */
export function flapping(good: number, bad: number, answer: SinkAnswer): SinkScript {
  return (_request, nth) => (nth % (good + bad) < good ? OK : answer);
}

/** The answers in turn, one for each request; after the last one everything is taken. */
export function answers(...list: readonly SinkAnswer[]): SinkScript {
  return (_request, nth) => list[nth] ?? OK;
}

/** True for answers by which the sender may take the request as delivered. */
export function takes(answer: SinkAnswer): boolean {
  return (
    answer.kind === "ok" ||
    answer.kind === "partial" ||
    ((answer.kind === "delay" || answer.kind === "held") && takes(answer.next))
  );
}
