import { z } from "zod";
import { NO_RULES, orderAnew, orderChange, orderedList, type OrderedRules } from "../../core/priority-order.ts";
import { MANY_ITEMS, MappedList } from "../../core/recent-list.ts";
import type { Condition, SignalName } from "../condition-type.ts";
import type { Path } from "../finding.ts";
import type { Outline, OutlineRule } from "../outline.ts";
import { entriesOf, listOf, textOf, type Values, valuesOf } from "../values.ts";
import { ConditionSchema } from "../schema/condition.ts";
import type { SchemaDocument } from "../schema/config.ts";
import { ALL_SIGNALS } from "../schema/values.ts";
import { signalsOf, strategiesOf } from "./sampling.ts";
import type { Asked } from "./analysis/asked.ts";

/** A rule, or a case of a strategy, whose conditions can be read. */
export interface AskedEntry extends Asked {
  /** The mapping that is the rule, as it is written. */
  readonly values: Values;
  readonly path: Path;
  /** How people are told of it: `rule "a"`, `case 1`. */
  readonly name: string;
  /**
   * The list as it is written, with the path of it; undefined where there is none, as in the short
   * form of rules.
   */
  readonly written: { readonly list: readonly unknown[]; readonly path: Path } | undefined;
  /** Undefined when the signals were not named, so that all are meant. */
  readonly signalsPath: Path | undefined;
}

/** All that is asked of items, in the order in which it is asked. */
export interface AskedEntries {
  readonly rules: readonly AskedEntry[];
  /** Of each pool. */
  readonly cases: readonly (readonly AskedEntry[])[];
  /** Of sampling; without their services. */
  readonly classes: readonly AskedEntry[];
}

/**
 * The rules and cases in which they are asked. Of a document that has errors elsewhere, those that
 * can be read; what the schema gave is taken where there is something, because reading it again
 * takes long.
 */
export function readAskedEntries(outline: Outline, document: SchemaDocument | undefined): AskedEntries {
  return {
    rules: readAskedRules(outline, document),
    cases: readAskedCases(outline),
    classes: readAskedClasses(outline),
  };
}

function readAskedRules(outline: Outline, document: SchemaDocument | undefined): readonly AskedEntry[] {
  const { rules } = outline;
  if (document !== undefined && document.rules.length === rules.length) {
    return inKnownOrder(recentRules.of(rules, (rule, i) => new AskedRule(rule, document.rules[i]!.conditions)));
  }
  const regions = new Set(outline.targets.map((target) => target.region));
  return inOrder(rules).flatMap((rule) => {
    const [section, index] = rule.path;
    return section === "rules" ? (readRule(rule, document?.rules[Number(index)]) ?? []) : readShortRule(rule, regions);
  });
}

/** The same rule, read from the same document, asks the same. */
const recentRules = new MappedList<OutlineRule, AskedRule>();

/** From the highest priority on, equal ones as they stand; mostly that is so already. */
function inOrder<Rule extends Pick<OutlineRule, "priority">>(rules: readonly Rule[]): readonly Rule[] {
  const change = orderAnew(rules);
  return change.ordered.priorities === undefined ? rules : orderedList([], change);
}

/** The same of a long list, of which only what is new is looked at. */
function inKnownOrder(rules: readonly AskedRule[]): readonly AskedRule[] {
  if (rules.length < MANY_ITEMS) return inOrder(rules);
  const known = orderChange(recentOrder, rules);
  const change = known ?? orderAnew(rules);
  recentOrder = change.ordered;
  const isAsWritten = recentOrder.priorities === undefined;
  recentInOrder = isAsWritten ? rules : orderedList(known === undefined ? [] : recentInOrder, change);
  return recentInOrder;
}

let recentOrder: OrderedRules<AskedRule> = NO_RULES;
/** The recent rules, ordered. */
let recentInOrder: readonly AskedRule[] = [];

function readAskedCases({ pools }: Outline): AskedEntry[][] {
  return pools.map(({ path, values }) => {
    const strategy = valuesOf(values["strategy"]);
    if (strategy?.["type"] !== "content") return [];
    return entriesOf(strategy["cases"], [...path, "strategy", "cases"]).flatMap(({ values: one, path: at }) => {
      const conditions = parseConditions(one["conditions"]);
      if (conditions === undefined) return [];
      const written = { list: listOf(one["conditions"]), path: [...at, "conditions"] };
      const name = `case ${Number(at.at(-1)) + 1}`;
      return [
        { values: one, path: at, name, conditions, written, signals: ALL_SIGNALS, signalsPath: undefined, stops: true },
      ];
    });
  });
}

function readAskedClasses({ root }: Outline): AskedEntry[] {
  return strategiesOf(root).flatMap((strategy) => {
    const signals = signalsOf(strategy);
    const signalsPath = strategy.values["signals"] === undefined ? undefined : [...strategy.path, "signals"];
    return entriesOf(strategy.values["rules"], [...strategy.path, "rules"]).flatMap(({ values, path }) => {
      const conditions = parseConditions(values["conditions"]);
      if (conditions === undefined) return [];
      const list = { list: listOf(values["conditions"]), path: [...path, "conditions"] };
      const name = `rule ${Number(path.at(-1)) + 1} of sampling`;
      const own = signals.flatMap((signal) => signalOf(signal) ?? []);
      return [{ values, path, name, conditions, written: list, signals: own, signalsPath, stops: true }];
    });
  });
}

function readRule(rule: OutlineRule, checked: SchemaDocument["rules"][number] | undefined): AskedRule | undefined {
  const conditions = checked?.conditions ?? parseConditions(rule.values["conditions"]);
  return conditions && new AskedRule(rule, conditions);
}

/** What is to be told of it is read when it is told: there may be ten thousand. */
class AskedRule implements AskedEntry {
  readonly conditions: readonly Condition[];
  readonly signals: readonly SignalName[];
  readonly stops: boolean;
  readonly #rule: OutlineRule;

  constructor(rule: OutlineRule, conditions: readonly Condition[]) {
    this.#rule = rule;
    this.conditions = conditions;
    this.signals =
      rule.values["signals"] === undefined ? ALL_SIGNALS : rule.signals.flatMap((one) => signalOf(one) ?? []);
    this.stops = rule.stops;
  }

  get values(): Values {
    return this.#rule.values;
  }

  get priority(): number {
    return this.#rule.priority;
  }

  get path(): Path {
    return this.#rule.path;
  }

  get name(): string {
    return `rule "${this.#rule.id ?? "?"}"`;
  }

  get written(): AskedEntry["written"] {
    return { list: listOf(this.values["conditions"]), path: [...this.path, "conditions"] };
  }

  get signalsPath(): Path | undefined {
    return this.values["signals"] === undefined ? undefined : [...this.path, "signals"];
  }
}

/** One whose region has no target is left out of the rules. */
function readShortRule({ path, values }: OutlineRule, regions: ReadonlySet<string>): AskedEntry[] {
  const pattern = textOf(values["service"]);
  if (pattern === undefined || !regions.has(textOf(values["target_region"]) ?? "")) return [];
  const conditions: Condition[] = [{ kind: "service_name", match: { tests: [{ op: "glob", pattern }] } }];
  const name = `global.routing_rules[${path.at(-1) ?? 0}]`;
  return [
    { values, path, name, conditions, written: undefined, signals: ALL_SIGNALS, signalsPath: undefined, stops: true },
  ];
}

function signalOf(text: string): SignalName | undefined {
  return ALL_SIGNALS.find((signal) => signal === text);
}

/** Undefined when they cannot be read. */
function parseConditions(written: unknown): readonly Condition[] | undefined {
  const parsed = ConditionsSchema.safeParse(written ?? []);
  return parsed.success ? parsed.data : undefined;
}

const ConditionsSchema = z.array(ConditionSchema);

/** A condition as it stands in the document. */
export interface WrittenCondition {
  readonly condition: Condition;
  /** With its key: `rules[0].conditions[1].any[0].span_name`. */
  readonly path: Path;
  /** Whether it must hold for the rule to match: it is neither in `any` nor in `not`. */
  readonly required: boolean;
}

/**
 * Every condition with its place: those that must hold, and those in `any` and `not`, which come
 * after what they are in.
 */
export function writtenConditions({ conditions, written }: AskedEntry): WrittenCondition[] {
  if (written === undefined) return [];
  const found: WrittenCondition[] = [];
  for (const [i, condition] of conditions.entries()) {
    walkEntry(written.list[i], condition, { path: [...written.path, i], required: true }, found);
  }
  return found;
}

/**
 * One entry of a list of conditions: all of its keys must hold, so several keys became one `all`.
 */
function walkEntry(
  written: unknown,
  condition: Condition,
  place: Omit<WrittenCondition, "condition">,
  found: WrittenCondition[],
): void {
  const values = valuesOf(written);
  const keys = Object.keys(values ?? {});
  const parts = condition.kind === "all" && keys.length > 1 ? condition.of : [condition];
  for (const part of parts) {
    const key = keys.length === 1 ? (keys[0] ?? part.kind) : part.kind;
    walkKey(values?.[key], part, { ...place, path: [...place.path, key] }, found);
  }
}

function walkKey(
  written: unknown,
  condition: Condition,
  { path, required }: Omit<WrittenCondition, "condition">,
  found: WrittenCondition[],
): void {
  found.push({ condition, path, required });
  if (condition.kind === "any") {
    for (const [j, part] of condition.of.entries()) {
      walkEntry(listOf(written)[j], part, { path: [...path, j], required: false }, found);
    }
  }
  if (condition.kind !== "not") return;
  if (!Array.isArray(written)) return walkEntry(written, condition.of, { path, required: false }, found);
  const parts = condition.of.kind === "all" && written.length > 1 ? condition.of.of : [condition.of];
  for (const [j, part] of parts.entries()) {
    walkEntry(written[j], part, { path: [...path, j], required: false }, found);
  }
}
