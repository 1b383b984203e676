export type { Condition, Matcher, MatcherTest, MatcherValue } from "./condition-type.ts";
export { type ConfigChange, diffConfigs } from "./diff.ts";
export { configJsonSchema } from "./json-schema.ts";
export { type LoadOptions, type LoadResult, loadConfig, loadConfigFile } from "./load.ts";
export type { Address } from "./schema/address.ts";
export type { ConditionInput } from "./schema/condition.ts";
export {
  type Config,
  type ConfigInput,
  ConfigSchema,
  type FleetConfig,
  type GlobalConfig,
  type GrpcListenerConfig,
  type HttpListenerConfig,
  type NodeConfig,
  type PoolConfig,
  type RegionConfig,
  type RuleConfig,
  type StrategyConfig,
  type TargetConfig,
} from "./schema/config.ts";
export { FleetSchema } from "./schema/fleet.ts";
export { NodeSchema } from "./schema/node.ts";
export type { Problem } from "../core/problem.ts";
export type { Secret } from "../core/secret.ts";
