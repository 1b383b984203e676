import { type Condition, signalsOf } from "../config/condition-type.ts";
import type { Signal } from "../otlp/signal.ts";
import { asksResource, compileCondition } from "./condition.ts";
import { headerNames, headerTestsOf } from "./header-tests.ts";
import { exactText } from "./matcher.ts";
import { type Division, UNDIVIDED } from "./division.ts";
import type { Cond, RoutePlan, RoutePool, RulePlan } from "./route-plan.ts";

/** A rule as the config has it, with its pool by name. */
export interface RuleSpec {
  readonly id: string;
  readonly priority: number;
  readonly signals: readonly Signal[];
  readonly mode: "first" | "copy";
  readonly conditions: readonly Condition[];
  readonly pool: string;
}

/**
 * The rule that stands for the default pool is called this; no rule of a config can be, because of
 * the brackets.
 */
export const DEFAULT_RULE = "(default)";

/** Of a pool, what routing needs to know. */
interface PoolShape {
  readonly division: Division;
  readonly fallback?: string | undefined;
}

/**
 * Compiles the rules of all signals: highest priority first, equal ones in the order given, the
 * default pool last. Pools that `pools` does not have are not divided and have no fallback.
 */
export function compileRoutes(
  specs: readonly RuleSpec[],
  defaultPool: string | undefined,
  unmatched: "refuse" | "drop",
  pools: ReadonlyMap<string, PoolShape> = new Map(),
): Readonly<Record<Signal, RoutePlan>> {
  const ordered = inOrder(specs);
  const compiled = ordered.map(createCompiler());
  const last = defaultPool === undefined ? [] : [defaultRule(defaultPool)];
  const made = new Map<Signal, RulesOfSignal>();
  const rulesOf = (signal: Signal): RulesOfSignal => {
    const twin = [...made.keys()].find((other) => compiled.every((rule) => rule[other] === rule[signal]));
    const rules = (twin && made.get(twin)) ?? orderRules(ordered, compiled, signal, last, pools);
    made.set(signal, rules);
    return rules;
  };
  const of = (signal: Signal): RoutePlan => {
    const { asking, ...rules } = rulesOf(signal);
    return { signal, unmatched, ...rules, headerTests: headerTestsOf(asking, rules.pools, signal) };
  };
  return { traces: of("traces"), metrics: of("metrics"), logs: of("logs") };
}

/** Equal priorities keep their order. Most lists are in order as they come. */
function inOrder(specs: readonly RuleSpec[]): readonly RuleSpec[] {
  for (let i = 1; i < specs.length; i++)
    if (specs[i - 1]!.priority < specs[i]!.priority) return specs.toSorted((a, b) => b.priority - a.priority);
  return specs;
}

/** The same for each signal that has the same rules. */
interface RulesOfSignal extends Pick<RoutePlan, "rules" | "others" | "pools" | "poolOf" | "candidates"> {
  /** Those rules that ask about headers. */
  readonly asking: readonly RulePlan[];
}

function orderRules(
  ordered: readonly RuleSpec[],
  compiled: readonly CompiledRule[],
  signal: Signal,
  last: readonly RulePlan[],
  shapes: ReadonlyMap<string, PoolShape>,
): RulesOfSignal {
  const rules: RulePlan[] = [];
  const others: string[] = [];
  const asking: RulePlan[] = [];
  for (let i = 0; i < ordered.length; i++) {
    const plan = compiled[i]![signal];
    if (plan === undefined) others.push(ordered[i]!.id);
    else rules.push(plan);
    if (plan?.asksHeaders === true) asking.push(plan);
  }
  rules.push(...last);
  return { rules, others, asking, ...numberPools(rules, shapes), candidates: indexByService(rules) };
}

/** Gives each pool of the rules a number, and each pool that one of them falls back to. */
function numberPools(
  rules: readonly RulePlan[],
  shapes: ReadonlyMap<string, PoolShape>,
): Pick<RoutePlan, "pools" | "poolOf"> {
  const numbers = new Map<string, number>();
  const number = (name: string): number => {
    const known = numbers.get(name) ?? numbers.size;
    numbers.set(name, known);
    return known;
  };
  const poolOf = rules.map((rule) => number(rule.pool));
  const pools: RoutePool[] = [];
  for (const name of numbers.keys()) {
    const chain = chainOf(name, shapes).map(number); // those that are new are walked later
    pools.push({ name, division: shapes.get(name)?.division ?? UNDIVIDED, chain });
  }
  return { pools, poolOf };
}

/** The pool and those that take over from it, in order. The config has no cycles. */
export function chainOf(name: string, shapes: ReadonlyMap<string, Pick<PoolShape, "fallback">>): string[] {
  const chain: string[] = [];
  for (let at: string | undefined = name; at !== undefined; at = shapes.get(at)?.fallback) chain.push(at);
  return chain;
}

/** What was made of a rule, by signal; none for those of which it can match nothing. */
type CompiledRule = { readonly [Name in Signal]?: RulePlan };

/** When one of ten thousand rules changes, what was made of the others is here already. */
const compiledRules = new WeakMap<RuleSpec, CompiledRule>();

function createCompiler(): (rule: RuleSpec) => CompiledRule {
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

function defaultRule(pool: string): RulePlan {
  const condition = { kind: "all", of: [] } as const;
  return { id: DEFAULT_RULE, mode: "first", pool, condition, onlyService: undefined, asksHeaders: false };
}

/**
 * Rules that ask for one service are found by its name, so that ten thousand of them cost a
 * distinct resource what a few do. A service of `undefined` is one whose name is not a text: all
 * rules are asked.
 */
function indexByService(rules: readonly RulePlan[]): (service: string | undefined) => readonly number[] {
  let all: readonly number[] | undefined; // seldom asked for
  const general: number[] = [];
  const byService = new Map<string, number[]>();
  for (let index = 0; index < rules.length; index++) {
    const service = rules[index]!.onlyService;
    const before = service === undefined ? general : byService.get(service);
    before?.push(index);
    if (service !== undefined && before === undefined) byService.set(service, [index]);
  }
  return (service) => {
    if (service === undefined) return (all ??= rules.map((_, index) => index));
    const special = byService.get(service);
    return special === undefined ? general : [...special, ...general].toSorted((a, b) => a - b);
  };
}
