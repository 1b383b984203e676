import { textOf, valuesOf } from "../values.ts";
import { type CollectorSelection, MAX_SELECTIONS } from "../schema/discovery.ts";
import { ALL_SIGNALS } from "../schema/values.ts";
import { globMatches, splitGlob } from "../glob.ts";
import { readSelection } from "../discovered.ts";
import { caution, type Finding, formatPath, isWithin } from "../finding.ts";
import type { DiscoveredTarget, Outline } from "../outline.ts";

/**
 * All nodes of a fleet run one document, and none sends to those that it is one of. So nodes of one
 * selection send to those of another, and these back, unless one of the two selections is part of
 * the other.
 */
export function checkCircles(outline: Outline): Finding[] {
  const found = outline.discovered.slice(0, 4 * MAX_SELECTIONS).map((one) => {
    return {
      ...one,
      selection: readSelection(valuesOf(one.written["collectors"]) ?? {}),
      signals: signalsOf(one, outline),
    };
  });
  return found.flatMap((one, i) => {
    const other = found.slice(0, i).find((before) => {
      const isApart = covers(before.selection, one.selection) || covers(one.selection, before.selection);
      return !isApart && before.signals.some((signal) => one.signals.includes(signal));
    });
    if (other === undefined) return [];
    const message = `the nodes that it selects, and those of ${formatPath(other.path)}, may send to each other in a circle`;
    const hint = 'let one of them select a part of the other\'s nodes: see "No circles" in docs/operations.md';
    return [caution([...one.path, "collectors"], message, hint)];
  });
}

/** Whether all nodes of `b` are of `a`, too. Where the region is each node's own it is any. */
function covers(a: CollectorSelection, b: CollectorSelection): boolean {
  if (a.region !== undefined && a.region !== b.region) return false;
  return Object.entries(a.tags ?? {}).every(([tag, glob]) => {
    const other = Object.hasOwn(b.tags ?? {}, tag) ? b.tags?.[tag] : undefined;
    if (other === undefined || other === glob) return other === glob;
    const [text = "", ...more] = splitGlob(other);
    return glob === "*" || (more.length === 0 && globMatches(glob, text));
  });
}

/** What may come to it: for a pool with a name all that rules send there. */
function signalsOf({ path }: DiscoveredTarget, { rules, pools, root }: Outline): readonly string[] {
  const own = rules.find((rule) => isWithin(path, rule.path));
  if (own !== undefined) return own.signals;
  const [, name] = path;
  const isUsed = (value: unknown): boolean => textOf(value) === name;
  if (path[0] !== "pools" || isUsed(root["default_pool"])) return ALL_SIGNALS;
  if (pools.some(({ values }) => isUsed(values["fallback"]))) return ALL_SIGNALS;
  return rules.flatMap(({ values, signals }) => (isUsed(values["pool"]) ? signals : []));
}
