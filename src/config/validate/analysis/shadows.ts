import type { Condition, SignalName } from "../../condition-type.ts";
import { ALL_SIGNALS } from "../../schema/values.ts";
import { type Cube, cubesOf, isSameForAll } from "./cube.ts";
import { ShadowIndex } from "./shadow-index.ts";

/** A rule, or a case of a strategy, in the order in which they are asked. */
export interface Asked {
  readonly conditions: readonly Condition[];
  readonly signals: readonly SignalName[];
  /** What it takes is not asked any further. */
  readonly stops: boolean;
}

/** What is known of one of them. */
export type Reach<Entry> =
  | { readonly kind: "reached" }
  /** Nothing meets its conditions. */
  | { readonly kind: "impossible" }
  /** Those before it take all that it would match. */
  | { readonly kind: "shadowed"; readonly by: readonly Entry[] };

/** What can be told of each: of some that are never reached it cannot, but what is told is so. */
export function findShadows<Entry extends Asked>(entries: readonly Entry[]): Reach<Entry>[] {
  const index = new ShadowIndex<Entry>();
  return entries.map((entry) => {
    const groups = groupsOf(entry);
    const reach = reachOf(groups, index);
    // What is itself shadowed takes nothing that those before it would leave.
    if (entry.stops && reach.kind === "reached") {
      for (const { cubes, isExact, signals } of groups) {
        if (isExact) for (const cube of cubes) index.add({ cube, signals, owner: entry });
      }
    }
    return reach;
  });
}

/** Of lists in conditions, so long ones are looked at value by value. */
const MAX_SPLIT = 64;

/** What an entry matches of some signals. Cubes that are not exact hold for more than it does. */
interface Group {
  readonly signals: number;
  readonly cubes: readonly Cube[];
  readonly isExact: boolean;
}

function reachOf<Entry>(groups: readonly Group[], index: ShadowIndex<Entry>): Reach<Entry> {
  if (groups.every(({ cubes }) => cubes.length === 0)) return { kind: "impossible" };
  const by = new Set<Entry>();
  for (const { cubes, signals } of groups) {
    for (const cube of cubes) {
      const owners = index.findOwners(cube, signals) ?? findInParts(cube, signals, index);
      if (owners === undefined) return { kind: "reached" };
      for (const owner of owners) by.add(owner);
    }
  }
  return { kind: "shadowed", by: [...by] };
}

/** `in: [a, b]` may be taken by a rule for a and another one for b. */
function findInParts<Entry>(cube: Cube, signals: number, index: ShadowIndex<Entry>): Entry[] | undefined {
  for (const [i, literal] of cube.entries()) {
    if (literal.kind !== "value" || !literal.wanted || literal.need.kind !== "value") continue;
    const { need } = literal;
    const { texts } = need;
    if (texts === undefined || texts.size < 2 || texts.size > MAX_SPLIT) continue;
    const found = [...texts].map((text) =>
      index.findOwners(cube.with(i, { ...literal, need: { ...need, texts: new Set([text]) } }), signals),
    );
    if (found.every((owners) => owners !== undefined)) return found.flat();
  }
  return undefined;
}

/** Signals for which the conditions mean the same are looked at once: of ten thousand rules most ask only the resource. */
function groupsOf({ conditions, signals }: Asked): Group[] {
  const [first] = signals;
  if (first === undefined) return [];
  const together = signals.reduce((bits, one) => bits | bitOf(one), 0);
  if (conditions.every(isSameForAll)) return [groupOf(conditions, first, together)];
  return [...new Set(signals)].map((signal) => groupOf(conditions, signal, bitOf(signal)));
}

function groupOf(conditions: readonly Condition[], signal: SignalName, signals: number): Group {
  const exact = cubesOf(conditions, signal, "exact");
  return { signals, isExact: exact !== undefined, cubes: exact ?? cubesOf(conditions, signal, "weaken") };
}

function bitOf(signal: SignalName): number {
  return 1 << ALL_SIGNALS.indexOf(signal);
}
