import type { SignalName } from "./condition-type.ts";
import type { Config, RuleConfig } from "./schema/config.ts";
import { ALL_SIGNALS } from "./schema/values.ts";
import { type Asked, findShadows } from "./validate/analysis/shadows.ts";

/** What has a way with one config, and none with another. */
export interface Unrouted {
  /** The rule that takes it with the first; undefined: the default pool does. */
  readonly rule: string | undefined;
  readonly signals: readonly SignalName[];
}

/**
 * What items would have no way any more if the second config took the place of the first: what a
 * rule or the default pool takes now and nothing takes then. Where it cannot be seen that all of it
 * is taken, it is told.
 */
export function unroutedBy(before: Config, after: Config): Unrouted[] {
  if (after.default_pool !== undefined) return [];
  const takes = after.rules.filter(({ mode }) => mode === "first");
  const same = new Set(takes);
  const others = before.rules.filter((rule) => rule.mode === "first" && !same.has(rule));
  const stay = new Set(others.length === 0 ? [] : takes.map(askedText));
  const now: Candidate[] = others
    .filter((rule) => !stay.has(askedText(rule)))
    .flatMap(({ id, conditions, signals }) => signals.map((signal) => candidate(id, conditions, signal)));
  if (before.default_pool !== undefined) now.push(...ALL_SIGNALS.map((signal) => candidate(undefined, [], signal)));
  if (now.length === 0) return [];
  const then = takes
    .toSorted((a, b) => b.priority - a.priority)
    .map(({ conditions, signals }): Asked => ({ conditions, signals, stops: true }));
  const reaches = findShadows<Asked>([...then, ...now]).slice(then.length);
  const lost = now.filter((_, i) => reaches[i]?.kind === "reached");
  return [...new Set(lost.map(({ rule }) => rule))].map((rule) => ({
    rule,
    signals: lost.flatMap((one) => (one.rule === rule ? one.signals : [])),
  }));
}

interface Candidate extends Asked {
  readonly rule: string | undefined;
}

/** It takes nothing away from the others that are looked at. */
function candidate(rule: string | undefined, conditions: Asked["conditions"], signal: SignalName): Candidate {
  return { rule, conditions, signals: [signal], stops: false };
}

/** What a rule asks, the same for rules that ask the same. */
function askedText({ conditions, signals }: RuleConfig): string {
  return JSON.stringify([conditions, signals]);
}
