import { z } from "zod";
import type { Condition } from "../condition-type.ts";
import type { CollectorSelection } from "./discovery.ts";
import { FleetSchema, type FleetDocument } from "./fleet.ts";
import { NodeSchema, type NodeDocument } from "./node.ts";
import type { PoolDocument, RuleDocument } from "./pool.ts";
import type { StrategyDocument } from "./strategy.ts";

/** The whole document, as people write it: two schemas with two owners, in one file. */
export const ConfigSchema = z
  .strictObject({
    node: NodeSchema.prefault({}).describe("This process. All below it is the fleet's."),
    ...FleetSchema.shape,
  })
  .meta({ title: "Signalbox configuration" });

/** What the schema gives: defaults applied, values normalised, references not yet resolved. */
export type SchemaDocument = z.output<typeof ConfigSchema>;
/** What people write. */
export type ConfigInput = z.input<typeof ConfigSchema>;

/** `plugins` are whole paths of modules. */
export type NodeConfig = Omit<NodeDocument, "listen"> & {
  readonly listen: { readonly [Name in keyof Listen]: WithRegion<Exclude<Listen[Name], false>> | false };
};
export type GrpcListenerConfig = Exclude<NodeConfig["listen"]["otlp_grpc"], false>;
export type HttpListenerConfig = Exclude<NodeConfig["listen"]["otlp_http"], false>;
export type SamplingListenerConfig = Exclude<NodeConfig["listen"]["sampling_http"], false>;
export type TargetConfig = FleetDocument["targets"][number] & {
  /** Of one that its pool finds: the nodes of the fleet that it stands for. */
  readonly collectors?: CollectorSelection;
};
export type GlobalConfig = Omit<FleetDocument["global"], "routing_rules">;
export type RegionConfig = FleetDocument["regions"][string];

/** Durations are milliseconds, sizes bytes, sets of targets are ids in order. */
export type PoolConfig = Omit<PoolDocument, "targets" | "strategy"> & {
  readonly targets: readonly string[];
  readonly strategy: StrategyConfig;
};

type Listen = NodeDocument["listen"];
/** A listener that knows its region: its own, or the node's. Those of sampling have none. */
type WithRegion<Listener> = "region" extends keyof Listener
  ? Omit<Listener, "region"> & { readonly region: string }
  : Listener;

type ContentDocument = Extract<StrategyDocument, { type: "content" }>;

/** `content` with its targets resolved; all others as written, defaults applied. */
export type StrategyConfig =
  | Exclude<StrategyDocument, ContentDocument>
  | {
      readonly type: "content";
      readonly cases: readonly { readonly conditions: readonly Condition[]; readonly targets: readonly string[] }[];
      readonly otherwise: readonly string[];
    };

/** A rule whose pool is always a name: pools in place stand in `pools` as `rule:<id>`. */
export type RuleConfig = Pick<RuleDocument, "id" | "priority" | "signals" | "mode" | "conditions"> & {
  readonly pool: string;
};

/**
 * A config that can be compiled: valid, defaults applied, short forms expanded, every reference
 * known to resolve.
 */
export interface Config extends FleetConfig {
  readonly node: NodeConfig;
}

/**
 * What is the fleet's of a config, and so the same on each of its nodes. Pools in place are
 * `rule:<id>` and `default`; global.routing_rules are rules `global:<index>` after the written
 * ones.
 */
export interface FleetConfig {
  readonly targets: readonly TargetConfig[];
  readonly pools: Readonly<Record<string, PoolConfig>>;
  readonly rules: readonly RuleConfig[];
  /** A name under `pools`; undefined: what no rule matches is treated as `unmatched` says. */
  readonly default_pool: string | undefined;
  readonly unmatched: "refuse" | "drop";
  readonly global: GlobalConfig;
  readonly regions: Readonly<Record<string, RegionConfig>>;
}
