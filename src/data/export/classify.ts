import { leastOf } from "../../http2/repeated.ts";
import { GRPC, grpcCodeName } from "../../otlp/grpc-code.ts";
import type { StatusVerdicts } from "../../plan/status-verdicts.ts";
import type { RetryReason, SendOutcome } from "../send-outcome.ts";

/** A gRPC status other than OK, with what its details said. */
export interface GrpcAnswer {
  readonly status: number;
  readonly message: string;
  /** From RetryInfo; undefined without one. */
  readonly retryDelayMs: number | undefined;
  /** From `retry-after` or `grpc-retry-pushback-ms`, as proxies send them. */
  readonly pushbackMs: number | undefined;
  /** That of an answer which is not gRPC at all, for which `status` stands. */
  readonly httpStatus?: number;
}

/** An HTTP status outside 2xx. */
export interface HttpAnswer {
  readonly status: number;
  readonly message: string;
  /** As it came, also more than once. */
  readonly retryAfter: string | readonly string[] | undefined;
}

/**
 * gRPC codes that may be retried whatever their details say (OTLP specification, OTLP/gRPC
 * Response).
 */
const GRPC_RETRYABLE = new Map<number, RetryReason>([
  [GRPC.CANCELLED, "aborted"],
  [GRPC.DEADLINE_EXCEEDED, "timeout"],
  [GRPC.ABORTED, "aborted"],
  [GRPC.OUT_OF_RANGE, "aborted"],
  [GRPC.UNAVAILABLE, "unavailable"],
  [GRPC.DATA_LOSS, "aborted"],
]);

/**
 * HTTP statuses that may be retried (OTLP specification, OTLP/HTTP Response): these four and no
 * other.
 */
const HTTP_RETRYABLE = new Map<number, RetryReason>([
  [429, "throttled"],
  [502, "unavailable"],
  [503, "unavailable"],
  [504, "timeout"],
]);

/**
 * What targets answer as well when they cannot decode a request, or stumble over what is in it:
 * INTERNAL is the answer of gRPC's own libraries for bytes that are no message (grpc-go, grpc-js,
 * Python), UNKNOWN that of handlers that throw.
 */
const GRPC_PERHAPS_DATA: ReadonlySet<number> = new Set([GRPC.INTERNAL, GRPC.UNKNOWN]);
const HTTP_PERHAPS_DATA: ReadonlySet<number> = new Set([422, 500]);

/**
 * Whether a status says nothing of what was sent, but of what is there to take it: such a path or
 * method is not known, or it has moved. Redirects are not followed: OTLP has none, and what was
 * sent may hold secrets.
 */
function isElsewhere(httpStatus: number): boolean {
  return httpStatus === 404 || httpStatus === 405 || (httpStatus >= 300 && httpStatus < 400);
}

/**
 * What gRPC makes of an answer without a gRPC status (grpc/doc/http-grpc-status-mapping.md); 413 is
 * what proxies say of a long body.
 */
const GRPC_OF_HTTP = new Map<number, number>([
  [400, GRPC.INTERNAL],
  [401, GRPC.UNAUTHENTICATED],
  [403, GRPC.PERMISSION_DENIED],
  [404, GRPC.UNIMPLEMENTED],
  [413, GRPC.RESOURCE_EXHAUSTED],
  [429, GRPC.UNAVAILABLE],
  [502, GRPC.UNAVAILABLE],
  [503, GRPC.UNAVAILABLE],
  [504, GRPC.UNAVAILABLE],
]);

/**
 * What a success means, whose body was read or could not be: never a reason to send again, for the
 * target has it.
 */
export function accepted(
  reply: { readonly ok: true; readonly rejected: number; readonly message: string } | { readonly ok: false },
): SendOutcome {
  if (reply.ok) return { kind: "accepted", rejected: reply.rejected, message: reply.message };
  // For operators: to the sender it is a success like any other.
  return { kind: "accepted", rejected: 0, message: "", unreadable: true };
}

/** Whether an HTTP status says that the batch was taken. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/**
 * What a gRPC status other than OK means for the batch. UNAVAILABLE (as 503 in HTTP) that names a
 * delay is the protocol's way to throttle: the target is there and asks for time.
 */
export function classifyGrpc(answer: GrpcAnswer, verdicts?: StatusVerdicts): SendOutcome {
  const code = grpcCodeName(answer.status);
  const message = answer.message === "" ? code : `${code}: ${answer.message}`;
  const { httpStatus = 0 } = answer;
  const verdict = verdicts && (verdicts.http.get(httpStatus) ?? verdicts.grpc.get(answer.status));
  const afterMs = longer(answer.retryDelayMs, answer.pushbackMs);
  if (verdict === "retry") return retryAs(GRPC_RETRYABLE.get(answer.status), message, afterMs);
  if (verdict === "elsewhere") return { kind: "elsewhere", code, message };
  if (answer.status === GRPC.RESOURCE_EXHAUSTED) {
    if (answer.retryDelayMs === undefined) return { kind: "too_large", message, doubt: "quota" };
    const named = answer.retryDelayMs;
    return { kind: "retry", reason: "throttled", message, afterMs: named, unprocessed: false, quota: true };
  }
  const isNowhere = answer.status === GRPC.UNIMPLEMENTED || isElsewhere(httpStatus);
  if (isNowhere && verdict === undefined) return { kind: "elsewhere", code, message };
  const reason = GRPC_RETRYABLE.get(answer.status);
  if (reason === undefined || verdict === "final") {
    return {
      kind: "rejected",
      code,
      message,
      badData: answer.status === GRPC.INVALID_ARGUMENT,
      perhapsData: GRPC_PERHAPS_DATA.has(answer.status),
    };
  }
  return retry(answer.status === GRPC.UNAVAILABLE && afterMs !== undefined ? "throttled" : reason, message, afterMs);
}

/** The gRPC status that stands for an HTTP answer which is not gRPC at all. */
export function grpcStatusOfHttp(httpStatus: number): number {
  return GRPC_OF_HTTP.get(httpStatus) ?? GRPC.UNKNOWN;
}

/**
 * What an HTTP status outside 2xx means for the batch. `wallMs` is for a Retry-After that is a
 * date.
 */
export function classifyHttp(answer: HttpAnswer, wallMs: number, verdicts?: StatusVerdicts): SendOutcome {
  const code = `HTTP ${answer.status}`;
  const message = answer.message === "" ? code : `${code}: ${answer.message}`;
  if (answer.status === 413) return { kind: "too_large", message };
  const reason = HTTP_RETRYABLE.get(answer.status);
  const verdict = verdicts?.http.get(answer.status) ?? (isElsewhere(answer.status) ? "elsewhere" : undefined);
  if (verdict === "retry") return retryAs(reason, message, retryAfterMs(answer.retryAfter, wallMs));
  if (verdict === "elsewhere") return { kind: "elsewhere", code, message };
  if (reason === undefined || verdict === "final") {
    const perhapsData = HTTP_PERHAPS_DATA.has(answer.status);
    return { kind: "rejected", code, message, badData: answer.status === 400, perhapsData };
  }
  const afterMs = retryAfterMs(answer.retryAfter, wallMs);
  const outcome = retry(answer.status === 503 && afterMs !== undefined ? "throttled" : reason, message, afterMs);
  return answer.status === 429 ? { ...outcome, quota: true } : outcome;
}

/** Said by the config: a failure, or a pause if a delay is named. */
function retryAs(reason: RetryReason | undefined, message: string, afterMs: number | undefined): SendOutcome {
  return retry(afterMs === undefined ? (reason ?? "unavailable") : "throttled", message, afterMs);
}

function retry(
  reason: RetryReason,
  message: string,
  afterMs: number | undefined,
): Extract<SendOutcome, { kind: "retry" }> {
  const outcome = { kind: "retry", reason, message, unprocessed: false } as const;
  return afterMs === undefined ? outcome : { ...outcome, afterMs };
}

function longer(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}

/**
 * Retry-After in milliseconds from now: seconds or a date, not below 0; undefined when absent or
 * unreadable. Of several the shortest, in one line, too.
 */
export function retryAfterMs(value: string | readonly string[] | undefined, wallMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string") return leastOf(value.map((one) => retryAfterMs(one, wallMs)));
  const whole = readOne(value, wallMs);
  if (whole !== undefined || !value.includes(",")) return whole;
  return leastOf(value.split(/,(?! \d{2}[ -])/u).map((one) => readOne(one, wallMs))); // not the comma of a date
}

function readOne(value: string, wallMs: number): number | undefined {
  const text = value.trim();
  if (/^\d{1,9}$/u.test(text)) return Number(text) * 1_000;
  const at = parseHttpDate(text, wallMs);
  return at === undefined ? undefined : Math.max(0, at - wallMs);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const IMF = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/u;
const RFC850 = /^[A-Z][a-z]{5,8}, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/u;
const ASCTIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/u;

/** Milliseconds since 1970 of an HTTP-date in any of its three forms (RFC 9110, section 5.6.7). */
export function parseHttpDate(text: string, wallMs: number): number | undefined {
  const imf = IMF.exec(text);
  if (imf !== null) return toMs(Number(imf[3]), imf[2]!, imf[1]!, imf.slice(4));
  const old = RFC850.exec(text);
  if (old !== null) return toMs(fullYear(Number(old[3]), wallMs), old[2]!, old[1]!, old.slice(4));
  const asctime = ASCTIME.exec(text);
  if (asctime !== null) return toMs(Number(asctime[6]), asctime[1]!, asctime[2]!, asctime.slice(3, 6));
  return undefined;
}

/** Two digits that would be more than 50 years ahead mean the past. */
function fullYear(twoDigits: number, wallMs: number): number {
  const thisYear = 1970 + Math.floor(wallMs / 31_556_952_000);
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}

function toMs(year: number, monthName: string, day: string, time: readonly string[]): number | undefined {
  const month = MONTHS.indexOf(monthName);
  if (month < 0) return undefined;
  const hours = daysFromCivil(year, month + 1, Number(day)) * 24 + Number(time[0]);
  return ((hours * 60 + Number(time[1])) * 60 + Number(time[2])) * 1_000;
}

/**
 * Days since 1970-01-01 in the proleptic Gregorian calendar; years are counted from March so that
 * the leap day is last.
 */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}
