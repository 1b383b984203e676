import { clampSigned, readFields, readText } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";

/**
 * What a google.rpc.Status says in OTLP: a gRPC code, a text for people, and the details that
 * senders act on.
 */
export interface Status {
  readonly code: number;
  readonly message: string;
  /** RetryInfo: the sender may try again after so long. Absent: no RetryInfo. */
  readonly retryDelayMs?: number;
  /** BadRequest: which parts of the request were wrong. */
  readonly violations?: readonly Violation[];
}

export interface Violation {
  readonly field: string;
  readonly description: string;
}

const RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";
const BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest";
/** The longest google.protobuf.Duration: about 10,000 years. */
const MAX_DURATION_MS = 315_576_000_000_000;
const MAX_MESSAGE_BYTES = 4_096;
const MAX_DETAILS = 32;

/**
 * google.rpc.Status in protobuf: for `grpc-status-details-bin` and for bodies of failed OTLP/HTTP
 * requests.
 */
export function encodeStatus(status: Status): Uint8Array {
  const out = new ProtoWriter(256);
  const { violations = [], retryDelayMs } = status;
  if (violations.length > 0) {
    const detail = out.mark();
    const value = out.mark();
    for (let i = violations.length - 1; i >= 0; i--) {
      const mark = out.mark();
      out.string(2, violations[i]!.description);
      out.string(1, violations[i]!.field);
      out.message(1, mark);
    }
    out.message(2, value);
    out.string(1, BAD_REQUEST);
    out.message(3, detail);
  }
  if (retryDelayMs !== undefined) writeRetryInfo(out, durationMs(retryDelayMs));
  if (status.message !== "") out.string(2, status.message);
  if (status.code !== 0) out.varintField(1, status.code);
  return out.finish();
}

/** The same in proto3 JSON: for bodies of failed OTLP/HTTP requests that came as JSON. */
export function statusToJson(status: Status): string {
  const details: unknown[] = [];
  if (status.retryDelayMs !== undefined) {
    // At most nine digits after the point, and never an exponent.
    const seconds = (durationMs(status.retryDelayMs) / 1_000).toFixed(9).replace(/\.?0+$/u, "");
    details.push({ "@type": RETRY_INFO, retryDelay: `${seconds}s` });
  }
  if (status.violations !== undefined && status.violations.length > 0) {
    details.push({ "@type": BAD_REQUEST, fieldViolations: status.violations });
  }
  const { code, message } = status;
  return JSON.stringify(details.length > 0 ? { code, message, details } : { code, message });
}

/**
 * Reads what a target sent. Undefined when it is not a google.rpc.Status; details other than
 * RetryInfo, and what is past the bounds (32 details, 4 KiB of message), are ignored. Never throws.
 */
export function decodeStatus(bytes: Uint8Array): Status | undefined {
  let code = 0;
  let message = "";
  let seen = 0;
  let retryDelayMs: number | undefined;
  const whole = readFields(bytes, (number, value) => {
    if (typeof value === "bigint") {
      if (number === 1) code = Number(BigInt.asIntN(32, value));
    } else if (number === 2) message = readText(value, MAX_MESSAGE_BYTES);
    else if (number === 3 && seen++ < MAX_DETAILS) retryDelayMs = readRetryInfo(value) ?? retryDelayMs;
  });
  if (!whole) return undefined;
  return retryDelayMs === undefined ? { code, message } : { code, message, retryDelayMs };
}

function writeRetryInfo(out: ProtoWriter, delayMs: number): void {
  const detail = out.mark();
  const value = out.mark();
  const delay = out.mark();
  const seconds = Math.floor(delayMs / 1_000);
  const nanos = Math.round((delayMs - seconds * 1_000) * 1_000_000);
  if (nanos > 0) out.varintField(2, Math.min(nanos, 999_999_999));
  if (seconds > 0) out.varintField(1, seconds);
  out.message(1, delay);
  out.message(2, value);
  out.string(1, RETRY_INFO);
  out.message(3, detail);
}

/** A delay that a Duration can hold. */
function durationMs(delayMs: number): number {
  return delayMs > 0 ? Math.min(delayMs, MAX_DURATION_MS) : 0;
}

/**
 * The delay of a RetryInfo within an Any; undefined when the Any holds something else or is broken.
 */
function readRetryInfo(any: Uint8Array): number | undefined {
  let typeUrl = "";
  let value = new Uint8Array(0);
  const whole = readFields(any, (number, field) => {
    if (typeof field === "bigint") return;
    if (number === 1) typeUrl = readText(field, 256);
    else if (number === 2) value = new Uint8Array(field);
  });
  // Any resolves a type by what follows the last slash.
  if (!whole || !typeUrl.endsWith("/google.rpc.RetryInfo")) return undefined;
  let delayMs = 0;
  const read = readFields(value, (number, delay) => {
    if (number === 1 && typeof delay !== "bigint") delayMs = readDuration(delay);
  });
  return read ? delayMs : undefined;
}

function readDuration(bytes: Uint8Array): number {
  let seconds = 0;
  let nanos = 0;
  readFields(bytes, (number, value) => {
    if (typeof value !== "bigint") return;
    if (number === 1) seconds = clampSigned(value);
    else if (number === 2) nanos = clampSigned(BigInt.asIntN(32, value));
  });
  return durationMs(seconds * 1_000 + nanos / 1_000_000);
}
