import { z } from "zod";
import { HEADER_NAME } from "../../core/header-name.ts";
import type { Condition, Matcher } from "../condition-type.ts";
import { MATCHER_SHAPE, MatcherSchema, readTests, type WrittenTests } from "./matcher.ts";
import { RateSchema } from "./rate.ts";
import { SeveritySchema } from "./severity.ts";

/** In the order of their numbers: opentelemetry.proto.trace.v1.Span.SpanKind. */
export const SPAN_KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"] as const;
/** In the order of their numbers: opentelemetry.proto.trace.v1.Status.StatusCode. */
export const SPAN_STATUSES = ["unset", "ok", "error"] as const;

export type MatcherInput = z.input<typeof MatcherSchema>;

/** What people write: every key is a condition, all of them must hold. */
export interface ConditionInput {
  readonly service_name?: MatcherInput | undefined;
  readonly span_kind?: SpanKind | readonly SpanKind[] | undefined;
  readonly span_name?: MatcherInput | undefined;
  readonly span_status?: SpanStatus | readonly SpanStatus[] | undefined;
  readonly severity?: z.input<typeof SeveritySchema> | undefined;
  readonly metric_name?: MatcherInput | undefined;
  readonly attribute?: z.input<typeof KeyedSchema> | undefined;
  readonly resource?: z.input<typeof KeyedSchema> | undefined;
  readonly scope_name?: MatcherInput | undefined;
  readonly region?: MatcherInput | undefined;
  readonly header?: z.input<typeof HeaderSchema> | undefined;
  readonly sample_rate?: number | undefined;
  readonly any?: readonly ConditionInput[] | undefined;
  readonly not?: ConditionInput | readonly ConditionInput[] | undefined;
}

type SpanKind = (typeof SPAN_KINDS)[number];
type SpanStatus = (typeof SPAN_STATUSES)[number];

const SpanKindSchema = z.enum(SPAN_KINDS);
const SpanStatusSchema = z.enum(SPAN_STATUSES);

const KeyedSchema = z
  .strictObject({ key: z.string().min(1).describe("Name of the attribute."), ...MATCHER_SHAPE })
  .transform(({ key, ...written }) => ({ key, match: keyedMatch(written) }));

const HeaderSchema = z
  .strictObject({
    key: z.string().regex(HEADER_NAME, "is not a valid header name").describe("Name of the header, in any case."),
    ...MATCHER_SHAPE,
  })
  .transform(({ key, ...written }) => ({ key: key.toLowerCase(), match: keyedMatch(written) }));

/** With a key alone it is asked whether it is there. */
function keyedMatch(written: WrittenTests): Matcher {
  const tests = readTests(written);
  return { tests: tests.length > 0 ? tests : [{ op: "exists", want: true }] };
}

/** Built on first use, because conditions contain conditions. */
const buildConditionObject = () =>
  z.strictObject({
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
    sample_rate: RateSchema.optional().describe(
      "This share of the traces, by trace id; the same traces on every node.",
    ),
    any: z.array(ConditionSchema).min(1).optional().describe("One of these conditions holds."),
    not: z
      .union([z.array(ConditionSchema).min(1), ConditionSchema])
      .optional()
      .describe("The condition does not hold; of a list: not all of them hold."),
  });

type Written = z.output<ReturnType<typeof buildConditionObject>>;

/** One entry of `conditions`. */
export const ConditionSchema: z.ZodType<Condition, ConditionInput> = z
  .lazy(() =>
    buildConditionObject().transform((written, context): Condition => {
      const all = readConditions(written);
      if (all.length === 0 && context.issues.length === 0)
        context.issues.push({
          code: "custom",
          input: written,
          message: "needs a condition\none or more of " + CONDITION_KEYS,
        });
      return combine(all);
    }),
  )
  .meta({ id: "Condition", description: "One or more conditions; all of them must hold." });

function readConditions(written: Written): Condition[] {
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

const CONDITION_KEYS =
  "service_name, span_kind, span_name, span_status, severity, metric_name, attribute, resource, scope_name, region, header, sample_rate, any, not";

function combine(conditions: readonly Condition[]): Condition {
  const [first] = conditions;
  return conditions.length === 1 && first !== undefined ? first : { kind: "all", of: conditions };
}

function numbersOf<Name extends string>(written: Name | readonly Name[], names: readonly Name[]): number[] {
  const list = typeof written === "string" ? [written] : written;
  return [...new Set(list.map((name) => names.indexOf(name)))];
}
