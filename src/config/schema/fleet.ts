import { z } from "zod";
import { RateLimitingSchema } from "./limiting.ts";
import { PoolSchema, RuleSchema } from "./pool.ts";
import { SamplingSchema, SamplingStrategySchema } from "./sampling.ts";
import { TargetSchema } from "./target.ts";
import { choice, CountSchema, duration, NameSchema, PrioritySchema, RateSchema, size, TextSchema } from "./values.ts";

const DegradationSchema = z.strictObject({
  enabled: z.boolean().default(true).describe("Whether load may make nodes and the fleet do with less."),
  threshold: RateSchema.describe(
    "Load of the fleet above which the rate moves to target_rate; see docs/degradation.md.",
  ),
  target_rate: RateSchema.describe("Share that is kept at most under overload of what is not protected."),
  recovery_threshold: RateSchema.describe(
    "What the load without it has to be below for the rate to move back; not above threshold.",
  ),
  min_dwell: duration(0)
    .prefault("30s")
    .describe("It lasts so long at least; twice as long, up to 10m, each time it comes back within 10m."),
  predictive: z.boolean().default(false).describe("Begin when the load is forecast to pass the threshold in a minute."),
});
export type DegradationDocument = z.output<typeof DegradationSchema>;

const RoutingRuleSchema = z.strictObject({
  service: TextSchema.describe("Glob over the service name."),
  target_region: NameSchema.describe("Matching services go to all targets of this region."),
  priority: PrioritySchema.prefault("normal").describe("As in rules."),
});

const GlobalSchema = z.strictObject({
  sampling_rate: RateSchema.optional().describe(
    "Share that is kept at most of what no rule of a priority_based strategy takes; default: all.",
  ),
  sampling: SamplingSchema.prefault({}).describe("How it is sampled, whatever the strategies are."),
  sampling_strategies: z.array(SamplingStrategySchema).default([]).describe("All apply; the lowest rate wins."),
  degradation: DegradationSchema.optional().describe("What to give up under overload."),
  rate_limiting: RateLimitingSchema.optional().describe("How much is let in."),
  routing_rules: z.array(RoutingRuleSchema).default([]).describe("Short form of rules: services by region."),
  metadata: z.record(z.string(), z.string()).default({}).describe("Free notes that travel with the config."),
});

const RegionBatchSchema = z.strictObject({
  max_items: CountSchema.optional().describe("As in pools, for nodes of this region."),
  max_bytes: size(1).optional().describe("As in pools, for nodes of this region."),
  max_wait: duration(0).optional().describe("As in pools, for nodes of this region."),
});

const RegionRetrySchema = z.strictObject({
  initial: duration(1).optional().describe("As in pools, for nodes of this region."),
  max: duration(1).optional().describe("As in pools, for nodes of this region."),
  max_retries: z.int().min(0).optional().describe("As in pools, for nodes of this region."),
  budget: RateSchema.optional().describe("As in pools, for nodes of this region."),
});

const RegionSchema = z
  .strictObject({
    sampling_rate: RateSchema.optional().describe(
      "Share that nodes of this region keep at most of what is not protected.",
    ),
    routing_preference: z
      .array(NameSchema)
      .min(1)
      .optional()
      .describe("Regions, or ids of targets, that nodes of this region would rather send to, in order."),
    buffer_size: CountSchema.optional().describe(
      "Items that a pool may hold on a node of this region, beside its queue.max_bytes.",
    ),
    batch: RegionBatchSchema.optional().describe("Overrides of the pools' batch."),
    retry: RegionRetrySchema.optional().describe("Overrides of the pools' retry."),
  })
  .meta({ id: "Region", description: "What is different on nodes of a region." });

/**
 * The newest form of documents that this build reads. A document that takes more than an older one
 * can say raises it; members of a fleet report theirs.
 */
export const NEWEST_SCHEMA = 1;

/** What is the fleet's: the same on each of its nodes, and nothing of any one of them. */
export const FleetSchema = z.strictObject({
  schema: z
    .int()
    .min(1)
    .max(NEWEST_SCHEMA, `is newer than this version of Signalbox reads: ${NEWEST_SCHEMA}`)
    .default(1)
    .describe("The form of the document, so that nodes which cannot read it yet say so."),
  targets: z.array(TargetSchema).default([]).describe("Where data is sent to."),
  pools: z
    .record(NameSchema, PoolSchema)
    .default({})
    .describe("Sets of targets with one strategy and one queue, by name."),
  rules: z.array(RuleSchema).default([]).describe("Which items go to which pool."),
  default_pool: z
    .union([NameSchema, PoolSchema])
    .optional()
    .describe("Where items go that no rule matches: a name, or a pool in place. Without pools and rules: all targets."),
  unmatched: choice(["refuse", "drop"]).describe(
    "What happens to items that no rule matches when there is no default_pool.",
  ),
  global: GlobalSchema.prefault({}).describe("Sampling, limits and routing of the whole fleet."),
  regions: z.record(NameSchema, RegionSchema).default({}).describe("What is different in a region, by its name."),
});

export type FleetDocument = z.output<typeof FleetSchema>;
