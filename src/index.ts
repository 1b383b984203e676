/**
 * The library's public names, and the only barrel. `signalbox/config` has the config's schema and types by themselves;
 * nothing else of the package can be imported.
 */

// A node inside a process of your own: `await using node = await startNode(config, { clock, random, log, source })`.
export {
  type ConfigSource,
  type NodeAddresses,
  type RunningNode,
  type StartOptions,
  startNode,
} from "./server/start.ts";
export { fileSource, textSource } from "./server/config-source.ts";
export type { ApplyOutcome, ConfigStatus, ConfigWalk } from "./control/apply.ts";

// What a node is handed: time, chance, and where its log goes.
export { type Cancel, type Clock, systemClock } from "./core/clock.ts";
export { type Random, seededRandom, systemRandom } from "./core/random.ts";
export { createLog, type Log, type LogOptions, type RootLog } from "./telemetry/log.ts";

// What can go wrong: faults with a closed code, findings in a config, reasons for a "no".
export { ERROR_CODES, type ErrorCode, RouterError } from "./core/errors.ts";
export { formatProblem, type Problem } from "./core/problem.ts";
export { type Reason, REASONS } from "./core/reason.ts";

// From text to config to plan, without running anything.
export type { Condition, Matcher, MatcherTest } from "./config/condition-type.ts";
export { loadConfig, loadConfigFile, type LoadOptions, type LoadResult } from "./config/load.ts";
export type { Config } from "./config/schema/config.ts";
export { compile, type CompileOptions } from "./plan/compile.ts";
export type { Plan, PoolPlan, StrategyPlan, TargetPlan } from "./plan/plan.ts";
export type { DataPlane, DataPlaneStatus, PoolStatus, ShutdownReport, TargetStatus } from "./plan/data-plane.ts";

// What rules ask: a matcher over one value, a condition over resource and item.
export { compileMatcher, type ValueTest } from "./plan/matcher.ts";
export { compileCondition } from "./plan/condition.ts";
export type { Cond } from "./plan/route-plan.ts";
export { type Signal, SIGNALS } from "./otlp/signal.ts";

// How a pool picks a target.
export { createPicker, type PickerEnv } from "./data/balance/strategy.ts";
export type { BatchSize, Picker, PoolView, TargetGauge } from "./data/balance/picker.ts";
export {
  createStrategies,
  registerStrategy,
  type Strategies,
  type StrategyContext,
  type StrategyFactory,
} from "./data/balance/strategies.ts";
export type { Plugin, PluginHost } from "./data/plugins.ts";
