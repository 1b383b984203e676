import { commonItems } from "../core/common-ends.ts";
import type { SignalName } from "./condition-type.ts";
import type { Config, RuleConfig } from "./schema/config.ts";
import { ALL_SIGNALS } from "./schema/values.ts";
import type { Asked } from "./validate/analysis/asked.ts";
import { findShadows, thoseThatTake } from "./validate/analysis/shadows.ts";

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
  const { head, tail } = commonItems(before.rules, after.rules);
  const gone = before.rules.slice(head, before.rules.length - tail).filter(isFirst);
  const fresh = gone.length === 0 ? [] : after.rules.slice(head, after.rules.length - tail).filter(isFirst);
  const stay = new Set(fresh.map(askedText));
  const now: Candidate[] = gone
    .filter((rule) => !stay.has(askedText(rule)))
    .flatMap(({ id, conditions, signals }) => signals.map((signal) => candidate(id, conditions, signal)));
  if (before.default_pool !== undefined) now.push(...ALL_SIGNALS.map((signal) => candidate(undefined, [], signal)));
  if (now.length === 0) return [];
  const then = after.rules
    .filter(isFirst)
    .map(({ conditions, signals, priority }) => ({ conditions, signals, priority, stops: true }));
  const takers = thoseThatTake(then, now).toSorted((a, b) => b.priority - a.priority);
  const reaches = findShadows<Asked>([...takers, ...now]).slice(takers.length);
  const lost = now.filter((_, i) => reaches[i]?.kind === "reached");
  return [...new Set(lost.map(({ rule }) => rule))].map((rule) => ({
    rule,
    signals: lost.flatMap((one) => (one.rule === rule ? one.signals : [])),
  }));
}

function isFirst({ mode }: RuleConfig): boolean {
  return mode === "first";
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
