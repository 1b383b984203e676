import type { Cancel, Clock } from "../../core/clock.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";

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

/**
 * The tenants that a target asked to leave alone: one that is passed headers of senders and answers
 * 429 means the sender, and is there for all others.
 */
export class TenantPauses {
  readonly #clock: Clock;
  readonly #over: () => void;
  /** By the key of their headers: until Clock.nowMs() is this. */
  readonly #untilMs = new Map<string, number>();
  #timer: { readonly atMs: number; readonly cancel: Cancel } | undefined;

  /** `over` is told when a pause has ended. */
  constructor(clock: Clock, over: () => void) {
    this.#clock = clock;
    this.#over = over;
  }

  /** Whether there are any: else nobody need be looked up. */
  get any(): boolean {
    return this.#untilMs.size > 0;
  }

  get size(): number {
    return this.#untilMs.size;
  }

  /**
   * Until when they are left alone; -Infinity when they are not. `headers` has those that the
   * target is passed, and no others.
   */
  untilMs({ key }: SenderHeaders): number {
    const untilMs = this.#untilMs.get(key) ?? -Infinity;
    return untilMs > this.#clock.nowMs() ? untilMs : -Infinity;
  }

  pause({ key }: SenderHeaders, afterMs: number | undefined): void {
    const nowMs = this.#clock.nowMs();
    const untilMs = nowMs + Math.min(LONGEST_MS, afterMs ?? UNNAMED_MS);
    const before = this.#untilMs.get(key) ?? -Infinity;
    this.#untilMs.delete(key);
    this.#untilMs.set(key, Math.max(before, untilMs));
    const [oldest] = this.#untilMs.keys();
    if (this.#untilMs.size > MAX_PAUSES && oldest !== undefined) this.#untilMs.delete(oldest);
    this.#setTimer();
  }

  clear(): void {
    this.#untilMs.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #setTimer(): void {
    let atMs = Infinity;
    for (const untilMs of this.#untilMs.values()) atMs = Math.min(atMs, untilMs);
    if (atMs === Infinity || (this.#timer !== undefined && this.#timer.atMs <= atMs)) return;
    this.#timer?.cancel();
    const cancel = this.#clock.after(Math.max(1, Math.ceil(atMs - this.#clock.nowMs())), () => this.#expire());
    this.#timer = { atMs, cancel };
  }

  #expire(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.nowMs();
    for (const [key, untilMs] of this.#untilMs) if (untilMs <= nowMs) this.#untilMs.delete(key);
    this.#setTimer();
    this.#over();
  }
}
