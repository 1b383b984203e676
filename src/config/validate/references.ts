import { hintFor } from "../closest.ts";
import { discoveryIn, writtenTarget } from "../discovered.ts";
import { atKey, fault, type Finding, formatPath, type Path } from "../finding.ts";
import type { Outline, OutlinePool, OutlineTarget } from "../outline.ts";
import { itemsById } from "../rule-ids.ts";
import { entriesOf, listOf, textOf, type Values, valuesOf } from "../values.ts";
import { IN_PLACE_KEYS } from "../schema/pool.ts";
import { SelectorSchema } from "../schema/strategy.ts";
import { isSelected, type TargetSelector } from "../glob.ts";

/** Ids of targets and of rules must be unique. */
export function checkUniqueIds(outline: Outline): Finding[] {
  const { root, targets, rules } = outline;
  const areRulesUnique = itemsById(listOf(root["rules"])) !== undefined; // those of the short form have none
  return [...repeated(targets, "target"), ...(areRulesUnique ? [] : repeated(rules, "rule"))];
}

function repeated(
  entries: readonly { readonly id: string | undefined; readonly path: Path }[],
  noun: string,
): Finding[] {
  const first = new Map<string, { readonly path: Path }>();
  const findings: Finding[] = [];
  for (const entry of entries) {
    const { id } = entry;
    if (id === undefined) continue;
    const before = first.get(id);
    if (before === undefined) first.set(id, entry);
    else {
      const message = `the ${noun} "${id}" is there already`;
      findings.push(fault([...entry.path, "id"], message, `see ${formatPath(before.path)}`));
    }
  }
  return findings;
}

/** Every pool and target that is named must be there, and every selector must select something. */
export function checkReferences(outline: Outline): Finding[] {
  return [
    ...outline.pools.flatMap((pool) => checkTargets(outline, pool)),
    ...checkPoolNames(outline, poolsMayBeUnknown(outline) ? outline.rules : outline.oddRules, "pool"),
    ...checkPoolNames(outline, outline.oddRules, "fallback"),
    ...checkPoolNames(outline, outline.pools.filter(isNoRule), "fallback"),
    ...checkPoolName(outline, outline.root["default_pool"], () => ["default_pool"]),
    ...checkDefaultName(outline),
  ];
}

function poolsMayBeUnknown({ plainPools, poolNames }: Outline): boolean {
  return poolNames !== undefined && !plainPools.isSubsetOf(poolNames);
}

function isNoRule({ name, path }: OutlinePool): boolean {
  return name !== undefined || path[0] !== "rules";
}

/** The pools that these rules or pools name under a key. */
function checkPoolNames(
  outline: Outline,
  named: readonly { readonly path: Path; readonly values: Values }[],
  key: "pool" | "fallback",
): Finding[] {
  const findings: Finding[] = [];
  for (const one of named) {
    const name = one.values[key];
    if (name !== undefined) findings.push(...checkPoolName(outline, name, () => [...one.path, key]));
  }
  return findings;
}

function checkPoolName({ poolNames }: Outline, value: unknown, path: () => Path): readonly Finding[] {
  const name = textOf(value);
  if (name === undefined || poolNames === undefined || poolNames.has(name)) return NOTHING;
  const hint = hintFor(name, [...poolNames], "pools") ?? "define it under pools";
  return [fault(path(), `unknown pool "${name}"`, hint)];
}

const NOTHING: readonly Finding[] = [];

function checkDefaultName({ root, poolNames }: Outline): Finding[] {
  if (valuesOf(root["default_pool"]) === undefined || !poolNames?.has("default")) return [];
  return [
    fault(
      ["pools", "default"],
      'the name "default" belongs to the default pool in place',
      "write default_pool: default",
    ),
  ];
}

function checkTargets(outline: Outline, { path, values }: OutlinePool): Finding[] {
  const findings = checkTargetSet(outline, values["targets"], [...path, "targets"]);
  const strategy = valuesOf(values["strategy"]);
  // What is found by a name is one target, among which nothing is chosen: told elsewhere.
  if (strategy?.["type"] !== "content" || discoveryIn(values["targets"]) !== undefined) return findings;
  const members = targetsIn(outline, values["targets"]);
  const at = [...path, "strategy"];
  const sets = entriesOf(strategy["cases"], [...at, "cases"]).map((entry) => ({
    set: entry.values["targets"],
    path: [...entry.path, "targets"],
  }));
  for (const { set, path: setPath } of [...sets, { set: strategy["otherwise"], path: [...at, "otherwise"] }]) {
    const unknown = checkTargetSet(outline, set, setPath);
    findings.push(...(unknown.length > 0 ? unknown : checkMembers(set, members, setPath)));
  }
  return findings;
}

/** An item cannot leave its pool: the cases of `content` choose among the pool's own targets. */
function checkMembers(set: unknown, members: ReadonlySet<string>, path: Path): Finding[] {
  if (!Array.isArray(set)) return [];
  return set.flatMap((id, i) =>
    typeof id !== "string" || members.has(id)
      ? []
      : [fault([...path, i], `the target "${id}" is not in this pool`, "add it to the targets of the pool")],
  );
}

function checkTargetSet(outline: Outline, set: unknown, path: Path): Finding[] {
  if (Array.isArray(set)) return checkIds(outline, set, path);
  const selector = readSelector(set);
  if (selector === undefined || outline.targetIds === undefined) return [];
  if (outline.targets.some((target) => isSelected(target, selector))) return [];
  const regions = [...new Set(outline.targets.map((target) => target.region))];
  const hint = regions.length === 0 ? "there are no targets" : `regions of targets: ${regions.slice(0, 24).join(", ")}`;
  return [fault(path, "selects no target", hint)];
}

function checkIds({ targetIds }: Outline, ids: readonly unknown[], path: Path): Finding[] {
  const seen = new Set<unknown>();
  return ids.flatMap((id, i) => {
    if (typeof id !== "string") return [];
    if (seen.has(id))
      return [fault([...path, i], `the target "${id}" is named twice`, "give it a higher weight instead")];
    seen.add(id);
    if (targetIds === undefined || targetIds.has(id)) return [];
    return [
      fault(
        [...path, i],
        `unknown target "${id}"`,
        hintFor(id, [...targetIds], "targets") ?? "define it under targets",
      ),
    ];
  });
}

/** The ids that a set of targets means, as far as it can be read. */
function targetsIn(outline: Outline, set: unknown): Set<string> {
  if (Array.isArray(set)) return new Set(set.filter((id) => typeof id === "string"));
  const discovery = discoveryIn(set);
  if (discovery !== undefined) return new Set([writtenTarget(discovery)?.id].filter((id) => id !== undefined));
  const selector = readSelector(set);
  const selected = outline.targets.filter((target) => selector !== undefined && isSelected(target, selector));
  return new Set(selected.flatMap(({ id }) => id ?? []));
}

/** The same as targets, of which some may be found by a name. */
export function membersOf(outline: Outline, set: unknown): OutlineTarget[] {
  const ids = targetsIn(outline, set);
  return [...outline.targets, ...outline.discovered].filter(({ id }) => id !== undefined && ids.has(id));
}

/** Undefined when it is not one, or not a right one. */
function readSelector(set: unknown): TargetSelector | undefined {
  const parsed = SelectorSchema.safeParse(set);
  return parsed.success ? parsed.data : undefined;
}

/**
 * A rule has the name of a pool, or its own targets; options of a pool only beside its own targets.
 */
export function checkRulePools({ oddRules }: Outline): Finding[] {
  const odd = oddRules.filter(({ values }) => values["targets"] !== undefined || !isNamePool(values));
  return odd.flatMap(({ path, values }) => {
    if (path[0] !== "rules") return [];
    const { pool, targets } = values;
    if (pool === undefined && targets === undefined) {
      return [fault(path, "has neither a pool nor targets", "add pool: <name>, or targets: [...]")];
    }
    if (pool === undefined) return [];
    if (targets !== undefined)
      return [fault([...path, "targets"], "stands beside pool", "a rule has one or the other")];
    return IN_PLACE_KEYS.filter((key) => values[key] !== undefined).map((key) =>
      atKey(
        fault(
          [...path, key],
          "belongs to the pool, and this rule only names one",
          `move it to pools.${textOf(pool) ?? "<name>"}`,
        ),
      ),
    );
  });
}

/** As nearly all rules. */
function isNamePool(values: Values): boolean {
  if (values["pool"] === undefined) return false;
  for (const key in values) if (IN_PLACE.has(key)) return false;
  return true;
}

const IN_PLACE: ReadonlySet<string> = new Set(IN_PLACE_KEYS);

/** Fallbacks must end somewhere: each cycle is told once, at the fallback of its first pool. */
export function checkFallbackCycles({ pools }: Outline): Finding[] {
  const next = new Map<string, string>();
  for (const { name, values } of pools) {
    const fallback = textOf(values["fallback"]);
    if (name !== undefined && fallback !== undefined) next.set(name, fallback);
  }
  const done = new Set<string>();
  const findings: Finding[] = [];
  for (const start of next.keys()) {
    const walked = walk(start, next, done);
    const closing = walked.at(-1);
    const from = closing === undefined ? -1 : walked.indexOf(next.get(closing) ?? "");
    if (from !== -1) {
      const cycle = walked.slice(from);
      const round = [...cycle, cycle[0]].join(" -> ");
      findings.push(
        fault(
          ["pools", cycle[0] ?? "", "fallback"],
          `fallbacks go round in a circle: ${round}`,
          "let one pool have none",
        ),
      );
    }
    for (const name of walked) done.add(name);
  }
  return findings;
}

/**
 * The pools from `start` on, until the chain ends, meets itself, or meets one that was walked
 * before.
 */
function walk(start: string, next: ReadonlyMap<string, string>, done: ReadonlySet<string>): string[] {
  const walked = new Set<string>();
  let at: string | undefined = start;
  while (at !== undefined && next.has(at) && !walked.has(at) && !done.has(at)) {
    walked.add(at);
    at = next.get(at);
  }
  return [...walked];
}
