import { z } from "zod";
import { ConditionSchema } from "./condition.ts";
import { DnsDiscoverySchema, MemberDiscoverySchema } from "./discovery.ts";
import { DEFAULT_STRATEGY, StrategySchema, TargetSetSchema } from "./strategy.ts";
import {
  ALL_SIGNALS,
  choice,
  CountSchema,
  duration,
  length,
  NameSchema,
  PrioritySchema,
  SignalsSchema,
  size,
} from "./values.ts";

const QueueSchema = z.strictObject({
  storage: choice(["memory", "disk"]).describe("Where parcels wait."),
  max_bytes: size(1).prefault("64MiB").describe("The queue holds no more than this."),
  max_age: duration(1).prefault("5m").describe("A parcel older than this is given up."),
  when_full: choice(["refuse", "drop_oldest"]).describe("Refuse what comes, or give up what is oldest."),
});

const BatchSchema = z.strictObject({
  max_items: CountSchema.default(8_192).describe(
    "A call has no more items than this; a larger request leaves in several.",
  ),
  max_bytes: length(1)
    .prefault("4MiB")
    .describe(
      "A call has no more bytes than this, before compression; a larger request leaves in several, a single item as it is.",
    ),
  max_wait: duration(0)
    .prefault("0s")
    .describe("How long a parcel waits for a batch to fill although a target has room."),
});

const RetrySchema = z.strictObject({
  initial: duration(1).prefault("500ms").describe("Longest wait before the first retry; it doubles each time."),
  max: duration(1).prefault("30s").describe("No wait is longer than this."),
  max_retries: z
    .int()
    .min(0)
    .optional()
    .describe("Tries after the first; default: until the deadline or queue.max_age."),
  budget: z
    .number()
    .min(0)
    .max(1)
    .default(0.2)
    .describe("Share of requests that may be retries; at least 10 a second may be."),
});

/** Besides what `content` chooses by, what is found: addresses of a name, nodes of the fleet. */
const PoolTargetsSchema = z.union([...TargetSetSchema.options, DnsDiscoverySchema, MemberDiscoverySchema]).meta({
  id: "PoolTargets",
  description:
    "Ids of targets in order, a selector over all targets, a name whose addresses are used, or nodes of the fleet.",
});

/** How a pool delivers: shared by pools and by rules that have their pool in place. */
const DELIVERY_SHAPE = {
  strategy: StrategySchema.prefault(DEFAULT_STRATEGY).describe(
    "How a target is picked: a name, or its type and options.",
  ),
  ack: choice(["delivered", "queued", "stored"]).describe(
    "When senders are told of success: after the target's answer, on entering the queue, or after the disk queue's fsync.",
  ),
  queue: QueueSchema.prefault({}).describe("Where parcels wait for a target."),
  batch: BatchSchema.prefault({}).describe("How parcels are gathered while targets are busy."),
  retry: RetrySchema.prefault({}).describe("How failed calls are tried again: exponential, with full jitter."),
  fallback: NameSchema.optional().describe("Pool that takes over when this one is full or has no usable target."),
  when_down: choice(["next_rule", "hold", "refuse"]).describe(
    "When no target is usable: go on with the next rule that matches, keep in the queue, or refuse.",
  ),
  compressed: choice(["inflate", "pass_through"]).describe(
    "Requests that come compressed: read like all others, or passed on to targets with the same compression as they came, where nothing has to be read of them. Then their items are not counted.",
  ),
  adaptive_weights: z.boolean().default(false).describe("Let weights follow the targets' load."),
};

export const PoolSchema = z
  .strictObject({
    targets: PoolTargetsSchema.describe(
      "Ids of targets in order, a selector on region and tags, the addresses behind a name, or nodes of the fleet.",
    ),
    ...DELIVERY_SHAPE,
  })
  .meta({ id: "Pool", description: "Targets with one strategy and one queue." });

export type PoolDocument = z.output<typeof PoolSchema>;

/** Keys of a rule that belong to its pool in place and have no meaning beside `pool`. */
export const IN_PLACE_KEYS: readonly string[] = Object.keys(DELIVERY_SHAPE);

export const RuleSchema = z.strictObject({
  id: NameSchema.describe("Unique among the rules."),
  priority: PrioritySchema.prefault("normal").describe(
    "Higher is tried first: a number, or high (1000), normal (500), low (100). Equal: in file order.",
  ),
  signals: SignalsSchema.default([...ALL_SIGNALS]).describe("Signals that the rule is for."),
  mode: choice(["first", "copy"]).describe("Stop here, or send a copy and go on with the next rules."),
  conditions: z.array(ConditionSchema).default([]).describe("All must hold; none: always."),
  pool: NameSchema.optional().describe("Where matching items go: a name under `pools`. Either this, or `targets`."),
  targets: PoolTargetsSchema.optional().describe("A pool in place: its targets. What follows belongs to it."),
  ...DELIVERY_SHAPE,
});

export type RuleDocument = z.output<typeof RuleSchema>;

/** A rule but for its conditions, and all that is of a pool in place. */
export const RuleHeadSchema = RuleSchema.pick({ id: true, priority: true, signals: true, mode: true, pool: true });

/** What a rule has of a pool in place where it says nothing of one. */
export const NOTHING_IN_PLACE = z.strictObject(DELIVERY_SHAPE).parse({});
