import type { Extent } from "../../core/arena/extent.ts";
import { shortenList } from "../../core/empty-list.ts";
import type { SpanKernel } from "../../otlp/kernel/span-kernel.ts";
import { beginsWithResource, type Envelope } from "../../otlp/scan.ts";
import type { RoutePlan } from "../../plan/route-plan.ts";
import type { KnownResource } from "../scan/resource-cache.ts";
import type { ResourcePrograms } from "../scan/resource-programs.ts";
import type { ClassCounts } from "./class-counts.ts";
import type { SampledBody } from "./mark-in-place.ts";
import { countNote } from "./noted-randomness.ts";
import type { RandomnessCounts } from "./randomness-counts.ts";
import type { ClassThreshold } from "./threshold-mark.ts";

/** It is tried where fewer than one request in so many is going to lose a span. */
const ONE_IN = 8;
/** And after it came to nothing, not with so many requests. */
const PAUSE = 64;

/**
 * Requests of one class of which nearly every span is kept: all their spans are marked where they
 * are, in one go. It is tried, and what was done is undone where the request turns out to be
 * another one. What comes out is what is made of it span by span.
 */
export class MarkedRequests {
  readonly #plan: RoutePlan;
  readonly #programs: ResourcePrograms;
  readonly #counts: readonly ClassCounts[];
  readonly #randomness: Pick<RandomnessCounts, "add"> | undefined;
  #thresholds: readonly ClassThreshold[] = [];
  /** Of some class nearly everything is kept. */
  #isOn = false;
  #pause = 0;

  constructor(
    plan: RoutePlan,
    programs: ResourcePrograms,
    counts: readonly ClassCounts[],
    randomness: Pick<RandomnessCounts, "add"> | undefined,
  ) {
    this.#plan = plan;
    this.#programs = programs;
    this.#counts = counts;
    this.#randomness = randomness;
  }

  /** What is done with each class from now on. */
  obey(thresholds: readonly ClassThreshold[]): void {
    this.#thresholds = thresholds;
    this.#isOn = thresholds.some((threshold) => keepsNearly(1, threshold));
  }

  /**
   * Undefined: nothing was done. Else the request with its marks, and a `retain` for who takes it;
   * the envelope is one of that, and `known` has what is known of its resources. It is counted.
   */
  mark(
    envelope: Envelope,
    region: string,
    known: KnownResource[],
    kernel: SpanKernel | undefined,
    body: SampledBody,
  ): Extent | undefined {
    if (kernel === undefined || !this.#isOn || (this.#pause > 0 && --this.#pause > 0)) return undefined;
    const left = this.#try(envelope, region, known, kernel, body);
    if (left === undefined) this.#pause = PAUSE;
    return left;
  }

  #try(
    envelope: Envelope,
    region: string,
    known: KnownResource[],
    kernel: SpanKernel,
    { memory, owner }: SampledBody,
  ): Extent | undefined {
    const of = this.#classOf(envelope, region, known);
    const to = this.#thresholds[of];
    const { totalItems, bytes } = envelope;
    if (to === undefined || owner === undefined || !keepsNearly(totalItems, to)) return undefined;
    const more = totalItems * to.mark.length;
    if ((memory.leadOf?.(owner) ?? 0) < more || !kernel.markAll(envelope, to, more)) return undefined;
    const left = memory.lengthen?.(owner, bytes.length + more);
    if (left === undefined) throw new TypeError("there was room before the request");
    left.retain();
    shift(envelope, to.mark.length);
    envelope.bytes = left.bytes;
    shortenList(known, envelope.resources);
    known[0]!.requests.add(1);
    this.#count(totalItems, this.#counts[of]!, known, kernel);
    return left;
  }

  /** Of all its resources; -1: they are of several, or something is asked of items. */
  #classOf(envelope: Envelope, region: string, known: KnownResource[]): number {
    let of = -1;
    if (envelope.extras.length > 0) return -1;
    for (let r = 0; r < envelope.resources; r++) {
      const found = this.#programs.find(envelope, r, region);
      known[r] = found;
      const { first } = found.program;
      if (first === undefined || first.test !== undefined || !beginsWithResource(envelope, r)) return -1;
      const its = this.#plan.poolOf[first.rule]!;
      if (envelope.items[r] === 0 || (r > 0 && its !== of)) return -1;
      of = its;
    }
    return of;
  }

  #count(items: number, counts: ClassCounts, known: readonly KnownResource[], kernel: SpanKernel): void {
    counts.forget();
    counts.marked = items;
    counts.arrivals?.addPlain(items, kernel.spanBytes, kernel.roots, items);
    for (let note = 0; note < kernel.notes; note++) {
      countNote(kernel, note, known[kernel.noteOf(note)]!.program.service, this.#randomness);
    }
  }
}

function keepsNearly(items: number, { probability, keepsAll, refuses }: ClassThreshold): boolean {
  return !keepsAll && !refuses && items * (1 - probability) * ONE_IN < 1;
}

/** Each item has so many bytes more, and nothing else has. */
function shift(envelope: Envelope, markBytes: number): void {
  const { outerStart, bodyStart, resourceStart, resourceEnd, end, items } = envelope;
  let more = 0;
  for (let r = 0; r < envelope.resources; r++) {
    outerStart[r]! += more;
    bodyStart[r]! += more;
    resourceStart[r]! += more;
    resourceEnd[r]! += more;
    more += items[r]! * markBytes;
    end[r]! += more;
  }
}
