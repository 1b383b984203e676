import type { Signal } from "../../otlp/signal.ts";
import type { StrategyPlan } from "../../plan/plan.ts";
import type { Health } from "../health/health.ts";
import type { TargetLoad } from "../load/target-load.ts";
import type { OwnedTarget, TargetEnv, TargetHandle, ToldHandle } from "./target-port.ts";
import type { Window } from "./window.ts";

/** What a batch brings along from its earlier tries: keys of targets. */
export interface RetryHistory {
  /** Empty: none. */
  readonly avoid: string;
  readonly unreachable: readonly string[];
  /** Which do not take its signal: only again where nothing else does. */
  readonly unwilling: readonly string[];
}

export const NO_HISTORY: RetryHistory = { avoid: "", unreachable: [], unwilling: [] };
export const NO_KEYS: readonly string[] = [];

/** The addresses behind the name of a target, or members, each of them as a target of its own. */
export interface Parts {
  readonly all: readonly TargetHandle[];
  /**
   * The one for a batch that leaves now, and none of `paused` in any case; undefined when none has
   * room for it. `strategy`: of the pool, where parts are picked by it.
   */
  pick(
    history: RetryHistory,
    paused: readonly string[],
    nowMs: number,
    signal?: Signal,
    strategy?: StrategyPlan,
  ): TargetHandle | undefined;
}

/** What parts of a target have in common. */
export interface Whole {
  readonly handle: TargetHandle;
  /** Of all their calls together. */
  readonly load: TargetLoad;
  /** So many more calls may be under way. */
  readonly spare: number;
}

/** An address behind the name of a target. */
export interface PartTarget extends OwnedTarget, ToldHandle {
  inheritable(): InheritedState;
  /** Tells those who wait that there may be room. */
  healthChanged(): void;
  /** What it says of its load, elsewhere than in its answers: the share that is in use. */
  hearLoad(utilization: number): void;
}

export interface PartEnv extends TargetEnv {
  readonly whole: Whole;
  /** Of the same address, when it was there before. */
  readonly inherited: InheritedState | undefined;
}

/** What is carried over to a handle that takes the place of an earlier one. */
export interface InheritedState {
  readonly health: Health;
  readonly window: Window;
}
