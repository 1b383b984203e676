import type { Random } from "../../core/random.ts";
import type { Picker } from "./picker.ts";

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
