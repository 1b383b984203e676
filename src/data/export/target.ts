import type { Cancel, Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import {
  DEFAULT_HEALTH,
  type Health,
  type HealthEvent,
  type HealthPolicy,
  initialHealth,
  stepHealth,
} from "../health/health.ts";
import type { Batch, SendOutcome, TargetClient } from "./target-client.ts";
import { initialWindow, stepWindow, type Window } from "./window.ts";

/** One configured address with its client, its window and its health. Shared by all pools that use the target. */
export interface TargetHandle {
  readonly plan: TargetPlan;
  /** As of now: a rest that is over has ended. */
  readonly health: Health;
  /** Batches under way. */
  readonly inFlight: number;
  /** Batches that may be under way, 1 to `plan.maxInFlight`. */
  readonly windowSize: number;
  /** Smoothed time from sending to the answer. */
  readonly latencyMs: number;
  /** Smoothed share of sends that ended without an answer or with one that says try again, 0 to 1. */
  readonly errorRate: number;
  /** `wanted` is asked when the batch was taken: would more have been sent? `done` is called once, never from within. */
  send(batch: Batch, timeoutMs: number, wanted: () => boolean, done: (outcome: SendOutcome) => void): Cancel;
  /** Calls `listener` whenever something may have changed for those who wait: room, or health. */
  onChange(listener: () => void): Cancel;
}

/** What the owner of the handles (targets.ts) does besides. */
export interface OwnedTarget extends TargetHandle {
  /** Goes on under a changed plan of the same connection identity: weight, timeout, limits, name. */
  adopt(plan: TargetPlan): void;
  /** Closes the client when the last batch under way has ended. */
  retire(): Promise<void>;
}

export interface TargetEnv {
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly health?: HealthPolicy;
}

/** A timeout shorter than this came from a sender's deadline, and says nothing about the target. */
const TELLING_TIMEOUT_MS = 1_000;
/** The last 20 sends or so decide the error rate. */
const ERROR_WEIGHT = 0.1;

/** `openClient` gets the plan as it will be at each send. */
export function openTarget(
  plan: TargetPlan,
  openClient: (current: () => TargetPlan) => TargetClient,
  env: TargetEnv,
): OwnedTarget {
  return new Target(plan, openClient, env);
}

class Target implements OwnedTarget {
  readonly #env: TargetEnv;
  readonly #policy: HealthPolicy;
  readonly #client: TargetClient;
  readonly #listeners = new Set<() => void>();
  #plan: TargetPlan;
  #health: Health;
  #window: Window;
  #inFlight = 0;
  #errorRate = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(plan: TargetPlan, openClient: (current: () => TargetPlan) => TargetClient, env: TargetEnv) {
    this.#env = env;
    this.#policy = env.health ?? DEFAULT_HEALTH;
    this.#plan = plan;
    this.#client = openClient(() => this.#plan);
    this.#health = initialHealth(env.clock.nowMs());
    this.#window = initialWindow(plan.maxInFlight);
  }

  get plan(): TargetPlan {
    return this.#plan;
  }

  get health(): Health {
    this.#step({ kind: "tick" });
    return this.#health;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get windowSize(): number {
    return Math.floor(Math.min(this.#window.size, this.#plan.maxInFlight));
  }

  get latencyMs(): number {
    return this.#window.shortMs;
  }

  get errorRate(): number {
    return this.#errorRate;
  }

  send(batch: Batch, timeoutMs: number, wanted: () => boolean, done: (outcome: SendOutcome) => void): Cancel {
    this.#step({ kind: "tick" });
    const { epoch } = this.#health;
    const sentMs = this.#env.clock.nowMs();
    const telling = timeoutMs >= Math.min(TELLING_TIMEOUT_MS, this.#plan.timeoutMs);
    this.#step({ kind: "sent" });
    this.#inFlight++;
    return this.#client.send(batch, timeoutMs, (outcome) => {
      this.#inFlight--;
      this.#env.metrics.exportSends.with(this.#plan.id, outcomeLabel(outcome)).add(1);
      this.#judge(outcome, { epoch, sentMs, telling }, wanted);
      done(outcome);
      this.#notify();
      if (this.#inFlight === 0) this.#idle?.resolve();
    });
  }

  onChange(listener: () => void): Cancel {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  adopt(plan: TargetPlan): void {
    this.#plan = plan;
    this.#notify();
  }

  async retire(): Promise<void> {
    if (this.#inFlight > 0) {
      this.#idle = Promise.withResolvers();
      await this.#idle.promise;
    }
    await this.#client[Symbol.asyncDispose]();
  }

  /** What the outcome says about the target, apart from what it says about the batch. */
  #judge(
    outcome: SendOutcome,
    sent: { readonly epoch: number; readonly sentMs: number; readonly telling: boolean },
    wanted: () => boolean,
  ): void {
    const { epoch, sentMs } = sent;
    const nowMs = this.#env.clock.nowMs();
    const limit = this.#plan.maxInFlight;
    this.#errorRate += ERROR_WEIGHT * ((outcome.kind === "retry" ? 1 : 0) - this.#errorRate);
    if (outcome.kind !== "retry") {
      // Also bad data is an answer: the target is there, and was as fast as it was.
      this.#window = stepWindow(this.#window, { kind: "success", sentMs, wanted: wanted() }, nowMs, limit);
      this.#step({ kind: "success", epoch });
    } else if (outcome.reason === "cancelled" || (outcome.reason === "timeout" && !sent.telling)) {
      this.#step({ kind: "neutral", epoch });
    } else {
      this.#window = stepWindow(this.#window, { kind: "overload", sentMs }, nowMs, limit);
      if (outcome.reason === "throttled") this.#step({ kind: "throttled", epoch, delayMs: outcome.afterMs });
      else this.#step({ kind: "failure", epoch, reason: outcome.reason, jitter: this.#env.random.next() });
    }
  }

  #step(event: HealthEvent): void {
    this.#health = stepHealth(this.#health, event, this.#env.clock.nowMs(), this.#policy);
  }

  /** Who was told last is told first the next time, so that no pool takes all the room of a shared target. */
  #notify(): void {
    const listeners = [...this.#listeners];
    for (let i = listeners.length - 1; i >= 0; i--) listeners[i]!();
    const first = listeners[0];
    if (listeners.length > 1 && first !== undefined && this.#listeners.delete(first)) this.#listeners.add(first);
  }
}

function outcomeLabel(outcome: SendOutcome): string {
  return outcome.kind === "retry" ? outcome.reason : outcome.kind;
}
