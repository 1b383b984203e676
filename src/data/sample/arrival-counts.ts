import { octaveOf } from "../../plan/sampling/received-counts.ts";
import type { SampledSignal } from "../../plan/sampling-plan.ts";
import type { Counter, Metrics } from "../../telemetry/metrics.ts";
import { NO_RANDOMNESS } from "./verdict.ts";

/** One for each octave of the probability on arrival, and one for what has no randomness. */
const SLOTS = 58;
const NONE = SLOTS - 1;
/** What is counted of each slot. */
const [ITEMS, BYTES, TRACES, ADJUSTED, KEPT, OF_EACH] = [0, 1, 2, 3, 4, 5] as const;

/** The label of what came without randomness. */
const NO_OCTAVE = "none";

/**
 * What came of one class before sampling, by the probability that it came with: of the request
 * being walked, until it is settled.
 */
export class ArrivalCounts {
  readonly #pending = new Float64Array(SLOTS * OF_EACH);
  /** Slots in which something is pending. */
  readonly #touched = new Uint8Array(SLOTS);
  #touches = 0;
  readonly #totals: (readonly Counter[] | undefined)[] = [];
  readonly #totalsOf: (octave: string) => readonly Counter[];

  constructor(signal: SampledSignal, name: string, metrics: Metrics) {
    this.#totalsOf = (octave) =>
      [
        metrics.samplingReceivedItems,
        metrics.samplingReceivedBytes,
        metrics.samplingReceivedTraces,
        metrics.samplingReceivedAdjusted,
        metrics.samplingReceivedKept,
      ].map((family) => family.with(signal, name, octave));
  }

  /** Of the item that is decided on. */
  add(arrival: number, bytes: number, isRoot: boolean, isKept: boolean): void {
    // Nearly everything comes as its sender made it.
    const slot = arrival > 0.5 ? 0 : arrival === NO_RANDOMNESS ? NONE : octaveOf(arrival);
    const pending = this.#pending;
    const at = slot * OF_EACH;
    if (pending[at] === 0) this.#touched[this.#touches++] = slot;
    pending[at + ITEMS]!++;
    pending[at + BYTES]! += bytes;
    if (isRoot) pending[at + TRACES]!++;
    pending[at + ADJUSTED]! += arrival === NO_RANDOMNESS ? 1 : 1 / arrival;
    if (isKept) pending[at + KEPT]!++;
  }

  /** Of several items that came as their senders made them. */
  addPlain(items: number, bytes: number, roots: number, kept: number): void {
    const pending = this.#pending;
    if (pending[ITEMS] === 0) this.#touched[this.#touches++] = 0;
    pending[ITEMS]! += items;
    pending[BYTES]! += bytes;
    pending[TRACES]! += roots;
    pending[ADJUSTED]! += items;
    pending[KEPT]! += kept;
  }

  /** What is pending came to nothing. */
  forget(): void {
    for (; this.#touches > 0; this.#touches--) {
      const at = this.#touched[this.#touches - 1]! * OF_EACH;
      this.#pending.fill(0, at, at + OF_EACH);
    }
  }

  commit(): void {
    for (let i = 0; i < this.#touches; i++) {
      const slot = this.#touched[i]!;
      const totals = (this.#totals[slot] ??= this.#totalsOf(slot === NONE ? NO_OCTAVE : String(slot)));
      for (let of = 0; of < OF_EACH; of++) totals[of]!.add(this.#pending[slot * OF_EACH + of]!);
    }
    this.forget();
  }
}
