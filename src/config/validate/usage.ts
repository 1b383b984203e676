import { discoveryIn, readSelection } from "../discovered.ts";
import { atKey, caution, type Finding, type Path } from "../finding.ts";
import type { Outline } from "../outline.ts";
import { listOf, textOf, valueAt, type Values, valuesOf } from "../values.ts";
import { ALL_SIGNALS } from "../schema/values.ts";
import { isSelected } from "../glob.ts";

/** Pools and targets that nothing leads to. */
export function checkUsage(outline: Outline): Finding[] {
  return [...unusedPools(outline), ...unusedTargets(outline)];
}

function unusedPools({ root, pools, oddRules, plainPools, poolNames }: Outline): Finding[] {
  // A document without rules and default_pool uses none of them, and is told so elsewhere.
  if (poolNames === undefined || (root["rules"] === undefined && root["default_pool"] === undefined)) return [];
  const used = new Set<string>();
  const fallbacks = new Map(
    pools.flatMap(({ name, values }) => (name === undefined ? [] : [[name, values["fallback"]] as const])),
  );
  const use = (value: unknown): void => {
    for (let name = textOf(value); name !== undefined && !used.has(name); name = textOf(fallbacks.get(name)))
      used.add(name);
  };
  if (valuesOf(root["default_pool"]) !== undefined) used.add("default"); // another pool of this name is told of elsewhere
  for (const name of plainPools) use(name);
  for (const { values } of oddRules) use(values["pool"]);
  use(root["default_pool"]);
  for (const { name, values } of pools) if (name === undefined) use(values["fallback"]);
  if ([...used].some((name) => name !== "default" && !poolNames.has(name))) return []; // a name is wrong: it may be any of them that is meant
  return pools.flatMap(({ name, path }) => {
    if (name === undefined || used.has(name)) return [];
    const message = `no rule uses the pool "${name}", and it is nobody's fallback`;
    return [atKey(caution(path, message, "name it in a rule or as default_pool, or take it out"))];
  });
}

function unusedTargets(outline: Outline): Finding[] {
  const { root, pools, oddRules, plainPools, targets, targetIds, poolNames } = outline;
  if (isDefaultImplied(root)) return [];
  const others = [root["default_pool"], ...oddRules.map(({ values }) => values["pool"])];
  const pointers = [...plainPools, ...others.flatMap((name) => textOf(name) ?? [])];
  if (poolNames === undefined || pointers.some((name) => !poolNames.has(name))) return []; // as above
  const inPools = pools.map(({ values }) => values["targets"]);
  if (inPools.some((set) => !Array.isArray(set) && valuesOf(set) === undefined)) return [];
  const named = new Set(inPools.flatMap((set) => listOf(set)));
  if ([...named].some((id) => typeof id !== "string" || targetIds?.has(id) !== true)) return [];
  // A selector that is not right selects whatever it may have been meant for.
  const selectors = inPools
    .filter((set) => discoveryIn(set) === undefined)
    .map(valuesOf)
    .filter((set) => set !== undefined);
  const regions = new Set(
    listOf(valueAt(root, "global", "routing_rules")).map((rule) => valuesOf(rule)?.["target_region"]),
  );
  return targets.flatMap((target) => {
    if (target.id === undefined || named.has(target.id) || regions.has(target.region)) return [];
    if (selectors.some((selector) => isSelected(target, readSelection(selector)))) return [];
    const message = `no pool has the target "${target.id}"`;
    return [caution([...target.path, "id"], message, "add it to the targets of a pool, or take it out")];
  });
}

/**
 * What can be used, but will surprise: items that are always refused, short rules that lead
 * nowhere.
 */
export function checkReachability(outline: Outline): Finding[] {
  return [...checkUnmatched(outline), ...checkNoTargets(outline), ...checkRegions(outline)];
}

function checkUnmatched({ root, rules }: Outline): Finding[] {
  if (root["default_pool"] !== undefined || root["unmatched"] !== undefined || isDefaultImplied(root)) return [];
  const catchAll = rules.filter((rule) => rule.stops && rule.unconditional);
  const taken = new Set(catchAll.flatMap((rule) => rule.signals));
  const open = ALL_SIGNALS.filter((signal) => !taken.has(signal));
  if (open.length === 0) return [];
  const path = [root["rules"] === undefined ? "pools" : "rules"];
  const what = open.length === ALL_SIGNALS.length ? "items" : open.join(" and ");
  const message =
    rules.length === 0
      ? "no rule and no default_pool uses these pools: all items are refused"
      : `${what} that no rule matches are refused`;
  return [atKey(caution(path, message, "add a default_pool, or say unmatched: refuse or unmatched: drop"))];
}

/** Without pools, rules and default_pool, the default pool is all targets. */
function isDefaultImplied(root: Values): boolean {
  return isEmpty(root["pools"]) && isEmpty(root["rules"]) && root["default_pool"] === undefined;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || Object.keys(valuesOf(value) ?? listOf(value)).length === 0;
}

function checkNoTargets({ root, targets, discovered }: Outline): Finding[] {
  const isDropped = root["unmatched"] === "drop" && isEmpty(root["rules"]) && root["default_pool"] === undefined;
  if (isDropped) return []; // said in so many words: a node that takes everything and keeps nothing
  if (targets.length > 0 || discovered.length > 0 || listOf(root["targets"]).length > 0) return [];
  const path: Path = root["targets"] === undefined ? [] : ["targets"];
  return [
    caution(
      path,
      "there are no targets: all that arrives is refused",
      "targets: [{ id: tempo, endpoint: http://127.0.0.1:14317 }]",
    ),
  ];
}

function checkRegions({ root, targets }: Outline): Finding[] {
  const regions = new Set(targets.map((target) => target.region));
  return listOf(valueAt(root, "global", "routing_rules")).flatMap((rule, i) => {
    const region = textOf(valuesOf(rule)?.["target_region"]);
    if (region === undefined || regions.has(region)) return [];
    const path = ["global", "routing_rules", i, "target_region"];
    return [
      caution(path, `no target is in the region "${region}": this rule is left out`, "add a target with this region"),
    ];
  });
}
