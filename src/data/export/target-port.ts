import type { Cancel } from "../../core/clock.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { CheckStatus, OperatorOverride } from "../../plan/data-plane.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { CheckPlan } from "../../plan/target-health.ts";
import type { CountingEnv } from "../../telemetry/env.ts";
import type { Check } from "../health/check.ts";
import type { Health } from "../health/health.ts";
import type { RefusedSignal } from "../health/signal-refusals.ts";
import type { PartOfLimit } from "../node-limits/node-limit.ts";
import type { HealthReporter, TargetNews } from "../health/target-news.ts";
import type { ToldPart, ToldTarget } from "../health/told-health.ts";
import type { TargetLoad } from "../load/target-load.ts";
import type { Batch, TargetClient } from "./target-client.ts";
import type { SendOutcome, SizeDoubt } from "../send-outcome.ts";
import type { Parts } from "./parts.ts";
import type { Pause } from "./tenant-pauses.ts";

/** How long one attempt may take. */
export interface AttemptTime {
  readonly timeoutMs: number;
  /**
   * It ends early to leave room for another target: that it was not answered by then says nothing
   * about this one.
   */
  readonly cut: boolean;
}

/**
 * One configured address with its client, its window and its health. Shared by all pools that use
 * the target.
 */
export interface TargetHandle {
  readonly plan: TargetPlan;
  /** Its id, with the address where it is a part of another: what queues know it by. */
  readonly key: string;
  /**
   * Where its name is resolved here, or it stands for members of the fleet: batches are sent to one
   * of these. Another object when there are others.
   */
  readonly parts: Parts | undefined;
  /** The target that it is a part of. */
  readonly whole: TargetHandle | undefined;
  /** As of now: what time has ended is ended by asking. */
  health(): Health;
  /** Batches under way, and what is in them. */
  readonly inFlight: number;
  readonly inFlightItems: number;
  readonly inFlightBytes: number;
  /** Batches that may be under way from this process, whatever the window. */
  readonly maxInFlight: number;
  /** Batches that may be under way, up to `maxInFlight`; 1 or more where that is. */
  windowSize(): number;
  /** Batches beyond `maxInFlight` that its window would have. */
  readonly beyondPart: number;
  /** What was measured of its calls. */
  readonly load: TargetLoad;
  /** Smoothed time from sending to the answer. */
  readonly latencyMs: number;
  /** Of how many answers. */
  readonly latencyCalls: number;
  /**
   * Smoothed share of sends that ended without an answer or with one that says try again, 0 to 1.
   */
  readonly errorRate: number;
  /**
   * Signals that it does not take now, by their bits. What is of them goes elsewhere, as if the
   * target were out.
   */
  refused(): number;
  /**
   * Health lets it be used as usual, for what is of this signal; without one, for what it takes.
   */
  usable(nowMs: number, signal?: Signal): boolean;
  /** It waits for the one batch, of this signal, that decides about its return. */
  wantsProbe(signal?: Signal): boolean;
  /**
   * Until when it asked to be left alone by whoever has these headers, though not by others;
   * -Infinity when it did not.
   */
  pausedForMs(headers: SenderHeaders): number;
  /** The same with its words, for people; undefined when it did not. */
  pauseFor(headers: SenderHeaders): Pause | undefined;
  /** Of how many senders. */
  readonly pausedTenants: number;
  /**
   * It asked to be left alone until then, in Clock.nowMs(), and in these words; undefined when it
   * did not, or that is over.
   */
  pause(): Pause | undefined;
  /** What is told of the signals that it does not take. */
  refusals(): readonly RefusedSignal[];
  /** How much of its weight counts: 0.1 to 1 while it comes back, else 1. */
  share(nowMs: number): number;
  /**
   * Clock.nowMs() of the next try while it is out; undefined when none is planned, or it is not
   * out.
   */
  nextTryMs(): number | undefined;
  /** The last active check. */
  readonly check: CheckStatus | undefined;
  /** What an operator asked for, while it holds: as of now. */
  override(): OperatorOverride | undefined;
  operate(override: OperatorOverride): void;
  /**
   * No batch should be larger: its `max_request_bytes`, or less where it has shown that it takes
   * less.
   */
  readonly maxBatchBytes: number;
  /** What it has shown; undefined while it has not, or takes as much as it may be sent. */
  readonly learnedMaxBytes: number | undefined;
  /**
   * To what a batch is to be split that it refused for its size, and whether it is known to take
   * that.
   */
  splitSize(refusedBytes: number): { readonly bytes: number; readonly proven: boolean };
  /** It took `bytes`, of a batch of `refusedBytes` that it had refused for its size. */
  learnSize(bytes: number, refusedBytes: number): void;
  /** What it refused for its size is sent in parts. */
  countSplit(doubt: SizeDoubt | undefined): void;
  /**
   * `wanted` is asked when the batch was taken: would more have been sent? `done` is called once,
   * never from within.
   */
  send(batch: Batch, attempt: AttemptTime, wanted: () => boolean, done: (outcome: SendOutcome) => void): Cancel;
  /** Calls `listener` whenever something may have changed for those who wait: room, or health. */
  onChange(listener: () => void): Cancel;
  /** `maxInFlight` may be another. */
  limitChanged(): void;
}

/** What the owner of the handles (targets.ts) does besides. */
export interface OwnedTarget extends TargetHandle {
  /**
   * Goes on under a changed plan of the same connection identity: weight, timeout, limits, health,
   * name.
   */
  adopt(plan: TargetPlan): void;
  /** Closes the client when the last batch under way has ended. */
  retire(): Promise<void>;
  /** In a worker: takes the node's health. `heardSeq`: the last of its news that is in it. */
  obey(told: ToldTarget, heardSeq: number): void;
  /** In a worker: the node has this target no more, and says nothing of it. */
  release(): void;
  /** Itself, or the addresses behind its name. */
  readonly toldParts: readonly ToldHandle[];
}

/** One address, whose health can be told to other processes, and by them. */
export interface ToldHandle extends TargetHandle {
  /** How often it was heard what it says of its load (`hearLoad`). */
  readonly loadsHeard: number;
  /** What calls of another process told; `underWay`: in all of them together. */
  hear(news: TargetNews, underWay: number): void;
  /** A tenant was asked away, as another process was told. */
  hearTenants(pauses: NonNullable<TargetNews["tenants"]>): void;
  /** As of now, with times from now on. */
  told(): ToldPart;
}

interface HealthWatch {
  /** Also when that was found out by asking. Nothing may be told from within. */
  stateEntered(id: string): void;
}

export interface TargetEnv extends CountingEnv {
  /** Without one, all of `max_in_flight` is this process's. */
  readonly partOf?: PartOfLimit;
  /** Without one, targets have no active checks. */
  readonly openCheck?: (check: CheckPlan, current: () => TargetPlan, client: TargetClient) => Check;
  /** In a worker: health is decided in the main process, which hears by this what calls tell. */
  readonly reporter?: HealthReporter;
  /** Whoever tells other processes of health, where targets only tell those who wait. */
  readonly watch?: HealthWatch;
  /** `health`: nothing is sent from this process, and what is shown of calls is not its own. */
  readonly shows?: "all" | "health";
}

/**
 * How a target joins: with the node, up until something says otherwise; later, down until a check
 * passes, if it has checks; or alone, where nothing else works: up, and checked at once.
 */
export type Joining = "start" | "later" | "alone";
