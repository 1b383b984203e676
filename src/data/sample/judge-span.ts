import type { KeptItems } from "../../otlp/kept-items.ts";
import { SpanSampling } from "../../otlp/span-sampling.ts";
import { MOST_ADDED, TraceState } from "../../otlp/trace-state.ts";
import { varintBytes, writeVarint } from "../../otlp/wire.ts";
import type { ItemJudge } from "./judge.ts";
import { Randomness } from "./randomness.ts";
import type { ClassThreshold } from "./threshold-mark.ts";
import { reaches, type SamplingOddities, type Verdict, VERDICT } from "./verdict.ts";

const TRACE_STATE = 0x1a;

/**
 * Decides about spans, by their trace id and tracestate. A tracestate that changes is written anew
 * and appended: protobuf takes the last one.
 */
export class SpanJudge implements ItemJudge {
  addStart = 0;
  addEnd = 0;
  cutStart = 0;
  cutEnd = 0;
  readonly #hashes: boolean;
  readonly #out: KeptItems;
  readonly #span = new SpanSampling();
  readonly #state = new TraceState();
  readonly #random = new Randomness();

  /** `randomness: hash`: of the whole trace id, unless the span says its own. */
  constructor(randomness: "trace_id" | "hash", out: KeptItems) {
    this.#hashes = randomness === "hash";
    this.#out = out;
  }

  judge(bytes: Uint8Array, start: number, end: number, to: ClassThreshold, odd: SamplingOddities): Verdict {
    const span = this.#span;
    const state = this.#state;
    const random = this.#random;
    if (!span.read(bytes, start, end)) return VERDICT.MALFORMED;
    const hasState = span.stateEnd > span.stateStart;
    state.read(bytes, span.stateStart, span.stateEnd);
    let hashed = false;
    if (state.hasRandomness) {
      random.hi = state.randomnessHi;
      random.lo = state.randomnessLo;
    } else {
      // Who wrote a threshold and no randomness has decided by the trace id as it is.
      hashed = this.#hashes && !state.hasThreshold;
      const found = hashed
        ? random.hashTraceId(bytes, span.traceStart, span.traceEnd)
        : random.fromTraceId(bytes, span.traceStart, span.traceEnd);
      if (!found) {
        odd.noRandomness++;
        return VERDICT.KEEP;
      }
    }
    if (state.hasThreshold) {
      if (reaches(random.hi, random.lo, state.thresholdHi, state.thresholdLo)) {
        if (reaches(state.thresholdHi, state.thresholdLo, to.hi, to.lo)) return VERDICT.KEEP;
      } else odd.inconsistent++;
    }
    if (!reaches(random.hi, random.lo, to.hi, to.lo)) return VERDICT.DROP;
    if (!hasState && !hashed) return VERDICT.MARK;
    if (state.readable && this.#write(to, hashed ? random : undefined)) {
      this.cutStart = this.cutEnd = start;
      return VERDICT.CHANGE;
    }
    odd.unmarked++;
    return VERDICT.KEEP;
  }

  release(): void {
    this.#span.release();
    this.#state.release();
  }

  /** Writes the field with its tag and length. */
  #write(to: ClassThreshold, random: Randomness | undefined): boolean {
    const out = this.#out;
    const { stateStart, stateEnd } = this.#span;
    const most = stateEnd - stateStart + MOST_ADDED;
    const header = 1 + varintBytes(most);
    out.room(2 * header + 2 * most);
    // The text is written behind where it could end at the latest, and moved to its header.
    const from = out.addedEnd + header + most;
    const end = this.#state.write(to.text, random, out.added, from);
    if (end < 0) return false;
    out.added[out.addedEnd] = TRACE_STATE;
    const at = writeVarint(out.added, out.addedEnd + 1, end - from);
    out.added.copyWithin(at, from, end);
    this.addStart = out.addedEnd;
    this.addEnd = out.addedEnd = at + end - from;
    return true;
  }
}
