import { discoveredId, discoveredTargets, isDiscovery } from "./discovered.ts";
import { CountedList, MANY_ITEMS, MappedList } from "../core/recent-list.ts";
import { remembered } from "../core/remembered.ts";
import { isSelected } from "./glob.ts";
import type {
  Config,
  FleetConfig,
  SchemaDocument,
  GlobalConfig,
  NodeConfig,
  PoolConfig,
  RuleConfig,
  StrategyConfig,
  TargetConfig,
} from "./schema/config.ts";
import type { FleetDocument } from "./schema/fleet.ts";
import { type NodeDocument, SAMPLING_ADDRESSES } from "./schema/node.ts";
import { type PoolDocument, PoolSchema, type RuleDocument } from "./schema/pool.ts";
import { STRATEGY_TYPES, type StrategyDocument, type TargetSelection } from "./schema/strategy.ts";
import { ALL_SIGNALS } from "./schema/values.ts";
import { listOf, type Values, valuesOf } from "./values.ts";

/**
 * Where the node of a document names plugins, a strategy that Signalbox does not have is one of
 * theirs: its name alone, or as `type` with options beside it, becomes
 * `{ type: plugin, name, options }`. Without plugins an unknown name stays what it is: a mistake.
 */
export function expandPluginStrategies(root: unknown): unknown {
  const values = valuesOf(root);
  if (values === undefined || listOf(valuesOf(values["node"])?.["plugins"]).length === 0) return root;
  const pools = valuesOf(values["pools"]);
  const rules = values["rules"];
  return {
    ...values,
    ...(pools && { pools: Object.fromEntries(Object.entries(pools).map(([name, pool]) => [name, inHolder(pool)])) }),
    ...(Array.isArray(rules) && { rules: rules.map(inHolder) }),
    ...("default_pool" in values && { default_pool: inHolder(values["default_pool"]) }),
  };
}

function inHolder(holder: unknown): unknown {
  const values = valuesOf(holder);
  if (values?.["strategy"] === undefined) return holder;
  return { ...values, strategy: expandedStrategy(values["strategy"]) };
}

function expandedStrategy(strategy: unknown): unknown {
  if (typeof strategy === "string") return isKnown(strategy) ? strategy : { type: "plugin", name: strategy };
  const values: Values = valuesOf(strategy) ?? {};
  const { type, ...options } = values;
  return typeof type !== "string" || isKnown(type) ? strategy : { type: "plugin", name: type, options };
}

function isKnown(type: string): boolean {
  return STRATEGY_TYPES.some((known) => known === type);
}

/**
 * Expands the short forms of a document in which validate() found no error; `resolvePath` makes
 * paths whole.
 */
export function normalise(document: SchemaDocument, resolvePath: (path: string) => string): Config {
  return { node: normaliseNode(document.node, resolvePath), ...normaliseFleet(document) };
}

/** The same of the fleet's part, which nothing of a node has a say in. */
function normaliseFleet(document: FleetDocument): FleetConfig {
  const { routing_rules: shortRules, ...global } = document.global;
  const rules = recentRules.of(document.rules, expandRule);
  const short = expandShortRules(shortRules, document.targets);
  const pools: Record<string, PoolConfig> = {};
  for (const [name, pool] of Object.entries(document.pools)) pools[name] = expandPool(pool, document.targets);
  for (const rule of rulesInPlace(document.rules)) {
    if (rule.targets !== undefined)
      pools[poolOf(rule)] = expandPool({ ...deliveryOf(rule), targets: rule.targets }, document.targets);
  }
  Object.assign(pools, short.pools);
  const inPlace = defaultInPlace(document);
  if (inPlace !== undefined) pools["default"] = expandPool(inPlace, document.targets);
  return {
    targets: [...document.targets, ...discoveredTargets(document)],
    pools,
    rules: short.rules.length === 0 ? rules : [...rules, ...short.rules],
    default_pool: inPlace === undefined ? nameIn(document.default_pool) : "default",
    unmatched: document.unmatched,
    global: global satisfies GlobalConfig,
    regions: document.regions,
  };
}

function normaliseNode(node: NodeDocument, resolvePath: (path: string) => string): NodeConfig {
  const listen = Object.entries(node.listen).map(([name, one]) => {
    if (one === false || Object.hasOwn(SAMPLING_ADDRESSES, name)) return [name, one] as const;
    const region = ("region" in one ? one.region : undefined) ?? node.region;
    return [name, { ...one, region }] as const;
  });
  return {
    ...node,
    plugins: node.plugins.map((path) => resolvePath(path)), // alone: path.resolve takes as many as it gets
    listen: Object.fromEntries(listen) as NodeConfig["listen"], // oxlint-disable-line typescript/no-unsafe-type-assertion -- the same ones
  };
}

function nameIn(pool: FleetDocument["default_pool"]): string | undefined {
  return typeof pool === "string" ? pool : undefined;
}

/** The default pool as written in place, or all targets when nothing is said of pools and rules. */
function defaultInPlace(document: FleetDocument): PoolDocument | undefined {
  if (document.default_pool !== undefined) {
    return typeof document.default_pool === "string" ? undefined : document.default_pool;
  }
  const isSilent = document.rules.length === 0 && Object.keys(document.pools).length === 0;
  if (!isSilent || document.targets.length === 0) return undefined;
  return PoolSchema.parse({ targets: document.targets.map((target) => target.id) });
}

/** At least those that have their own targets: of ten thousand rules mostly none. */
function rulesInPlace(rules: readonly RuleDocument[]): readonly RuleDocument[] {
  return rules.length < MANY_ITEMS || recentInPlace.of(rules).has(true) ? rules : [];
}

const recentInPlace = new CountedList(({ targets }: RuleDocument) => targets !== undefined);
const recentRules = new MappedList<RuleDocument, RuleConfig>();

/** A rule that stays stays the same object, by which all that follows knows it. */
const expandRule = remembered((rule: RuleDocument): RuleConfig => {
  const { id, priority, signals, mode, conditions } = rule;
  return { id, priority, signals, mode, conditions, pool: poolOf(rule) };
});

function poolOf(rule: RuleDocument): string {
  return rule.pool ?? `rule:${rule.id}`;
}

function deliveryOf(rule: RuleDocument): Omit<PoolDocument, "targets"> {
  const { strategy, ack, queue, batch, retry, fallback, when_down, compressed, adaptive_weights } = rule;
  return { strategy, ack, queue, batch, retry, fallback, when_down, compressed, adaptive_weights };
}

function expandPool(pool: PoolDocument, targets: readonly TargetConfig[]): PoolConfig {
  const ids = isDiscovery(pool.targets) ? [discoveredId(pool.targets)] : idsIn(pool.targets, targets);
  return { ...pool, targets: ids, strategy: expandStrategy(pool.strategy, ids, targets) };
}

function expandStrategy(
  strategy: StrategyDocument,
  members: readonly string[],
  targets: readonly TargetConfig[],
): StrategyConfig {
  if (strategy.type !== "content") return strategy;
  const inPool = targets.filter((target) => members.includes(target.id));
  return {
    type: "content",
    cases: strategy.cases.map((one) => ({ conditions: one.conditions, targets: idsIn(one.targets, inPool) })),
    otherwise: strategy.otherwise === undefined ? members : idsIn(strategy.otherwise, inPool),
  };
}

function idsIn(set: TargetSelection, targets: readonly TargetConfig[]): readonly string[] {
  if (Array.isArray(set)) return set;
  return targets.filter((target) => isSelected(target, set)).map((target) => target.id);
}

/**
 * global.routing_rules as rules; one whose region has no target is left out, which validate() warns
 * of.
 */
function expandShortRules(
  shortRules: FleetDocument["global"]["routing_rules"],
  targets: readonly TargetConfig[],
): { rules: RuleConfig[]; pools: Record<string, PoolConfig> } {
  const rules: RuleConfig[] = [];
  const pools: Record<string, PoolConfig> = {};
  for (const [i, { service, target_region: region, priority }] of shortRules.entries()) {
    const ids = targets.filter((target) => target.region === region).map((target) => target.id);
    if (ids.length === 0) continue;
    const id = `global:${i}`;
    const match = { tests: [{ op: "glob" as const, pattern: service }] };
    pools[`rule:${id}`] = expandPool(PoolSchema.parse({ targets: ids }), targets);
    rules.push({
      id,
      priority,
      signals: [...ALL_SIGNALS],
      mode: "first",
      conditions: [{ kind: "service_name", match }],
      pool: `rule:${id}`,
    });
  }
  return { rules, pools };
}
