import type { KnownResource } from "./resource-cache.ts";

const SLOTS = 512;
/** A longer resource is not here. */
const SLOT_BYTES = 1_024;
const SLOT_WORDS = SLOT_BYTES / 4;
const PRIME = 0x9e37_79b1;

/** What is in a slot, beside the bytes. */
interface RecentEntry<Known> {
  readonly bytes: number;
  readonly hash: number;
  readonly region: string;
  readonly answers: string;
  readonly known: Known;
  /** Since somebody else wanted its slot. */
  isUsed: boolean;
}

/** What is remembered behind it. */
export interface Remembering {
  /** Counts up when some of it is forgotten. */
  readonly generation: number;
}

/**
 * In front of a larger cache: the resources that come again and again, found by their bytes
 * without a text that is made of them, hashed, and left to the collector: 0.35 instead of 0.7 us
 * for each of 400 bytes. One slot for each hash; those who collide are found in the cache.
 */
export class RecentResources<Known = KnownResource> {
  readonly #cache: Remembering;
  /** There with the first. What the cache forgets is forgotten here, too. */
  #slots: (RecentEntry<Known> | undefined)[] | undefined;
  #generation = 0;
  /** The bytes of all slots, in words. */
  #kept = new Int32Array(0);
  /** What was looked for last, ended with zeros where its last word is not full. */
  readonly #words = new Int32Array(SLOT_WORDS);
  readonly #bytes = new Uint8Array(this.#words.buffer);
  #length = 0;
  #hash = 0;

  constructor(cache: Remembering) {
    this.#cache = cache;
  }

  /** Undefined: it may be in the cache, though. */
  find(resource: Uint8Array, region: string, answers: string): Known | undefined {
    const { length } = resource;
    this.#length = length;
    if (this.#generation !== this.#cache.generation) this.#forget();
    if (length > SLOT_BYTES) return undefined;
    const count = (length + 3) >>> 2;
    if (count > 0) this.#words[count - 1] = 0;
    this.#bytes.set(resource);
    const hash = hashOf(this.#words, count) ^ length;
    this.#hash = hash;
    const slot = hash & (SLOTS - 1);
    const entry = this.#slots?.[slot];
    if (entry === undefined || entry.hash !== hash || entry.bytes !== length) return undefined;
    if (entry.region !== region || entry.answers !== answers) return undefined;
    if (!isThere(this.#words, count, this.#kept, slot * SLOT_WORDS)) return undefined;
    entry.isUsed = true;
    return entry.known;
  }

  /** What was not found just now, and is in the cache's newest generation. */
  keep(known: Known, region: string, answers: string): void {
    if (this.#length > SLOT_BYTES) return;
    if (this.#slots === undefined) {
      this.#slots = Array.from<RecentEntry<Known> | undefined>({ length: SLOTS }).fill(undefined);
      this.#kept = new Int32Array(SLOTS * SLOT_WORDS);
    }
    const hash = this.#hash;
    const slot = hash & (SLOTS - 1);
    const before = this.#slots[slot];
    // Where there are more resources than slots, most of what is here stays, and is found.
    if (before?.isUsed === true) {
      before.isUsed = false;
      return;
    }
    this.#kept.set(this.#words.subarray(0, (this.#length + 3) >>> 2), slot * SLOT_WORDS);
    this.#slots[slot] = { bytes: this.#length, hash, region, answers, known, isUsed: false };
  }

  #forget(): void {
    this.#generation = this.#cache.generation;
    this.#slots?.fill(undefined);
  }
}

/** Of all words, for resources differ in a few bytes; in two halves, so that none waits. */
function hashOf(words: Int32Array, count: number): number {
  let even = count;
  let odd = PRIME;
  let at = 0;
  for (; at + 1 < count; at += 2) {
    even = Math.imul(even ^ words[at]!, PRIME);
    odd = Math.imul(odd ^ words[at + 1]!, PRIME);
    even ^= even >>> 15;
    odd ^= odd >>> 15;
  }
  if (at < count) even = Math.imul(even ^ words[at]!, PRIME);
  const hash = Math.imul(even ^ (odd >>> 7), PRIME);
  return hash ^ (hash >>> 13);
}

function isThere(words: Int32Array, count: number, kept: Int32Array, start: number): boolean {
  for (let at = 0; at < count; at++) if (words[at] !== kept[start + at]) return false;
  return true;
}
