import type { Recent } from "./step-health.ts";

const WINDOW_MS = 10_000;
/**
 * Calls that end within so much time share a slot, so that the memory of a target is bounded
 * whatever its rate.
 */
const SLOT_MS = 10;
const SLOTS = WINDOW_MS / SLOT_MS;

/**
 * Counts the calls of the last 10 s exactly, to 10 ms: nothing older, nothing forgotten. Holds at
 * most 1,000 slots, and as many as there were moments at which calls ended.
 */
export class SuccessWindow implements Recent {
  /** Slots in order of time; those before `#first` have left. */
  #slots: Slot[] = [];
  #first = 0;
  #sends = 0;
  #failures = 0;

  get sends(): number {
    return this.#sends;
  }

  get failures(): number {
    return this.#failures;
  }

  add(failed: boolean, nowMs: number): void {
    this.addMany(failed ? 0 : 1, failed ? 1 : 0, nowMs);
  }

  addMany(taken: number, failed: number, nowMs: number): void {
    this.expire(nowMs);
    const at = Math.floor(nowMs / SLOT_MS);
    let last = this.#slots.at(-1);
    if (last?.at !== at) {
      last = { at, sends: 0, failures: 0 };
      this.#slots.push(last);
    }
    last.sends += taken + failed;
    this.#sends += taken + failed;
    last.failures += failed;
    this.#failures += failed;
  }

  /** Lets go of what is older than 10 s. */
  expire(nowMs: number): void {
    const from = Math.floor(nowMs / SLOT_MS) - SLOTS;
    for (let slot = this.#slots[this.#first]; slot !== undefined && slot.at <= from; slot = this.#slots[this.#first]) {
      this.#sends -= slot.sends;
      this.#failures -= slot.failures;
      this.#first++;
    }
    if (this.#first < SLOTS && this.#first < this.#slots.length) return;
    this.#slots = this.#slots.slice(this.#first);
    this.#first = 0;
  }

  clear(): void {
    this.#slots = [];
    this.#first = 0;
    this.#sends = 0;
    this.#failures = 0;
  }
}

interface Slot {
  readonly at: number;
  sends: number;
  failures: number;
}
