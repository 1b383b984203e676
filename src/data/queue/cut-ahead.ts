import type { CutLimits } from "../../otlp/cut-request.ts";
import type { Delivery } from "./delivery.ts";
import type { BatchOrigin } from "./batch-origin.ts";
import type { StorePartition } from "./queue-store.ts";

/**
 * Cuts what stands first in the queue when it is more than one call may take, so that a large
 * request keeps the limits too. Nothing was refused, so this costs no budget. What cannot be cut
 * stays as it is.
 */
export function cutAhead(origin: Pick<BatchOrigin, "cut">, queue: StorePartition, limits: CutLimits): void {
  const head = queue.peek();
  if (head === undefined || head.indivisible || fits(head, limits)) return;
  const parts = origin.cut(head, { bytes: Math.min(limits.bytes, head.maxBytes), items: limits.items });
  if (parts === undefined) {
    head.indivisible = true;
    return;
  }
  queue.shift();
  queue.putBack(parts);
}

function fits({ record, maxBytes }: Delivery, { bytes, items }: CutLimits): boolean {
  return record.bytes <= bytes && record.bytes <= maxBytes && record.items <= items;
}
