import { seededRandom } from "../../../src/core/random.ts";
import { createPicker, type PickerEnv } from "../../../src/data/balance/strategy.ts";
import type { Picker } from "../../../src/data/balance/picker.ts";
import { PoolState } from "../../../src/data/balance/pool-state.ts";
import type { TargetSource } from "../../../src/data/balance/target-source.ts";
import { type Health, initialHealth } from "../../../src/data/health/health.ts";
import { type CallEnd, TargetLoad } from "../../../src/data/load/target-load.ts";
import type { StrategyPlan, TargetPlan } from "../../../src/plan/plan.ts";
import { targetPlan } from "../../delivery/pool-rig.ts";

/** One character for each of many targets, letters first. */
const NAMES = Array.from({ length: 200 }, (_, i) => String.fromCodePoint(i < 26 ? 97 + i : 0x4e00 + i));
const COMMON = { sinceMs: 0, epoch: 1, ejections: 1, checks: 0 };

/**
 * A target whose health, room and measurements a test sets; what balancing sees of it is the real
 * thing.
 */
export class SetTarget implements TargetSource {
  readonly load = new TargetLoad();
  plan: TargetPlan;
  #health: Health = initialHealth(0);
  /** Signals that it does not take, by their bits. */
  away = 0;
  room = 64;
  backShare = 1;
  readonly #listeners = new Set<() => void>();

  constructor(id: string, more: Partial<TargetPlan> = {}) {
    this.plan = targetPlan(id, more);
  }

  health(): Health {
    return this.#health;
  }

  get inFlight(): number {
    return this.load.inFlight;
  }

  get inFlightItems(): number {
    return this.load.inFlightItems;
  }

  get inFlightBytes(): number {
    return this.load.inFlightBytes;
  }

  refused(): number {
    return this.away;
  }

  windowSize(): number {
    return this.room;
  }

  share(): number {
    return this.backShare;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  tell(): void {
    for (const listener of Array.from(this.#listeners)) listener(); // they may leave while they are told
  }

  become(change: { readonly weight?: number; readonly windowSize?: number; readonly backShare?: number }): void {
    if (change.weight !== undefined) this.plan = { ...this.plan, weight: change.weight };
    if (change.windowSize !== undefined) this.room = change.windowSize;
    if (change.backShare !== undefined) this.backShare = change.backShare;
    if (this.#health.state === "ready")
      this.#health = { ...this.#health, rampFromMs: this.backShare < 1 ? 0 : -Infinity };
    this.tell();
  }

  ready(sinceMs = 0, pausedUntilMs = sinceMs): void {
    const more = { failures: 0, pausedUntilMs, rampFromMs: this.backShare < 1 ? 0 : -Infinity };
    this.#enter({ ...COMMON, ...more, state: "ready", reason: "recovered", sinceMs });
  }

  /** As it is when calls fail in a row, or, with `success_rate`, too often. */
  eject(reason: "connect" | "success_rate" = "connect", panicFromMs = 0): void {
    const more = { nextTryMs: 1e9, panicFromMs, suspect: false };
    this.#enter({ ...COMMON, ...more, state: "ejected", reason });
  }

  down(reason: "check_failed" | "added" = "check_failed"): void {
    this.#enter({ ...COMMON, state: "down", reason, panicFromMs: 0 });
  }

  aside(state: "drain" | "maintenance"): void {
    this.#enter({ ...COMMON, state, reason: "operator", untilMs: Infinity });
  }

  probe(): void {
    this.#enter({ ...COMMON, state: "probing", reason: "rest_over", probeOut: false, suspect: false });
  }

  #enter(health: Health): void {
    this.#health = health;
    this.tell();
  }
}

/**
 * Some targets under one strategy, with a clock that is moved by hand. Targets are called a, b, c
 * and so on.
 */
export class BalancedPool {
  readonly targets: readonly SetTarget[];
  readonly picker: Picker;
  readonly state: PoolState;
  nowMs = 0;

  constructor(
    targets: readonly (number | Partial<TargetPlan>)[],
    strategy: StrategyPlan,
    env: Partial<PickerEnv> & { readonly weights?: "adaptive" | "fixed" } = {},
  ) {
    this.targets = targets.map((more, i) => {
      const plan = typeof more === "number" ? { weight: more } : more;
      return new SetTarget(plan.id ?? NAMES[i] ?? `t${i}`, plan);
    });
    this.picker = createPicker(strategy, targets.length, { random: seededRandom(7), ...env });
    this.state = new PoolState(this.targets, this.picker, env.weights ?? "fixed");
  }

  pick(): number {
    this.state.refresh(this.nowMs);
    return this.picker.pick(this.state);
  }

  /** Picks, and makes use of the pick, without a call that stays under way. */
  take(items = 1, bytes = 100 * items): number {
    const index = this.pick();
    if (index >= 0) this.charge(index, items, bytes);
    return index;
  }

  charge(index: number, items = 1, bytes = 100 * items): void {
    this.picker.charge(this.state, index, { items, bytes });
  }

  /** Who was picked, one after the other; - where nobody was. */
  run(picks: number, items = 1): string {
    let seen = "";
    for (let i = 0; i < picks; i++) seen += NAMES[this.take(items)] ?? "-";
    return seen;
  }

  /** How often each was picked. */
  counts(picks: number, items = 1): number[] {
    const counts = this.targets.map(() => 0);
    for (let i = 0; i < picks; i++) {
      const index = this.take(items);
      if (index >= 0) counts[index]! += 1;
    }
    return counts;
  }

  /** One call to a target that ends after `tookMs`. */
  call(index: number, tookMs: number, end: CallEnd = { kind: "answered" }): void {
    const target = this.targets[index]!;
    const call = { items: 1, bytes: 100, sentMs: this.nowMs };
    target.load.sent(call.items, call.bytes, this.nowMs);
    this.nowMs += tookMs;
    target.load.ended(call, end, this.nowMs);
    target.tell();
  }
}

/** Of counts that should be shared by these weights. */
export function chiSquare(counts: readonly number[], weights: readonly number[]): number {
  const picks = counts.reduce((sum, count) => sum + count, 0);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return counts.reduce((sum, count, i) => {
    const expected = (picks * weights[i]!) / total;
    return sum + (expected === 0 ? 0 : (count - expected) ** 2 / expected);
  }, 0);
}
