import { isUtf8 } from "node:buffer";
import { viewBuffer } from "../core/bytes.ts";
import type { ExportResponse } from "./response.ts";
import { SIGNAL_FACTS, type Signal } from "./signal.ts";

/**
 * A longer reply is not parsed: objects take many times its bytes, and what it says is a number and
 * a sentence.
 */
const MAX_PARSED_BYTES = 65_536;
const MAX_MESSAGE = 4_096;
const FULL_SUCCESS: ExportResponse = { ok: true, rejected: 0, message: "" };

/**
 * Reads a target's reply in OTLP/JSON. `rejected` is kept within 0 and 2^53 - 1, the message within
 * 4,096 characters. Not ok when it is no object in JSON, or longer than 64 KiB. Never throws.
 */
export function decodeJsonResponse(signal: Signal, bytes: Uint8Array): ExportResponse {
  if (bytes.length === 0) return FULL_SUCCESS;
  const reply = parsed(bytes);
  if (reply === undefined) return { ok: false };
  const partial = propertyOf(reply, "partialSuccess");
  if (partial === undefined || partial === null) return FULL_SUCCESS;
  const message = propertyOf(partial, "errorMessage") ?? "";
  const count = Number(propertyOf(partial, SIGNAL_FACTS[signal].rejectedField) ?? 0);
  if (typeof partial !== "object" || typeof message !== "string" || !Number.isFinite(count)) return { ok: false };
  const rejected = Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, Math.trunc(count)));
  return { ok: true, rejected, message: message.slice(0, MAX_MESSAGE) };
}

/** The message of a google.rpc.Status in JSON; undefined when it is none. Never throws. */
export function messageOfJson(bytes: Uint8Array): string | undefined {
  const message = propertyOf(parsed(bytes), "message");
  return typeof message === "string" ? message.slice(0, MAX_MESSAGE) : undefined;
}

/** An object; undefined: it is none. */
function parsed(bytes: Uint8Array): object | undefined {
  if (bytes.length > MAX_PARSED_BYTES || !isUtf8(bytes)) return undefined;
  try {
    const value: unknown = JSON.parse(viewBuffer(bytes).toString());
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}
