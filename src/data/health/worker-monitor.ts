import type { Cancel, Clock } from "../../core/clock.ts";
import type { CheckStatus, OperatorOverride } from "../../plan/data-plane.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { RetryReason } from "../send-outcome.ts";
import { type Health, type HealthPolicy, nextChangeMs, policyOf } from "./health.ts";
import type { CallNews } from "./silence.ts";
import { releasedHealth, stepAlone, stepWorker, type WorkerEvent } from "./step-worker.ts";
import type { TargetMonitor } from "./target-monitor.ts";
import type { HealthNews } from "./target-news.ts";
import { onClock, type ToldPart } from "./told-health.ts";

/** Timers do not count further. */
const LONGEST_MS = 1_000_000_000;

/** Whose health it is, in a worker. */
interface WorkerMonitored {
  readonly plan: TargetPlan;
  stateEntered(before: Health["state"], now: Health["state"]): void;
  healthChanged(): void;
}

/** Where it says that there is something to tell the main process. */
export interface NewsTeller {
  /** Soon. */
  hasNews(): void;
  /** The same, at once. Gives the number of what was told. */
  tellNow(): number;
}

/**
 * Stands for the node's health machine of one target, in a worker: counts what its calls tell, acts
 * at once on what is certain, and takes what the main process says. Nothing is made for a call.
 */
export class WorkerMonitor implements TargetMonitor {
  readonly #monitored: WorkerMonitored;
  readonly #teller: NewsTeller;
  readonly #clock: Clock;
  #policy: HealthPolicy;
  #health: Health;
  /** What was told before this number is older than what was found out here. */
  #aheadOf = 0;
  #nextTryMs: number | undefined;
  #timer: { readonly atMs: number; readonly cancel: Cancel } | undefined;
  #permit: Cancel = () => undefined;
  #isPending = false;
  /** The node does not have the target any more; what a pool still holds for it is sent. */
  #isAlone = false;
  #isClosed = false;
  // What was counted since it was told last.
  #taken = 0;
  #failed = 0;
  #inRow = 0;
  #reason: RetryReason | undefined;
  #refused = 0;
  #isThrottled = false;
  #throttledMs: number | undefined;
  #isNeutral = false;
  #hasEjected = false;
  #probe: HealthNews["probe"];
  #ended: CallNews | undefined;

  constructor(monitored: WorkerMonitored, teller: NewsTeller, health: Health, clock: Clock) {
    this.#monitored = monitored;
    this.#teller = teller;
    this.#clock = clock;
    this.#health = health;
    this.#policy = policyOf(monitored.plan.health);
  }

  health(): Health {
    if (this.#isAlone) this.#step(TICK);
    return this.#health;
  }

  get policy(): HealthPolicy {
    return this.#policy;
  }

  /** Operators tell the main process, and its state is told here. */
  override(): undefined {
    return undefined;
  }

  operate(_override: OperatorOverride): void {}

  /** The main process has all checks. */
  get check(): CheckStatus | undefined {
    return undefined;
  }

  nextTryMs(): number | undefined {
    return this.#nextTryMs;
  }

  sent(): number {
    const { epoch, state } = this.#health;
    this.#changed();
    if (state === "probing") {
      this.#permit();
      this.#probe = "sent";
      this.#step({ kind: "sent" });
      this.#tellNow();
      this.#changed(); // that it is under way is told with the next
    }
    return epoch;
  }

  ended(news: CallNews): void {
    if (this.#ended !== "heard") this.#ended = news === "cancelled" ? (this.#ended ?? news) : news;
    this.#changed();
  }

  success(epoch: number): void {
    if (epoch !== this.#health.epoch) return;
    this.#taken++;
    this.#inRow = 0;
    const health = this.#health;
    if (this.#isAlone || (health.state === "ready" && health.failures > 0)) this.#step(SUCCESS);
    this.#counted(this.#mayReturn());
  }

  failure(epoch: number, reason: RetryReason): void {
    if (epoch !== this.#health.epoch) return;
    this.#failed++;
    this.#inRow++;
    this.#reason = reason;
    this.#counted(this.#stepOut({ kind: "failure", reason }));
  }

  refused(epoch: number): void {
    if (epoch !== this.#health.epoch) return;
    this.#refused++;
    this.#counted(this.#stepOut(REFUSED));
  }

  throttled(epoch: number, delayMs: number | undefined): void {
    if (epoch !== this.#health.epoch) return;
    this.#throttledMs = Math.max(this.#throttledMs ?? 0, delayMs ?? 0) || undefined;
    const health = this.#health;
    const isFirst = health.state === "ready" && health.pausedUntilMs <= this.#clock.nowMs();
    this.#isThrottled = true;
    this.#inRow = 0;
    this.#step({ kind: "throttled", delayMs });
    this.#counted(isFirst || this.#mayReturn());
  }

  neutral(epoch: number): void {
    if (epoch !== this.#health.epoch) return;
    this.#isNeutral = true;
    this.#step(NEUTRAL);
    this.#counted(this.#health.state === "probing");
  }

  elsewhere(epoch: number): void {
    this.neutral(epoch);
  }

  adopt(_before: TargetPlan): void {
    this.#policy = policyOf(this.#monitored.plan.health);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#permit();
  }

  // === The main process ===

  /** What is to be told; nothing is left. `said`: in which words the target asked for time. */
  take(underWay: number, said: string): HealthNews {
    const news: HealthNews = {
      epoch: this.#health.epoch,
      underWay,
      ...(this.#taken > 0 && { taken: this.#taken }),
      ...(this.#failed > 0 && { failed: this.#failed, inRow: this.#inRow }),
      ...(this.#reason !== undefined && { reason: this.#reason }),
      ...(this.#refused > 0 && { refused: this.#refused }),
      ...(this.#isThrottled && {
        throttled: { said, ...(this.#throttledMs !== undefined && { delayMs: this.#throttledMs }) },
      }),
      ...(this.#isNeutral && { neutral: true }),
      ...(this.#hasEjected && { ejected: true }),
      ...(this.#probe !== undefined && { probe: this.#probe }),
      ...(this.#ended !== undefined && { ended: this.#ended }),
    };
    this.#isPending = false;
    this.#ended = undefined;
    this.#forget();
    return news;
  }

  /** Whether what is told, by whoever heard that number of this worker's news, is older than it. */
  isOlder({ health }: ToldPart, heardSeq: number): boolean {
    return health.epoch === this.#health.epoch && heardSeq < this.#aheadOf;
  }

  /** The node's state is this one's from now on. */
  obey({ health: told, nextTryMs, probeWithinMs }: ToldPart): void {
    const before = this.#health;
    const nowMs = this.#clock.nowMs();
    const health = kept(onClock(told, nowMs), before);
    if (this.#isAlone) this.#policy = policyOf(this.#monitored.plan.health);
    this.#isAlone = false;
    // What was counted in another state is no news any more.
    if (health.epoch !== before.epoch) this.#forget();
    this.#health = health;
    this.#nextTryMs = nextTryMs === undefined ? undefined : nowMs + nextTryMs;
    if (this.#isClosed) return;
    if (health.state !== before.state) this.#monitored.stateEntered(before.state, health.state);
    this.#permit();
    if (probeWithinMs !== undefined) this.#permit = this.#clock.after(probeWithinMs, () => this.#giveBack());
    this.#setTimer();
    this.#monitored.healthChanged();
  }

  /** The main process does not know the target any more: it is decided here, and without checks. */
  release(): void {
    if (this.#isAlone || this.#isClosed) return;
    this.#isAlone = true;
    this.#permit();
    this.#policy = { ...this.#policy, check: undefined };
    this.#take(releasedHealth(this.#health, this.#clock.nowMs(), this.#policy));
    this.#monitored.healthChanged();
  }

  #giveBack(): void {
    this.#probe = "returned";
    this.#step({ kind: "sent" }); // it has no permit any more
    this.#tellNow();
  }

  /** True where it is out by that, or when it is tried next depends on it. */
  #stepOut(event: WorkerEvent): boolean {
    const before = this.#health;
    this.#step(event);
    if (before.state === "ready") {
      this.#hasEjected ||= this.#health.state !== "ready";
      return this.#hasEjected;
    }
    return before.state === "probing" || ("panicFromMs" in before && before.panicFromMs <= this.#clock.nowMs());
  }

  /** Whether the node may take it for ready because of an answer. */
  #mayReturn(): boolean {
    const { state } = this.#health;
    return state === "ejected" || state === "probing" || (state === "down" && this.#policy.check?.written !== true);
  }

  #step(event: WorkerEvent): void {
    const before = this.#health;
    const step = this.#isAlone ? stepAlone : stepWorker;
    this.#take(step(before, event, this.#clock.nowMs(), this.#policy));
  }

  #take(next: Health): void {
    const before = this.#health;
    if (next === before) return;
    this.#health = next;
    if (this.#isClosed) return;
    if (next.state !== before.state) this.#monitored.stateEntered(before.state, next.state);
    this.#setTimer();
  }

  #counted(isUrgent: boolean): void {
    if (isUrgent) this.#tellNow();
    else this.#changed();
  }

  #changed(): void {
    if (this.#isPending || this.#isClosed) return;
    this.#isPending = true;
    this.#teller.hasNews();
  }

  #tellNow(): void {
    this.#changed();
    if (!this.#isClosed) this.#aheadOf = this.#teller.tellNow();
  }

  #forget(): void {
    this.#taken = this.#failed = this.#inRow = this.#refused = 0;
    this.#reason = this.#throttledMs = this.#probe = undefined;
    this.#isThrottled = this.#isNeutral = this.#hasEjected = false;
  }

  /** A pause ends by itself, and so does the time between two tries of what is out. */
  #setTimer(): void {
    const nowMs = this.#clock.nowMs();
    const isTimed = this.#isAlone || (this.#health.state !== "drain" && this.#health.state !== "maintenance");
    const atMs = isTimed ? nextChangeMs(this.#health, nowMs) : Infinity;
    if (this.#timer !== undefined && this.#timer.atMs <= atMs && atMs !== Infinity) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (atMs === Infinity) return;
    const cancel = this.#clock.after(Math.min(LONGEST_MS, Math.max(1, Math.ceil(atMs - nowMs))), () => {
      this.#timer = undefined;
      if (this.#isAlone) this.#step(TICK);
      this.#setTimer();
      this.#monitored.healthChanged();
    });
    this.#timer = { atMs, cancel };
  }
}

const TICK: WorkerEvent = { kind: "tick" };
const NEUTRAL: WorkerEvent = { kind: "neutral" };
const SUCCESS: WorkerEvent = { kind: "success" };
const REFUSED: WorkerEvent = { kind: "refused" };

/** When it comes back is told, and not for a worker's clock to say. */
function kept(told: Health, before: Health): Health {
  switch (told.state) {
    case "ready":
      return before.state === "ready" && before.epoch === told.epoch ? { ...told, failures: before.failures } : told;
    case "ejected":
      return { ...told, nextTryMs: Infinity };
    case "down": {
      const { probeFromMs: _, ...rest } = told;
      return rest;
    }
    default:
      return told;
  }
}
