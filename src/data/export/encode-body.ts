import type { BytesOwner } from "../../core/arena/extent.ts";
import type { Cancel } from "../../core/clock.ts";
import { compress, type Compression } from "../../otlp/compress.ts";
import type { Batch } from "./target-client.ts";
import type { SendOutcome } from "../send-outcome.ts";

/** A request's body as it goes out. */
export interface EncodedBody {
  readonly pieces: readonly Uint8Array[];
  /** As that of a batch. */
  readonly owner?: BytesOwner;
  readonly bytes: number;
  readonly encoding: "identity" | Compression;
}

/** Below this, compression costs more than the bytes that it saves. */
const MIN_COMPRESSED_BYTES = 512;

/**
 * Compresses when asked to, then sends. Cancelled in between, nothing is sent; `done` is then told
 * so, not from within.
 */
export function encodeBody(
  batch: Batch,
  compression: "none" | Compression,
  done: (outcome: SendOutcome) => void,
  send: (body: EncodedBody) => Cancel,
): Cancel {
  const { pieces, bytes, owner } = batch;
  if (compression === "none" || bytes < MIN_COMPRESSED_BYTES) {
    return send({ pieces, bytes, encoding: "identity", ...(owner && { owner }) });
  }
  let cancelled = false;
  let cancelSend: Cancel = () => void (cancelled = true);
  compress(compression, pieces, (result) => {
    if (cancelled) queueMicrotask(() => done(unsent("cancelled before it was sent")));
    else if (!result.ok) queueMicrotask(() => done(unsent(`it could not be compressed: ${result.message}`)));
    else cancelSend = send({ pieces: [result.bytes], bytes: result.bytes.length, encoding: compression });
  });
  return () => cancelSend();
}

function unsent(message: string): SendOutcome {
  return { kind: "retry", reason: "cancelled", message, unprocessed: true };
}
