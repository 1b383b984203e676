import { type Dispatcher, errors, Pool } from "undici";
import type { Clock } from "../../core/clock.ts";
import { reasonOf } from "../../core/errors.ts";
import { decodeResponse, type ExportResponse } from "../../otlp/response.ts";
import { SIGNAL_FACTS, type Signal } from "../../otlp/signal.ts";
import { decodeStatus } from "../../otlp/status.ts";
import { acknowledged, encodeBody, MAX_RESPONSE_BYTES, refusedByStatus } from "./reply.ts";
import type { Endpoint, Sender, SendResult } from "./sender.ts";

/** So much of a text that is not a Status is told on. */
const MAX_TEXT = 200;

/** OTLP/HTTP over HTTP/1.1, with protobuf or JSON bodies. */
export function openHttpSender(options: Endpoint, env: { readonly clock: Clock }): Sender {
  const { origin, pathname } = new URL(options.url);
  const base = pathname.endsWith("/") ? pathname.slice(0, -1) : pathname;
  const headers: Record<string, string> = {
    ...options.headers,
    "content-type": options.protocol === "http/json" ? "application/json" : "application/x-protobuf",
    "user-agent": options.userAgent,
  };
  if (options.compression === "gzip") headers["content-encoding"] = "gzip";
  const pool = new Pool(origin, {
    connections: options.concurrency,
    connect: { timeout: options.timeoutMs, ...tlsOf(options) },
    headersTimeout: 0, // one timer of ours bounds a whole attempt
    bodyTimeout: 0,
    maxResponseSize: MAX_RESPONSE_BYTES,
  });
  return {
    async send(signal, message, abort) {
      const late = new AbortController();
      const cancelTimer = env.clock.after(options.timeoutMs, () => late.abort());
      try {
        const body = await encodeBody(message, options.compression);
        const path = `${base}${SIGNAL_FACTS[signal].httpPath}`;
        const until = AbortSignal.any([abort, late.signal]);
        const reply = await pool.request({ path, method: "POST", headers, body, signal: until });
        return resultOf(signal, reply, Buffer.from(await reply.body.arrayBuffer()));
      } catch (error) {
        if (abort.aborted) return { kind: "failed", reason: "cancelled", message: "the call was cancelled" };
        if (!late.signal.aborted) return { kind: "failed", reason: reasonOfFailure(error), message: reasonOf(error) };
        return { kind: "failed", reason: "timeout", message: `no answer within ${options.timeoutMs} ms` };
      } finally {
        cancelTimer();
      }
    },
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

function resultOf(signal: Signal, reply: Dispatcher.ResponseData, body: Buffer): SendResult {
  if (reply.statusCode >= 200 && reply.statusCode < 300) {
    const json = isOfType(reply, "application/json");
    return acknowledged(json ? rejectedInJson(signal, body) : decodeResponse(signal, body));
  }
  const text = isOfType(reply, "application/x-protobuf")
    ? (decodeStatus(body)?.message ?? "")
    : body.toString("utf8", 0, MAX_TEXT);
  return refusedByStatus(reply.statusCode, text, retryAfterMs(reply.headers["retry-after"]));
}

function isOfType(reply: Dispatcher.ResponseData, type: string): boolean {
  return String(reply.headers["content-type"] ?? "").startsWith(type);
}

/** What an Export reply in JSON says. Not ok when it is not JSON. */
function rejectedInJson(signal: Signal, body: Buffer): ExportResponse {
  let reply: unknown;
  try {
    reply = JSON.parse(body.toString("utf8"));
  } catch {
    return { ok: false };
  }
  const partial = fieldOf(reply, "partialSuccess");
  const rejected = Number(fieldOf(partial, SIGNAL_FACTS[signal].rejectedField) ?? 0);
  const message = fieldOf(partial, "errorMessage");
  return {
    ok: true,
    rejected: Number.isFinite(rejected) ? rejected : 0,
    message: typeof message === "string" ? message : "",
  };
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** Seconds; a date is left to the own backoff. */
function retryAfterMs(value: string | string[] | undefined): number | undefined {
  return typeof value === "string" && /^\d{1,9}$/u.test(value) ? Number(value) * 1_000 : undefined;
}

const CONNECT_CODES = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

function reasonOfFailure(error: unknown): "connect" | "reset" | "protocol" | "too_large" {
  if (error instanceof errors.ResponseExceededMaxSizeError) return "too_large";
  if (error instanceof errors.ConnectTimeoutError) return "connect";
  if (error instanceof errors.HTTPParserError) return "protocol";
  const code: unknown = error instanceof Error ? Reflect.get(firstOf(error), "code") : undefined;
  // What goes wrong with TLS goes wrong before anything is sent.
  const isTls = /^(?:ERR_TLS|ERR_SSL|EPROTO|UNABLE_TO_|INVALID_|.*CERT)/u;
  return typeof code === "string" && (CONNECT_CODES.has(code) || isTls.test(code)) ? "connect" : "reset";
}

/** Node tries several addresses of a name and reports all failures in one. */
function firstOf(error: Error): Error {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return first instanceof Error ? first : error;
}

function tlsOf({ tls: { insecureSkipVerify, ...pem } }: Endpoint): Record<string, unknown> {
  return { rejectUnauthorized: insecureSkipVerify !== true, ...pem };
}
