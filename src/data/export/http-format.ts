import { joinOwned } from "../../core/bytes.ts";
import { writeJson } from "../../otlp/json/write-json.ts";
import type { SendOutcome } from "../send-outcome.ts";
import type { Batch } from "./target-client.ts";

/** How a batch is written for a target over HTTP. */
export interface HttpFormat {
  readonly contentType: string;
  /** The batch with its body in this format, which is at most so long; or why it cannot be sent. */
  write(batch: Batch, most: number): WrittenBatch;
}

type WrittenBatch =
  | { readonly ok: true; readonly batch: Batch }
  | { readonly ok: false; readonly outcome: SendOutcome };

export const HTTP_PROTOBUF: HttpFormat = {
  contentType: "application/x-protobuf",
  write: (batch) => ({ ok: true, batch }),
};

/**
 * OTLP/JSON. What the target is limited to in bytes is the text before compression: a batch of
 * which it would be longer is split like one that the target found too large. What is malformed is
 * refused as a target would that reads protobuf.
 */
export const HTTP_JSON: HttpFormat = {
  contentType: "application/json",
  write(batch, most) {
    const only = batch.pieces.length === 1 ? batch.pieces[0] : undefined;
    const written = writeJson(batch.signal, only ?? joinOwned(batch.pieces, batch.bytes), most);
    if (!written.ok) return { ok: false, outcome: OUTCOMES[written.kind](most) };
    const { owner: _, ...rest } = batch;
    return { ok: true, batch: { ...rest, pieces: [written.bytes], bytes: written.bytes.length } };
  },
};

const OUTCOMES: Readonly<Record<"malformed" | "too_large", (most: number) => SendOutcome>> = {
  malformed: () => ({
    kind: "rejected",
    code: "INVALID_ARGUMENT",
    message: "it is not the protobuf of its signal, and cannot be written as JSON",
    badData: true,
  }),
  too_large: (most) => ({ kind: "too_large", message: `as JSON it has more than ${most} bytes` }),
};
