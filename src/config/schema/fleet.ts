import { z } from "zod";
import { GlobalSchema } from "./global.ts";
import { PoolSchema, RuleSchema } from "./pool.ts";
import { RegionSchema } from "./region.ts";
import { TargetSchema } from "./target.ts";
import { NameSchema } from "./values.ts";

/** What is the fleet's: the same on each of its nodes, and nothing of any one of them. */
export const FleetSchema = z.strictObject({
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
  unmatched: z
    .enum(["refuse", "drop"])
    .default("refuse")
    .describe("What happens to items that no rule matches when there is no default_pool."),
  global: GlobalSchema.prefault({}).describe("Sampling, limits and routing of the whole fleet."),
  regions: z.record(NameSchema, RegionSchema).default({}).describe("What is different in a region, by its name."),
});

export type FleetDocument = z.output<typeof FleetSchema>;
