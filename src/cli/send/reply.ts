import { RouterError } from "../../core/errors.ts";
import { compress } from "../../otlp/compress.ts";
import type { ExportResponse } from "../../otlp/response.ts";
import type { SendResult } from "./sender.ts";

export const MAX_RESPONSE_BYTES = 4_194_304;

/** The body as it goes over the wire; with `none` the same bytes. */
export function encodeBody(body: Uint8Array, compression: "none" | "gzip"): Promise<Uint8Array> {
  if (compression === "none") return Promise.resolve(body);
  return new Promise((resolve, reject) => {
    compress(compression, [body], (result) => {
      if (result.ok) resolve(result.bytes);
      else reject(new RouterError("INTERNAL", `${compression}: ${result.message}`));
    });
  });
}

/**
 * Success, whatever comes with it: what cannot be read says nothing of items that were rejected.
 */
export function acknowledged(reply: ExportResponse | undefined): SendResult {
  return reply?.ok === true ? { ...reply, kind: "acknowledged" } : { kind: "acknowledged", rejected: 0, message: "" };
}

/**
 * The only statuses that may be tried again (OTLP specification, OTLP/HTTP Response); over gRPC a
 * proxy answers with them.
 */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export function refusedByStatus(status: number, message: string, retryAfterMs: number | undefined): SendResult {
  return { kind: "refused", code: `HTTP ${status}`, message, retryable: RETRYABLE.has(status), retryAfterMs };
}
