import type { Cancel } from "../../core/clock.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { CheckStatus, OperatorOverride } from "../../plan/data-plane.ts";
import { partName } from "../../plan/members.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { CheckPlan } from "../../plan/target-health.ts";
import type { CountingEnv } from "../../telemetry/env.ts";
import { redactText } from "../../telemetry/redact.ts";
import type { RetryReason } from "../send-outcome.ts";
import type { Check, CheckOutcome } from "./check.ts";
import { type Checked, Checker } from "./checker.ts";
import { type Health, type HealthPolicy, isSuspect, isUnproven, nextChangeMs, policyOf } from "./health.ts";
import { reportTransition } from "./report.ts";
import { Contradiction } from "./contradiction.ts";
import { type CallNews, Silence } from "./silence.ts";
import type { TargetMonitor } from "./target-monitor.ts";
import type { HealthNews } from "./target-news.ts";
import { type HealthEvent, stepHealth } from "./step-health.ts";
import { SuccessWindow } from "./success-window.ts";

export interface HealthMonitorEnv extends CountingEnv {
  /** One address of several: it is in the log by itself, while metrics tell of the whole target. */
  readonly isPart?: boolean;
  /** Without one, there are no active checks, whatever the plan says. */
  readonly openCheck?: (check: CheckPlan) => Check;
}

/** Whose health it is. */
export interface Monitored {
  readonly plan: TargetPlan;
  /** It is in another state; nobody who waits may be told from within. */
  stateEntered(before: Health["state"], now: Health["state"]): void;
  /** Something may have changed for those who wait. Never called from within a getter. */
  healthChanged(): void;
  /** A check has asked with a signal. */
  checkHeard(signal: Signal, elsewhere: boolean): void;
  /** It takes no signal at all. */
  readonly takesNothing: boolean;
  /** It does not take a signal, and of others it is not known. */
  readonly signalsInDoubt: boolean;
}

/** Checks come at least this often while the state may be about to change. */
const DOUBT_MS = 1_000;
/** Timers do not count further. */
const LONGEST_TIMER_MS = 1_000_000_000;

/**
 * Drives the health machine of one target: by its calls, by active checks, by operators and by
 * time.
 */
export class HealthMonitor implements Checked, TargetMonitor {
  readonly #monitored: Monitored;
  readonly #env: HealthMonitorEnv;
  readonly #window = new SuccessWindow();
  readonly #silence: Silence;
  #policy: HealthPolicy;
  #health: Health;
  #override: OperatorOverride | undefined;
  #checker: Checker | undefined;
  #closingChecks: Promise<void> = Promise.resolve();
  #check: CheckStatus | undefined;
  readonly #contradiction = new Contradiction();
  /** Its check, which nobody wrote, was refused while data was taken: there is none any more. */
  #dropped = false;
  /** When a call last showed that the target works. */
  #provenMs = -Infinity;
  /** When calls last brought it back, and took it out. */
  #recoveredMs = -Infinity;
  #ejectedMs = -Infinity;
  #timer: { readonly atMs: number; readonly cancel: Cancel } | undefined;
  #closed = false;

  /** `starting`: with the node, not later, so that its checks need not hurry. */
  constructor(monitored: Monitored, health: Health, env: HealthMonitorEnv, starting: boolean) {
    this.#monitored = monitored;
    this.#env = env;
    this.#health = health;
    this.#policy = this.#readPolicy();
    this.#silence = new Silence(env.clock, () => this.#checker?.within(0));
    this.#openChecker(starting);
  }

  /** As of now: what time has changed has changed. */
  health(): Health {
    this.#step({ kind: "tick" });
    return this.#health;
  }

  get policy(): HealthPolicy {
    return this.#policy;
  }

  /** What an operator asked for; undefined when nothing, or no longer. */
  override(): OperatorOverride | undefined {
    this.#step({ kind: "tick" });
    return this.#override;
  }

  /** The last active check. */
  get check(): CheckStatus | undefined {
    return this.#check;
  }

  /**
   * Clock.nowMs() of the next try of a target that is out; undefined when none is planned, or it is
   * not out.
   */
  nextTryMs(): number | undefined {
    const health = this.health();
    if (health.state === "ejected") return health.nextTryMs;
    const checksDecide = health.state === "down" || (health.state === "probing" && health.suspect && !health.probeOut);
    const nextMs = checksDecide ? this.#checker?.nextMs : undefined;
    return nextMs === Infinity ? undefined : nextMs;
  }

  // === What the target tells ===

  /** A batch leaves: gives the epoch that its outcome has to bring back. */
  sent(): number {
    const { epoch } = this.health();
    this.#silence.sent(this.#env.clock.nowMs());
    this.#step({ kind: "sent" });
    return epoch;
  }

  /** For each `sent`, before its outcome is told. */
  ended(news: CallNews): void {
    this.#silence.ended(news);
  }

  success(epoch: number): void {
    this.#provenMs = this.#env.clock.nowMs();
    this.#contradiction.called(true);
    this.#step({ kind: "success", epoch, recent: this.#count(epoch, false) });
  }

  failure(epoch: number, reason: RetryReason): void {
    const jitter = this.#env.random.next();
    this.#contradiction.called(false);
    this.#step({ kind: "failure", epoch, reason, jitter, recent: this.#count(epoch, true) });
  }

  /** Answered, but with a refusal of the target's own making. */
  refused(epoch: number): void {
    const jitter = this.#env.random.next();
    this.#contradiction.called(false);
    this.#step({ kind: "refused", epoch, jitter, recent: this.#count(epoch, true) });
  }

  throttled(epoch: number, delayMs: number | undefined): void {
    this.#step({ kind: "throttled", epoch, delayMs });
  }

  neutral(epoch: number): void {
    this.#step({ kind: "neutral", epoch });
  }

  /**
   * Answered that it does not take what was sent: nothing against it, unless it takes nothing at
   * all.
   */
  elsewhere(epoch: number): void {
    this.#checkSignals(epoch);
    this.#step({ kind: "neutral", epoch });
    if (this.#monitored.signalsInDoubt) this.#checker?.within(this.intervalMs());
  }

  /** What calls of another process told: as if they had ended now, in the order of its parts. */
  hear(news: HealthNews, underWay: number): void {
    const { epoch, taken = 0, failed = 0, refused = 0, inRow = 0, reason = "reset", ejected = false } = news;
    this.#silence.told(underWay, news.ended);
    if (news.probe === "sent" && epoch === this.#health.epoch) this.#step({ kind: "sent" });
    if (taken > 0) this.#provenMs = this.#env.clock.nowMs();
    if (taken > 0) this.#contradiction.called(true);
    if (inRow > 0 || (refused > 0 && taken === 0)) this.#contradiction.called(false);
    if (epoch === this.#health.epoch) this.#window.addMany(taken, failed + refused, this.#env.clock.nowMs());
    const recent = this.#window;
    if (taken > 0) this.#step({ kind: "success", epoch, recent });
    if (refused > 0) this.#step({ kind: "refused", epoch, jitter: this.#env.random.next(), recent });
    // As many in a row in one worker are as many of the node, whatever others have heard.
    const failures = ejected ? this.#policy.failures : Math.min(inRow, this.#policy.failures);
    for (let i = 0; i < failures; i++)
      this.#step({ kind: "failure", epoch, reason, jitter: this.#env.random.next(), recent });
    if (news.throttled !== undefined) this.#step({ kind: "throttled", epoch, delayMs: news.throttled.delayMs });
    if (news.neutral === true) this.#step({ kind: "neutral", epoch });
  }

  operate(override: OperatorOverride): void {
    const { clock } = this.#env;
    const untilMs = override.untilMs === undefined ? Infinity : clock.nowMs() + override.untilMs - clock.wallMs();
    this.#step({ kind: "operator", override: override.state, untilMs });
    this.#override = override.state === "ready" ? undefined : override;
    this.#monitored.healthChanged();
  }

  /** The plan has changed: another policy, and perhaps other checks. */
  adopt(before: TargetPlan): void {
    const { check } = this.#monitored.plan.health;
    this.#policy = this.#readPolicy();
    const isSame = JSON.stringify(check) === JSON.stringify(before.health.check);
    if (isSame && JSON.stringify(this.#monitored.plan.tls) === JSON.stringify(before.tls)) return;
    this.#closeChecker();
    this.#dropped = false;
    this.#policy = this.#readPolicy();
    this.#openChecker(false);
    if (this.#checker === undefined) this.#step({ kind: "unchecked" });
  }

  /** Nothing is asked, counted or logged from here on; resolves when the checks are closed. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#silence.close();
    this.#closeChecker();
    await this.#closingChecks;
  }

  // === What the checker asks (Checked) ===

  get timeoutMs(): number {
    return this.#monitored.plan.health.check?.timeoutMs ?? 0;
  }

  intervalMs(): number {
    const intervalMs = this.#monitored.plan.health.check?.intervalMs ?? 0;
    return this.#inDoubt() ? Math.min(DOUBT_MS, intervalMs) : intervalMs;
  }

  wanted(): boolean {
    const health = this.health();
    if (health.state === "maintenance") return false;
    // What nobody asked for is left out while calls prove as much.
    if (this.#policy.check?.written === true || this.#inDoubt()) return true;
    return this.#env.clock.nowMs() - this.#provenMs >= this.intervalMs();
  }

  checked({ result, said, asked }: CheckOutcome, startedMs: number): void {
    this.#check = { atMs: this.#env.clock.wallMs(), result, said: redactText(said) };
    this.#env.metrics.targetChecks.with(this.#monitored.plan.id, result).add(1);
    const before = this.health();
    if (asked !== undefined) this.#monitored.checkHeard(asked.signal, asked.elsewhere);
    if (before.state === "ready") this.#checkSignals(before.epoch); // a return is decided by a call
    if (result === "passed") this.#silence.heard();
    const answered = result === "failed" && asked !== undefined;
    if (this.#policy.check?.written === false) {
      const verdict = this.#contradiction.checked(answered, before.state === "ready");
      if (verdict === "drop") return this.#drop(said);
      if (verdict === "ignore") return;
    }
    if (this.#isOutdated(result === "passed", startedMs)) return;
    const failed = { kind: "check_failed", silent: this.#silence.lasts, answered } as const;
    this.#step(result === "passed" ? { kind: "check_passed" } : failed);
    const after = this.#health;
    if (after.epoch !== before.epoch || isUnproven(after) !== isUnproven(before)) this.#monitored.healthChanged();
  }

  /**
   * Calls have told the opposite since it began: it says how the target was before. A check that
   * was written may go on failing beside calls that succeed, and counts unless they brought the
   * target back.
   */
  #isOutdated(passed: boolean, startedMs: number): boolean {
    if (passed) return startedMs < this.#ejectedMs;
    return startedMs < (this.#policy.check?.written === true ? this.#recoveredMs : this.#provenMs);
  }

  #inDoubt(): boolean {
    return isSuspect(this.health()) || this.#silence.lasts || this.#monitored.signalsInDoubt;
  }

  /** Data is right: the empty export that nobody asked for is none of its tests. */
  #drop(said: string): void {
    this.#dropped = true;
    this.#policy = this.#readPolicy();
    this.#closeChecker();
    this.#step({ kind: "unchecked" });
    const target = this.#monitored.plan.id;
    this.#env.log?.info("target takes data and refuses empty exports: it is checked no more", { target, said });
    this.#monitored.healthChanged();
  }

  // === The machine ===

  #checkSignals(epoch: number): void {
    if (this.#monitored.takesNothing) this.#step({ kind: "no_signal", epoch, jitter: this.#env.random.next() });
  }

  #step(event: HealthEvent): void {
    const before = this.#health;
    const next = stepHealth(before, event, this.#env.clock.nowMs(), this.#policy);
    if (next === before) return;
    this.#health = next;
    if (this.#closed) return;
    if (next.epoch !== before.epoch) this.#entered(before, event);
    if (isSuspect(next) && !isSuspect(before)) {
      this.#checker?.within(next.state === "ready" ? this.intervalMs() : 0);
    }
    this.#setTimer();
  }

  #entered(before: Health, event: HealthEvent): void {
    const health = this.#health;
    if ("epoch" in event) {
      if (health.state === "ready") this.#recoveredMs = this.#env.clock.nowMs();
      if (health.state === "ejected") this.#ejectedMs = this.#env.clock.nowMs();
    }
    this.#window.clear();
    this.#monitored.stateEntered(before.state, health.state);
    if (health.state !== "drain" && health.state !== "maintenance") this.#override = undefined;
    const { plan } = this.#monitored;
    reportTransition({ id: plan.id, address: partName(plan), before, health, said: this.#check?.said }, this.#env);
    if (health.state === "ejected" || before.state === "maintenance") this.#checker?.within(0);
  }

  #count(epoch: number, failed: boolean): SuccessWindow {
    if (epoch === this.#health.epoch) this.#window.add(failed, this.#env.clock.nowMs());
    return this.#window;
  }

  /** Time alone ends some states: those who wait are told then, and it is counted then. */
  #setTimer(): void {
    const { clock } = this.#env;
    const nowMs = clock.nowMs();
    const atMs = nextChangeMs(this.#health, nowMs);
    // One that is early enough is left alone: it looks again, and setting timers costs.
    if (this.#timer !== undefined && this.#timer.atMs <= atMs && atMs !== Infinity) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (atMs === Infinity) return;
    const delayMs = Math.min(LONGEST_TIMER_MS, Math.max(1, Math.ceil(atMs - nowMs)));
    const cancel = clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#step({ kind: "tick" });
      this.#setTimer();
      this.#monitored.healthChanged();
    });
    this.#timer = { atMs, cancel };
  }

  #readPolicy(): HealthPolicy {
    const policy = policyOf(this.#monitored.plan.health);
    return this.#env.openCheck === undefined || this.#dropped ? { ...policy, check: undefined } : policy;
  }

  /**
   * The node's first check comes soon when it was asked for; the one that nobody asked for comes in
   * its time.
   */
  #openChecker(starting: boolean): void {
    const { check } = this.#monitored.plan.health;
    if (check === undefined || this.#env.openCheck === undefined) return;
    this.#checker = new Checker(this, this.#env.openCheck(check), this.#env);
    if (!starting) this.#checker.within(0);
    else if (check.written) this.#checker.within(Math.min(DOUBT_MS, check.intervalMs) * this.#env.random.next());
    else this.#checker.within(this.#checker.jitteredMs());
  }

  #closeChecker(): void {
    const closing = this.#checker?.[Symbol.asyncDispose]();
    this.#checker = undefined;
    if (closing !== undefined) this.#closingChecks = Promise.all([this.#closingChecks, closing]).then(() => undefined);
  }
}
