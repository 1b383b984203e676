import type { ItemFields } from "../../otlp/item-fields.ts";
import type { SampledItems } from "../../otlp/sampled-items.ts";
import { LogSampling, RANDOMNESS_KEY } from "../../otlp/log-sampling.ts";
import { probabilityOf, writeRandomness } from "../../otlp/threshold.ts";
import type { LogRandomness } from "../../plan/sampling-plan.ts";
import type { ItemDecider } from "./item-decider.ts";
import { Randomness } from "./randomness.ts";
import { attributeField, type ClassThreshold } from "./threshold-mark.ts";
import { NO_RANDOMNESS, reaches, type SamplingOddities, type Verdict, VERDICT } from "./verdict.ts";

const TRACE_ID = -1;
const DIGITS = 14;
/** An attribute with a randomness, whose digits are written over. */
const RANDOMNESS_FIELD = attributeField(RANDOMNESS_KEY, "0".repeat(DIGITS));

/**
 * Decides about log records: by what they say of their randomness, else by the first of the
 * configured places where there is some. Marks are attributes; one that changes is cut out.
 */
export class LogDecider implements ItemDecider {
  addStart = 0;
  addEnd = 0;
  cutStart = 0;
  cutEnd = 0;
  arrival = 1;
  /** Traces begin with spans. */
  readonly isRoot = false;
  readonly random = new Randomness();
  /** It came with a threshold that can be true. */
  #isThinned = false;
  #isHashed = false;
  readonly #hashes: boolean;
  readonly #out: SampledItems;
  readonly #log: LogSampling;
  /** TRACE_ID, or an index of the keys. */
  readonly #places: readonly number[];

  constructor(randomness: "trace_id" | "hash", places: readonly LogRandomness[], out: SampledItems) {
    const keys = places.flatMap((place) => (place === "trace_id" ? [] : [place.attribute]));
    this.#hashes = randomness === "hash";
    this.#out = out;
    this.#log = new LogSampling(keys);
    this.#places = places.map((place) => (place === "trace_id" ? TRACE_ID : keys.indexOf(place.attribute)));
  }

  get randomness(): string | undefined {
    return this.arrival === NO_RANDOMNESS ? undefined : this.random.text;
  }

  decide(bytes: Uint8Array, start: number, end: number, to: ClassThreshold, odd: SamplingOddities): Verdict {
    if (!this.see(bytes, start, end, odd)) return VERDICT.MALFORMED;
    if (this.arrival === NO_RANDOMNESS) return VERDICT.KEEP;
    const log = this.#log;
    const { random } = this;
    if (this.#isThinned && reaches(log.thresholdHi, log.thresholdLo, to.hi, to.lo)) return VERDICT.KEEP;
    if (!reaches(random.hi, random.lo, to.hi, to.lo)) return VERDICT.DROP;
    if (!log.readable) {
      odd.unmarked++;
      return VERDICT.KEEP;
    }
    if (!log.hasThreshold && !this.#isHashed) return VERDICT.MARK;
    this.#write(to, this.#isHashed);
    return VERDICT.CHANGE;
  }

  /** Rules read other fields of logs. */
  decideRead({ bytes, start, end }: ItemFields, to: ClassThreshold, odd: SamplingOddities): Verdict {
    return this.decide(bytes, start, end, to, odd);
  }

  see(bytes: Uint8Array, start: number, end: number, odd: SamplingOddities): boolean {
    const log = this.#log;
    const { random } = this;
    if (!log.read(bytes, start, end)) return false;
    this.arrival = 1;
    this.#isThinned = this.#isHashed = false;
    if (log.hasRandomness) {
      random.hi = log.randomnessHi;
      random.lo = log.randomnessLo;
    } else {
      const isHashed = this.#findRandomness(bytes);
      if (isHashed === undefined) {
        odd.noRandomness++;
        this.arrival = NO_RANDOMNESS;
        return true;
      }
      this.#isHashed = isHashed;
    }
    if (!log.hasThreshold) return true;
    this.#isThinned = reaches(random.hi, random.lo, log.thresholdHi, log.thresholdLo);
    if (this.#isThinned) this.arrival = probabilityOf(log.thresholdHi, log.thresholdLo);
    else odd.inconsistent++;
    return true;
  }

  release(): void {
    this.#log.release();
  }

  /** Whether it was made by a hash, which is to be told; undefined: there is none. */
  #findRandomness(bytes: Uint8Array): boolean | undefined {
    const log = this.#log;
    const { random } = this;
    for (let i = 0; i < this.#places.length; i++) {
      const place = this.#places[i]!;
      if (place === TRACE_ID) {
        const hashed = this.#hashes && !log.hasThreshold;
        const found = hashed
          ? random.hashTraceId(bytes, log.traceStart, log.traceEnd)
          : random.fromTraceId(bytes, log.traceStart, log.traceEnd);
        if (found) return hashed;
      } else if (log.keyedEnd[place]! > log.keyedStart[place]!) {
        random.hash(bytes, log.keyedStart[place]!, log.keyedEnd[place]!);
        return true;
      }
    }
    return undefined;
  }

  #write({ mark }: ClassThreshold, hashed: boolean): void {
    const out = this.#out;
    const log = this.#log;
    out.room(mark.length + RANDOMNESS_FIELD.length);
    this.addStart = out.addedEnd;
    out.added.set(mark, this.addStart);
    let to = this.addStart + mark.length;
    if (hashed) {
      out.added.set(RANDOMNESS_FIELD, to);
      to += RANDOMNESS_FIELD.length;
      writeRandomness(this.random.hi, this.random.lo, out.added, to - DIGITS);
    }
    this.addEnd = out.addedEnd = to;
    this.cutStart = log.thresholdStart;
    this.cutEnd = log.hasThreshold ? log.thresholdEnd : log.thresholdStart;
  }
}
