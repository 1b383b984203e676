import { listOf, type Values, valuesOf } from "./values.ts";
import { STRATEGY_TYPES } from "./schema/strategy.ts";

/**
 * Where the node of a document names plugins, a strategy that Signalbox does not have is one of theirs: its name alone, or as `type` with
 * options beside it, becomes `{ type: plugin, name, options }`. Without plugins an unknown name stays what it is: a mistake.
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
  return { ...values, strategy: expanded(values["strategy"]) };
}

function expanded(strategy: unknown): unknown {
  if (typeof strategy === "string") return isKnown(strategy) ? strategy : { type: "plugin", name: strategy };
  const values: Values = valuesOf(strategy) ?? {};
  const { type, ...options } = values;
  return typeof type !== "string" || isKnown(type) ? strategy : { type: "plugin", name: type, options };
}

function isKnown(type: string): boolean {
  return STRATEGY_TYPES.some((known) => known === type);
}
