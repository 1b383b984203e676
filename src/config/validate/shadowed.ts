import { caution, type Finding, formatPath } from "../finding.ts";
import { cubesOf } from "./analysis/cube.ts";
import { findShadows, type Reach } from "./analysis/shadows.ts";
import type { AskedEntries, AskedEntry } from "./asked-rules.ts";
import { writtenConditions, type Written } from "./written-conditions.ts";

/** Rules, and cases of content strategies, that no item ever reaches: because of those before them, or of themselves. */
export function checkShadows({ rules, cases }: AskedEntries): Finding[] {
  return [...checkList(rules, RULE_HINT), ...cases.flatMap((list) => checkList(list, CASE_HINT))];
}

const RULE_HINT =
  "give it a higher priority, or give the other conditions; it only serves while the other has no usable target";
const CASE_HINT = "put it before the other, or give the other more conditions";

function checkList(entries: readonly AskedEntry[], hint: string): Finding[] {
  const reaches = findShadows(entries);
  return entries.flatMap((entry, i) => tell(entry, reaches[i] ?? { kind: "reached" }, hint));
}

function tell(entry: AskedEntry, reach: Reach<AskedEntry>, hint: string): Finding[] {
  switch (reach.kind) {
    case "reached":
      return [];
    case "impossible":
      return tellImpossible(entry);
    case "shadowed":
      return [
        caution(entry.path, `is never reached: ${shadowText(reach.by)} first`, `see ${placesOf(reach.by)}; ${hint}`),
      ];
  }
}

/** Of many, a few are named. */
const MAX_NAMED = 5;

function shadowText(by: readonly AskedEntry[]): string {
  const takesAll = by.every(({ conditions }) => conditions.length === 0);
  const names = by.slice(0, MAX_NAMED).map(({ name }) => name);
  if (by.length > MAX_NAMED) names.push(`${by.length - MAX_NAMED} more`);
  return `${names.join(" and ")} ${by.length === 1 ? "matches" : "match"} ${takesAll ? "everything" : "all that it does"}`;
}

function placesOf(by: readonly AskedEntry[]): string {
  return by
    .slice(0, MAX_NAMED)
    .map(({ path }) => formatPath(path))
    .join(", ");
}

/** What one condition, or the signals, already say is not said again of the whole. */
function tellImpossible(entry: AskedEntry): Finding[] {
  const required = writtenConditions(entry).filter((one) => one.required);
  if (required.some((one) => !canHold([one], entry))) return [];
  const open = {
    signals: entry.signals.filter((signal) => required.every((one) => canHold([one], { signals: [signal] }))),
  };
  if (open.signals.length === 0) return [];
  for (const [i, one] of required.entries()) {
    const other = required.slice(0, i).find((earlier) => !canHold([earlier, one], open));
    if (other === undefined) continue;
    const message = `${entry.name} never matches: this and ${formatPath(other.path)} exclude each other`;
    return [caution(one.path, message, "take one of them out, or use any for one or the other")];
  }
  return [caution(entry.path, `never matches: its conditions exclude each other`, "use any for one or the other")];
}

function canHold(written: readonly Written[], { signals }: Pick<AskedEntry, "signals">): boolean {
  return signals.some(
    (signal) =>
      cubesOf(
        written.map(({ condition }) => condition),
        signal,
        "weaken",
      ).length > 0,
  );
}
