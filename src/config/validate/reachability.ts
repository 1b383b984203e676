import { caution, type Finding, type Path } from "../finding.ts";
import { listOf, type Outline, textOf, type Values, valueAt, valuesOf } from "../outline.ts";
import { ALL_SIGNALS } from "../schema/values.ts";

/** What can be used, but will surprise: items that are always refused, short rules that lead nowhere. */
export function checkReachability(outline: Outline): Finding[] {
  const catchAll = outline.rules.filter((rule) => rule.stops && rule.unconditional);
  const taken = new Set(catchAll.flatMap((rule) => rule.signals));
  return [...checkUnmatched(outline, taken), ...checkNoTargets(outline), ...checkRegions(outline)];
}

function checkUnmatched({ root, rules }: Outline, taken: ReadonlySet<string>): Finding[] {
  if (root["default_pool"] !== undefined || root["unmatched"] !== undefined || isDefaultImplied(root)) return [];
  const open = ALL_SIGNALS.filter((signal) => !taken.has(signal));
  if (open.length === 0) return [];
  const path = [root["rules"] === undefined ? "pools" : "rules"];
  const what = open.length === ALL_SIGNALS.length ? "items" : open.join(" and ");
  const message =
    rules.length === 0
      ? "no rule and no default_pool uses these pools: all items are refused"
      : `${what} that no rule matches are refused`;
  return [{ ...caution(path, message, "add a default_pool, or say unmatched: refuse or unmatched: drop"), at: "key" }];
}

/** Without pools, rules and default_pool, the default pool is all targets. */
function isDefaultImplied(root: Values): boolean {
  return isEmpty(root["pools"]) && isEmpty(root["rules"]) && root["default_pool"] === undefined;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || Object.keys(valuesOf(value) ?? listOf(value)).length === 0;
}

function checkNoTargets({ root, targets }: Outline): Finding[] {
  const isDropped = root["unmatched"] === "drop" && isEmpty(root["rules"]) && root["default_pool"] === undefined;
  if (isDropped) return []; // said in so many words: a node that takes everything and keeps nothing
  if (targets.length > 0 || listOf(root["targets"]).length > 0) return [];
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
