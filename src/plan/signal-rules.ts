import { derivedList } from "../core/derived-list.ts";
import type { Signal } from "../otlp/signal.ts";
import type { RuleCompiler, RuleSpec } from "./compile-rule.ts";
import type { RulePlan } from "./route-plan.ts";
import type { RuleSplice } from "../core/priority-order.ts";
import { ANY, type ServiceNumbers } from "./service-index.ts";

/**
 * The rules of one signal in order, and what follows from each: flat lists, of which those of the
 * next plan are made without a look at rules that stay.
 */
export interface SignalRules {
  readonly rules: readonly RulePlan[];
  /** Ids of those that no item of the signal can match. */
  readonly others: readonly string[];
  /** Those of the rules that ask about headers. */
  readonly asking: readonly RulePlan[];
  /** Pools that rules name, by the first rule that does. */
  readonly named: readonly string[];
  /** By rule: which of those it names. */
  readonly poolOf: readonly number[];
  /** By rule: the number of the only service that it asks for, or ANY. */
  readonly services: readonly number[];
  /** Of each rule of the config, in order: whether it is one of the others, a rule, or asking. */
  readonly kinds: Uint8Array;
}

const [OTHER, RULE, ASKING] = [0, 1, 2];

export const NO_SIGNAL_RULES: SignalRules = {
  rules: [],
  others: [],
  asking: [],
  named: [],
  poolOf: [],
  services: [],
  kinds: new Uint8Array(),
};

interface SpliceEnv {
  readonly signal: Signal;
  readonly compiled: RuleCompiler;
  readonly numbers: ServiceNumbers;
}

/** Others of it, in which the rules of the config are others at one place. */
export function spliceRules(of: SignalRules, { at, cut, put }: RuleSplice<RuleSpec>, env: SpliceEnv): SignalRules {
  const { signal, compiled, numbers } = env;
  const from = countKinds(of, 0, at);
  const gone = countKinds(of, at, at + cut);
  const plans = put.map((spec) => compiled(spec)[signal]);
  const rules = plans.filter((plan) => plan !== undefined);
  const others = put.filter((_, i) => plans[i] === undefined).map(({ id }) => id);
  const services = rules.map(({ onlyService }) => (onlyService === undefined ? ANY : numbers.add(onlyService)));
  const asking = rules.filter(({ asksHeaders }) => asksHeaders);
  return {
    rules: spliced(of.rules, from.rules, gone.rules, rules),
    others: spliced(of.others, from.others, gone.others, others),
    asking: spliced(of.asking, from.asking, gone.asking, asking),
    ...splicePools(of, from.rules, gone.rules, rules),
    services: spliced(of.services, from.rules, gone.rules, services),
    kinds: spliceBytes(of.kinds, at, cut, plans.map(kindOf)),
  };
}

function kindOf(plan: RulePlan | undefined): number {
  if (plan === undefined) return OTHER;
  return plan.asksHeaders ? ASKING : RULE;
}

/** How many of each there are from one rule of the config up to another. */
function countKinds(
  { kinds, others, asking }: SignalRules,
  from: number,
  to: number,
): Readonly<Record<"rules" | "others" | "asking", number>> {
  if (others.length === 0 && asking.length === 0) return { rules: to - from, others: 0, asking: 0 };
  let [other, ask] = [0, 0];
  for (let i = from; i < to; i++) {
    if (kinds[i] === OTHER) other++;
    else if (kinds[i] === ASKING) ask++;
  }
  return { rules: to - from - other, others: other, asking: ask };
}

/** The same list where nothing of it differs, and what is put in where nothing was. */
function spliced<Item>(list: readonly Item[], at: number, cut: number, put: readonly Item[]): readonly Item[] {
  if (list.length === 0) return put;
  return cut === 0 && put.length === 0 ? list : derivedList(list, at, cut, put);
}

function spliceBytes(bytes: Uint8Array, at: number, cut: number, put: readonly number[]): Uint8Array {
  const after = new Uint8Array(bytes.length - cut + put.length);
  after.set(bytes.subarray(0, at));
  after.set(put, at);
  after.set(bytes.subarray(at + cut), at + put.length);
  return after;
}

/** Pools have the numbers in which they are named first, whatever was before. */
function splicePools(
  { named, poolOf: before }: SignalRules,
  at: number,
  cut: number,
  rules: readonly RulePlan[],
): Pick<SignalRules, "named" | "poolOf"> {
  const numbers = new Map(named.map((name, i) => [name, i]));
  const put = rules.map(({ pool }) => {
    const number = numbers.get(pool) ?? numbers.size;
    numbers.set(pool, number);
    return number;
  });
  const poolOf = spliced(before, at, cut, put);
  const touched = new Set(put);
  for (const pool of before.slice(at, at + cut)) touched.add(pool);
  if ([...touched].every((pool) => isNamedBefore(before, pool, at))) return { named, poolOf };
  const names = [...numbers.keys()];
  const order = firstUses(poolOf, names.length);
  const places = new Int32Array(names.length);
  for (const [place, pool] of order.entries()) places[pool] = place;
  return { named: order.map((pool) => names[pool]!), poolOf: poolOf.map((pool) => places[pool]!) };
}

function isNamedBefore(poolOf: readonly number[], pool: number, at: number): boolean {
  const first = poolOf.indexOf(pool);
  return first >= 0 && first < at;
}

/** Each number once, in the order in which it comes first. */
function firstUses(numbers: readonly number[], count: number): number[] {
  const seen = new Uint8Array(count);
  const order: number[] = [];
  for (let i = 0; i < numbers.length && order.length < count; i++) {
    const number = numbers[i]!;
    if (seen[number] === 1) continue;
    seen[number] = 1;
    order.push(number);
  }
  return order;
}
