import { caution, type Finding, type Path } from "../finding.ts";
import { listOf, type Outline, type OutlinePool, textOf, type Values, valuesOf } from "../outline.ts";

/** Strategies that cannot do what they are chosen for. */
export function checkStrategies(outline: Outline): Finding[] {
  const weights = new Map(
    outline.targets.flatMap(({ id, values }) => (id === undefined ? [] : [[id, values["weight"] ?? 1] as const])),
  );
  return outline.pools.flatMap((pool) => [
    ...checkFailover(pool),
    ...checkWeights(pool, weights),
    ...checkOtherwise(pool),
  ]);
}

function typeOf(values: Values): string {
  const { strategy } = values;
  return textOf(strategy) ?? textOf(valuesOf(strategy)?.["type"]) ?? "weighted_round_robin";
}

function strategyPath({ path, values }: OutlinePool): Path {
  return values["strategy"] === undefined ? path : [...path, "strategy"];
}

function checkFailover(pool: OutlinePool): Finding[] {
  const { values } = pool;
  if (typeOf(values) !== "failover" || listOf(values["targets"]).length !== 1) return [];
  return [
    caution(strategyPath(pool), "failover with one target has nowhere to go", "add a second target, or set fallback"),
  ];
}

/** Order and copies know no weights. */
const WITHOUT_WEIGHTS = new Set(["failover", "broadcast"]);

function checkWeights({ path, values }: OutlinePool, weights: ReadonlyMap<string, unknown>): Finding[] {
  const ids = listOf(values["targets"]);
  if (ids.length === 0 || WITHOUT_WEIGHTS.has(typeOf(values))) return [];
  if (!ids.every((id) => weights.get(textOf(id) ?? "") === 0)) return [];
  const message = ids.length === 1 ? "its only target has weight 0" : "all of its targets have weight 0";
  const hint = "0 is a standby beside targets that weigh more; among themselves they share alike";
  return [caution([...path, "targets"], message, hint)];
}

/** A case without conditions takes the rest. */
function checkOtherwise({ path, values }: OutlinePool): Finding[] {
  const strategy = valuesOf(values["strategy"]);
  if (strategy?.["type"] !== "content" || strategy["otherwise"] === undefined) return [];
  const takesAll = listOf(strategy["cases"]).findIndex((one) => {
    const conditions = valuesOf(one)?.["conditions"];
    return Array.isArray(conditions) && conditions.length === 0;
  });
  if (takesAll === -1) return [];
  const at = [...path, "strategy", "otherwise"];
  return [
    { ...caution(at, `is never used: case ${takesAll + 1} matches everything`, "give the case conditions"), at: "key" },
  ];
}
