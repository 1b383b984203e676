import type { Random } from "../../core/random.ts";
import type { StrategyPlan } from "../../plan/plan.ts";
import type { TargetHandle } from "../export/target.ts";
import { isUsable, nextChangeMs, usableSinceMs, wantsProbe } from "../health/health.ts";
import type { Picker, PoolView, TargetView } from "./picker.ts";
import { createPicker } from "./strategy.ts";

/** What a batch brings along from its earlier tries. */
export interface Past {
  readonly avoid: TargetHandle | undefined;
  readonly unreachable: readonly TargetHandle[] | undefined;
}

/** Chooses the target for the batch that is about to leave: probes first, then the strategy, over what health allows. */
export class Chooser {
  readonly targets: readonly TargetHandle[];
  readonly #picker: Picker;
  readonly #views: MutableView[];
  readonly #view: { nowMs: number; readonly targets: readonly TargetView[] };

  constructor(targets: readonly TargetHandle[], strategy: StrategyPlan, random: Random) {
    this.targets = targets;
    this.#picker = createPicker(strategy, random);
    this.#views = targets.map(() => emptyView());
    this.#view = { nowMs: 0, targets: this.#views };
  }

  /** The target to send to now, or undefined: wait. Only one parcel may go to a target that `isTrial`. */
  choose(past: Past, nowMs: number): TargetHandle | undefined {
    this.#look(nowMs);
    return this.#probe(past) ?? this.#pick(past);
  }

  /** Told after a choice was made use of. */
  charge(target: TargetHandle, items: number, bytes: number): void {
    this.#picker.charge(this.targets.indexOf(target), items, bytes);
  }

  /** At least one target is usable as health sees it. */
  anyUsable(nowMs: number): boolean {
    return this.targets.some((target) => isUsable(target.health, nowMs));
  }

  /** At least one target waits for the batch that decides about its return. */
  anyProbeWanted(): boolean {
    return this.targets.some((target) => wantsProbe(target.health));
  }

  /** At least one target is usable that is none of `others`. */
  anyUsableBeside(others: readonly TargetHandle[], nowMs: number): boolean {
    return this.targets.some((target) => !others.includes(target) && isUsable(target.health, nowMs));
  }

  /** When time alone may make another choice possible. */
  nextChangeMs(nowMs: number): number {
    let next = Infinity;
    for (const { health } of this.targets) next = Math.min(next, nextChangeMs(health, nowMs));
    return next;
  }

  #look(nowMs: number): void {
    this.#view.nowMs = nowMs;
    let hope = false;
    for (let i = 0; i < this.targets.length; i++) {
      const target = this.targets[i]!;
      const view = this.#views[i]!;
      const { health } = target;
      view.weight = target.plan.weight;
      view.inFlight = target.inFlight;
      view.usable = isUsable(health, nowMs);
      view.usableSinceMs = usableSinceMs(health);
      view.eligible = view.usable && target.inFlight < target.windowSize;
      view.excluded = false;
      hope ||= view.usable || health.state === "probing";
    }
    if (!hope) this.#panic(nowMs);
  }

  /**
   * Nothing is usable and no probe is out: all that failed count as usable, one batch at a time and with a rest in between.
   * What asked to be left alone (throttling) is left alone also now: OTLP clients must.
   */
  #panic(nowMs: number): void {
    for (let i = 0; i < this.targets.length; i++) {
      const target = this.targets[i]!;
      const view = this.#views[i]!;
      const { health } = target;
      view.usable = health.state === "ejected" && health.panicFromMs <= nowMs;
      view.eligible = view.usable && target.inFlight === 0;
    }
  }

  #probe(past: Past): TargetHandle | undefined {
    for (const target of this.targets) {
      if (!wantsProbe(target.health) || past.unreachable?.includes(target) === true) continue;
      // Its window may still be taken by what hangs there: a probe goes beside it.
      if (target.inFlight < target.plan.maxInFlight) return target;
    }
    return undefined;
  }

  #pick(past: Past): TargetHandle | undefined {
    const { avoid, unreachable } = past;
    if (avoid === undefined && unreachable === undefined) return this.#ask();
    const others = unreachable?.length === 0 ? undefined : unreachable;
    this.#exclude(others);
    if (avoid !== undefined) this.#exclude([avoid]);
    const preferred = this.#ask();
    if (preferred !== undefined) return preferred;
    // Where it merely failed it may go again when nothing else has room; where nobody listens only when nothing else is there.
    const nothingElse = others === undefined || !this.anyUsableBeside(others, this.#view.nowMs);
    this.#look(this.#view.nowMs);
    if (!nothingElse) this.#exclude(others);
    return this.#ask();
  }

  #exclude(targets: readonly TargetHandle[] | undefined): void {
    if (targets === undefined) return;
    for (let i = 0; i < this.targets.length; i++) {
      if (!targets.includes(this.targets[i]!)) continue;
      this.#views[i]!.excluded = true;
      this.#views[i]!.eligible = false;
    }
  }

  #ask(): TargetHandle | undefined {
    const index = this.#picker.pick(this.#view satisfies PoolView);
    return index < 0 ? undefined : this.targets[index];
  }
}

/** A target that has to prove itself: it gets one parcel at a time. */
export function isTrial(target: TargetHandle): boolean {
  return target.health.state !== "ready";
}

type MutableView = { -readonly [K in keyof TargetView]: TargetView[K] };

function emptyView(): MutableView {
  return { weight: 0, inFlight: 0, usable: false, usableSinceMs: 0, eligible: false, excluded: false };
}
