import type { Reason } from "../core/reason.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { Signal } from "../otlp/signal.ts";
import type { GivenUp } from "./degradation-plan.ts";
import type { Explanation, ExplainRequest } from "./explanation.ts";
import type { FoundMembers } from "./members.ts";
import type { PlanData } from "./plan-data.ts";
import type { ListenOptions, ListenerAddresses } from "./listen-options.ts";
import type { LimitsAsk, LimitsGrant } from "./limits/limit-ask.ts";
import type { LimitsUsage } from "./limits/limit-shares.ts";
import type { RandomnessSeen } from "./sampling/randomness-check.ts";
import type { SamplingState } from "./sampling-plan.ts";

/** A pool that is no longer configured, with what it still has to deliver. */
export interface LeavingPool {
  readonly pool: string;
  readonly items: number;
  readonly bytes: number;
}

/**
 * The port between the data plane and everything that steers it: control, admin and server know the
 * data plane only by this file. Only plain data crosses it, and every answer is a promise, so that
 * a data plane may be in other processes. Implemented by data/node-data-plane.ts, in the process
 * that asks, and by server/workers/open-workers.ts, which asks such ones in worker processes.
 */
export interface DataPlane extends AsyncDisposable {
  /**
   * The first half of a change: everything that can fail has failed when it ends, and the running
   * plan is untouched until `commit`. Changes are serial: whoever prepared one commits or discards
   * it before the next, which is refused until then.
   */
  prepare(plan: PlanData): Promise<PreparedPlan>;
  /**
   * Certificates and keys of listeners, for connections from now on; all else of the listeners
   * stays. The caller has checked them.
   */
  renew(listen: Pick<ListenOptions, "listeners">): Promise<void>;
  status(): Promise<DataPlaneStatus>;
  /**
   * Whether something can be accepted now, and if not, why. Targets never decide it: their part is
   * `undeliverable`.
   */
  ready(): Promise<Readiness>;
  /**
   * What nothing of can be delivered now: pools without a usable target, also in their fallbacks,
   * by signal.
   */
  undeliverable(): Promise<readonly Undeliverable[]>;
  /**
   * The members of the fleet that targets stand for, of all that is selected: they are sent to from
   * then on, and nobody else. Targets that come later begin with them.
   */
  discovered(found: readonly FoundMembers[]): Promise<void>;
  /** Pools that are gone from the plan and still hold something. */
  leaving(): Promise<readonly LeavingPool[]>;
  /**
   * What an operator wants of one target, from now on. False when the running plan has no target of
   * this id.
   */
  operate(id: string, override: OperatorOverride): Promise<boolean>;
  /**
   * What is kept of the classes that are named, from now on and under plans to come; of the others
   * what the plan says. Replaces what was told before.
   */
  direct(sampling: SamplingState): Promise<void>;
  /** What `direct` was told last; undefined: nothing, what the plan says holds. */
  readonly sampling: SamplingState | undefined;
  /**
   * What is let in of `global.rate_limiting`, with so many keys, those nearest to their limits;
   * undefined: the plan has no limits.
   */
  limits(mostKeys: number): Promise<LimitsUsage | undefined>;
  /**
   * What is given up from now on, under plans to come as well, whatever is told of sampling: of
   * both the lower probability counts. Replaces what was told before.
   */
  degrade(givenUp: GivenUp): Promise<void>;
  /**
   * What it would let in of limits that it shares with other nodes; undefined: they are its own
   * alone, or there are none.
   */
  limitAsk(): Promise<LimitsAsk | undefined>;
  /** The answer to what was asked at `sentMs`, by the clock of this process. */
  limitGranted(grant: LimitsGrant, sentMs: number): void;
  /**
   * The overrides that hold now; `ready` ends a override, and so is none. Enough to give them back
   * after a restart.
   */
  operatorStates(): Promise<readonly OperatorState[]>;
  /**
   * Some of what was dropped or refused for good, newest first: at most one a second of each pool,
   * target and reason.
   */
  drops(): Promise<readonly DropSample[]>;
  /**
   * How the randomness of spans is spread, of some of those that sampling has decided on, by
   * service: of 200 services in each process, and what is old counts less.
   */
  randomness(): Promise<readonly RandomnessSeen[]>;
  /**
   * What would become of a request if it came now. Changes nothing, and lets data go on meanwhile:
   * item by item, and of as many items as 250,000 questions to rules allow.
   */
  explain(request: ExplainRequest): Promise<Explanation>;
  /** Everything that was counted, by the main process of the node as well. */
  snapshot(): Promise<Snapshot>;
  /** The same in sums, for who asks each second: not by rule, and not by service. */
  summary(): Promise<Snapshot>;
  /** What happens by itself, for one reader. Ends with the data plane. */
  readonly events: AsyncIterable<DataPlaneEvent>;
  /**
   * Not ready, stop accepting, drain the queues within the grace. A second call returns the first
   * one's promise.
   */
  shutdown(graceMs: number): Promise<ShutdownReport>;
}

/** A plan that was applied killed who ran it, over and over: the last good one runs again. */
export interface DataPlaneEvent {
  readonly kind: "taken_back";
  /** Of the plan that is gone, and of the one that runs. */
  readonly version: number;
  readonly runs: number;
}

/** A plan that could be applied. One of the two is called, once. */
export interface PreparedPlan {
  /**
   * Rejects only when the data plane was stopped meanwhile, or is broken; what ran before goes on
   * then.
   */
  commit(): Promise<void>;
  discard(): Promise<void>;
}

export interface Undeliverable {
  readonly pool: string;
  readonly signal: Signal;
}

export interface Readiness {
  readonly ready: boolean;
  /** For people. Empty when ready. */
  readonly reason: string;
}

/** Everything people can be told about a running data plane, computed when asked for. */
export interface DataPlaneStatus {
  /** Of the plan that runs. */
  readonly version: number;
  /** The processes that it consists of; none when it is in the one that asks. */
  readonly workers: readonly WorkerStatus[];
  readonly addresses: ListenerAddresses;
  /** Requests that were received and not answered yet, and the bytes they hold. */
  readonly inFlight: { readonly requests: number; readonly bytes: number };
  readonly pools: readonly PoolStatus[];
  readonly targets: readonly TargetStatus[];
}

export interface WorkerStatus {
  /** From 1; that of a process that died goes to the one in its place. */
  readonly id: number;
  /** undefined while it does not run. */
  readonly pid: number | undefined;
  /** It takes connections. */
  readonly ready: boolean;
  readonly connections: number;
  /** Items received. */
  readonly itemsPerSecond: number;
  /** How often it was started again. */
  readonly restarts: number;
}

/** What was acknowledged and is lost, of a pool or a target. */
export interface LossStatus {
  /** Since the start, counted as partial_success counts. */
  readonly items: number;
  /** Of the last loss, as are the others. */
  readonly reason: Reason;
  /** Whose words `said` are; empty when no target was asked. */
  readonly target: string;
  readonly said: string;
  /** Clock.wallMs() */
  readonly atMs: number;
}

/** Items of one rule in one request that nobody has. */
export interface DropSample {
  /** Clock.wallMs() */
  readonly atMs: number;
  readonly signal: Signal;
  readonly rule: string;
  readonly pool: string;
  /** Who refused it; empty when no target was asked. */
  readonly target: string;
  readonly reason: Reason;
  /** The target's words, or ours. */
  readonly said: string;
  readonly items: number;
  /** Their sender had been told that all is well: then they are lost. */
  readonly acknowledged: boolean;
  /** The first attributes of the first resource; secrets by their names are redacted. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface PoolStatus {
  readonly name: string;
  /** Of the strategy, as in the config. */
  readonly strategy: string;
  /** Ids, in the order of the config; selectors are resolved. */
  readonly targets: readonly string[];
  readonly fallback: string | undefined;
  readonly queuedBytes: number;
  readonly queuedItems: number;
  /** Batches on their way. */
  readonly inFlight: number;
  /** Targets that may be picked now. */
  readonly usable: number;
  /** undefined while nothing that was acknowledged is lost. */
  readonly losses: LossStatus | undefined;
}

/** The states of design.md section 8. */
export const TARGET_STATES = ["ready", "ejected", "down", "probing", "drain", "maintenance"] as const;
export type TargetState = (typeof TARGET_STATES)[number];

/**
 * `drain`: nothing new, checks go on. `maintenance`: nothing new, and no checks. `ready`: ends
 * both, and an ejection.
 */
export interface OperatorOverride {
  readonly state: "ready" | "drain" | "maintenance";
  /**
   * Clock.wallMs() at which it ends by itself; undefined: not before the next override. Of no
   * meaning for `ready`.
   */
  readonly untilMs: number | undefined;
  /** For people. */
  readonly note: string;
}

export interface OperatorState extends OperatorOverride {
  readonly id: string;
}

/** A target asked to be left alone. */
interface PauseStatus {
  /** Clock.wallMs(). */
  readonly untilMs: number;
  /** In its own words. */
  readonly said: string;
}

/** A signal that a target does not take. */
export interface RefusalStatus {
  readonly signal: Signal;
  /** Clock.wallMs(). */
  readonly sinceMs: number;
  /** Clock.wallMs() from which on one batch asks again. */
  readonly nextTryMs: number;
  /** In its own words. */
  readonly said: string;
}

/** How an active check ended. */
const CHECK_RESULTS = ["passed", "failed", "timeout"] as const;
export type CheckResult = (typeof CHECK_RESULTS)[number];

export interface CheckStatus {
  /** Clock.wallMs() at which it ended. */
  readonly atMs: number;
  readonly result: CheckResult;
  /** For people: what the target said, or what went wrong. */
  readonly said: string;
}

/** How a target does, or one of the addresses behind its name. */
export interface HealthStatus {
  readonly state: TargetState;
  /** Why it is in this state. */
  readonly reason: string;
  /** Clock.wallMs() of the last change of state. */
  readonly sinceMs: number;
  /** Clock.wallMs() of the next try; undefined when none is planned. */
  readonly nextTryMs: number | undefined;
  readonly inFlight: number;
  /** Calls under way at the same time that it is trusted with now. */
  readonly window: number;
  /** Smoothed; undefined before the first answer. */
  readonly latencyMs: number | undefined;
  /** Of how many answers it was made. */
  readonly latencyCalls: number;
  /** undefined: it did not ask for one, or it is over. */
  readonly paused: PauseStatus | undefined;
  /** Nothing, as a rule. */
  readonly refuses: readonly RefusalStatus[];
  /** Share of the last calls that failed, within 0 and 1. */
  readonly errorRate: number;
  /** The last active check; undefined before the first. */
  readonly check: CheckStatus | undefined;
}

export interface AddressStatus extends HealthStatus {
  readonly address: string;
  /** The id of the node that is there, where the target stands for members of the fleet. */
  readonly member?: string | undefined;
}

export interface TargetStatus extends HealthStatus {
  readonly id: string;
  readonly endpoint: string;
  readonly region: string;
  readonly weight: number;
  /**
   * Bytes that it was seen to take where it refuses larger requests; undefined while nothing was
   * learned.
   */
  readonly learnedMaxBytes: number | undefined;
  /**
   * How much of its weight it gets: 0 while it is not ready, rising from 0.1 to 1 while it comes
   * back.
   */
  readonly share: number;
  /** Load as the strategies see it: 0 idle, 1 nothing more fits. */
  readonly score: number;
  /** The operator's note; empty without one. */
  readonly note: string;
  /** Clock.wallMs() at which the operator's state ends by itself; undefined when it does not. */
  readonly untilMs: number | undefined;
  /** What it was to get; undefined while nothing that was acknowledged is lost. */
  readonly losses: LossStatus | undefined;
  /**
   * Those behind its name, or of its members, each with a state of its own; empty while the name
   * itself is dialled, or no member is known.
   */
  readonly addresses: readonly AddressStatus[];
}

export interface ShutdownReport {
  /** True when nothing was left in memory. */
  readonly drained: boolean;
  readonly tookMs: number;
  /** Items and bytes that were given up when the grace ended. */
  readonly leftItems: number;
  readonly leftBytes: number;
}
