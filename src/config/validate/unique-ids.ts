import { type Finding, fault, formatPath, type Path } from "../finding.ts";
import type { Outline } from "../outline.ts";

/** Ids of targets and of rules must be unique. */
export function checkUniqueIds(outline: Outline): Finding[] {
  return [...repeated(outline.targets, "target"), ...repeated(outline.rules, "rule")];
}

function repeated(
  entries: readonly { readonly id: string | undefined; readonly path: Path }[],
  noun: string,
): Finding[] {
  const first = new Map<string, Path>();
  const findings: Finding[] = [];
  for (const { id, path } of entries) {
    if (id === undefined) continue;
    const before = first.get(id);
    if (before === undefined) first.set(id, path);
    else findings.push(fault([...path, "id"], `the ${noun} "${id}" is there already`, `see ${formatPath(before)}`));
  }
  return findings;
}
