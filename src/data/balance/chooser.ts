import { reasonOf } from "../../core/errors.ts";
import { SIGNAL_FACTS, SIGNALS, type Signal } from "../../otlp/signal.ts";
import type { StrategyPlan } from "../../plan/plan.ts";
import { NO_KEYS, type RetryHistory } from "../export/parts.ts";
import type { TargetHandle } from "../export/target-port.ts";
import { Failover } from "./failover.ts";
import { type FailoverState, NO_FAILOVER, type SignalFailover } from "./failover-state.ts";
import type { Panic } from "./panic-report.ts";
import { type BatchSize, copyOf, type Picker } from "./picker.ts";
import { NO_PICKER, PoolState } from "./pool-state.ts";
import { createPicker, type PickerEnv } from "./strategy.ts";

export interface ChooserEnv extends PickerEnv {
  /** `adaptive`: weights follow the load of the targets. */
  readonly weights: "adaptive" | "fixed";
}

/** What a pick is for. */
interface PickRequest {
  readonly history: RetryHistory;
  /** Not in any case. */
  readonly paused: readonly string[];
  readonly signal: Signal | undefined;
}

/** What is known of the targets, and who picks among them. */
interface Sight {
  readonly state: PoolState;
  readonly picker: Picker;
}

interface ToldFailover {
  readonly state: FailoverState;
  readonly atMs: number;
}

/** All that a pick is made of, at one moment. */
export interface ChooserCopy {
  readonly targets: readonly TargetHandle[];
  readonly strategy: StrategyPlan;
  readonly signal: Signal | undefined;
  readonly state: PoolState;
  /** With the memory of the strategy; undefined where it has none, or nobody can copy it. */
  readonly picker: Picker | undefined;
}

/**
 * Chooses the target for the batch that is about to leave: probes first, then the strategy, over
 * what health allows. All signals have one sight in common; one that a target refuses has a sight,
 * and so a memory of picks, of its own as long as that lasts. Where a signal is left out, signals
 * make no difference.
 */
export class Chooser {
  readonly targets: readonly TargetHandle[];
  readonly #strategy: StrategyPlan;
  readonly #env: ChooserEnv;
  readonly #common: Sight;
  /** By the index of the signal. */
  readonly #own: (Sight | undefined)[] = SIGNALS.map(() => undefined);
  /** Where the node's failover of a refused signal stands, as another process told. */
  readonly #told: (ToldFailover | undefined)[] = SIGNALS.map(() => undefined);
  /** By their keys. */
  readonly #indexOf = new Map<string, number>();

  constructor(targets: readonly TargetHandle[], strategy: StrategyPlan, env: ChooserEnv) {
    this.targets = targets;
    this.#strategy = strategy;
    this.#env = env;
    this.#common = this.#open(this.#openPicker(), undefined);
    for (const [i, target] of targets.entries()) this.#indexOf.set(target.key, i);
  }

  /**
   * The target to send to now, none of `paused` in any case, or undefined: wait. Only one parcel
   * may go to a target that `isTrial`. Changes nothing.
   */
  choose(history: RetryHistory, nowMs: number, signal?: Signal, paused = NO_KEYS): TargetHandle | undefined {
    const sight = this.#refresh(nowMs, signal);
    const asked = { history, paused, signal };
    return this.#probe(sight, asked) ?? this.#pick(sight, asked);
  }

  /** As it is at this moment, to try a pick on: nothing changes here. */
  copyAt(nowMs: number, signal?: Signal): ChooserCopy {
    const { targets } = this;
    const strategy = this.#strategy;
    const common = copySight(this.#common, nowMs);
    if (signal === undefined || common.state.refusing[SIGNAL_FACTS[signal].index] === 0) {
      return { targets, strategy, signal, ...common };
    }
    const own = this.#own[SIGNAL_FACTS[signal].index] ?? this.#open(this.#firstPicker(signal), signal);
    return { targets, strategy, signal, ...copySight(own, nowMs) };
  }

  /**
   * Where it stands, first for what nobody refuses; none with another strategy. What was told of a
   * signal is over when nobody refuses that any more.
   */
  failoversAt(nowMs: number): SignalFailover[] {
    const { picker } = this.#common;
    if (!(picker instanceof Failover)) return [];
    const idOf = (index: number): string => this.targets[index]!.plan.id;
    const found: SignalFailover[] = [{ state: picker.stateAt(nowMs, idOf) }];
    if (!this.#own.some(isThere) && !this.#told.some(isThere)) return found;
    const { refusing } = this.#refreshAll(nowMs);
    for (const signal of SIGNALS) {
      const { index } = SIGNAL_FACTS[signal];
      const own = this.#own[index]?.picker;
      if (own instanceof Failover) found.push({ signal, state: own.stateAt(nowMs, idOf) });
      else if (refusing[index] === 0 && this.#told[index] !== undefined) found.push({ signal, state: NO_FAILOVER });
    }
    return found;
  }

  followFailover({ signal, state }: SignalFailover, nowMs: number): void {
    const index = signal === undefined ? undefined : SIGNAL_FACTS[signal].index;
    if (index !== undefined) this.#told[index] = state.current === "" ? undefined : { state, atMs: nowMs };
    const sight = index === undefined ? this.#common : this.#own[index];
    this.#follow(sight?.picker, state, nowMs);
  }

  /** Told after a choice was made use of. */
  charge(target: TargetHandle, batch: BatchSize, signal?: Signal): void {
    const index = this.#placeOf(target);
    const { picker, state } = this.#sightOf(signal);
    if (index !== undefined) picker.charge(state, index, batch);
  }

  /** It has to prove itself: it gets one parcel at a time. */
  isTrial(target: TargetHandle, signal?: Signal): boolean {
    const index = this.#placeOf(target);
    const { state } = this.#sightOf(signal);
    if (index === undefined || !state.isUsable(index)) return true;
    return target !== this.targets[index] && !target.usable(state.nowMs, signal);
  }

  /** At least one target is usable as health sees it. */
  anyUsable(nowMs: number, signal?: Signal): boolean {
    return this.#refresh(nowMs, signal).state.usableCount > 0;
  }

  /** At least one target waits for the batch that decides about its return. */
  anyProbeWanted(nowMs: number, signal?: Signal): boolean {
    for (const index of this.#refresh(nowMs, signal).state.probing)
      if (this.targets[index]!.wantsProbe(signal)) return true;
    return false;
  }

  /** At least one target is usable that is none of `others`. */
  anyUsableBeside(others: readonly string[], nowMs: number, signal?: Signal): boolean {
    return this.#anyBeside(this.#refresh(nowMs, signal).state, others, signal);
  }

  /** The same for one other, at no cost. */
  anyUsableBesideOne(other: TargetHandle, nowMs: number, signal?: Signal): boolean {
    const parts = this.#indexOf.has(other.key) ? undefined : other.whole?.parts?.all;
    if (this.targets.length < 2 && parts === undefined) return false;
    if (parts?.some((part) => part !== other && part.usable(nowMs, signal)) === true) return true;
    const { state } = this.#refresh(nowMs, signal);
    const index = this.#placeOf(other);
    return state.usableCount - (index !== undefined && state.isUsable(index) ? 1 : 0) > 0;
  }

  /** When time alone may make another choice possible. */
  nextChangeMs(nowMs: number): number {
    let nextMs = this.#refreshAll(nowMs).nextChangeMs;
    for (const own of this.#own) if (own !== undefined) nextMs = Math.min(nextMs, own.state.nextChangeMs);
    return nextMs;
  }

  /**
   * Less than half of the targets, or of those that take some signal, are ready, so all are used;
   * else undefined.
   */
  panic(nowMs: number): Panic | undefined {
    const common = panicOf(this.#refreshAll(nowMs));
    if (common !== undefined) return common;
    for (const own of this.#own) {
      const panic = own && panicOf(own.state);
      if (panic !== undefined) return panic;
    }
    return undefined;
  }

  /** Gives the common state. What is not refused any more has no sight of its own. */
  #refreshAll(nowMs: number): PoolState {
    const { state } = this.#common;
    state.refresh(nowMs);
    for (let i = 0; i < this.#own.length; i++) {
      if (state.refusing[i] === 0) this.#own[i] = undefined;
      else this.#own[i]?.state.refresh(nowMs);
    }
    return state;
  }

  #refresh(nowMs: number, signal: Signal | undefined): Sight {
    const { state } = this.#common;
    state.refresh(nowMs);
    const sight = this.#sightOf(signal);
    if (sight !== this.#common) sight.state.refresh(nowMs);
    return sight;
  }

  /** As of the last refresh of the common one. */
  #sightOf(signal: Signal | undefined): Sight {
    if (signal === undefined) return this.#common;
    const { index } = SIGNAL_FACTS[signal];
    if (this.#common.state.refusing[index] === 0) {
      this.#own[index] = undefined;
      return this.#common;
    }
    return (this.#own[index] ??= this.#open(this.#ownPicker(signal), signal));
  }

  #follow(picker: Picker | undefined, state: FailoverState, nowMs: number): void {
    if (!(picker instanceof Failover)) return;
    picker.follow(state, nowMs, (id) => this.targets.findIndex(({ plan }) => plan.id === id));
  }

  #open(picker: Picker, signal: Signal | undefined): Sight {
    return { picker, state: new PoolState(this.targets, picker, this.#env.weights, signal) };
  }

  /**
   * Nothing may fail here: a strategy of a plugin that cannot be opened has another in its place,
   * as one that fails later.
   */
  #openPicker(): Picker {
    const { length } = this.targets;
    try {
      return createPicker(this.#strategy, length, this.#env);
    } catch (error) {
      if (this.#strategy.type === "plugin") this.#env.faults?.strategyFailed(this.#strategy.name, reasonOf(error));
      return createPicker({ type: "weighted_round_robin" }, length, this.#env);
    }
  }

  /**
   * For a signal that is refused from now on. A failover stands where it stood, or where the node's
   * does by now.
   */
  #ownPicker(signal: Signal): Picker {
    const { picker, state } = this.#common;
    if (!(picker instanceof Failover)) return this.#openPicker();
    const own = picker.copy();
    const told = this.#told[SIGNAL_FACTS[signal].index];
    if (told !== undefined) {
      const elapsedMs = told.state.elapsedMs + state.nowMs - told.atMs;
      this.#follow(own, { ...told.state, elapsedMs }, state.nowMs);
    }
    return own;
  }

  /** For a signal that nobody has asked for yet. No plugin is asked for a strategy in vain. */
  #firstPicker(signal: Signal): Picker {
    return this.#strategy.type === "plugin" ? NO_PICKER : this.#ownPicker(signal);
  }

  #probe({ state }: Sight, asked: PickRequest): TargetHandle | undefined {
    const { history, paused, signal } = asked;
    for (const index of state.probing) {
      const target = this.targets[index]!;
      if (!target.wantsProbe(signal) || history.unreachable.includes(target.key)) continue;
      if (paused.includes(target.key)) continue;
      // Its window may still be taken by what hangs there: a probe goes beside it.
      if (!mayProbe(target) || (target.whole !== undefined && !mayProbe(target.whole))) continue;
      const part = this.#partOf(target, asked);
      if (part !== undefined) return part;
    }
    return undefined;
  }

  #pick(sight: Sight, asked: PickRequest): TargetHandle | undefined {
    const { history, paused, signal } = asked;
    const { avoid, unreachable, unwilling } = history;
    const isFree = avoid === "" && unreachable.length === 0 && unwilling.length === 0;
    if (isFree && paused.length === 0) return this.#ask(sight, asked);
    const others = [...paused, ...unreachable, ...unwilling];
    const preferred = this.#askWithout(sight, avoid === "" ? others : [...others, avoid], asked);
    if (preferred !== undefined) return preferred;
    // Where it merely failed it may go again when nothing else has room; where nobody listens only
    // when nothing else is there.
    return this.#askWithout(sight, this.#anyBeside(sight.state, others, signal) ? others : paused, asked);
  }

  #anyBeside(state: PoolState, others: readonly string[], signal: Signal | undefined): boolean {
    let left = state.usableCount;
    for (const index of this.#indexesOf(others, signal)) if (state.isUsable(index)) left--;
    return left > 0;
  }

  #askWithout(sight: Sight, others: readonly string[], asked: PickRequest): TargetHandle | undefined {
    const excluded = this.#indexesOf(others, asked.signal);
    for (const index of excluded) sight.state.exclude(index);
    const target = this.#ask(sight, asked);
    for (const index of excluded) sight.state.include(index);
    return target;
  }

  /**
   * A pick that finds its target full, which nobody told, is asked again, at most once for each
   * target.
   */
  #ask({ state, picker }: Sight, asked: PickRequest): TargetHandle | undefined {
    let found: TargetHandle | undefined;
    let full: number[] | undefined;
    for (let tries = 0; tries <= this.targets.length && found === undefined; tries++) {
      const index = picker.pick(state);
      if (index < 0) break;
      if (!state.confirm(index)) continue;
      found = this.#partOf(this.targets[index]!, asked);
      if (found !== undefined) break;
      state.exclude(index); // none of its parts is for this batch
      (full ??= []).push(index);
    }
    if (full !== undefined) for (const index of full) state.include(index);
    return found;
  }

  /** What is sent to: the target itself, or one of its parts. */
  #partOf(target: TargetHandle, { history, paused, signal }: PickRequest): TargetHandle | undefined {
    if (target.parts === undefined) return target;
    return target.parts.pick(history, paused, this.#common.state.nowMs, signal, this.#strategy);
  }

  /** Of a target, or of that which it is a part of. */
  #placeOf({ key, whole }: TargetHandle): number | undefined {
    const index = this.#indexOf.get(key);
    return index === undefined && whole !== undefined ? this.#indexOf.get(whole.key) : index;
  }

  /**
   * Of these; a target of several parts counts when all that could be used of it are among them.
   */
  #indexesOf(keys: readonly string[], signal: Signal | undefined): number[] {
    const indexes = new Set<number>();
    for (const key of keys) {
      const index = this.#indexOf.get(key) ?? this.#wholeOf(key, keys, signal);
      if (index >= 0) indexes.add(index);
    }
    return [...indexes];
  }

  /** Of the target that has this part, when none of its other parts can be used; else -1. */
  #wholeOf(key: string, keys: readonly string[], signal: Signal | undefined): number {
    const { nowMs } = this.#common.state;
    const index = this.targets.findIndex(({ parts }) => parts?.all.some((part) => part.key === key));
    const left = this.targets[index]?.parts?.all.some((part) => part.usable(nowMs, signal) && !keys.includes(part.key));
    return left === true ? -1 : index;
  }
}

function isThere(value: unknown): boolean {
  return value !== undefined;
}

function mayProbe({ inFlight, maxInFlight }: TargetHandle): boolean {
  return inFlight < maxInFlight;
}

function panicOf({ panics, ready, counted }: PoolState): Panic | undefined {
  return panics ? { ready, counted } : undefined;
}

function copySight({ picker, state }: Sight, nowMs: number): Pick<ChooserCopy, "picker" | "state"> {
  const copy = copyOf(picker);
  return { picker: copy, state: state.copyAt(nowMs, copy) };
}
