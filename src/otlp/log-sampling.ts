import { textBrief } from "../core/bytes.ts";
import { seeValue } from "./any-value.ts";
import { KeySet } from "./key-set.ts";
import { KeyValueReader } from "./key-value.ts";
import { HexReader } from "./threshold.ts";
import { Cursor, readLength, readTag, skipValue } from "./wire.ts";

const ATTRIBUTE = 0x32;
const TRACE_ID = 0x4a;
const STRING_VALUE = 0x0a;
const NOTHING = new Uint8Array(0);

/** As the Collector has them. */
export const THRESHOLD_KEY = "sampling.threshold";
export const RANDOMNESS_KEY = "sampling.randomness";
/** Slots of the key set; those that are configured follow. */
const [THRESHOLD, RANDOMNESS, CONFIGURED] = [0, 1, 2] as const;

/**
 * What sampling reads of a log record. Of attributes with the same key the first counts. One
 * instance is used for all of them.
 */
export class LogSampling {
  traceStart = 0;
  traceEnd = 0;
  /** What says threshold and randomness is as it should be, or not there. */
  readable = true;
  hasThreshold = false;
  thresholdHi = 0;
  thresholdLo = 0;
  /** The whole attribute, with tag and length. */
  thresholdStart = 0;
  thresholdEnd = 0;
  hasRandomness = false;
  randomnessHi = 0;
  randomnessLo = 0;
  /** By the key's index: the AnyValue of the configured attributes; empty when it is not there. */
  readonly keyedStart: Int32Array;
  readonly keyedEnd: Int32Array;
  readonly #keys: KeySet;
  readonly #cursor = new Cursor(NOTHING, 0, 0);
  readonly #pair = new KeyValueReader();
  readonly #hex = new HexReader();
  #sawRandomness = false;

  /** `keys`: attributes from which randomness may be made. */
  constructor(keys: readonly string[]) {
    this.#keys = new KeySet([THRESHOLD_KEY, RANDOMNESS_KEY, ...keys]);
    this.keyedStart = new Int32Array(keys.length);
    this.keyedEnd = new Int32Array(keys.length);
  }

  /** Reads the log record in [start, end). False when it is malformed. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    this.traceStart = this.traceEnd = this.thresholdStart = this.thresholdEnd = start;
    this.readable = true;
    this.hasThreshold = this.hasRandomness = this.#sawRandomness = false;
    this.keyedStart.fill(start);
    this.keyedEnd.fill(start);
    const c = this.#cursor;
    c.reset(bytes, start, end);
    while (c.at < end) {
      const from = c.at;
      const tag = readTag(c);
      if (tag !== TRACE_ID && tag !== ATTRIBUTE) {
        if (tag < 0 || !skipValue(c, tag)) return false;
        continue;
      }
      const length = readLength(c);
      if (length < 0) return false;
      const at = c.at;
      c.at += length;
      if (tag === ATTRIBUTE) {
        if (!this.#attribute(bytes, from, at, c.at)) return false;
      } else {
        this.traceStart = at;
        this.traceEnd = c.at;
      }
    }
    return true;
  }

  release(): void {
    this.#cursor.reset(NOTHING, 0, 0);
    this.#pair.release();
  }

  #attribute(bytes: Uint8Array, field: number, start: number, end: number): boolean {
    const pair = this.#pair;
    if (!pair.read(bytes, start, end)) return false;
    const slot = this.#keys.slotOf(bytes, pair.keyStart, pair.keyEnd);
    if (slot < 0) return true;
    if (slot === THRESHOLD) this.#threshold(field, end);
    else if (slot === RANDOMNESS) this.#randomness();
    else this.#keyed(slot - CONFIGURED, bytes);
    return true;
  }

  #keyed(key: number, bytes: Uint8Array): void {
    const { bytes: of, valueStart, valueEnd } = this.#pair;
    if (of !== bytes || this.keyedEnd[key] !== this.keyedStart[key]) return;
    this.keyedStart[key] = valueStart;
    this.keyedEnd[key] = valueEnd;
  }

  #threshold(field: number, end: number): void {
    if (this.thresholdEnd > this.thresholdStart) return;
    this.thresholdStart = field;
    this.thresholdEnd = end;
    const text = this.#text();
    if (!this.#hex.readThreshold(text, 0, text.length)) return this.#giveUp();
    if (!this.readable) return;
    this.hasThreshold = true;
    this.thresholdHi = this.#hex.hi;
    this.thresholdLo = this.#hex.lo;
  }

  #randomness(): void {
    if (this.#sawRandomness) return;
    this.#sawRandomness = true;
    const text = this.#text();
    if (!this.#hex.readRandomness(text, 0, text.length)) return this.#giveUp();
    if (!this.readable) return;
    this.hasRandomness = true;
    this.randomnessHi = this.#hex.hi;
    this.randomnessLo = this.#hex.lo;
  }

  /** The text that the pair's value is; empty where it is something else. Borrowed. */
  #text(): Uint8Array {
    const { bytes, valueStart, valueEnd } = this.#pair;
    if (bytes[valueStart] === STRING_VALUE && bytes[valueStart + 1] === valueEnd - valueStart - 2)
      return bytes.subarray(valueStart + 2, valueEnd);
    const seen = seeValue(bytes, valueStart, valueEnd);
    return typeof seen === "string" ? textBrief(seen) : NOTHING;
  }

  #giveUp(): void {
    this.readable = this.hasThreshold = this.hasRandomness = false;
  }
}
