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
  const ordered = specs.toSorted((a, b) => b.priority - a.priority); // stable: equal priorities keep their order
  const compiled = createCompiler();
  const of = (signal: Signal): RoutePlan => {
    const fits = (rule: RuleSpec): boolean => rule.signals.includes(signal) && canMatch(rule.conditions, signal);
    const others: string[] = [];
    const rules = ordered.flatMap((rule) => {
      if (fits(rule)) return [compiled(rule, signal)];
      others.push(rule.id);
      return [];
    });
    if (defaultPool !== undefined) rules.push(defaultRule(defaultPool));
    const numbered = numberPools(rules, pools);
    const headerTests = headerTestsOf(rules, numbered.pools, signal);
    return { signal, rules, others, unmatched, ...numbered, headerTests, candidates: indexByService(rules) };
  };
  return { traces: of("traces"), metrics: of("metrics"), logs: of("logs") };
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
function chainOf(name: string, shapes: ReadonlyMap<string, PoolShape>): string[] {
  const chain: string[] = [];
  for (let at: string | undefined = name; at !== undefined; at = shapes.get(at)?.fallback) chain.push(at);
  return chain;
}

function canMatch(conditions: readonly Condition[], signal: Signal): boolean {
  return conditions.every((condition) => signalsOf(condition).includes(signal));
}

/**
 * What was made of rules, by signal. Those that ask only the resource are the same for all of them;
 * and when one of ten thousand changes, the others are here already.
 */
const compiledRules = new WeakMap<RuleSpec, { [Name in Signal]?: RulePlan }>();

function createCompiler(): (rule: RuleSpec, signal: Signal) => RulePlan {
  const resources = new Map<string | Condition, Cond>();
  return (rule, signal) => {
    const known = compiledRules.get(rule) ?? {};
    const before = known[signal];
    if (before !== undefined) return before;
    const plan = compileRule(rule, (condition) => compileOnce(condition, signal, resources));
    const same = rule.conditions.every(asksResource);
    compiledRules.set(rule, same ? { traces: plan, metrics: plan, logs: plan } : { ...known, [signal]: plan });
    return plan;
  };
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

function compileRule(rule: RuleSpec, compile: (condition: Condition) => Cond): RulePlan {
  const { id, mode, pool } = rule;
  const conditions = rule.conditions.map(compile);
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
  const all = rules.map((_, index) => index);
  const general = all.filter((index) => rules[index]!.onlyService === undefined);
  const byService = new Map<string, number[]>();
  for (const index of all) {
    const service = rules[index]!.onlyService;
    if (service === undefined) continue;
    const indexes = byService.get(service) ?? [];
    indexes.push(index);
    byService.set(service, indexes);
  }
  return (service) => {
    if (service === undefined) return all;
    const special = byService.get(service);
    return special === undefined ? general : [...special, ...general].toSorted((a, b) => a - b);
  };
}
