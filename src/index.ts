/**
 * The library's public names, and the only barrel: docs/library.md shows each at work.
 * `signalbox/config` has the config's schema and types by themselves; nothing else of the package
 * can be imported.
 */

// A node inside a process of your own:
// `await using node = await startNode(config, { clock, random, log, source })`.
export type { RunningNode, StartOptions } from "./server/running-node.ts";
export { startNode } from "./server/start.ts";
export type { NodeAddresses } from "./server/node-addresses.ts";
export { type ConfigSource, fileSource, textSource } from "./server/config-source.ts";
export type { ConfigStatus, ConfigWalk } from "./control/apply.ts";

// A router without listeners: rules that change, routes, deliveries.
export { createRouter } from "./server/embed/router.ts";
export type { EmbeddedRouter, OtlpRequest, RuleInput, SendOptions } from "./server/embed/router.ts";
export type { ConfigDocument, DocumentOptions, Written } from "./server/embed/parts.ts";
export type { EmbedOptions } from "./server/embed/parts.ts";
export type { Route, RoutedCopy, RoutedTarget } from "./server/embed/route.ts";
export type { SimpleItem, SimpleValue } from "./plan/simple-item.ts";
export type { Reply } from "./data/receive/request.ts";
export type { LedgerRow, MetricsSnapshot, PassedRow, SeriesSnapshot, Snapshot } from "./core/snapshot.ts";
export type {
  ChannelExplanation,
  ConditionExplanation,
  Explanation,
  ExplainRequest,
  ItemExplanation,
  ItemSummary,
  PickExplanation,
  PlaceExplanation,
  PoolNow,
  Refused,
  RuleExplanation,
  RuleOutcome,
  TargetExplanation,
} from "./plan/explanation.ts";

// Batches of anything: by number, and by time.
export { type BatchHandler, type Batcher, type BatcherOptions, openBatcher } from "./server/embed/batcher.ts";

// The route table: of a router and of a node.
export type { Element, Guard, RouteTable, VersionView } from "./control/route-table.ts";
export type { ApplyOutcome, ChangeOutcome } from "./control/apply-outcome.ts";
export type { Edit, Section } from "./control/document/element.ts";
export type { Wanted } from "./control/document/prepare.ts";
export type { DocumentDiff } from "./control/document/compare.ts";
export type { VersionInfo } from "./control/history/entry.ts";

// Targets and their health: checked while they are open, and checked by what is sent to them.
export { openTargets, type OpenTargets, type TargetInput } from "./server/embed/targets.ts";
export type { BalancerOptions, TargetSet } from "./data/target-set.ts";
export type { RetryReason, SendOutcome } from "./data/send-outcome.ts";
export type {
  CheckResult,
  CheckStatus,
  DataPlane,
  DataPlaneStatus,
  OperatorState,
  OperatorOverride,
  PoolStatus,
  PreparedPlan,
  ShutdownReport,
  TargetState,
  TargetStatus,
} from "./plan/data-plane.ts";
export {
  DEFAULT_HEALTH,
  type Health,
  type HealthPolicy,
  type HealthReason,
  initialHealth,
  isUsable,
  shareOf,
} from "./data/health/health.ts";
export { type HealthEvent, type Recent, stepHealth } from "./data/health/step-health.ts";

// How a pool picks a target: over live targets, or over any view of a pool.
export type { Balancer } from "./data/balance/balancer.ts";
export { createPicker, type PickerEnv } from "./data/balance/strategy.ts";
export type { Preview } from "./data/balance/forecast.ts";
export type { BatchSize, Picker, PoolView, TargetGauge } from "./data/balance/picker.ts";
export { type KeyOwners, type KeyTarget, openKeyOwners, type OwnerView } from "./data/balance/key-owners.ts";

// Strategies of your own.
export {
  createStrategies,
  registerStrategy,
  type Strategies,
  type StrategyContext,
  type StrategyFactory,
} from "./data/balance/strategies.ts";
export type { Plugin, PluginHost } from "./data/balance/plugins.ts";

// What a node or router is handed: time, chance, and where its log goes.
export { type Cancel, type Clock, systemClock } from "./core/clock.ts";
export { type Random, seededRandom, systemRandom } from "./core/random.ts";
export { createLog, type Log, type LogOptions, type RootLog } from "./telemetry/log.ts";

// What can go wrong: faults with a closed code, findings in a config, reasons for a "no".
export { ERROR_CODES, type ErrorCode, RouterError } from "./core/errors.ts";
export { formatProblem, type Problem } from "./core/problem.ts";
export { type Reason, REASONS, type Refusal } from "./core/reason.ts";

// From text to config to plan, without running anything.
export type { Condition, Matcher, MatcherTest } from "./config/condition-type.ts";
export { loadConfig, loadConfigFile, type LoadOptions, type LoadResult } from "./config/load.ts";
export type { Config, ConfigInput, FleetConfig, NodeConfig } from "./config/schema/config.ts";
export { compile, type CompileOptions, type NodePart } from "./plan/compile.ts";
export type { PlanData } from "./plan/plan-data.ts";
export { bindPlan } from "./plan/bind.ts";
export type { SecretReader } from "./plan/secrets.ts";
export type { Plan, PoolPlan, StrategyPlan, TargetPlan } from "./plan/plan.ts";

// What rules ask: a matcher over one value, a condition over resource and item.
export { compileMatcher, type ValueTest } from "./plan/matcher.ts";
export { compileCondition } from "./plan/condition.ts";
export type { Cond } from "./plan/route-plan.ts";
export { type Signal, SIGNALS } from "./otlp/signal.ts";

// The coordination store, and what is built on it: docs/coordination.md.
export { type OpenedStore, openStore, type OpenStoreOptions } from "./server/embed/store.ts";
export type { RecipePlace } from "./store/recipes/place.ts";
export type { TimeDifference } from "./store/server-time.ts";
export {
  type CallOptions,
  type Compare,
  type ConsulSettings,
  type EmbeddedSettings,
  type Entry,
  type EtcdSettings,
  type Listing,
  type ListOptions,
  MAX_TXN_OPERATIONS,
  MAX_VALUE_BYTES,
  type ResyncReason,
  type Revision,
  type Session,
  type SessionLoss,
  type SessionOptions,
  type Store,
  type StoreCallOutcome,
  type StoreCheck,
  type StoreFacts,
  type StoreKind,
  type StoreObserver,
  type StoreOperation,
  type StoreSettings,
  type StoreTls,
  type StoreWarning,
  type StoreWarningCode,
  type Txn,
  type TxnOutcome,
  type WatchEvent,
  type WatchOptions,
  type Write,
} from "./store/store.ts";

// One holder at a time, and one leader: each with an epoch, and a signal that says when it is over.
export {
  type AcquireOptions,
  createLock,
  type Lock,
  type LockGuard,
  type LockOptions,
  type TryAcquireOptions,
} from "./store/recipes/lock.ts";
export type { Held } from "./store/recipes/lock-hold.ts";
export { type CampaignOptions, createElection, type Election, type Leadership } from "./store/recipes/election.ts";
export type { ObservedLeader } from "./store/recipes/election-observe.ts";
export {
  listElections,
  type ListedSeat,
  listLocks,
  type SeatOptions,
  type SeatPage,
} from "./store/recipes/lock-list.ts";

// Who is there, and how they do.
export {
  createRegistry,
  type MalformedMember,
  type MemberList,
  type MembersSeen,
  type Registry,
  type RegistryOptions,
} from "./store/recipes/registry.ts";
export type { RegisterOptions, Registration } from "./store/recipes/registration.ts";
export type { Member, MemberHealth, MemberInfo } from "./store/recipes/member.ts";
export {
  createHealthChecks,
  type HealthCheck,
  type HealthChecks,
  type HealthChecksOptions,
  reportHealth,
  type ReportOptions,
} from "./store/recipes/health-check.ts";
export {
  cpuCheck,
  type CpuCheckOptions,
  eventLoopCheck,
  type EventLoopCheckOptions,
  memoryCheck,
  type MemoryCheckOptions,
  type QueueFill,
  queueFillCheck,
  type ShareLimit,
  storeCheck,
} from "./store/recipes/health-check-kinds.ts";

// Documents as versions that many follow.
export {
  type ConfigTextDiff,
  createSharedConfig,
  type LeaderGuard,
  type SharedConfig,
  type SharedConfigOptions,
} from "./store/recipes/shared-config.ts";
export type { ConfigEntry, ConfigPointer, ConfigVersion } from "./store/recipes/config-record.ts";
export type { PublishOptions, PublishOutcome } from "./store/recipes/config-pointer.ts";
export type { ReadConfig } from "./store/recipes/config-read.ts";
export type { ConfigNews, SubscribeOptions } from "./store/recipes/config-watch.ts";

// How much something carries, what is to be expected of it, and how long queues last.
export { createLoadMonitor, type LoadMonitor, type LoadMonitorOptions } from "./control/load/load-monitor.ts";
export type { LoadReading } from "./control/load/load-reading.ts";
export type { LoadCapacity, LoadCounters, LoadReport, LoadSample } from "./control/load/load-report.ts";
export { type Machine, thisMachine } from "./control/load/machine.ts";
export type { ReadFile } from "./control/load/cgroup.ts";
export {
  type ForecasterOptions,
  forecastLoad,
  type ForecastOptions,
  type LoadForecast,
  LoadForecaster,
  type LoadPoint,
} from "./control/load/forecast.ts";
export type { HoltGains } from "./control/load/holt.ts";
export type { HorizonQuality } from "./control/load/horizon-errors.ts";
export {
  type CollectorNeed,
  collectorsNeeded,
  neededConcurrency,
  type QueueFlow,
  timeInSystemMs,
  timeToDrainMs,
  timeToFullMs,
} from "./control/load/little.ts";

// Who is there: totals, health of regions, split views, and the best of many to send to.
export {
  bestCollector,
  type BestCollector,
  type BestOptions,
  type CollectorCandidate,
  DEFAULT_CRITERIA,
  type SelectionCriteria,
} from "./control/topology/best-collector.ts";
export {
  regionHealth,
  type RegionFacts,
  type RegionHealth,
  type RegionVerdict,
} from "./control/topology/region-health.ts";
export {
  type ListedMember,
  listMembers,
  type MemberSighting,
  type MemberView,
  seenBy,
  type SplitView,
  splitViews,
} from "./control/topology/split-views.ts";
export { type TopologyTotals, topologyTotals, type TotalNumbers } from "./control/topology/totals.ts";

// The same of a running node: its fleet's topology, who leads it, and who has which lock.
export type { BestQuery, BestView, Topology, TopologyOptions } from "./control/topology/topology.ts";
export type { CollectorTopology, RegionTopology, TopologyView } from "./control/topology/topology-view.ts";
export type { LeadersView, LeaderView, LockView, SeatReader } from "./control/coordination/seats.ts";
export type { LeaderTransfer } from "./admin/context.ts";
export type { RequestedTransfer, RequestTransferOptions, TransferAsked } from "./control/region/request-transfer.ts";

// A config that some nodes of a fleet try before all run it.
export { type AskRolloutOptions, type RolloutAnswer, type RolloutRequest } from "./control/rollout/ask-rollout.ts";
export { type FleetRollout, fleetRollout } from "./control/rollout/fleet-rollout.ts";
export { ROLLOUT_GATE, gateOf, evaluateWindow, type WindowNumbers } from "./control/rollout/gate.ts";
export type { CandidateWrite, KnownCandidate, ReadCandidate } from "./store/recipes/config-candidate.ts";
export type {
  CandidateNode,
  CandidateWindow,
  ConfigCandidate,
  ItemAttempts,
  RolledBackVersion,
  RolloutStage,
  RolloutState,
  WindowVerdict,
} from "./store/recipes/config-candidate-record.ts";
export type { StageOptions, StageOutcome } from "./store/recipes/config-stage.ts";

// Whose store it is, and which of two leaders is the newer.
export {
  adoptFleet,
  type AdoptOptions,
  type AdoptOutcome,
  type FleetIdentity,
  type FleetPlace,
  type FleetVerdict,
  type FoundFleet,
  initFleet,
  type InitOptions,
  type InitOutcome,
  type IsolationReason,
  compareFleet,
  readFleet,
} from "./store/recipes/identity.ts";
export { type FleetMemory, openFleetMemory } from "./store/recipes/fleet-memory.ts";
export { compareEpochs, type Epoch, formatEpoch, parseEpoch } from "./store/recipes/epoch.ts";

// What sampling decides, as pure functions: rates of classes from what came and the settings,
// and one trace.
export { composeSampling, type SamplingComposition } from "./control/sampling/compose.ts";
export { trySampling, type TriedRates } from "./control/sampling/try-sampling.ts";
export { RATE_STEP_POLICY, type RateStepPolicy, stepRate } from "./control/sampling/rate-step.ts";
export {
  BYTE_CHARGE,
  type ClassPriority,
  ITEM_CHARGE,
  type RateBudget,
  type RateCeiling,
  type RateCharge,
  type RatedClass,
  type SamplingSettings,
  TRACE_CHARGE,
} from "./control/sampling/sampling-settings.ts";
export type { BudgetSolution } from "./control/sampling/solve-budget.ts";
export type { BudgetState } from "./plan/sampling/budget-state.ts";
export { type ClassRate, keptItems, rateIn, type RateReason, type ToldRate } from "./plan/sampling/class-rate.ts";
export { keptPart, type RatedSignal, type ReceivedRow } from "./plan/sampling/received.ts";
export { decideTrace, probabilityOfThreshold, type TraceDecision } from "./plan/sampling/decide-trace.ts";
export {
  checkRandomness,
  mergeRandomness,
  RANDOMNESS_BUCKETS,
  type RandomnessCheck,
  type RandomnessSeen,
  type RandomnessVerdict,
} from "./plan/sampling/randomness-check.ts";

// Limits: a bucket with one debt, and one limit that many share by leases.
export { type BucketShare, DebtBucket } from "./plan/limits/debt-bucket.ts";
export type { FleetLimit, LeasedPart, SafePart } from "./plan/limits/bucket-shares.ts";
export type { LimitAsk, LimitGrant, LimitHeld, LimitShare } from "./plan/limits/limit-lease.ts";
export { LimitAllocator, type LimitAllocatorOptions } from "./control/limits/limit-allocator.ts";
export { LimitHolder } from "./control/limits/limit-holder.ts";
export { waterLevel, type WantedShare } from "./control/limits/max-min.ts";

// What is given up under load, by a node and by a fleet: pure steps.
export {
  DEGRADATION_LADDER,
  LEVEL_POLICY,
  levelFrom,
  type LevelPolicy,
  type LevelReason,
  type LevelThresholds,
  type NodeLevel,
  stepLevel,
  type Stress,
  stressOf,
  type StressReading,
  type StressSignal,
  worstOf,
} from "./control/degradation/node-level.ts";
export {
  degradationFrom,
  type DegradationNode,
  type DegradationReading,
  type DegradationReason,
  type DegradationSettings,
  type FleetDegradation,
  fleetLoad,
  type FleetLoad,
  type ManualDegradation,
  orderDegradation,
  stepDegradation,
} from "./control/degradation/fleet-degradation.ts";
export { KEEPING_COST, projectedLoad, type WorkReading } from "./control/degradation/projected-load.ts";
