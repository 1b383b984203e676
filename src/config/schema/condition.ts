import { z } from "zod";
import type { Condition, Matcher, MatcherTest, MatcherValue } from "../condition-type.ts";
import { splitGlob } from "../glob.ts";
import { HeaderNameSchema, RateSchema, RegexSchema, TextSchema } from "./values.ts";

/** Values are compared by their texts, so a whole number beyond 2^53 is as exact as its digits. */
const HugeSchema = z.bigint().transform(String);
const ValueSchema = z.union([z.string(), z.number(), HugeSchema, z.boolean()]);

/** The tests of a matcher in its long form. */
const MATCHER_SHAPE = {
  equals: ValueSchema.optional().describe("Is exactly this text, number or boolean."),
  glob: z.string().optional().describe("The whole text fits: `*` is any text, `\\*` an asterisk."),
  regex: RegexSchema.optional().describe("RE2 syntax; found anywhere in the text unless anchored."),
  contains: TextSchema.optional().describe("The text has this text in it."),
  in: z.array(ValueSchema).min(1).optional().describe("Is one of these."),
  exists: z.boolean().optional().describe("Is there at all, or with `false` is not there."),
  gt: z.number().optional().describe("Is a number greater than this."),
  gte: z.number().optional().describe("Is a number greater than or equal to this."),
  lt: z.number().optional().describe("Is a number less than this."),
  lte: z.number().optional().describe("Is a number less than or equal to this."),
};

const TestsSchema = z.strictObject(MATCHER_SHAPE);

type WrittenTests = z.output<typeof TestsSchema>;

/** A text (with `*` as glob), a number, a boolean, or tests that must all hold. */
const MatcherSchema = z
  .union([z.string(), z.number(), HugeSchema, z.boolean(), TestsSchema])
  .transform((written, context): Matcher => {
    if (typeof written !== "object") return { tests: [shortTest(written)] };
    const tests = readTests(written);
    if (tests.length === 0 && context.issues.length === 0)
      context.issues.push({ code: "custom", input: written, message: needs("a test", MATCHER_SHAPE) });
    return { tests };
  })
  .meta({ id: "Matcher", description: "A text (`*` is any text), a number, a boolean, or tests that must all hold." });

/** The normalised tests, in a fixed order. */
function readTests(written: WrittenTests): MatcherTest[] {
  const tests: MatcherTest[] = [];
  if (written.exists !== undefined) tests.push({ op: "exists", want: written.exists });
  if (written.equals !== undefined) tests.push({ op: "equals", value: written.equals });
  if (written.in !== undefined) tests.push({ op: "in", values: written.in });
  if (written.glob !== undefined) tests.push({ op: "glob", pattern: written.glob });
  if (written.contains !== undefined) tests.push({ op: "contains", text: written.contains });
  if (written.regex !== undefined) tests.push({ op: "regex", pattern: written.regex });
  for (const op of ["gt", "gte", "lt", "lte"] as const) {
    const value = written[op];
    if (value !== undefined) tests.push({ op, value });
  }
  return tests;
}

function needs(what: string, shape: object): string {
  return `needs ${what}\none or more of ${Object.keys(shape).join(", ")}`;
}

function shortTest(written: MatcherValue): MatcherTest {
  if (typeof written !== "string" || !written.includes("*")) return { op: "equals", value: written };
  const parts = splitGlob(written);
  return parts.length === 1 ? { op: "equals", value: parts[0] ?? "" } : { op: "glob", pattern: written };
}

/** OTLP's names in order of SeverityNumber, from 1: TRACE, TRACE2, .. FATAL4. */
export const SEVERITY_NAMES = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].flatMap((name) =>
  ["", "2", "3", "4"].map((step) => `${name}${step}`),
);

const SeverityNumberSchema = z.int().min(1).max(24);
const SeverityNameSchema = z.enum(SEVERITY_NAMES);
const LevelSchema = z
  .union([SeverityNameSchema, SeverityNumberSchema])
  .meta({ id: "SeverityLevel", description: "TRACE, TRACE2 .. FATAL4, or 1 to 24." });

const SeverityTestsSchema = z.strictObject({
  equals: LevelSchema.optional().describe("Exactly this level; a name without a number covers its four steps."),
  in: z.array(LevelSchema).min(1).optional().describe("One of these levels."),
  gt: LevelSchema.optional().describe("Above this level, and all its steps."),
  gte: LevelSchema.optional().describe("This level or above."),
  lt: LevelSchema.optional().describe("Below this level."),
  lte: LevelSchema.optional().describe("This level, with all its steps, or below."),
});

/** A level (name or 1..24), or tests that must all hold; gives tests over SeverityNumber. */
const SeveritySchema = z
  .union([SeverityNameSchema, SeverityNumberSchema, SeverityTestsSchema])
  .transform((written, context): Matcher => {
    if (typeof written !== "object") return { tests: [among([written])] };
    const tests: MatcherTest[] = [];
    if (written.equals !== undefined) tests.push(among([written.equals]));
    if (written.in !== undefined) tests.push(among(written.in));
    if (written.gt !== undefined) tests.push({ op: "gt", value: steps(written.gt).highest });
    if (written.gte !== undefined) tests.push({ op: "gte", value: steps(written.gte).lowest });
    if (written.lt !== undefined) tests.push({ op: "lt", value: steps(written.lt).lowest });
    if (written.lte !== undefined) tests.push({ op: "lte", value: steps(written.lte).highest });
    if (tests.length === 0 && context.issues.length === 0)
      context.issues.push({ code: "custom", input: written, message: needs("a test", SeverityTestsSchema.shape) });
    return { tests };
  });

function among(levels: readonly (string | number)[]): MatcherTest {
  const values = new Set<number>();
  for (const level of levels) {
    const { lowest, highest } = steps(level);
    for (let number = lowest; number <= highest; number++) values.add(number);
  }
  return { op: "in", values: [...values].toSorted((a, b) => a - b) };
}

/** A bare name such as ERROR is its whole range, 17 to 20; ERROR2 and numbers are one step. */
function steps(level: string | number): { lowest: number; highest: number } {
  if (typeof level === "number") return { lowest: level, highest: level };
  const lowest = SEVERITY_NAMES.indexOf(level) + 1;
  return { lowest, highest: /\d$/u.test(level) ? lowest : lowest + 3 };
}

/** In the order of their numbers: opentelemetry.proto.trace.v1.Span.SpanKind. */
export const SPAN_KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"] as const;
/** In the order of their numbers: opentelemetry.proto.trace.v1.Status.StatusCode. */
export const SPAN_STATUSES = ["unset", "ok", "error"] as const;

const SpanKindSchema = z.enum(SPAN_KINDS);
const SpanStatusSchema = z.enum(SPAN_STATUSES);

const KeyedSchema = z
  .strictObject({ key: TextSchema.describe("Name of the attribute."), ...MATCHER_SHAPE })
  .transform(({ key, ...written }) => ({ key, match: keyedMatch(written) }));

const HeaderSchema = z
  .strictObject({
    key: HeaderNameSchema.describe("Name of the header, in any case."),
    ...MATCHER_SHAPE,
  })
  .transform(({ key, ...written }) => ({ key: key.toLowerCase(), match: keyedMatch(written) }));

/** With a key alone it is asked whether it is there. */
function keyedMatch(written: WrittenTests): Matcher {
  const tests = readTests(written);
  return { tests: tests.length > 0 ? tests : [{ op: "exists", want: true }] };
}

const LEAF_SHAPE = {
  service_name: MatcherSchema.optional().describe("The resource's attribute service.name."),
  span_kind: z
    .union([SpanKindSchema, z.array(SpanKindSchema).min(1)])
    .optional()
    .describe("The span's kind, or one of a list."),
  span_name: MatcherSchema.optional().describe("The span's name."),
  span_status: z
    .union([SpanStatusSchema, z.array(SpanStatusSchema).min(1)])
    .optional()
    .describe("The span's status, or one of a list."),
  severity: SeveritySchema.optional().describe(
    "The log record's severity: a name, TRACE to FATAL4, or 1 to 24, or tests.",
  ),
  metric_name: MatcherSchema.optional().describe("The metric's name."),
  attribute: KeyedSchema.optional().describe("An attribute of the item; with only a key: it is there."),
  resource: KeyedSchema.optional().describe("An attribute of the resource; with only a key: it is there."),
  scope_name: MatcherSchema.optional().describe("The name of the instrumentation scope."),
  region: MatcherSchema.optional().describe(
    "Attribute region or cloud.region of the resource, else the listener's region.",
  ),
  header: HeaderSchema.optional().describe("A header of the sender's request; with only a key: it is there."),
  sample_rate: RateSchema.optional().describe("This share of the traces, by trace id; the same traces on every node."),
};

/** What people write: every key is a condition, all of them must hold. */
export interface ConditionInput extends z.input<z.ZodObject<typeof LEAF_SHAPE>> {
  any?: ConditionInput[] | undefined;
  not?: ConditionInput | ConditionInput[] | undefined;
}

/** Built on first use, because conditions contain conditions. */
const buildConditionObject = () =>
  z.strictObject({
    ...LEAF_SHAPE,
    any: z.array(ConditionSchema).min(1).optional().describe("One of these conditions holds."),
    not: z
      .union([z.array(ConditionSchema).min(1), ConditionSchema])
      .optional()
      .describe("The condition does not hold; of a list: not all of them hold."),
  });

type ConditionObject = z.output<ReturnType<typeof buildConditionObject>>;

const CONDITION_KEYS = { ...LEAF_SHAPE, any: undefined, not: undefined };

/** One entry of `conditions`. */
export const ConditionSchema: z.ZodType<Condition, ConditionInput> = z
  .lazy(() =>
    buildConditionObject().transform((written, context): Condition => {
      const all = readConditions(written);
      if (all.length === 0 && context.issues.length === 0)
        context.issues.push({ code: "custom", input: written, message: needs("a condition", CONDITION_KEYS) });
      return combine(all);
    }),
  )
  .meta({ id: "Condition", description: "One or more conditions; all of them must hold." });

function readConditions(written: ConditionObject): Condition[] {
  const all: Condition[] = [];
  for (const kind of ["service_name", "span_name", "metric_name", "scope_name", "severity", "region"] as const) {
    const match = written[kind];
    if (match !== undefined) all.push({ kind, match });
  }
  for (const kind of ["attribute", "resource", "header"] as const) {
    const keyed = written[kind];
    if (keyed !== undefined) all.push({ kind, ...keyed });
  }
  if (written.span_kind !== undefined) all.push({ kind: "span_kind", kinds: numbersOf(written.span_kind, SPAN_KINDS) });
  if (written.span_status !== undefined) {
    all.push({ kind: "span_status", codes: numbersOf(written.span_status, SPAN_STATUSES) });
  }
  if (written.sample_rate !== undefined) all.push({ kind: "sample_rate", rate: written.sample_rate });
  if (written.any !== undefined) all.push({ kind: "any", of: written.any });
  if (written.not !== undefined) {
    all.push({ kind: "not", of: Array.isArray(written.not) ? combine(written.not) : written.not });
  }
  return all;
}

function combine(conditions: readonly Condition[]): Condition {
  const [first] = conditions;
  return conditions.length === 1 && first !== undefined ? first : { kind: "all", of: conditions };
}

function numbersOf<Name extends string>(written: Name | readonly Name[], names: readonly Name[]): number[] {
  const list = typeof written === "string" ? [written] : written;
  return [...new Set(list.map((name) => names.indexOf(name)))];
}
