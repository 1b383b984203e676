import { textBrief } from "../core/bytes.ts";
import { clampSigned, readFields, readText } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";
import { SIGNAL_FACTS } from "./signal.ts";
import type { Signal } from "./signal.ts";

/** What an Export reply says; `rejected` 0 and no message is full success. */
export type ExportResponse =
  | { readonly ok: true; readonly rejected: number; readonly message: string }
  | { readonly ok: false };

/**
 * OTLP 1.11 asks servers to keep replies within 4 MiB; this leaves room for what is around the
 * message.
 */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024 - 256;
/** JSON writes one byte of control character as six. */
const JSON_ESCAPE = 6;
const MAX_READ_BYTES = 4_096;
const EMPTY = new Uint8Array(0);
const EMPTY_JSON = new TextEncoder().encode("{}");
const FULL_SUCCESS: ExportResponse = { ok: true, rejected: 0, message: "" };

/**
 * Export<Signal>ServiceResponse: without `partial_success` when nothing was rejected and there is
 * nothing to say. A message that would make it longer than 4 MiB is cut at a character. The result
 * may be shared: do not write to it.
 */
export function encodeResponse(
  signal: Signal,
  rejected: number,
  message: string,
  encoding: "protobuf" | "json",
): Uint8Array {
  if (encoding === "json") return encodeJson(signal, rejected, message);
  if (rejected === 0 && message === "") return EMPTY;
  const text = firstBytes(message, MAX_MESSAGE_BYTES);
  const out = new ProtoWriter(text.length + 32);
  const mark = out.mark();
  if (text !== "") out.string(2, text);
  if (rejected !== 0) out.varintField(1, rejected);
  out.message(1, mark);
  return out.finish();
}

/**
 * Reads a target's protobuf reply: all three signals have the same field numbers. `rejected` is
 * kept within 0 and 2^53 - 1, the message within 4 KiB. Not ok when the bytes are not protobuf.
 * Never throws.
 */
export function decodeResponse(_signal: Signal, bytes: Uint8Array): ExportResponse {
  // Full success is the everyday reply.
  if (bytes.length === 0) return FULL_SUCCESS;
  let rejected = 0;
  let message = "";
  let broken = 0;
  const whole = readFields(bytes, (number, part) => {
    if (number !== 1 || typeof part === "bigint") return;
    const partWhole = readFields(part, (inner, value) => {
      if (inner === 1 && typeof value === "bigint") rejected = Math.max(0, clampSigned(value));
      else if (inner === 2 && typeof value !== "bigint") message = readText(value, MAX_READ_BYTES);
    });
    if (!partWhole) broken++;
  });
  return whole && broken === 0 ? { ok: true, rejected, message } : { ok: false };
}

function encodeJson(signal: Signal, rejected: number, message: string): Uint8Array {
  if (rejected === 0 && message === "") return EMPTY_JSON;
  const full = jsonBytes(signal, rejected, firstBytes(message, MAX_MESSAGE_BYTES));
  if (full.length <= MAX_MESSAGE_BYTES + 256) return full;
  return jsonBytes(signal, rejected, firstBytes(message, MAX_MESSAGE_BYTES / JSON_ESCAPE));
}

function jsonBytes(signal: Signal, rejected: number, message: string): Uint8Array {
  const { rejectedField } = SIGNAL_FACTS[signal];
  const counted = rejected === 0 ? {} : { [rejectedField]: String(rejected) };
  const said = message === "" ? {} : { errorMessage: message };
  return textBrief(JSON.stringify({ partialSuccess: { ...counted, ...said } }));
}

/** The longest beginning of `text` that is whole characters and at most `maxBytes` of UTF-8. */
function firstBytes(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(Math.floor(maxBytes)));
  return text.slice(0, read);
}
