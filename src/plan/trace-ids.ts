import { ItemFields } from "../otlp/item-fields.ts";
import { indexItems, ItemIndex } from "../otlp/items.ts";
import { Envelope, scanEnvelope } from "../otlp/scan.ts";
import type { Signal } from "../otlp/signal.ts";

/**
 * A copy of a well-formed request in which item `i` belongs to the trace of `idOf(i)`, 16 bytes.
 * Items that have no trace id of 16 bytes stay as they are, and so do metrics.
 */
export function withTraceIds(signal: Signal, bytes: Uint8Array, idOf: (item: number) => Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes);
  if (signal === "metrics") return copy;
  const envelope = new Envelope();
  if (!scanEnvelope(signal, copy, envelope)) return copy;
  const index = new ItemIndex();
  const fields = new ItemFields();
  let item = 0;
  for (let r = 0; r < envelope.resources; r++) {
    indexItems(copy, envelope.bodyStart[r]!, envelope.end[r]!, index);
    for (let i = 0; i < index.items; i++, item++) {
      const read = fields.read(signal, copy, index.bodyStart[i]!, index.end[i]!, undefined);
      if (read && fields.traceEnd - fields.traceStart === TRACE_ID_BYTES) copy.set(idOf(item), fields.traceStart);
    }
  }
  return copy;
}

const TRACE_ID_BYTES = 16;
