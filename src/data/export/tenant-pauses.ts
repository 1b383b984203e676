import type { Cancel, Clock } from "../../core/clock.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { TenantPause } from "../health/target-news.ts";

/**
 * So many tenants of a target are left alone at the same time; those that it asked about first are
 * forgotten first.
 */
const MAX_PAUSES = 1_000;
/**
 * As for whole targets (health/step-health.ts): what a target that names no time gets, and the most
 * that it may ask for.
 */
const UNNAMED_MS = 100;
const LONGEST_MS = 300_000;

/** Until when, in Clock.nowMs(), and in these words. */
export interface Pause {
  readonly untilMs: number;
  readonly said: string;
}

/**
 * The tenants that a target asked to leave alone: one that is passed headers of senders and answers
 * 429 means the sender, and is there for all others.
 */
export class TenantPauses {
  readonly #clock: Clock;
  readonly #over: () => void;
  /** By the key of their headers. */
  readonly #pauses = new Map<string, Pause>();
  #timer: { readonly atMs: number; readonly cancel: Cancel } | undefined;

  /** `over` is told when a pause has ended. */
  constructor(clock: Clock, over: () => void) {
    this.#clock = clock;
    this.#over = over;
  }

  /** Whether there are any: else nobody need be looked up. */
  get any(): boolean {
    return this.#pauses.size > 0;
  }

  get size(): number {
    return this.#pauses.size;
  }

  /**
   * Theirs; undefined when they are not left alone. `headers` has those that the target is passed,
   * and no others.
   */
  of({ key }: SenderHeaders): Pause | undefined {
    const pause = this.#pauses.get(key);
    return pause !== undefined && pause.untilMs > this.#clock.nowMs() ? pause : undefined;
  }

  /** Those that are left alone, and for how long still. */
  all(): TenantPause[] {
    const nowMs = this.#clock.nowMs();
    return Array.from(this.#pauses, ([key, { untilMs, said }]) => [key, untilMs - nowMs, said]);
  }

  /** A later answer does not shorten a pause. Gives for how long it asked. */
  pause({ key }: Pick<SenderHeaders, "key">, afterMs: number | undefined, said: string): number {
    const nowMs = this.#clock.nowMs();
    const forMs = Math.min(LONGEST_MS, afterMs ?? UNNAMED_MS);
    const untilMs = nowMs + forMs;
    const before = this.#pauses.get(key);
    this.#pauses.delete(key);
    this.#pauses.set(key, before !== undefined && before.untilMs > untilMs ? before : { untilMs, said });
    const [oldest] = this.#pauses.keys();
    if (this.#pauses.size > MAX_PAUSES && oldest !== undefined) this.#pauses.delete(oldest);
    this.#setTimer();
    return forMs;
  }

  clear(): void {
    this.#pauses.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #setTimer(): void {
    let atMs = Infinity;
    for (const { untilMs } of this.#pauses.values()) atMs = Math.min(atMs, untilMs);
    if (atMs === Infinity || (this.#timer !== undefined && this.#timer.atMs <= atMs)) return;
    this.#timer?.cancel();
    const cancel = this.#clock.after(Math.max(1, Math.ceil(atMs - this.#clock.nowMs())), () => this.#expire());
    this.#timer = { atMs, cancel };
  }

  #expire(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.nowMs();
    for (const [key, { untilMs }] of this.#pauses) if (untilMs <= nowMs) this.#pauses.delete(key);
    this.#setTimer();
    this.#over();
  }
}
