import { z } from "zod";
import { ConditionSchema } from "./condition.ts";
import { choice, duration, NameSchema, TextSchema } from "./values.ts";

const NOTHING_SELECTED = 'needs region or tags\nall targets: { region: "*" }';

export const SelectorSchema = z
  .strictObject({
    region: TextSchema.optional().describe("Glob over the targets' regions."),
    tags: z.record(z.string(), z.string()).optional().describe("Globs over the targets' tags, all of which must fit."),
  })
  .check((context) => {
    const { region, tags } = context.value;
    if (region !== undefined || tags !== undefined || context.issues.length > 0) return;
    context.issues.push({ code: "custom", input: context.value, message: NOTHING_SELECTED });
  });

/** Targets by id, in order, or by a selector, in the order of `targets`. */
export const TargetSetSchema = z
  .union([z.array(NameSchema).min(1), SelectorSchema])
  .meta({ id: "Targets", description: "Ids of targets in order, or a selector over all targets." });

export type TargetSelection = z.output<typeof TargetSetSchema>;

const CaseSchema = z.strictObject({
  conditions: z.array(ConditionSchema).describe("All must hold; none: always."),
  targets: TargetSetSchema.describe("Where items go for which they hold; targets of this pool."),
});

const HashKeySchema = z.union([
  z.enum(["trace_id", "service_name"]),
  z.strictObject({ attribute: TextSchema.describe("An attribute of the item.") }),
  z.strictObject({ resource: TextSchema.describe("An attribute of the resource.") }),
]);

/** Any values that JSON holds as they are: a plan with them may be sent to other processes. */
const PluginOptionsSchema = z.record(z.string(), z.unknown()).check(({ value, issues }) => {
  for (const { path, input } of unholdable(value, [])) issues.push({ code: "custom", input, path, message: NO_JSON });
});

const NO_JSON = "is a number that JSON does not hold as it is\nwrite it as a text, in quotes";

type OptionPath = (string | number)[];

function unholdable(input: unknown, path: OptionPath): { readonly path: OptionPath; readonly input: unknown }[] {
  if (typeof input === "bigint" || (typeof input === "number" && !Number.isFinite(input))) return [{ path, input }];
  if (typeof input !== "object" || input === null) return [];
  if (Array.isArray(input)) return input.flatMap((entry, i) => unholdable(entry, [...path, i]));
  return Object.entries(input).flatMap(([key, entry]) => unholdable(entry, [...path, key]));
}

/** The long form; every strategy but `content` and `plugin` also has a short one, its name. */
const StrategyObjectSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("round_robin") }).describe("In turn."),
  z.strictObject({ type: z.literal("weighted_round_robin") }).describe("In turn, by weight, smoothly interleaved."),
  z.strictObject({ type: z.literal("weighted_random") }).describe("At random, by weight."),
  z.strictObject({ type: z.literal("least_connections") }).describe("Fewest calls in flight for its weight."),
  z
    .strictObject({
      type: z.literal("latency"),
      pick: choice(["lowest", "within"]).describe("The fastest, or any within the threshold."),
      threshold: duration(1).optional().describe("For `pick: within`: targets faster than this share the load."),
    })
    .describe("By measured latency."),
  z
    .strictObject({
      type: z.literal("geography"),
      // oxlint-disable-next-line unicorn/no-thenable -- the word people write; a list, so nothing can await it
      then: z.array(NameSchema).default([]).describe("Regions to try after the item's own, in order."),
    })
    .describe("The item's region first, then others, then `default`, then any."),
  z
    .strictObject({
      type: z.literal("content"),
      cases: z.array(CaseSchema).min(1).describe("The first case whose conditions hold decides."),
      otherwise: TargetSetSchema.optional().describe("Where the rest goes; default: all targets of the pool."),
    })
    .describe("By the item's content, inside one pool."),
  z
    .strictObject({
      type: z.literal("consistent_hash"),
      key: HashKeySchema.default("trace_id").describe(
        "What is hashed: trace_id, service_name, { attribute: key } or { resource: key }.",
      ),
    })
    .describe("The same key always goes to the same target."),
  z
    .strictObject({
      type: z.literal("load_latency"),
      load_weight: z.number().min(0).default(0.7).describe("Share of load in the score."),
      latency_weight: z.number().min(0).default(0.3).describe("Share of latency in the score."),
    })
    .describe("By a score of load and latency."),
  z
    .strictObject({
      type: z.literal("failover"),
      return_after: duration(0)
        .prefault("10s")
        .describe("How long an earlier target must have been healthy to be used again."),
    })
    .describe("The first usable target, in order."),
  z.strictObject({ type: z.literal("broadcast") }).describe("Every usable target gets a copy."),
  z
    .strictObject({
      type: z.literal("plugin"),
      name: NameSchema.describe("The name under which one of the `node.plugins` registered it."),
      options: PluginOptionsSchema.default({}).describe("Handed to the plugin as they are."),
    })
    .describe("Of a plugin; its name alone, or as `type` with the options beside it, means the same."),
]);

export type StrategyDocument = z.output<typeof StrategyObjectSchema>;

/** Names that are a whole strategy by themselves. */
export const SHORT_STRATEGIES = [
  "round_robin",
  "weighted_round_robin",
  "weighted_random",
  "least_connections",
  "latency",
  "geography",
  "consistent_hash",
  "load_latency",
  "failover",
  "broadcast",
] as const;

/** All values of `type`. */
export const STRATEGY_TYPES = [...SHORT_STRATEGIES, "content", "plugin"] as const;

export const DEFAULT_STRATEGY = "weighted_round_robin";

/** How a pool picks a target: a name, or `{ type, ...options }`. */
export const StrategySchema = z
  .union([
    z.enum(SHORT_STRATEGIES, { error: shortContent }).transform((type) => StrategyObjectSchema.parse({ type })),
    StrategyObjectSchema,
  ])
  .meta({ id: "Strategy", description: "How a pool picks a target: a name, or { type, ...options }." });

/** `content` is the one strategy that cannot be told by its name alone. */
function shortContent(issue: { readonly input: unknown }): string | undefined {
  return issue.input === "content" ? "content needs cases\nwrite { type: content, cases: [...] }" : undefined;
}
