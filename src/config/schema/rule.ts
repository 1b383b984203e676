import { z } from "zod";
import { ConditionSchema } from "./condition.ts";
import { NameSchema } from "./name.ts";
import { DELIVERY_SHAPE } from "./pool.ts";
import { PrioritySchema } from "./priority.ts";
import { ALL_SIGNALS, SignalsSchema } from "./signal.ts";
import { TargetSetSchema } from "./target-set.ts";

/** Keys of a rule that belong to its pool in place and have no meaning beside `pool`. */
export const IN_PLACE_KEYS: readonly string[] = Object.keys(DELIVERY_SHAPE);

export const RuleSchema = z.strictObject({
  id: NameSchema.describe("Unique among the rules."),
  priority: PrioritySchema.prefault("normal").describe(
    "Higher is tried first: a number, or high (1000), normal (500), low (100). Equal: in file order.",
  ),
  signals: SignalsSchema.default([...ALL_SIGNALS]).describe("Signals that the rule is for."),
  mode: z.enum(["first", "copy"]).default("first").describe("Stop here, or send a copy and go on with the next rules."),
  conditions: z.array(ConditionSchema).default([]).describe("All must hold; none: always."),
  pool: NameSchema.optional().describe("Where matching items go: a name under `pools`. Either this, or `targets`."),
  targets: TargetSetSchema.optional().describe("A pool in place: its targets. What follows belongs to it."),
  ...DELIVERY_SHAPE,
});

export type RuleDocument = z.output<typeof RuleSchema>;
