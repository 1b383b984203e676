import { z } from "zod";
import { ConditionSchema } from "./condition.ts";
import { AmountSchema, choice, duration, PRIORITY_NAMES, RateSchema, TextSchema } from "./values.ts";

/** The signals that are sampled: metrics never are. */
export const SAMPLED_SIGNALS = ["traces", "logs"] as const;

const SampledSignalsSchema = z
  .array(z.enum(SAMPLED_SIGNALS))
  .min(1)
  .default(["traces"])
  .describe("What it speaks of; logs are sampled only where a strategy names them.");

const PriorityRateSchema = z.strictObject({
  priority: z
    .enum(PRIORITY_NAMES)
    .describe("high: what it takes is protected, kept at this rate whatever else would lower it."),
  rate: RateSchema.describe("Share that is kept; for normal and low at most this."),
  services: z.array(TextSchema).min(1).optional().describe("Globs over service names, one of which must fit."),
  conditions: z.array(ConditionSchema).min(1).optional().describe("As in rules: all must hold."),
});

const FixedSchema = z
  .strictObject({
    type: z.literal("fixed"),
    signals: SampledSignalsSchema,
    rate: RateSchema.describe("Share that is kept of what is not protected."),
  })
  .describe("Always the same share.");

const AdaptiveSchema = z
  .strictObject({
    type: z.literal("adaptive"),
    signals: SampledSignalsSchema,
    min_rate: RateSchema.describe("It lowers nothing below this share."),
    max_rate: RateSchema.describe("Never more than this share of what is not protected."),
    target_qps: AmountSchema.describe("So many a second are kept, of all that is received."),
    unit: choice(["items", "bytes", "traces"]).describe("What target_qps counts; traces are spans without a parent."),
  })
  .describe("The share that keeps so many items a second.");

const PriorityBasedSchema = z
  .strictObject({
    type: z.literal("priority_based"),
    signals: SampledSignalsSchema,
    rules: z
      .array(PriorityRateSchema)
      .min(1)
      .optional()
      .describe("The first whose services and conditions fit decides; the one without either takes the rest."),
    high_priority_rate: RateSchema.optional().describe("Share of what rules of priority high take."),
    normal_rate: RateSchema.optional().describe("Share of what rules of priority normal take, and of the rest."),
    low_priority_rate: RateSchema.optional().describe("Share of what rules of priority low take."),
    high: RateSchema.optional().describe("Short for high_priority_rate."),
    normal: RateSchema.optional().describe("Short for normal_rate."),
    low: RateSchema.optional().describe("Short for low_priority_rate."),
  })
  .describe("By class: either rules, or a share for each priority of the rules that route.");

const CostBasedSchema = z
  .strictObject({
    type: z.literal("cost_based"),
    signals: SampledSignalsSchema,
    budget_per_hour: AmountSchema.describe("What may be spent in an hour."),
    cost_per_span: z.number().min(0).default(0).describe("What one item costs that is delivered to one pool."),
    cost_per_byte: z.number().min(0).default(0).describe("What one byte of it costs, in the same currency."),
    min_rate: RateSchema.default(0).describe("It lowers nothing below this share."),
  })
  .describe("The share that a budget pays for.");

export const SamplingStrategySchema = z.discriminatedUnion("type", [
  FixedSchema,
  AdaptiveSchema,
  PriorityBasedSchema,
  CostBasedSchema,
]);

const LogRandomnessSchema = z.union([
  z.literal("trace_id"),
  z.strictObject({ attribute: TextSchema.describe("An attribute of the log record, whose text is hashed.") }),
]);

const FallbackSchema = z.strictObject({
  after: duration(1_000)
    .prefault("5m")
    .describe("So long after the last directive it is followed as it is; then only within its share."),
  static_after: duration(1_000)
    .prefault("30m")
    .describe("So long after the last directive it is followed at all; then static_rate is."),
  static_rate: RateSchema.default(0.1).describe(
    "Share without a directive; never more than what the node may keep by itself.",
  ),
});

/** How sampling is done, whatever the strategies are. */
export const SamplingSchema = z.strictObject({
  randomness: choice(["trace_id", "hash"]).describe(
    "hash: 56 bits of the whole trace id, written as rv; for senders whose ids are not random at their end.",
  ),
  dry_run: z.boolean().default(false).describe("Decide and count; drop nothing and mark nothing."),
  logs: z
    .strictObject({
      randomness: z
        .array(LogRandomnessSchema)
        .min(1)
        .default(["trace_id"])
        .describe("Where a log record's randomness is from: the first that it has. Without any it is kept."),
    })
    .prefault({})
    .describe("For strategies that speak of logs."),
  fallback: FallbackSchema.prefault({}).describe("What holds while no directive comes."),
  polling_interval: duration(1_000)
    .prefault("60s")
    .describe(
      "How often sources ask what to send (node.listen.sampling_http); told is another rate every two at most.",
    ),
});

export type SamplingStrategyDocument = z.output<typeof SamplingStrategySchema>;
export type SampledSignal = (typeof SAMPLED_SIGNALS)[number];
