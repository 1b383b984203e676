import { type SpanKernel, spanKernelOf } from "../../otlp/kernel/span-kernel.ts";
import { NOT_PLAIN } from "../../otlp/kernel/span-threshold.ts";
import type { SampledItems } from "../../otlp/sampled-items.ts";
import type { Envelope } from "../../otlp/scan.ts";
import type { ClassCounts } from "./class-counts.ts";
import { countNoted } from "./noted-randomness.ts";
import type { RandomnessCounts } from "./randomness-counts.ts";
import type { ClassThreshold } from "./threshold-mark.ts";

/**
 * Resources whose spans are all of one class, and plain, as nearly all are: decided, marked and
 * written by the kernel, where the request is in memory that WebAssembly reaches. What comes out is
 * what SpanDecider and SampledItems make of it, byte for byte.
 */
export class PlainSpans {
  /** Of the memory in which the request is; undefined: there is none. */
  kernel: SpanKernel | undefined;
  /** The kernel of the memory in which a request was last. */
  #last: SpanKernel | undefined;
  readonly #out: SampledItems;
  readonly #randomness: Pick<RandomnessCounts, "add"> | undefined;

  constructor(out: SampledItems, randomness: Pick<RandomnessCounts, "add"> | undefined) {
    this.#out = out;
    this.#randomness = randomness;
  }

  begin({ buffer }: Uint8Array): void {
    const kernel = this.#last?.buffer === buffer ? this.#last : spanKernelOf(buffer);
    this.kernel = kernel;
    if (kernel === undefined) return;
    this.#last = kernel;
    kernel.listed = kernel.asked.verdicts = 0;
  }

  /** False: they are not plain, or the kernel cannot reach them. */
  take(envelope: Envelope, r: number, to: ClassThreshold, counts: ClassCounts, service: string): boolean {
    const { kernel } = this;
    if (kernel === undefined) return false;
    const { byteOffset } = envelope.bytes;
    const { listed } = kernel;
    const bytes = kernel.measure(byteOffset + envelope.bodyStart[r]!, byteOffset + envelope.end[r]!, to);
    if (bytes === NOT_PLAIN) return false;
    const { kept, dropped } = kernel;
    counts.marked += kept;
    counts.dropped += dropped;
    counts.arrivals?.addPlain(kept + dropped, kernel.spanBytes, kernel.roots, kept);
    if (kernel.notes > 0) countNoted(kernel, service, this.#randomness);
    if (kept === 0) this.#out.dropWhole();
    else this.#out.takeMeasured(bytes, kernel, to, listed);
    return true;
  }

  /** From here on nothing is taken. */
  release(): void {
    this.kernel = undefined;
  }
}
