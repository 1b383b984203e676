import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Random } from "../../core/random.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Picker } from "./picker.ts";
import { createStrategies, type Strategies, type StrategyContext, type StrategyFactory } from "./strategies.ts";

/** What a plugin can bring along. */
export interface PluginHost {
  /**
   * For pools with this name as their strategy. Throws a TypeError when the name is taken, or is
   * none.
   */
  registerStrategy(name: string, factory: StrategyFactory): void;
}

/**
 * What a module named under `node.plugins` exports as its default. Called once for each config that
 * names it.
 */
export type Plugin = (host: PluginHost) => void | Promise<void>;

/**
 * Loads the plugins of a plan, in their order, and opens each strategy that a pool uses once, to
 * try it. `given` are there before them. Throws CONFIG_INVALID that names the module, or the pool.
 * A module with another content than before is loaded anew.
 */
export async function loadPlugins(
  { plugins, pools }: Plan,
  random: Random,
  given: Strategies = createStrategies(),
): Promise<Strategies> {
  const strategies = createStrategies();
  for (const name of given.names) strategies.register(name, given.find(name)!);
  for (const path of plugins) await loadPlugin(path, strategies);
  const opened = new OpenedStrategies(strategies);
  for (const { name: pool, strategy, targets } of pools.values()) {
    if (strategy.type !== "plugin") continue;
    const { name, options } = strategy;
    if (strategies.find(name) === undefined) throw unknownStrategy(pool, name, strategies);
    try {
      opened.open(name, { size: targets.length, options, random });
    } catch (cause) {
      throw new RouterError("CONFIG_INVALID", `pool ${pool}: strategy ${name}: ${reasonOf(cause)}`, { cause });
    }
  }
  return opened;
}

/**
 * Strategies of which some were opened beforehand: each of those is handed out once, in place of
 * another call of its factory. So a plugin that fails does so before a plan is applied, and not
 * half-way.
 */
class OpenedStrategies implements Strategies {
  readonly #strategies: Strategies;
  readonly #opened = new Map<string, Picker[]>();

  constructor(strategies: Strategies) {
    this.#strategies = strategies;
  }

  /** Throws what the factory throws. */
  open(name: string, context: StrategyContext): void {
    const key = keyOf(name, context);
    const picker = this.#strategies.find(name)!(context);
    this.#opened.set(key, [...(this.#opened.get(key) ?? []), picker]);
  }

  register(name: string, factory: StrategyFactory): void {
    this.#strategies.register(name, factory);
  }

  find(name: string): StrategyFactory | undefined {
    const factory = this.#strategies.find(name);
    return factory && ((context) => this.#opened.get(keyOf(name, context))?.pop() ?? factory(context));
  }

  get names(): readonly string[] {
    return this.#strategies.names;
  }
}

function keyOf(name: string, { size, options }: StrategyContext): string {
  return JSON.stringify([name, size, options]);
}

/** Strategies that can be exchanged for others while pools hold on to them. */
export class CurrentStrategies implements Strategies {
  #current: Strategies;

  constructor(current: Strategies) {
    this.#current = current;
  }

  /** Gives those that were there before. */
  swap(next: Strategies): Strategies {
    const before = this.#current;
    this.#current = next;
    return before;
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

/**
 * Contents of modules that this process has loaded: the language keeps each of them until the
 * process ends.
 */
const editions = new Set<string>();
const MAX_EDITIONS = 64;

/** How many different contents of plugins this process holds. */
export function pluginEditions(): number {
  return editions.size;
}

async function loadPlugin(path: string, strategies: Strategies): Promise<void> {
  try {
    const loaded: unknown = await import(editionOf(path));
    const plugin = pluginIn(loaded);
    if (plugin === undefined) throw new TypeError("its default export is not a function");
    await plugin({ registerStrategy: (name, factory) => strategies.register(name, factory) });
  } catch (cause) {
    const hint = "a plugin is a module whose default export is called with { registerStrategy }";
    throw new RouterError("CONFIG_INVALID", `plugin ${path}: ${reasonOf(cause)}`, { cause, hint });
  }
}

/**
 * The URL of the module as it is now: the same content is the same URL, whenever it was written.
 */
function editionOf(path: string): string {
  const url = pathToFileURL(path);
  url.searchParams.set("edition", createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 16));
  if (!editions.has(url.href) && editions.size >= MAX_EDITIONS) {
    throw new RangeError(
      `this process holds ${MAX_EDITIONS} contents of plugins already, and cannot let go of them: restart the node`,
    );
  }
  editions.add(url.href);
  return url.href;
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
