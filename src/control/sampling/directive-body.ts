import { z } from "zod";
import { BUDGET_STATES } from "../../plan/sampling/budget-state.ts";
import { RATE_REASONS } from "../../plan/sampling/class-rate.ts";
import type { SamplingDirective } from "../../plan/sampling/sampling-directive.ts";
import { checkShape, type Shaped } from "../../store/recipes/json-value.ts";
import { reasonOf } from "../../core/errors.ts";

/** The scope of directives that say what is kept. */
export const SAMPLING_SCOPE = "sampling";

const share = z.number().min(0).max(1);
const quantity = z.number().min(0);

const RateSchema = z.object({
  signal: z.enum(["traces", "logs"]),
  class: z.string().max(128),
  region: z.string().max(128).optional(),
  probability: share,
  /** One of another version is a reason all the same. */
  reason: z.enum(RATE_REASONS).catch("budget"),
  by: z.string().max(128).optional(),
  source: z.object({ rate: share.gt(0), reach: share.gt(0) }).optional(),
});

const StrategySchema = z.object({
  name: z.string().max(128),
  state: z.enum(BUDGET_STATES).catch("on_target"),
  rate: share,
  allowedPerSecond: quantity,
  keptPerSecond: quantity,
  spent: z.object({ hour: quantity, spent: quantity, budget: quantity }).optional(),
});

const SamplingDirectiveSchema = z.object({
  rates: z.array(RateSchema),
  held: z.record(z.string(), share).default({}),
  summaries: z.record(z.string(), z.int().min(0)).default({}),
  equalShare: quantity.default(0),
  strategies: z.array(StrategySchema).default([]),
});

export function readSamplingDirective(body: string): Shaped<SamplingDirective> {
  try {
    return checkShape(JSON.parse(body), SamplingDirectiveSchema);
  } catch (cause) {
    return { ok: false, reason: `it is no JSON: ${reasonOf(cause)}` };
  }
}
