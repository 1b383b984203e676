import { type Condition, signalsOf } from "../config/condition-type.ts";
import type { Signal } from "../otlp/signal.ts";
import { asksResource, compileCondition } from "./condition.ts";
import { headerNames } from "./header-tests.ts";
import { exactText } from "./matcher.ts";
import type { Cond, RulePlan } from "./route-plan.ts";

/** A rule as the config has it, with its pool by name. */
export interface RuleSpec {
  readonly id: string;
  readonly priority: number;
  readonly signals: readonly Signal[];
  readonly mode: "first" | "copy";
  readonly conditions: readonly Condition[];
  readonly pool: string;
}

/** What was made of a rule, by signal; none for those of which it can match nothing. */
export type CompiledRule = { readonly [Name in Signal]?: RulePlan };

export type RuleCompiler = (rule: RuleSpec) => CompiledRule;

/** When one of ten thousand rules changes, what was made of the others is here already. */
const compiledRules = new WeakMap<RuleSpec, CompiledRule>();

/** Always gives the same for a rule that is the same object. */
export function createCompiler(): RuleCompiler {
  const resources = new Map<string | Condition, Cond>();
  return (rule) => {
    const known = compiledRules.get(rule);
    if (known !== undefined) return known;
    const made = compileRule(rule, resources);
    compiledRules.set(rule, made);
    return made;
  };
}

/** Where it asks only the resource, one plan is that of all its signals. */
function compileRule(rule: RuleSpec, resources: Map<string | Condition, Cond>): CompiledRule {
  const signals = rule.signals.filter((signal) => canMatch(rule.conditions, signal));
  const isOne = rule.conditions.every(asksResource);
  let plan: RulePlan | undefined;
  const made: { [Name in Signal]?: RulePlan } = {};
  for (const signal of signals) {
    plan = isOne && plan !== undefined ? plan : compileFor(signal, rule, resources);
    made[signal] = plan;
  }
  return made;
}

function canMatch(conditions: readonly Condition[], signal: Signal): boolean {
  return conditions.every((condition) => signalsOf(condition).includes(signal));
}

/**
 * What asks the resource is the same for all signals, and for all rules that ask the same, as most
 * of 10,000 do: `known` has it by what it asks.
 */
function compileOnce(condition: Condition, signal: Signal, known: Map<string | Condition, Cond>): Cond {
  const before = known.get(condition);
  if (before !== undefined) return before;
  if (!asksResource(condition)) return compileCondition(condition, signal);
  const asked = JSON.stringify(condition);
  const compiled = known.get(asked) ?? compileCondition(condition, signal);
  known.set(asked, compiled).set(condition, compiled);
  return compiled;
}

function compileFor(signal: Signal, rule: RuleSpec, resources: Map<string | Condition, Cond>): RulePlan {
  const { id, mode, pool } = rule;
  const conditions = rule.conditions.map((condition) => compileOnce(condition, signal, resources));
  const onlyService = rule.conditions.map(serviceOf).find((service) => service !== undefined);
  const [only] = conditions;
  const condition = only !== undefined && conditions.length === 1 ? only : ({ kind: "all", of: conditions } as const);
  const asksHeaders = headerNames(condition).length > 0;
  return { id, mode, pool, condition, onlyService, asksHeaders };
}

function serviceOf(condition: Condition): string | undefined {
  return condition.kind === "service_name" ? exactText(condition.match) : undefined;
}
