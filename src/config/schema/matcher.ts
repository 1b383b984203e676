import { z } from "zod";
import type { Matcher, MatcherTest } from "../condition-type.ts";
import { splitGlob } from "../glob.ts";
import { RegexSchema } from "./regex.ts";

const ValueSchema = z.union([z.string(), z.number(), z.bigint(), z.boolean()]);

/** The tests of a matcher in its long form. */
export const MATCHER_SHAPE = {
  equals: ValueSchema.optional().describe("Is exactly this text, number or boolean."),
  glob: z.string().optional().describe("The whole text fits: `*` is any text, `\\*` an asterisk."),
  regex: RegexSchema.optional().describe("RE2 syntax; found anywhere in the text unless anchored."),
  contains: z.string().min(1).optional().describe("The text has this text in it."),
  in: z.array(ValueSchema).min(1).optional().describe("Is one of these."),
  exists: z.boolean().optional().describe("Is there at all, or with `false` is not there."),
  gt: z.number().optional().describe("Is a number greater than this."),
  gte: z.number().optional().describe("Is a number greater than or equal to this."),
  lt: z.number().optional().describe("Is a number less than this."),
  lte: z.number().optional().describe("Is a number less than or equal to this."),
};

const TestsSchema = z.strictObject(MATCHER_SHAPE);

export type WrittenTests = z.output<typeof TestsSchema>;

/** A text (with `*` as glob), a number, a boolean, or tests that must all hold. */
export const MatcherSchema = z
  .union([z.string(), z.number(), z.bigint(), z.boolean(), TestsSchema])
  .transform((written, context): Matcher => {
    if (typeof written !== "object") return { tests: [shortTest(written)] };
    const tests = readTests(written);
    if (tests.length === 0 && context.issues.length === 0)
      context.issues.push({ code: "custom", input: written, message: NO_TEST });
    return { tests };
  })
  .meta({ id: "Matcher", description: "A text (`*` is any text), a number, a boolean, or tests that must all hold." });

/** The normalised tests, in a fixed order. */
export function readTests(written: WrittenTests): MatcherTest[] {
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

const NO_TEST = `needs a test\none or more of ${Object.keys(MATCHER_SHAPE).join(", ")}`;

function shortTest(written: string | number | bigint | boolean): MatcherTest {
  if (typeof written !== "string" || !written.includes("*")) return { op: "equals", value: written };
  const parts = splitGlob(written);
  return parts.length === 1 ? { op: "equals", value: parts[0] ?? "" } : { op: "glob", pattern: written };
}
