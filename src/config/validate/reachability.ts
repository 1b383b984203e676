import { caution, type Finding, type Path } from "../finding.ts";
import { listOf, type Outline, type OutlineRule, textOf, type Values, valueAt, valuesOf } from "../outline.ts";
import { ALL_SIGNALS } from "../schema/signal.ts";

/** What can be used, but will surprise: rules that are never reached, items that are always refused. */
export function checkReachability(outline: Outline): Finding[] {
  const ordered = outline.rules.toSorted((a, b) => b.priority - a.priority);
  const taken = new Map<string, OutlineRule>();
  const findings: Finding[] = [];
  for (const rule of ordered) {
    const finding = neverReached(rule, taken);
    if (finding !== undefined) findings.push(finding);
    if (!rule.stops || !rule.unconditional) continue;
    for (const signal of rule.signals) if (!taken.has(signal)) taken.set(signal, rule);
  }
  return [
    ...findings,
    ...checkUnmatched(outline, new Set(taken.keys())),
    ...checkNoTargets(outline),
    ...checkRegions(outline),
  ];
}

function neverReached(rule: OutlineRule, taken: ReadonlyMap<string, OutlineRule>): Finding | undefined {
  const before = new Set(rule.signals.map((signal) => taken.get(signal)));
  if (before.size === 0 || before.has(undefined)) return undefined;
  const names = [...before].map((earlier) => `"${earlier?.id ?? "?"}"`).join(" and ");
  const verb = before.size === 1 ? "matches" : "match";
  return caution(
    rule.path,
    `is never reached: rule ${names} ${verb} everything first`,
    "give it a higher priority, or give the other conditions; it only serves while the other has no usable target",
  );
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
