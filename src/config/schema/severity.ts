import { z } from "zod";
import type { Matcher, MatcherTest } from "../condition-type.ts";

/** OTLP's names in order of SeverityNumber, from 1: TRACE, TRACE2, .. FATAL4. */
export const SEVERITY_NAMES = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].flatMap((name) =>
  ["", "2", "3", "4"].map((step) => `${name}${step}`),
);

const NumberSchema = z.int().min(1).max(24);
const NameSchema = z.enum(SEVERITY_NAMES);
const LevelSchema = z
  .union([NameSchema, NumberSchema])
  .meta({ id: "SeverityLevel", description: "TRACE, TRACE2 .. FATAL4, or 1 to 24." });

const TestsSchema = z.strictObject({
  equals: LevelSchema.optional().describe("Exactly this level; a name without a number covers its four steps."),
  in: z.array(LevelSchema).min(1).optional().describe("One of these levels."),
  gt: LevelSchema.optional().describe("Above this level, and all its steps."),
  gte: LevelSchema.optional().describe("This level or above."),
  lt: LevelSchema.optional().describe("Below this level."),
  lte: LevelSchema.optional().describe("This level, with all its steps, or below."),
});

/** A level (name or 1..24), or tests that must all hold; gives tests over SeverityNumber. */
export const SeveritySchema = z
  .union([NameSchema, NumberSchema, TestsSchema])
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
      context.issues.push({ code: "custom", input: written, message: NO_TEST });
    return { tests };
  });

const NO_TEST = "needs a test\none or more of equals, in, gt, gte, lt, lte";

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
