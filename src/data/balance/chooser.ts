import type { StrategyPlan } from "../../plan/plan.ts";
import type { TargetHandle } from "../export/target.ts";
import type { Panic } from "./panic-report.ts";
import type { Foresight, Picker, PoolView } from "./picker.ts";
import { PoolState } from "./pool-state.ts";
import { createPicker, type PickerEnv } from "./strategy.ts";

/** What a batch brings along from its earlier tries. */
export interface Past {
  readonly avoid: TargetHandle | undefined;
  readonly unreachable: readonly TargetHandle[] | undefined;
}

export interface ChooserEnv extends PickerEnv {
  /** `adaptive`: weights follow the load of the targets. */
  readonly weights: "adaptive" | "fixed";
}

/** Chooses the target for the batch that is about to leave: probes first, then the strategy, over what health allows. */
export class Chooser {
  readonly targets: readonly TargetHandle[];
  readonly #picker: Picker;
  readonly #state: PoolState;
  readonly #indexOf = new Map<TargetHandle, number>();

  constructor(targets: readonly TargetHandle[], strategy: StrategyPlan, env: ChooserEnv) {
    this.targets = targets;
    this.#picker = createPicker(strategy, targets.length, env);
    this.#state = new PoolState(targets, this.#picker, env.weights);
    for (const [i, target] of targets.entries()) this.#indexOf.set(target, i);
  }

  /** The target to send to now, or undefined: wait. Only one parcel may go to a target that `isTrial`. Changes nothing. */
  choose(past: Past, nowMs: number): TargetHandle | undefined {
    this.view(nowMs);
    return this.#probe(past) ?? this.#pick(past);
  }

  /** The same for people, without a trace, also of chance. Indexes are those of `targets`. */
  foresee(nowMs: number): Foresight {
    const view = this.view(nowMs);
    const probe = this.#probe({ avoid: undefined, unreachable: undefined });
    if (probe !== undefined) return { kind: "pick", index: this.targets.indexOf(probe) };
    const ask = (): Foresight => this.#picker.foresee?.(view) ?? { kind: "pick", index: this.#picker.pick(view) };
    return this.#state.knowingRoom(ask);
  }

  /** Whether somebody only watches, so that what is asked meanwhile leaves no trace. */
  watch(on: boolean): void {
    this.#state.watch(on);
  }

  /** Told after a choice was made use of. */
  charge(target: TargetHandle, items: number, bytes: number): void {
    const index = this.#indexOf.get(target);
    if (index !== undefined) this.#picker.charge(this.#state, index, { items, bytes });
  }

  /** It has to prove itself: it gets one parcel at a time. */
  isTrial(target: TargetHandle): boolean {
    const index = this.#indexOf.get(target);
    return index === undefined || !this.#state.isUsable(index);
  }

  /** At least one target is usable as health sees it. */
  anyUsable(nowMs: number): boolean {
    this.view(nowMs);
    return this.#state.usableCount > 0;
  }

  /** At least one target waits for the batch that decides about its return. */
  anyProbeWanted(nowMs: number): boolean {
    this.view(nowMs);
    for (const index of this.#state.probing) if (this.targets[index]!.wantsProbe) return true;
    return false;
  }

  /** At least one target is usable that is none of `others`. */
  anyUsableBeside(others: readonly TargetHandle[], nowMs: number): boolean {
    this.view(nowMs);
    let left = this.#state.usableCount;
    for (const index of this.#indexesOf(others)) if (this.#state.isUsable(index)) left--;
    return left > 0;
  }

  /** When time alone may make another choice possible. */
  nextChangeMs(nowMs: number): number {
    this.view(nowMs);
    return this.#state.nextChangeMs;
  }

  /** Less than half of the targets are ready, so all are used; else undefined. */
  panic(nowMs: number): Panic | undefined {
    this.view(nowMs);
    const { panics, ready, counted } = this.#state;
    return panics ? { ready, counted } : undefined;
  }

  /** What the strategy sees at this moment. */
  view(nowMs: number): PoolView {
    this.#state.look(nowMs);
    return this.#state;
  }

  #probe(past: Past): TargetHandle | undefined {
    for (const index of this.#state.probing) {
      const target = this.targets[index]!;
      if (!target.wantsProbe || past.unreachable?.includes(target) === true) continue;
      // Its window may still be taken by what hangs there: a probe goes beside it.
      if (target.inFlight < target.plan.maxInFlight) return target;
    }
    return undefined;
  }

  #pick(past: Past): TargetHandle | undefined {
    const { avoid, unreachable } = past;
    if (avoid === undefined && unreachable === undefined) return this.#ask();
    const others = unreachable ?? [];
    const preferred = this.#askWithout(avoid === undefined ? others : [...others, avoid]);
    if (preferred !== undefined) return preferred;
    // Where it merely failed it may go again when nothing else has room; where nobody listens only when nothing else is there.
    return this.#askWithout(this.anyUsableBeside(others, this.#state.nowMs) ? others : []);
  }

  #askWithout(others: readonly TargetHandle[]): TargetHandle | undefined {
    const excluded = this.#indexesOf(others);
    for (const index of excluded) this.#state.exclude(index);
    const target = this.#ask();
    for (const index of excluded) this.#state.include(index);
    return target;
  }

  /** A pick that finds its target full, which nobody told, is asked again, at most once for each target. */
  #ask(): TargetHandle | undefined {
    for (let tries = 0; tries <= this.targets.length; tries++) {
      const index = this.#picker.pick(this.#state);
      if (index < 0) return undefined;
      if (this.#state.confirm(index)) return this.targets[index];
    }
    return undefined;
  }

  #indexesOf(targets: readonly TargetHandle[]): number[] {
    return [...new Set(targets.flatMap((target) => this.#indexOf.get(target) ?? []))];
  }
}
