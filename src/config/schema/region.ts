import { z } from "zod";
import { duration, NameSchema, RateSchema, size } from "./values.ts";

const RegionBatchSchema = z.strictObject({
  max_items: z.int().min(1).optional().describe("As in pools, for nodes of this region."),
  max_bytes: size(1).optional().describe("As in pools, for nodes of this region."),
  max_wait: duration(0).optional().describe("As in pools, for nodes of this region."),
});

const RegionRetrySchema = z.strictObject({
  initial: duration(1).optional().describe("As in pools, for nodes of this region."),
  max: duration(1).optional().describe("As in pools, for nodes of this region."),
  max_retries: z.int().min(0).optional().describe("As in pools, for nodes of this region."),
  budget: RateSchema.optional().describe("As in pools, for nodes of this region."),
});

export const RegionSchema = z.strictObject({
  sampling_rate: RateSchema.optional().describe("Multiplies the global rate."),
  routing_preference: z.array(NameSchema).min(1).optional().describe("Regions of targets to prefer, in order."),
  buffer_size: z.int().min(1).optional().describe("Items that a node of this region may hold."),
  batch: RegionBatchSchema.optional().describe("Overrides of the pools' batch."),
  retry: RegionRetrySchema.optional().describe("Overrides of the pools' retry."),
});
