import type { Condition } from "../condition-type.ts";
import type { Path } from "../finding.ts";
import { listOf, valuesOf } from "../outline.ts";
import type { AskedEntry } from "./asked-rules.ts";

/** A condition as it stands in the document. */
export interface Written {
  readonly condition: Condition;
  /** With its key: `rules[0].conditions[1].any[0].span_name`. */
  readonly path: Path;
  /** Whether it must hold for the rule to match: it is neither in `any` nor in `not`. */
  readonly required: boolean;
}

/** Every condition with its place: those that must hold, and those in `any` and `not`, which come after what they are in. */
export function writtenConditions({ conditions, written }: AskedEntry): Written[] {
  if (written === undefined) return [];
  const found: Written[] = [];
  for (const [i, condition] of conditions.entries()) {
    walkEntry(written.list[i], condition, { path: [...written.path, i], required: true }, found);
  }
  return found;
}

interface Place {
  readonly path: Path;
  readonly required: boolean;
}

/** One entry of a list of conditions: all of its keys must hold, so several keys became one `all`. */
function walkEntry(written: unknown, condition: Condition, place: Place, found: Written[]): void {
  const values = valuesOf(written);
  const keys = Object.keys(values ?? {});
  const parts = condition.kind === "all" && keys.length > 1 ? condition.of : [condition];
  for (const part of parts) {
    const key = keys.length === 1 ? (keys[0] ?? part.kind) : part.kind;
    walkKey(values?.[key], part, { ...place, path: [...place.path, key] }, found);
  }
}

function walkKey(written: unknown, condition: Condition, { path, required }: Place, found: Written[]): void {
  found.push({ condition, path, required });
  if (condition.kind === "any") {
    for (const [j, part] of condition.of.entries()) {
      walkEntry(listOf(written)[j], part, { path: [...path, j], required: false }, found);
    }
  }
  if (condition.kind !== "not") return;
  if (!Array.isArray(written)) return walkEntry(written, condition.of, { path, required: false }, found);
  const parts = condition.of.kind === "all" && written.length > 1 ? condition.of.of : [condition.of];
  for (const [j, part] of parts.entries()) {
    walkEntry(written[j], part, { path: [...path, j], required: false }, found);
  }
}
