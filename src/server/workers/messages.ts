import type { ErrorCode } from "../../core/errors.ts";
import type { ListenerKind } from "../../core/listener-kinds.ts";
import type { Snapshot } from "../../core/snapshot.ts";
import {
  type DataPlaneStatus,
  type DropSample,
  type LeavingPool,
  type Readiness,
  type ShutdownReport,
  type Undeliverable,
} from "../../plan/data-plane.ts";
import type { ListenOptions } from "../../plan/listen-options.ts";
import type { LimitsAsk, LimitsGrant } from "../../plan/limits/limit-ask.ts";
import type { LaneFailover } from "../../data/balance/failover-state.ts";
import type { KeyLoad } from "../../data/queue/key-load.ts";
import type { NodeLimit } from "../../data/node-limits/node-limit.ts";
import type { TargetNews } from "../../data/health/target-news.ts";
import type { ToldTarget, ToldTenants } from "../../data/health/told-health.ts";
import type { PoolPanic } from "./pool-panics.ts";
import type { Explanation, ExplainRequest } from "../../plan/explanation.ts";
import type { LimitsUsage } from "../../plan/limits/limit-shares.ts";
import type { RandomnessSeen } from "../../plan/sampling/randomness-check.ts";
import type { PlanChange } from "../../plan/plan-change.ts";
import type { PackedRules } from "../../plan/packed-rules.ts";
import type { PlanData } from "../../plan/plan-data.ts";
import type { GivenUp } from "../../plan/degradation-plan.ts";
import type { SharedSampling } from "./guard-shares.ts";

/**
 * Counts up whenever a message of before could be read wrongly. Both sides are of one program: a
 * mixed installation is told.
 */
export const WORKER_SCHEMA = 15;

export type Certificates = Pick<ListenOptions, "listeners">;

/** All that a worker needs before its first connection. */
export interface WorkerStart {
  readonly schema: number;
  readonly plan: NumberedPlan;
  readonly listen: ListenOptions;
  /** Which of how many workers: from 0. */
  readonly place: { readonly index: number; readonly of: number };
  /** Its parts of the node's limits, where they are not equal parts. */
  readonly parts: readonly LimitPart[];
  /** Of all targets: what operators want, and what asked to be left alone, is in it. */
  readonly health: readonly ToldTarget[];
  /** It has of the limits of the config what it is granted. */
  readonly sharesLimits: boolean;
  /** What control said last; undefined: nothing yet. */
  readonly sampling: SharedSampling | undefined;
  /** Undefined: nothing. */
  readonly givenUp: GivenUp | undefined;
}

/** A plan as its node knows it: no other one has its number. */
export interface NumberedPlan {
  readonly number: number;
  readonly data: PlanData;
}

/** What makes one plan of another, by their numbers. */
export interface NumberedChange {
  readonly from: number;
  readonly to: number;
  readonly change: PlanChange;
}

/** How much of a limit a worker may use. */
export type LimitPart = readonly [limit: NodeLimit, part: number];
/** What it has, used or not, and what it would use if it had it. */
export type LimitReport = readonly [limit: NodeLimit, has: number, need: number];

/** What the main process asks of a worker, and what is answered. All of it is plain data. */
export interface Calls {
  readonly start: Call<WorkerStart, null>;
  readonly prepare: Call<NumberedPlan, null>;
  /** The same of a plan that differs little. False: what it runs is another one, send all of it. */
  readonly change: Call<NumberedChange, boolean>;
  readonly commit: Call<null, null>;
  readonly discard: Call<null, null>;
  /** The number of the plan that it runs. */
  readonly runs: Call<null, number>;
  readonly renew: Call<Certificates, null>;
  readonly direct: Call<SharedSampling, null>;
  readonly degrade: Call<GivenUp, null>;
  readonly status: Call<null, DataPlaneStatus>;
  readonly ready: Call<null, Readiness>;
  readonly undeliverable: Call<null, readonly Undeliverable[]>;
  readonly leaving: Call<null, readonly LeavingPool[]>;
  readonly drops: Call<null, readonly DropSample[]>;
  readonly randomness: Call<null, readonly RandomnessSeen[]>;
  readonly limits: Call<{ readonly mostKeys: number }, LimitsUsage | null>;
  readonly explain: Call<WireExplainRequest, Explanation>;
  /** One of its connections is asked to go away. False when it has none. */
  readonly retireOldest: Call<{ readonly listener: ListenerKind }, boolean>;
  readonly snapshot: Call<null, Snapshot>;
  readonly summary: Call<null, Snapshot>;
  readonly shutdown: Call<{ readonly graceMs: number }, ShutdownReport>;
}

interface Call<Args, Answer> {
  readonly args: Args;
  readonly answer: Answer;
}

export type CallName = keyof Calls;

/** A question of one name with its arguments; the union of all names without one. */
export type Question<Name extends CallName = CallName> = {
  [N in Name]: { readonly name: N; readonly args: Calls[N]["args"] };
}[Name];

export interface WireExplainRequest extends Omit<ExplainRequest, "bytes"> {
  readonly base64: string;
}

/** An error as plain data; `code` is there for those that have a name. */
export interface WireError {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly hint: string | undefined;
}

export type ToWorker =
  /** Of the plan of the question that comes next, which has none itself. */
  | { readonly kind: "rules"; readonly packed: PackedRules }
  | { readonly kind: "ask"; readonly id: number; readonly question: Question }
  /** Comes with the connection. The worker keeps it, reads nothing, and says `got`. */
  | { readonly kind: "connection"; readonly seq: number; readonly listener: ListenerKind }
  /** Parts of limits that are others from here on; messages count up. */
  | { readonly kind: "parts"; readonly seq: number; readonly parts: readonly LimitPart[] }
  /** What it may let in of the limits of the config: the answer to what it asked. */
  | { readonly kind: "limits"; readonly seq: number; readonly grant: LimitsGrant }
  /** What the other workers have of these pools, all together. */
  | { readonly kind: "others"; readonly loads: readonly KeyLoad[] }
  /** Where failovers of the node stand. */
  | { readonly kind: "failovers"; readonly failovers: readonly LaneFailover[] }
  /**
   * The node's health of targets, in which is what the worker told up to its news of this number.
   * `all`: the node has no others.
   */
  | {
      readonly kind: "health";
      readonly heard: number;
      readonly all: boolean;
      readonly targets: readonly ToldTarget[];
    }
  /** What a target asked of one tenant, in another worker. */
  | { readonly kind: "tenants"; readonly told: ToldTenants }
  /** The connection is the worker's alone: it may read. */
  | { readonly kind: "read"; readonly seq: number };

/** What a worker says of what it uses, and holds. */
export type UseReport = Extract<FromWorker, { readonly kind: "uses" | "loads" | "failovers" }>;

export type FromWorker =
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly error: WireError }
  | { readonly kind: "got"; readonly seq: number }
  /** So many connections have ended since it was told last. */
  | { readonly kind: "closed"; readonly counts: Readonly<Record<ListenerKind, number>> }
  /**
   * What has changed of its parts of limits, as of the message with this number. `all`: it has no
   * others.
   */
  | { readonly kind: "uses"; readonly seq: number; readonly reports: readonly LimitReport[]; readonly all?: true }
  /** What it would let in of the limits of the config. */
  | { readonly kind: "limits"; readonly seq: number; readonly ask: LimitsAsk }
  /** What it has of pools that divide by key, where others have to know, or need not any more. */
  | { readonly kind: "loads"; readonly loads: readonly KeyLoad[] }
  /** It went over to another target; of the versions that it knows. */
  | { readonly kind: "failovers"; readonly failovers: readonly LaneFailover[] }
  /** What calls told of targets; of the plan of this version. */
  | {
      readonly kind: "news";
      readonly seq: number;
      readonly version: number;
      readonly targets: readonly TargetNews[];
    }
  /** Its pools that panic, all of them. */
  | { readonly kind: "panics"; readonly panics: readonly PoolPanic[] }
  /** A line of the log, as JSON. */
  | { readonly kind: "log"; readonly line: string }
  /** What it counted so far: all that is known of it when it dies. */
  | { readonly kind: "report"; readonly snapshot: Snapshot };
