import { SIGNALS, type Signal } from "../otlp/signal.ts";
import { createCompiler, type RuleCompiler, type RuleSpec } from "./compile-rule.ts";
import { type Division, UNDIVIDED } from "./division.ts";
import { headerTestsOf } from "./header-tests.ts";
import type { RoutePlan, RoutePool } from "./route-plan.ts";
import {
  NO_RULES,
  orderAnew,
  orderChange,
  type OrderChange,
  type OrderedRules,
  type RuleSplice,
} from "../core/priority-order.ts";
import { ServiceIndex, ServiceNumbers } from "./service-index.ts";
import { NO_SIGNAL_RULES, type SignalRules, spliceRules } from "./signal-rules.ts";

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

type Routes = Readonly<Record<Signal, RoutePlan>>;

/**
 * Compiles the rules of all signals: highest priority first, equal ones in the order given, the
 * default pool last. Pools that `pools` does not have are not divided and have no fallback.
 * `before`: what this has made of other rules, and does not change; of rules that are the same
 * objects at both ends of both lists nothing is made again.
 */
export function compileRoutes(
  specs: readonly RuleSpec[],
  defaultPool: string | undefined,
  unmatched: "refuse" | "drop",
  pools: ReadonlyMap<string, PoolShape> = new Map(),
  before?: Routes,
): Routes {
  const parts = partsOf(specs, defaultPool, before && madeOf.get(before));
  const indexes = new Map<SignalRules, Pick<RoutePlan, "pools" | "candidates">>();
  const of = (signal: Signal): RoutePlan => {
    const its = parts.bySignal[signal];
    const index = indexes.get(its) ?? indexOf(its, parts.numbers, pools);
    indexes.set(its, index);
    const { rules, others, poolOf, asking } = its;
    const headerTests = headerTestsOf(asking, index.pools, signal);
    return { signal, unmatched, rules, others, poolOf, ...index, headerTests };
  };
  const routes = { traces: of("traces"), metrics: of("metrics"), logs: of("logs") };
  madeOf.set(routes, parts);
  return routes;
}

/** What routes were made of, for those that are made of them. */
const madeOf = new WeakMap<Routes, RouteParts>();

interface RouteParts {
  readonly ordered: OrderedRules<RuleSpec>;
  /** After all others. */
  readonly last: RuleSpec | undefined;
  /** One object for signals that have the same rules. */
  readonly bySignal: Readonly<Record<Signal, SignalRules>>;
  readonly unlike: Unlike;
  readonly numbers: ServiceNumbers;
}

/** How many rules are not the same for two signals, by pair. */
interface Unlike {
  readonly tracesMetrics: number;
  readonly tracesLogs: number;
  readonly metricsLogs: number;
}

/** Services that rules ask for no more keep their numbers until there are so many times as many. */
const MOST_NUMBERS = 2;
const FEW_NUMBERS = 1_000;

function partsOf(specs: readonly RuleSpec[], pool: string | undefined, before: RouteParts | undefined): RouteParts {
  if (before !== undefined && before.numbers.size <= MOST_NUMBERS * specs.length + FEW_NUMBERS) {
    const change = orderChange(before.ordered, specs);
    if (change !== undefined) return changedParts(before, change, pool);
  }
  return changedParts(noParts(), orderAnew(specs), pool);
}

function noParts(): RouteParts {
  const bySignal = { traces: NO_SIGNAL_RULES, metrics: NO_SIGNAL_RULES, logs: NO_SIGNAL_RULES };
  const unlike = { tracesMetrics: 0, tracesLogs: 0, metricsLogs: 0 };
  return { ordered: NO_RULES, last: undefined, bySignal, unlike, numbers: new ServiceNumbers() };
}

function changedParts(before: RouteParts, change: OrderChange<RuleSpec>, pool: string | undefined): RouteParts {
  const { ordered } = change;
  const compiled = createCompiler();
  const last = before.last?.pool === pool ? before.last : lastRule(pool);
  const splices = [...change.splices];
  if (last !== before.last) splices.push(lastChange(ordered.specs.length, before.last, last));
  const unlike = changedUnlike(before.unlike, change, compiled);
  const own = (signal: Signal): SignalRules => {
    const env = { signal, compiled, numbers: before.numbers };
    return splices.reduce((rules, splice) => spliceRules(rules, splice, env), before.bySignal[signal]);
  };
  const traces = own("traces");
  const metrics = unlike.tracesMetrics === 0 ? traces : own("metrics");
  const logs = unlike.tracesLogs === 0 ? traces : unlike.metricsLogs === 0 ? metrics : own("logs");
  return { ordered, last, bySignal: { traces, metrics, logs }, unlike, numbers: before.numbers };
}

function changedUnlike(before: Unlike, { gone, come }: OrderChange<RuleSpec>, compiled: RuleCompiler): Unlike {
  const [was, now] = [gone.map(compiled), come.map(compiled)];
  const more = (one: Signal, other: Signal): number =>
    now.filter((rule) => rule[one] !== rule[other]).length - was.filter((rule) => rule[one] !== rule[other]).length;
  return {
    tracesMetrics: before.tracesMetrics + more("traces", "metrics"),
    tracesLogs: before.tracesLogs + more("traces", "logs"),
    metricsLogs: before.metricsLogs + more("metrics", "logs"),
  };
}

/** For the default pool, if there is one: it takes whatever comes to it. */
function lastRule(pool: string | undefined): RuleSpec | undefined {
  if (pool === undefined) return undefined;
  return { id: DEFAULT_RULE, priority: -Infinity, signals: SIGNALS, mode: "first", conditions: [], pool };
}

function lastChange(at: number, before: RuleSpec | undefined, last: RuleSpec | undefined): RuleSplice<RuleSpec> {
  return { at, cut: before === undefined ? 0 : 1, put: last === undefined ? [] : [last] };
}

/** The same for each signal that has the same rules. */
function indexOf(
  { named, services }: SignalRules,
  numbers: ServiceNumbers,
  shapes: ReadonlyMap<string, PoolShape>,
): Pick<RoutePlan, "pools" | "candidates"> {
  const index = new ServiceIndex(services, numbers);
  return { pools: numberPools(named, shapes), candidates: (service) => index.candidates(service) };
}

/** `named`: those that rules name. Each that one of them falls back to gets a number, too. */
function numberPools(named: readonly string[], shapes: ReadonlyMap<string, PoolShape>): readonly RoutePool[] {
  const numbers = new Map(named.map((name, i) => [name, i]));
  const number = (name: string): number => {
    const known = numbers.get(name) ?? numbers.size;
    numbers.set(name, known);
    return known;
  };
  const pools: RoutePool[] = [];
  for (const name of numbers.keys()) {
    const chain = chainOf(name, shapes).map(number); // those that are new are walked later
    pools.push({ name, division: shapes.get(name)?.division ?? UNDIVIDED, chain });
  }
  return pools;
}

/** The pool and those that take over from it, in order. The config has no cycles. */
export function chainOf(name: string, shapes: ReadonlyMap<string, Pick<PoolShape, "fallback">>): string[] {
  const chain: string[] = [];
  for (let at: string | undefined = name; at !== undefined; at = shapes.get(at)?.fallback) chain.push(at);
  return chain;
}
