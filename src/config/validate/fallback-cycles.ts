import { type Finding, fault } from "../finding.ts";
import { type Outline, textOf } from "../outline.ts";

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

/** The pools from `start` on, until the chain ends, meets itself, or meets one that was walked before. */
function walk(start: string, next: ReadonlyMap<string, string>, done: ReadonlySet<string>): string[] {
  const walked = new Set<string>();
  let at: string | undefined = start;
  while (at !== undefined && next.has(at) && !walked.has(at) && !done.has(at)) {
    walked.add(at);
    at = next.get(at);
  }
  return [...walked];
}
