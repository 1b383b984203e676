import { type Finding, formatPath, isWithin } from "./finding.ts";
import type { Taint } from "./taint.ts";

/**
 * The findings with no text in them that was made with what came from elsewhere: not by looking for
 * it, since a message may have cut it, folded it or taken it apart, but because every text that is
 * told is one that came of a document without it. `examine` gives the findings of the document when
 * these texts stand in the places of the taints; undefined: as they are written.
 */
export function untold(
  findings: readonly Finding[],
  taints: readonly Taint[],
  examine: (instead: string | undefined) => readonly Finding[],
): Finding[] {
  if (taints.length === 0 || findings.length === 0) return [...findings];
  const told = new Map<string, Finding>();
  const open = new Map(findings.map((finding) => [finding, candidatesOf(finding, taints)]));
  const clean = new Map<Finding, Finding>();
  for (const instead of PROBES) {
    if (open.size === 0) break;
    for (const finding of examine(instead)) told.set(keyOf(finding), finding);
    for (const [finding, keys] of open) {
      const found = keys.map((key) => told.get(key)).find((one) => one !== undefined);
      if (found === undefined) continue;
      clean.set(finding, found);
      open.delete(finding);
    }
  }
  return findings.map((finding) => clean.get(finding) ?? withoutWords(finding, taints));
}

/**
 * What may stand for a text that is not known: as written, and what is wrong or right in the usual
 * ways.
 */
const PROBES: readonly (string | undefined)[] = [undefined, "\u0000", "", "a b", "http://a:0", "http://a:1/b", "999d"];

/** With the hint first: the same message may come with another one. */
function candidatesOf(finding: Finding, taints: readonly Taint[]): string[] {
  const { message, hint } = finding;
  const asWritten = (text: string): string =>
    taints.reduce((left, { written, value }) => replaceWhole(left, value.reveal(), written), text);
  return [
    keyOf(finding),
    keyOf({ ...finding, message: asWritten(message), hint: hint === undefined ? undefined : asWritten(hint) }),
  ];
}

/** In quotes, as messages have values. */
function replaceWhole(text: string, value: string, written: string): string {
  return value === "" ? text : text.replaceAll(`"${value}"`, () => `"${written}"`);
}

function keyOf({ severity, path, message, hint, at }: Finding): string {
  return JSON.stringify([severity, path, message, hint ?? null, at ?? "value"]);
}

/** Where it is wrong, and from where the value is. */
function withoutWords({ severity, path, at }: Finding, taints: readonly Taint[]): Finding {
  const near = taints.filter((taint) => isWithin(taint.path, path) || isWithin(path, taint.path));
  const [first] = near.length > 0 ? near : taints;
  const written = first?.written ?? "";
  const message =
    near.length > 0
      ? `is not right; it is from ${written}, and what that stands for is not shown`
      : `is not right beside ${formatPath(first?.path ?? [])}, which is from ${written}; what that stands for is not shown`;
  const hint = "put a value in the place of the reference, and ask again: then the problem is told in full";
  return { severity, path, message, hint, ...(at !== undefined && { at }) };
}
