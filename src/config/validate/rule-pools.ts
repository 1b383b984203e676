import { type Finding, fault } from "../finding.ts";
import { type Outline, textOf } from "../outline.ts";
import { IN_PLACE_KEYS } from "../schema/pool.ts";

/** A rule has the name of a pool, or its own targets; options of a pool only beside its own targets. */
export function checkRulePools({ rules }: Outline): Finding[] {
  return rules.flatMap(({ path, values }) => {
    if (path[0] !== "rules") return [];
    const { pool, targets } = values;
    if (pool === undefined && targets === undefined) {
      return [fault(path, "has neither a pool nor targets", "add pool: <name>, or targets: [...]")];
    }
    if (pool === undefined) return [];
    if (targets !== undefined)
      return [fault([...path, "targets"], "stands beside pool", "a rule has one or the other")];
    return IN_PLACE_KEYS.filter((key) => values[key] !== undefined).map((key) => ({
      ...fault(
        [...path, key],
        "belongs to the pool, and this rule only names one",
        `move it to pools.${textOf(pool) ?? "<name>"}`,
      ),
      at: "key" as const,
    }));
  });
}
