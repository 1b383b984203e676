import { statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Random } from "../core/random.ts";
import { reasonOf, RouterError } from "../core/errors.ts";
import type { Plan } from "../plan/plan.ts";
import { createStrategies, type Strategies, type StrategyFactory } from "./balance/strategies.ts";

/** What a plugin can bring along. */
export interface PluginHost {
  /** For pools with this name as their strategy. Throws a TypeError when the name is taken, or is none. */
  registerStrategy(name: string, factory: StrategyFactory): void;
}

/** What a module named under `plugins` exports as its default. Called once for each config that names it. */
export type Plugin = (host: PluginHost) => void | Promise<void>;

/**
 * Loads the plugins of a plan, in their order, and opens each strategy that a pool uses once, to try it. `given` are there
 * before them. Throws
 * CONFIG_INVALID that names the module, or the pool. A module that changed on disk since it was loaded is loaded anew.
 */
export async function loadPlugins(
  { plugins, pools }: Plan,
  random: Random,
  given: Strategies = createStrategies(),
): Promise<Strategies> {
  const strategies = createStrategies();
  for (const name of given.names) strategies.register(name, given.find(name)!);
  for (const path of plugins) await loadPlugin(path, strategies);
  for (const { name: pool, strategy, targets } of pools.values()) {
    if (strategy.type !== "plugin") continue;
    const { name, options } = strategy;
    const factory = strategies.find(name);
    if (factory === undefined) throw unknownStrategy(pool, name, strategies);
    try {
      factory({ size: targets.length, options, random });
    } catch (cause) {
      throw new RouterError("CONFIG_INVALID", `pool ${pool}: strategy ${name}: ${reasonOf(cause)}`, { cause });
    }
  }
  return strategies;
}

/** Strategies that can be exchanged for others while pools hold on to them. */
export class CurrentStrategies implements Strategies {
  #current: Strategies;

  constructor(current: Strategies) {
    this.#current = current;
  }

  swap(next: Strategies): void {
    this.#current = next;
  }

  register(name: string, factory: StrategyFactory): void {
    this.#current.register(name, factory);
  }

  find(name: string): StrategyFactory | undefined {
    return this.#current.find(name);
  }

  get names(): readonly string[] {
    return this.#current.names;
  }
}

async function loadPlugin(path: string, strategies: Strategies): Promise<void> {
  try {
    const url = pathToFileURL(path);
    url.searchParams.set("changed", String(statSync(path).mtimeMs));
    const loaded: unknown = await import(url.href);
    const plugin = pluginIn(loaded);
    if (plugin === undefined) throw new TypeError("its default export is not a function");
    await plugin({ registerStrategy: (name, factory) => strategies.register(name, factory) });
  } catch (cause) {
    const hint = "a plugin is a module whose default export is called with { registerStrategy }";
    throw new RouterError("CONFIG_INVALID", `plugin ${path}: ${reasonOf(cause)}`, { cause, hint });
  }
}

function pluginIn(loaded: unknown): Plugin | undefined {
  if (typeof loaded !== "object" || loaded === null || !("default" in loaded)) return undefined;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the boundary to code of others: that it is a function is all that can be known
  return typeof loaded.default === "function" ? (loaded.default as Plugin) : undefined;
}

function unknownStrategy(pool: string, name: string, { names }: Strategies): RouterError {
  const registered = names.length === 0 ? "the plugins registered none" : `the plugins registered ${names.join(", ")}`;
  return new RouterError("CONFIG_INVALID", `pool ${pool}: no strategy is called ${name}; ${registered}`);
}
