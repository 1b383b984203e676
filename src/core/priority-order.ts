import { commonItems } from "./common-ends.ts";
import { derivedList } from "./derived-list.ts";

interface Prioritised {
  readonly priority: number;
}

/** Among the rules in their order, so many from `at` on make room for others. */
export interface RuleSplice<Rule> {
  readonly at: number;
  readonly cut: number;
  readonly put: readonly Rule[];
}

/** Rules as they were given, of which those of the highest priority are tried first. */
export interface OrderedRules<Rule> {
  readonly specs: readonly Rule[];
  /** By rule as given; undefined while the rules are in order as they come, as most are. */
  readonly priorities: readonly number[] | undefined;
}

export const NO_RULES: OrderedRules<never> = { specs: [], priorities: undefined };

/** Of lists that are not in order, more rules that differ are put in order anew. */
const FEW = 16;

/** What of the order changes, one after the other, where the rules become others. */
export interface OrderChange<Rule> {
  readonly ordered: OrderedRules<Rule>;
  /** Rules that are there no more, and those that are new. */
  readonly gone: readonly Rule[];
  readonly come: readonly Rule[];
  readonly splices: readonly RuleSplice<Rule>[];
}

/** Looks at rules that differ only. Undefined where so much does that all of it is as good. */
export function orderChange<Rule extends Prioritised>(
  { specs: was, priorities }: OrderedRules<Rule>,
  specs: readonly Rule[],
): OrderChange<Rule> | undefined {
  const { head, tail } = commonItems(was, specs);
  const [gone, come] = [was.slice(head, was.length - tail), specs.slice(head, specs.length - tail)];
  const around = specs.slice(Math.max(0, head - 1), specs.length - tail + 1);
  if (priorities === undefined && areInOrder(around)) {
    return { ordered: { specs, priorities }, gone, come, splices: [{ at: head, cut: gone.length, put: come }] };
  }
  if (gone.length + come.length > FEW) return undefined;
  const before = priorities ?? was.map(priorityOf);
  const after = derivedList(before, head, gone.length, come.map(priorityOf));
  return { ordered: { specs, priorities: after }, gone, come, splices: splicesOf(before, after, head, { gone, come }) };
}

/**
 * They go from the last place on, so that those before it stay where they are; then the new ones
 * come from the first on.
 */
function splicesOf<Rule>(
  before: readonly number[],
  after: readonly number[],
  head: number,
  { gone, come }: Pick<OrderChange<Rule>, "gone" | "come">,
): RuleSplice<Rule>[] {
  const going = gone.map((_, i): RuleSplice<Rule> => ({ at: placeOf(before, head + i), cut: 1, put: [] }));
  const coming = come.map((spec, i): RuleSplice<Rule> => ({ at: placeOf(after, head + i), cut: 0, put: [spec] }));
  return [...going.toSorted((a, b) => b.at - a.at), ...coming.toSorted((a, b) => a.at - b.at)];
}

/** All of them, from none. */
export function orderAnew<Rule extends Prioritised>(specs: readonly Rule[]): OrderChange<Rule> {
  const isInOrder = areInOrder(specs);
  const put = isInOrder ? specs : specs.toSorted((a, b) => b.priority - a.priority);
  const priorities = isInOrder ? undefined : specs.map(priorityOf);
  return { ordered: { specs, priorities }, gone: [], come: specs, splices: [{ at: 0, cut: 0, put }] };
}

function areInOrder(specs: readonly Prioritised[]): boolean {
  return specs.every(({ priority }, i) => i === 0 || specs[i - 1]!.priority >= priority);
}

function priorityOf({ priority }: Prioritised): number {
  return priority;
}

/** The rules in the order, from the list of before in it. */
export function orderedList<Rule>(before: readonly Rule[], { splices }: OrderChange<Rule>): readonly Rule[] {
  return splices.reduce((list, { at, cut, put }) => derivedList(list, at, cut, put), before);
}

/** Where a rule comes in the order. Equal priorities keep theirs. */
function placeOf(priorities: readonly number[], rule: number): number {
  const own = priorities[rule]!;
  let place = 0;
  for (let i = 0; i < priorities.length; i++) {
    const priority = priorities[i]!;
    if (priority > own || (priority === own && i < rule)) place++;
  }
  return place;
}
