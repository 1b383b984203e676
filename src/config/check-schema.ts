import { z } from "zod";
import { MappedList } from "../core/recent-list.ts";
import { sharing } from "../core/sharing.ts";
import { hintFor } from "./closest.ts";
import { atKey, fault, type Finding, formatPath, type Path } from "./finding.ts";
import { type SchemaDocument, ConfigSchema } from "./schema/config.ts";
import type { Condition } from "./condition-type.ts";
import { ConditionSchema } from "./schema/condition.ts";
import { NOTHING_IN_PLACE, type RuleDocument, RuleHeadSchema, RuleSchema } from "./schema/pool.ts";
import { isValues, listOf, valueAt, type Values, valuesOf } from "./values.ts";

type Issue = z.core.$ZodIssue;

/** Checks the values against the schema; `document` is there when nothing is wrong. */
export function checkSchema(root: unknown): { document: SchemaDocument | undefined; findings: Finding[] } {
  const rules = valuesOf(root)?.["rules"];
  if (!Array.isArray(rules)) return checkAgainst(ConfigSchema, root);
  const { document, findings } = checkWithoutRules(valuesOf(root) ?? {});
  const shared = sharing();
  const checked = recentRules.of(rules, (rule) => checkRule(rule, shared));
  const right = checked.includes(undefined)
    ? checked.filter((rule) => rule !== undefined)
    : (checked as RuleDocument[]); // oxlint-disable-line typescript/no-unsafe-type-assertion -- all are there
  for (let i = 0; right.length < checked.length && i < checked.length; i++) {
    if (checked[i] !== undefined) continue;
    const { error } = RuleSchema.safeParse(rules[i], { error: issueText });
    for (const issue of error?.issues ?? []) findings.push(...toFindings(issue, ["rules", i], root));
  }
  if (document === undefined || findings.length > 0) return { document: undefined, findings };
  return { document: { ...document, rules: right }, findings };
}

/** What was right last: most changes are of rules alone, and all else is the same objects then. */
let rightOthers: { readonly others: Values; readonly document: SchemaDocument } | undefined;

function checkWithoutRules({ rules: _rules, ...others }: Values): ReturnType<typeof checkSchema> {
  if (rightOthers !== undefined && hasSameValues(rightOthers.others, others))
    return { document: rightOthers.document, findings: [] };
  const { document, findings } = checkAgainst(ConfigSchema, { ...others, rules: [] });
  if (document !== undefined) rightOthers = { others, document };
  return { document, findings };
}

function hasSameValues(a: Values, b: Values): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

const recentRules = new MappedList<unknown, RuleDocument | undefined>();

/** What the schema makes of rules: when one changes, the others are there already. */
const knownRules = new WeakMap<object, RuleDocument>();

/** Undefined: something is wrong with it. */
function checkRule(rule: unknown, shared: ReturnType<typeof sharing>): RuleDocument | undefined {
  const values = valuesOf(rule);
  const known = values && knownRules.get(values);
  if (known !== undefined) return known;
  const checked = values && (plainRule(values) ?? RuleSchema.safeParse(rule).data);
  if (checked === undefined || values === undefined) return undefined;
  const made = withShared(checked, shared);
  knownRules.set(values, made);
  return made;
}

/**
 * A rule that names its pool, as most do, with conditions that others have, too: they are checked
 * once for all of them, and what it does not say is not read for each. Undefined for all others,
 * and where something is wrong.
 */
function plainRule({ conditions, ...head }: Values): RuleDocument | undefined {
  const isList = conditions === undefined || Array.isArray(conditions);
  const result = isList ? RuleHeadSchema.safeParse(head) : undefined;
  if (result?.success !== true) return undefined;
  const checked: Condition[] = [];
  for (const condition of listOf(conditions)) {
    const one = checkedCondition(condition);
    if (one === undefined) return undefined;
    checked.push(one);
  }
  return { ...NOTHING_IN_PLACE, ...result.data, conditions: checked };
}

/** What is written the same is one object of the document (plain-document.ts). */
const knownConditions = new WeakMap<object, Condition>();

function checkedCondition(condition: unknown): Condition | undefined {
  if (!isValues(condition)) return undefined;
  const known = knownConditions.get(condition);
  if (known !== undefined) return known;
  const { data } = ConditionSchema.safeParse(condition);
  if (data !== undefined) knownConditions.set(condition, data);
  return data;
}

/** What most rules have as others have it is one object: of 10,000 that is some 10 MB. */
function withShared(rule: RuleDocument, shared: ReturnType<typeof sharing>): RuleDocument {
  const { conditions, signals, strategy, queue, batch, retry } = rule;
  return {
    ...rule,
    signals: shared(signals),
    strategy: shared(strategy),
    queue: shared(queue),
    batch: shared(batch),
    retry: shared(retry),
    conditions: conditions.map(shared),
  };
}

/** The same for another schema. */
export function checkAgainst<Schema extends z.ZodType>(
  schema: Schema,
  root: unknown,
): { document: z.output<Schema> | undefined; findings: Finding[] } {
  const result = schema.safeParse(root, { error: issueText });
  if (result.success) return { document: result.data, findings: [] };
  return { document: undefined, findings: result.error.issues.flatMap((issue) => toFindings(issue, [], root)) };
}

function toFindings(issue: Issue, above: Path, root: unknown): Finding[] {
  const path = [...above, ...pathOf(issue)];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.message
        .split(KEY_SEPARATOR)
        .map((text, i) =>
          atKey(fromText([...path, issue.keys[i] ?? ""], MOVED[formatPath([...path, issue.keys[i] ?? ""])] ?? text)),
        );
    case "invalid_key":
      return [atKey(fromText(path, issue.issues[0]?.message ?? issue.message))];
    case "invalid_union":
      return issue.errors.length === 0 ? [fromText(path, issue.message)] : fromUnion(issue.errors, path, root);
    default:
      return [fromText(path, issue.message)];
  }
}

/**
 * Of the branches of a union, the one that was meant: of those whose kind of value fits, the
 * nearest.
 */
function fromUnion(branches: readonly Issue[][], path: Path, root: unknown): Finding[] {
  const value = valueAt(root, ...path);
  const meant = branches.filter((issues) => !issues.some((issue) => isOtherKind(issue, value)));
  const [best] = meant.toSorted((a, b) => unknownIn(a) - unknownIn(b) || a.length - b.length);
  if (best !== undefined) return best.flatMap((issue) => toFindings(issue, path, root));
  const kinds = new Set(branches.flatMap((issues) => issues.flatMap(expectedBy)));
  if (kinds.has("a number")) kinds.delete("a whole number");
  return [fault(path, `expected ${[...kinds].join(" or ")}, got ${kindOf(value)}`)];
}

/** Keys that it does not have: of mappings the one is meant that has most of what is written. */
function unknownIn(issues: readonly Issue[]): number {
  return issues.reduce((sum, issue) => {
    return issue.code === "unrecognized_keys" && issue.path.length === 0 ? sum + issue.keys.length : sum;
  }, 0);
}

function isOtherKind(issue: Issue, value: unknown): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === "invalid_type") return issue.expected !== "int" || typeof value !== "number";
  return issue.code === "invalid_value" && !issue.values.some((word) => typeof word === typeof value);
}

function expectedBy(issue: Issue): string[] {
  if (issue.code === "invalid_type") return [expectedKind(issue.expected)];
  return issue.code === "invalid_value" ? [`one of ${issue.values.map(String).join(", ")}`] : [];
}

/** Keys that stand elsewhere now: the message, and on a second line how to mend it. */
const MOVED: Readonly<Record<string, string>> = {
  plugins: "plugins are code, and belong to one node, not to the fleet\nmove them to node: { plugins: [...] }",
};

/** The first line is the message, the second the hint. */
function fromText(path: Path, text: string): Finding {
  const [message = text, hint] = text.split("\n");
  return fault(path, message, hint);
}

/** JSON has no other keys than texts and numbers. */
function pathOf(issue: Issue): (string | number)[] {
  return issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
}

/** Between the messages of `unrecognized_keys`, which are in the order of its keys. */
const KEY_SEPARATOR = "\u0000";

type RawIssue = Parameters<z.core.$ZodErrorMap>[0];

/**
 * What an issue of the schema says to people: a message, and a hint on a second line where there is
 * one. Values are not repeated, except where one of a few words is expected: they may be secrets.
 */
function issueText(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return typeText(issue);
    case "invalid_value":
      return wordText(issue.input, issue.values.map(String));
    case "unrecognized_keys":
      return issue.keys.map((key) => keyText(key, knownKeys(issue.inst))).join(KEY_SEPARATOR);
    case "invalid_union":
      return issue.discriminator === undefined ? undefined : variantText(issue);
    case "too_small":
      return sizeText(issue.origin, Number(issue.minimum), issue.inclusive === false ? "above" : "at least");
    case "too_big":
      return sizeText(issue.origin, Number(issue.maximum), issue.inclusive === false ? "below" : "at most");
    default:
      return undefined;
  }
}

/** How the kind of a value is called: `a text`, `a list`. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "bigint") return "a whole number beyond 2^53";
  return KINDS[typeof value] ?? "something else";
}

/** How an expected kind is called, from the schema's word for it. */
function expectedKind(expected: string): string {
  return KINDS[expected] ?? expected;
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  bigint: "a whole number",
  boolean: "true or false",
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  null: "nothing",
};

/** What is a number for JavaScript alone: `.inf`, `.nan`, 1e999. */
const ENDLESS = "expected a number that can be counted with\nwrite one with digits, below 1.8e308";

function typeText(issue: Extract<RawIssue, { code: "invalid_type" }>): string {
  const expected = expectedKind(issue.expected);
  if (issue.input === undefined) return "is required";
  if (issue.input === null) return `expected ${expected}, got nothing\nwrite a value, or leave the key out`;
  if (issue.expected === "int" && typeof issue.input === "number") return "expected a whole number";
  if (issue.expected === "number" && typeof issue.input === "number") return ENDLESS;
  return `expected ${expected}, got ${kindOf(issue.input)}`;
}

function wordText(input: unknown, words: readonly string[]): string {
  if (input === undefined) return `is required\none of ${words.join(", ")}`;
  if (typeof input !== "string") return `expected one of ${words.join(", ")}, got ${kindOf(input)}`;
  return `unknown value "${input.slice(0, 64)}"\n${wordHint(input, words)}`;
}

function wordHint(input: string, words: readonly string[]): string {
  const near = hintFor(input, words, "values") ?? "";
  return near.startsWith("did you mean") ? near : `one of ${words.join(", ")}`;
}

function keyText(key: string, known: readonly string[]): string {
  const hint = hintFor(key, known, "keys");
  return `unknown key "${key.slice(0, 64)}"${hint === undefined ? "" : `\n${hint}`}`;
}

function knownKeys(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function variantText(issue: Extract<RawIssue, { code: "invalid_union" }>): string {
  const input = issue.input;
  const key = issue.discriminator ?? "";
  const written = valuesOf(input)?.[key];
  const options = "options" in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
  return wordText(written, options);
}

function sizeText(origin: string, bound: number, relation: string): string {
  if (origin === "number" || origin === "int" || origin === "bigint") return `must be ${relation} ${bound}`;
  if (relation === "at least" && bound === 1) return "must not be empty";
  return `must have ${relation} ${bound} ${origin === "string" ? "characters" : "entries"}`;
}
