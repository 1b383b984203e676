import { type Condition, type Matcher, signalsOf } from "../condition-type.ts";
import { MANY_ITEMS, RecentList } from "../../core/recent-list.ts";
import { atKey, caution, type Finding, formatPath, type Path } from "../finding.ts";
import type { Values } from "../values.ts";
import { ALL_SIGNALS } from "../schema/values.ts";
import { cubesOf } from "./analysis/cube.ts";
import { domainOf, isSeverityPossible, subjectOf } from "./analysis/literal.ts";
import { joinNeeds, needOf } from "./analysis/need.ts";
import { ShadowAnalysis, type Unreached } from "./analysis/shadows.ts";
import { type AskedEntries, type AskedEntry, type WrittenCondition, writtenConditions } from "./asked-rules.ts";
import { checkHeaderConditions } from "./targets.ts";

/**
 * Conditions that no item can meet, each by itself or beside another, or that say nothing new; and
 * headers of which a rule may only ask whether they are there.
 */
export function checkConditions({ rules, cases, classes }: AskedEntries): Finding[] {
  return [...checkRules(rules), ...cases.flat().flatMap(checkAsked), ...classes.flatMap(checkEntry)];
}

function checkRules(rules: readonly AskedEntry[]): Finding[] {
  if (rules.length < MANY_ITEMS) return rules.flatMap(checkAsked);
  const { from, to } = recentRules.changeTo(rules);
  const found = rules.slice(from, to).flatMap(checkAsked);
  const isAll = to - from === rules.length;
  const findings = areFaultless || isAll ? found : rules.flatMap(checkAsked);
  areFaultless = findings.length === 0;
  return findings;
}

const recentRules = new RecentList<AskedEntry>();
/** Whether nothing is to be told of the recent ones. */
let areFaultless = false;

function checkAsked(entry: AskedEntry): Finding[] {
  if (faultless.has(entry.values)) return [];
  const found = [...checkEntry(entry), ...checkHeaderConditions(writtenConditions(entry))];
  if (found.length === 0) faultless.add(entry.values);
  return found;
}

/** Rules in which nothing was found: when one rule changes, the others are not looked at again. */
const faultless = new WeakSet<Values>();

function checkEntry(entry: AskedEntry): Finding[] {
  const written = writtenConditions(entry);
  const required = written.filter((one) => one.required);
  return [
    ...written.flatMap((one) => checkOne(one, entry) ?? []),
    ...checkSignals(entry, required),
    ...checkLists(required),
    ...checkTwice(written),
  ];
}

function checkOne({ condition, path }: WrittenCondition, { signals }: AskedEntry): Finding | undefined {
  const asked = signalsOf(condition);
  if (signals.length > 0 && !signals.some((signal) => asked.includes(signal))) {
    const message = `never holds: ${signals.join(" and ")} have no ${condition.kind}, only ${asked.join(" and ")} have`;
    return atKey(caution(path, message, "add the signal to signals, or take the condition out"));
  }
  const reason = impossibility(condition);
  return reason && caution(path, `never holds: ${reason.message}`, reason.hint);
}

interface Impossibility {
  readonly message: string;
  readonly hint: string;
}

function impossibility(condition: Condition): Impossibility | undefined {
  if (condition.kind === "sample_rate") {
    const hint = "write a share above 0, or take the rule out";
    return condition.rate === 0 ? { message: "no trace belongs to a share of 0", hint } : undefined;
  }
  if (condition.kind === "severity") {
    const hint = "levels go from TRACE to FATAL4, or 1 to 24";
    return isSeverityPossible(condition.match) ? undefined : { message: "no level meets all of these tests", hint };
  }
  const domain = domainOf(condition);
  if (domain === undefined || !("match" in condition)) return undefined;
  if (needOf(condition.match, domain) !== undefined) return undefined;
  return matcherReason(condition.kind, condition.match, domain.textOnly);
}

/** Values are not repeated: they may come from where secrets are. */
function matcherReason(kind: string, { tests }: Matcher, textOnly: boolean): Impossibility {
  const ops = tests.map(({ op }) => op).filter((op) => op !== "exists");
  const numeric = ops.filter((op) => op === "gt" || op === "gte" || op === "lt" || op === "lte");
  if (tests.some((test) => test.op === "exists" && !test.want)) {
    return { message: `there always is a ${kind}`, hint: "take it out" };
  }
  if (textOnly && numeric.length > 0) {
    return {
      message: `${kind} is a text, and ${numeric.join(" and ")} compare numbers`,
      hint: "use equals, in, glob or regex",
    };
  }
  if (ops.length > 1 && numeric.length === ops.length) {
    return { message: `no number meets ${ops.join(" and ")}`, hint: "swap them, or use any for one or the other" };
  }
  if (ops.length > 1) return { message: `no value meets ${ops.join(" and ")}`, hint: "use any for one or the other" };
  if (ops[0] === "regex") {
    const hint = "^ stands before, and $ after, all that must be found; nothing can be outside of them";
    return { message: "no text fits this pattern", hint };
  }
  return { message: `an empty ${kind} counts as missing`, hint: "write exists: false" };
}

/** A signal that is named although the rule cannot match it. */
function checkSignals({ signals, signalsPath, name }: AskedEntry, required: readonly WrittenCondition[]): Finding[] {
  const open = signals.filter((signal) => required.every(({ condition }) => signalsOf(condition).includes(signal)));
  if (required.some(({ condition }) => !signals.some((signal) => signalsOf(condition).includes(signal)))) return [];
  if (open.length === 0 && signals.length > 0) return [neverMatches(name, required)];
  if (signalsPath === undefined || open.length === signals.length) return [];
  const without = signals.filter((signal) => !open.includes(signal));
  const why = required.find(({ condition }) => !without.every((signal) => signalsOf(condition).includes(signal)));
  const message = `this rule never matches ${without.join(" or ")}: they have no ${why?.condition.kind ?? "such condition"}`;
  return [caution(signalsPath, message, `write signals: [${open.join(", ")}]`)];
}

function neverMatches(name: string, required: readonly WrittenCondition[]): Finding {
  const asking = required.filter(({ condition }) => signalsOf(condition) !== ALL_SIGNALS);
  const kinds = [...new Set(asking.map(({ condition }) => condition.kind))].join(" and ");
  const message = `${name} never matches: no signal has ${kinds}`;
  return atKey(caution(asking.at(-1)?.path ?? [], message, "make a rule for each signal, or use any"));
}

/**
 * Two conditions that only the elements of a list, or the data points of a metric, can meet between
 * them.
 */
function checkLists(required: readonly WrittenCondition[]): Finding[] {
  return required.flatMap((one, i) => {
    const other = required.slice(0, i).find((earlier) => needList(earlier, one));
    if (other === undefined) return [];
    const message = `no single value meets this and ${formatPath(other.path)}: only a list can, or several data points`;
    return [caution(one.path, message, "use any for one or the other; put tests of one value into one condition")];
  });
}

function needList({ condition: a }: WrittenCondition, { condition: b }: WrittenCondition): boolean {
  const domain = domainOf(a);
  if (domain?.many !== true || subjectOf(a) !== subjectOf(b) || !("match" in a) || !("match" in b)) return false;
  const [needA, needB] = [needOf(a.match, domain), needOf(b.match, domain)];
  if (needA?.kind !== "there" || needB?.kind !== "there") return false;
  return joinNeeds(needA, needB, domain) === undefined;
}

/** The same condition again: among those that must hold, or among the alternatives of one `any`. */
function checkTwice(written: readonly WrittenCondition[]): Finding[] {
  const alternatives = written.flatMap(({ condition, path }) =>
    condition.kind === "any" ? [condition.of.map((one, j) => ({ condition: one, path: [...path, j] }))] : [],
  );
  return [written.filter(({ required }) => required), ...alternatives].flatMap(repeated);
}

function repeated(list: readonly { readonly condition: Condition; readonly path: Path }[]): Finding[] {
  if (list.length < 2) return [];
  const first = new Map<string, Path>();
  return list.flatMap(({ condition, path }) => {
    const text = JSON.stringify(condition);
    const before = first.get(text);
    if (before !== undefined) {
      return [atKey(caution(path, "is there already", `see ${formatPath(before)}`))];
    }
    first.set(text, path);
    return [];
  });
}

/**
 * Rules, and cases of content strategies, that no item ever reaches: because of those before them,
 * or of themselves.
 */
export function checkShadows({ rules, cases }: AskedEntries): Finding[] {
  return [...checkList(rules, RULE_HINT), ...cases.flatMap((list) => checkList(list, CASE_HINT))];
}

const RULE_HINT =
  "give it a higher priority, or give the other conditions; it only serves while the other has no usable target";
const CASE_HINT = "put it before the other, or give the other more conditions";

function checkList(entries: readonly AskedEntry[], hint: string): Finding[] {
  const analysis = entries.length < MANY_ITEMS ? new ShadowAnalysis() : known;
  return analysis.unreached(entries).flatMap(({ entry, reach }) => tell(entry, reach, hint));
}

/** What was found in the long list of before: the next one mostly differs in one rule. */
const known = new ShadowAnalysis();

function tell(entry: AskedEntry, reach: Unreached<AskedEntry>["reach"], hint: string): Finding[] {
  if (reach.kind === "impossible") return tellImpossible(entry);
  return [caution(entry.path, `is never reached: ${shadowText(reach.by)} first`, `see ${placesOf(reach.by)}; ${hint}`)];
}

/** Of many, a few are named. */
const MAX_NAMED = 5;

function shadowText(by: readonly AskedEntry[]): string {
  const takesAll = by.every(({ conditions }) => conditions.length === 0);
  const names = by.slice(0, MAX_NAMED).map(({ name }) => name);
  if (by.length > MAX_NAMED) names.push(`${by.length - MAX_NAMED} more`);
  return `${names.join(" and ")} ${by.length === 1 ? "matches" : "match"} ${takesAll ? "everything" : "all that it does"}`;
}

function placesOf(by: readonly AskedEntry[]): string {
  return by
    .slice(0, MAX_NAMED)
    .map(({ path }) => formatPath(path))
    .join(", ");
}

/** What one condition, or the signals, already say is not said again of the whole. */
function tellImpossible(entry: AskedEntry): Finding[] {
  const required = writtenConditions(entry).filter((one) => one.required);
  if (required.some((one) => !canHold([one], entry))) return [];
  const open = {
    signals: entry.signals.filter((signal) => required.every((one) => canHold([one], { signals: [signal] }))),
  };
  if (open.signals.length === 0) return [];
  for (const [i, one] of required.entries()) {
    const other = required.slice(0, i).find((earlier) => !canHold([earlier, one], open));
    if (other === undefined) continue;
    const message = `${entry.name} never matches: this and ${formatPath(other.path)} exclude each other`;
    return [caution(one.path, message, "take one of them out, or use any for one or the other")];
  }
  return [caution(entry.path, `never matches: its conditions exclude each other`, "use any for one or the other")];
}

function canHold(written: readonly WrittenCondition[], { signals }: Pick<AskedEntry, "signals">): boolean {
  const conditions = written.map(({ condition }) => condition);
  const cubes = cubesOf(conditions);
  return signals.some((signal) => cubes[signal].cubes.length > 0);
}
