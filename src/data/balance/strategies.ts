import { reasonOf } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import { copyOf, type Picker, type PoolView, type RememberingPicker } from "./picker.ts";

/** What a plugin's strategy is opened with, anew for each set of targets. */
export interface StrategyContext {
  /** How many targets the pool has; views have so many. */
  readonly size: number;
  /** As written in the config. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The only source of chance that it may use. */
  readonly random: Random;
}

/**
 * Opens a strategy of a plugin. May throw when its options are wrong: the config is refused then.
 */
export type StrategyFactory = (context: StrategyContext) => Picker;

/** The strategies that plugins brought along, by name. */
export interface Strategies {
  /** Throws a TypeError when the name is taken, or is none. */
  register(name: string, factory: StrategyFactory): void;
  find(name: string): StrategyFactory | undefined;
  readonly names: readonly string[];
}

const NAME = /^[a-z][a-z0-9_-]{0,62}$/u;

export function createStrategies(): Strategies {
  const factories = new Map<string, StrategyFactory>();
  return {
    register(name, factory) {
      if (!NAME.test(name)) throw new TypeError(`"${name}" is no name of a strategy: a-z, then a-z 0-9 _ -`);
      if (factories.has(name)) throw new TypeError(`a strategy named ${name} is registered already`);
      factories.set(name, factory);
    },
    find: (name) => factories.get(name),
    get names() {
      return [...factories.keys()];
    },
  };
}

/** Registers a strategy under a name, for pools with `strategy: { type: <name>, ...options }`. */
export function registerStrategy(strategies: Strategies, name: string, factory: StrategyFactory): void {
  strategies.register(name, factory);
}

/**
 * A picker that was not written here must not stop a pool: when it throws, or picks what may not be
 * picked, `standIn` takes over for good, and `told` is told once.
 */
export function guarded(picker: Picker, standIn: Picker, told: (what: string) => void): Picker {
  return new Guarded(picker, standIn, told);
}

class Guarded implements RememberingPicker {
  readonly #standIn: Picker;
  readonly #told: (what: string) => void;
  #picker: Picker | undefined;

  constructor(picker: Picker, standIn: Picker, told: (what: string) => void) {
    this.#picker = picker;
    this.#standIn = standIn;
    this.#told = told;
  }

  pick(view: PoolView): number {
    const index = this.#ask((picker) => picker.pick(view));
    if (index === undefined) return this.#standIn.pick(view);
    if (index === -1 || view.eligible[index] === 1) return index;
    this.#giveUp(`it picked ${index}, which is not eligible`);
    return this.#standIn.pick(view);
  }

  charge(view: PoolView, index: number, batch: { readonly items: number; readonly bytes: number }): void {
    this.#ask((picker) => picker.charge(view, index, batch));
    this.#standIn.charge(view, index, batch);
  }

  /** What others wrote cannot be copied; asking it might leave a trace, against the contract. */
  copy(): Picker | undefined {
    return this.#picker === undefined ? copyOf(this.#standIn) : undefined;
  }

  changed(view: PoolView, index: number): void {
    this.#ask((picker) => picker.changed(view, index));
    this.#standIn.changed(view, index);
  }

  #ask<Answer>(question: (picker: Picker) => Answer): Answer | undefined {
    if (this.#picker === undefined) return undefined;
    try {
      return question(this.#picker);
    } catch (error) {
      this.#giveUp(reasonOf(error));
      return undefined;
    }
  }

  #giveUp(what: string): void {
    this.#picker = undefined;
    this.#told(what);
  }
}
