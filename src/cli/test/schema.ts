import { z } from "zod";
import { SIMPLE_ITEM_SHAPE } from "../../plan/simple-item.ts";

const NamesSchema = z.array(z.string().min(1));

const InputSchema = z
  .strictObject({
    ...SIMPLE_ITEM_SHAPE,
    request: z
      .record(z.string(), z.unknown())
      .optional()
      .describe("An OTLP export request in JSON, or one span, metric or log record, instead of the words."),
    file: z
      .string()
      .min(1)
      .optional()
      .describe("A file with such a request, JSON or protobuf; from the test file's folder."),
  })
  .describe("What comes in: an item in a few words, or a request. What is expected holds for each of its items.");

const ShareSchema = z
  .strictObject({
    of: z.string().min(1).describe("A rule or a target; `rule:x` or `target:x` where both have the name."),
    at_least: z.number().min(0).max(1).optional().describe("Lowest share that passes, 0 to 1."),
    at_most: z.number().min(0).max(1).optional().describe("Highest share that passes, 0 to 1."),
    over: z.int().min(1).max(100_000).default(1_000).describe("So many items are sent, each of a trace of its own."),
  })
  .describe("Of many items like this one, each of another trace: how many the rule or the target gets.");

const ExpectSchema = z
  .strictObject({
    rule: z.string().min(1).optional().describe("The rule that takes it; `(default)` for the default pool."),
    pool: z.string().min(1).optional().describe("The pool that it goes to."),
    target: z.string().min(1).optional().describe("The target that is picked first."),
    targets: NamesSchema.optional().describe(
      "Exactly the targets that it may go to, in any order; copies of broadcast count.",
    ),
    copies: NamesSchema.optional().describe("Exactly the rules, or their pools, that copy it, in any order."),
    unmatched: z
      .union([z.boolean(), z.enum(["refuse", "drop"])])
      .optional()
      .describe("Whether no rule takes it, or what becomes of it then."),
    channel: z
      .string()
      .min(1)
      .optional()
      .describe("Of keyed strategies: the case, the region, or the target that owns the key."),
    case: z
      .union([z.int().min(0), z.literal("otherwise")])
      .optional()
      .describe("Of the strategy content: the case, from 0."),
    share: ShareSchema.optional(),
  })
  .refine((expect) => Object.values(expect).some((value) => value !== undefined), "expects nothing");

const TestSchema = z.strictObject({
  name: z.string().min(1).describe("A sentence about what is to hold."),
  input: InputSchema,
  expect: ExpectSchema,
});

/** A file of routing tests. */
export const TestFileSchema = z
  .strictObject({
    config: z.string().min(1).optional().describe("The config that is tested; from this file's folder."),
    tests: z.array(TestSchema).min(1).describe("Run in this order, each on a config that nothing has happened to yet."),
  })
  .meta({ title: "Signalbox routing tests" });

export type RoutingTest = z.output<typeof TestSchema>;
export type Expectation = z.output<typeof ExpectSchema>;

/** JSON Schema (2020-12) of test files, for editors. */
export function testsJsonSchema(): object {
  return { ...z.toJSONSchema(TestFileSchema, { io: "input", target: "draft-2020-12" }) };
}
