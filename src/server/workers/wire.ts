import { ERROR_CODES, reasonOf, RouterError } from "../../core/errors.ts";
import type { ExplainRequest } from "../../plan/explanation.ts";
import type { WireError, WireExplainRequest } from "./messages.ts";

/** What JSON cannot hold, as what it can; and back. */
export function toWireError(cause: unknown): WireError {
  const named = cause instanceof RouterError ? cause : undefined;
  return { code: named?.code, message: reasonOf(cause), hint: named?.hint };
}

export function fromWireError({ code, message, hint }: WireError): Error {
  const known = ERROR_CODES.find((one) => one === code) ?? "INTERNAL";
  return new RouterError(known, message, hint === undefined ? {} : { hint });
}

export function toWireExplain({ bytes, ...rest }: ExplainRequest): WireExplainRequest {
  return { ...rest, base64: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64") };
}

export function fromWireExplain({ base64, ...rest }: WireExplainRequest): ExplainRequest {
  return { ...rest, bytes: new Uint8Array(Buffer.from(base64, "base64")) };
}
