import type { BodyMemory, BytesOwner, Extent } from "../../core/arena/extent.ts";
import type { SpanKernel } from "../../otlp/kernel/span-kernel.ts";
import type { SampledItems } from "../../otlp/sampled-items.ts";
import type { Envelope } from "../../otlp/scan.ts";

/** Where there is room for what is left, and who has the request, if it may be written over. */
export interface SampledBody {
  readonly memory: BodyMemory;
  readonly owner?: BytesOwner | undefined;
}

/**
 * Writes a request to which only marks are added, `length` bytes with them, where it is, if there
 * is room before it: it is moved to where that begins, span by span. Its memory is in the
 * processor's caches. With a `retain` for who takes it; undefined: nothing was written.
 */
export function markInPlace(
  out: SampledItems,
  envelope: Envelope,
  length: number,
  kernel: SpanKernel | undefined,
  { memory, owner }: SampledBody,
): Extent | undefined {
  if (kernel === undefined || owner === undefined || !out.onlyGrows(envelope)) return undefined;
  const left = memory.lengthen?.(owner, length);
  if (left === undefined) return undefined;
  left.retain();
  const to = left.bytes.byteOffset;
  out.writeByKernel(envelope, to + length - envelope.bytes.length, to, kernel);
  return left;
}
