import type { Cancel } from "../../core/clock.ts";
import { Unreachable } from "../../core/unreachable.ts";
import { SIGNAL_FACTS, type Signal } from "../../otlp/signal.ts";
import type { CheckStatus, OperatorOverride } from "../../plan/data-plane.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import { onlyHeaders, type SenderHeaders } from "../../plan/sender-headers.ts";
import type { CheckPlan } from "../../plan/target-health.ts";
import {
  addedHealth,
  type Health,
  initialHealth,
  isUsable,
  resumedHealth,
  shareOf,
  wantsProbe,
} from "../health/health.ts";
import { HealthMonitor, type Monitored, type HealthMonitorEnv } from "../health/health-monitor.ts";
import type { TargetMonitor } from "../health/target-monitor.ts";
import type { TargetNews, TenantPause } from "../health/target-news.ts";
import { refusalsOnClock, type ToldPart, type ToldTarget } from "../health/told-health.ts";
import { WorkerMonitor } from "../health/worker-monitor.ts";
import { type RefusedSignal, type Refusing, SignalRefusals } from "../health/signal-refusals.ts";
import { ALL_OF_IT } from "../node-limit.ts";
import { parseReportedLoad } from "../load/reported-load.ts";
import { type CallEnd, TargetLoad } from "../load/target-load.ts";
import { cutShort, endOf, isCutShort, newsOf, outcomeLabel, type SentToTarget } from "./call-outcome.ts";
import { LearnedSize } from "./learned-size.ts";
import { ChangeListeners } from "./change-listeners.ts";
import type { Batch, TargetClient } from "./target-client.ts";
import type { SendOutcome, SizeDoubt } from "../send-outcome.ts";
import { asReset, isAboutSender } from "../send-outcome.ts";
import { tellUnreadable } from "./target-metrics.ts";
import type { PartEnv, PartTarget, InheritedState, Whole } from "./parts.ts";
import { withoutSecrets } from "./quiet.ts";
import { quietEnv, TargetReport, toldPart } from "./target-report.ts";
import type { AttemptTime, Joining, OwnedTarget, TargetEnv, TargetHandle, ToldHandle } from "./target-port.ts";
import { type Pause, TenantPauses } from "./tenant-pauses.ts";
import { cappedWindow, initialWindow, stepWindow, widestWindow, type Window } from "./window.ts";

/** So much of what a target says is kept. */
const LONGEST_SAID = 200;
/** A timeout shorter than this came from a sender's deadline, and says nothing about the target. */
const TELLING_TIMEOUT_MS = 1_000;

/** `openClient` gets the plan as it will be at each send. */
export function openTarget(
  plan: TargetPlan,
  openClient: (current: () => TargetPlan) => TargetClient,
  env: TargetEnv,
  joining: Joining = "start",
): OwnedTarget {
  return new Target(plan, openClient, env, joining);
}

/** The same, for a part of a target: with the plan of the target, and an address. */
export function openPart(
  plan: TargetPlan,
  openClient: (current: () => TargetPlan) => TargetClient,
  env: PartEnv,
  joining: Joining,
): PartTarget {
  return new Target(plan, openClient, env, joining, env);
}

class Target implements PartTarget, Monitored, Refusing {
  readonly load = new TargetLoad();
  readonly parts = undefined;
  readonly #whole: Whole | undefined;
  readonly #env: TargetEnv;
  readonly #refusals: SignalRefusals;
  readonly #client: TargetClient;
  readonly #monitor: TargetMonitor;
  /** The same, by what it is in this process: one of the two. */
  readonly #machine: HealthMonitor | undefined;
  readonly #follower: WorkerMonitor | undefined;
  readonly #report: TargetReport | undefined;
  readonly #pauses: TenantPauses;
  readonly #listeners = new ChangeListeners();
  readonly #size: LearnedSize;
  #pauseSaid = "";
  #plan: TargetPlan;
  maxInFlight: number;
  #window: Window;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(
    plan: TargetPlan,
    open: (current: () => TargetPlan) => TargetClient,
    env: TargetEnv,
    joining: Joining,
    part?: PartEnv,
  ) {
    this.#env = env;
    this.#plan = plan;
    this.#whole = part?.whole;
    this.maxInFlight = this.#partOfLimit();
    this.#client = open(() => this.#plan);
    const { reporter } = env;
    this.#report = reporter && new TargetReport(reporter, () => this.#news());
    this.#refusals = new SignalRefusals(this, quietEnv(env, this.#report));
    this.#window =
      part?.inherited === undefined ? initialWindow(plan.maxInFlight) : cappedWindow(part.inherited.window);
    this.#pauses = new TenantPauses(env.clock, () => this.#listeners.tell());
    this.#size = new LearnedSize(() => this.#plan.id, env);
    const { openCheck, clock } = env;
    const checked = plan.health.check !== undefined && (openCheck !== undefined || reporter !== undefined);
    const reason = joining === "start" ? "started" : "added";
    const fresh = joining === "later" && checked ? addedHealth(clock.nowMs()) : initialHealth(clock.nowMs(), reason);
    const health = part?.inherited === undefined ? fresh : resumedHealth(part.inherited.health, fresh);
    this.#follower = this.#report && new WorkerMonitor(this, this.#report, health, clock);
    const monitorEnv: HealthMonitorEnv = {
      clock,
      random: env.random,
      metrics: env.metrics,
      isPart: part !== undefined,
      ...(env.log && { log: env.log }),
      ...(openCheck && { openCheck: (check: CheckPlan) => openCheck(check, () => this.#plan, this.#client) }),
    };
    this.#machine =
      this.#follower === undefined ? new HealthMonitor(this, health, monitorEnv, joining === "start") : undefined;
    this.#monitor = this.#follower ?? this.#machine!;
  }

  get key(): string {
    const { id, address } = this.#plan;
    return address === undefined ? id : `${id} ${address}`;
  }

  get plan(): TargetPlan {
    return this.#plan;
  }

  get whole(): TargetHandle | undefined {
    return this.#whole?.handle;
  }

  inheritable(): InheritedState {
    return { health: this.health(), window: this.#window };
  }

  health(): Health {
    return this.#monitor.health();
  }

  get inFlight(): number {
    return this.load.inFlight;
  }

  get inFlightItems(): number {
    return this.load.inFlightItems;
  }

  get inFlightBytes(): number {
    return this.load.inFlightBytes;
  }

  windowSize(): number {
    const own = Math.floor(Math.min(this.#window.size, this.maxInFlight));
    return this.#whole === undefined ? own : Math.min(own, this.inFlight + this.#whole.spare);
  }

  get beyondPart(): number {
    return Math.max(0, Math.floor(this.#window.size) - this.maxInFlight);
  }

  get latencyMs(): number {
    return this.#window.shortMs;
  }

  get errorRate(): number {
    return this.load.errorRate;
  }

  usable(nowMs: number, signal?: Signal): boolean {
    return isUsable(this.health(), nowMs) && !this.#refuses(signal);
  }

  wantsProbe(signal?: Signal): boolean {
    const health = this.health();
    if (signal === undefined || !this.#refuses(signal)) return wantsProbe(health);
    if (!this.#refusals.isDue(signal)) return false;
    return wantsProbe(health) || isUsable(health, this.#env.clock.nowMs());
  }

  refused(): number {
    return this.#refusals.mask;
  }

  pause(): Pause | undefined {
    return pauseOf(this.health(), this.#pauseSaid, this.#env.clock.nowMs());
  }

  refusals(): readonly RefusedSignal[] {
    return this.#refusals.list;
  }

  get pausedTenants(): number {
    return this.#pauses.size;
  }

  pausedForMs(headers: SenderHeaders): number {
    return this.pauseFor(headers)?.untilMs ?? -Infinity;
  }

  pauseFor(headers: SenderHeaders): Pause | undefined {
    return this.#pauses.any ? this.#pauses.of(onlyHeaders(headers, this.#plan.forwardHeaders)) : undefined;
  }

  share(nowMs: number): number {
    return shareOf(this.health(), nowMs, this.#monitor.policy);
  }

  nextTryMs(): number | undefined {
    return this.#monitor.nextTryMs();
  }

  get check(): CheckStatus | undefined {
    return this.#monitor.check;
  }

  override(): OperatorOverride | undefined {
    return this.#monitor.override();
  }

  operate(override: OperatorOverride): void {
    this.#monitor.operate(override);
  }

  get maxBatchBytes(): number {
    return Math.min(this.#plan.maxRequestBytes, this.#size.maxBytes);
  }

  get learnedMaxBytes(): number | undefined {
    const { maxBytes } = this.#size;
    return maxBytes < this.#plan.maxRequestBytes ? maxBytes : undefined;
  }

  cutOf(refusedBytes: number): { readonly bytes: number; readonly proven: boolean } {
    return this.#size.cutOf(refusedBytes);
  }

  learnSize(bytes: number, refusedBytes: number): void {
    this.#size.learned(bytes, refusedBytes);
  }

  countSplit(doubt: SizeDoubt | undefined): void {
    this.#size.split(doubt);
  }

  send(batch: Batch, attempt: AttemptTime, wanted: () => boolean, done: (outcome: SendOutcome) => void): Cancel {
    const { timeoutMs, cut } = attempt;
    const { items, bytes, signal } = batch;
    const sentMs = this.#env.clock.nowMs();
    const telling = timeoutMs >= Math.min(TELLING_TIMEOUT_MS, this.#plan.timeoutMs);
    const tenant = this.#plan.forwardHeaders.length > 0 ? batch.headers : undefined;
    const asks = this.#refuses(signal);
    if (asks) this.#refusals.sent(signal);
    const call = { items, bytes, sentMs, signal, telling, asks, tenant, epoch: this.#monitor.sent() };
    this.load.sent(items, bytes, sentMs);
    this.#whole?.load.sent(items, bytes, sentMs);
    return this.#client.send(batch, timeoutMs, (ended, loadReport) => {
      const first = batch.again === true ? asReset(ended) : ended;
      const answer = cut ? cutShort(first, sentMs + timeoutMs, this.#env.clock.nowMs()) : first;
      const outcome = withoutSecrets(this.#size.read(answer, batch, sentMs));
      const report = loadReport === undefined ? undefined : parseReportedLoad(loadReport);
      if (report !== undefined) {
        this.load.report(report, this.#env.clock.nowMs());
        this.#whole?.load.report(report, this.#env.clock.nowMs());
      }
      this.#env.metrics.exportSends.with(this.#plan.id, outcomeLabel(outcome)).add(1);
      if (outcome.kind === "accepted" && outcome.unreadable === true) tellUnreadable(this.#plan.id, this.#env);
      this.#record(outcome, call, wanted);
      done(outcome);
      this.#listeners.tell();
      if (this.inFlight === 0) this.#idle?.resolve();
    });
  }

  onChange(listener: () => void): Cancel {
    return this.#listeners.add(listener);
  }

  /**
   * Who comes back begins with few calls, like one that is new, or with fewer if it was that slow.
   */
  stateEntered(before: Health["state"], now: Health["state"]): void {
    this.#env.watch?.stateEntered(this.#plan.id);
    this.#window = cappedWindow(this.#window);
    // Once, when its return begins: what a probe has measured counts.
    if (now === "probing" || (now === "ready" && before !== "probing")) this.load.forget();
    if (now === "ready") this.#refusals.hurry();
  }

  checkHeard(signal: Signal, elsewhere: boolean): void {
    this.#refusals.checked(signal, elsewhere);
    if (this.refused() !== 0) this.#listeners.tell();
  }

  get takesNothing(): boolean {
    return this.#refusals.isAll;
  }

  get signalsInDoubt(): boolean {
    return this.#refusals.isInDoubt;
  }

  refusalDue(): void {
    this.#listeners.tell();
  }

  healthChanged(): void {
    this.#listeners.tell();
  }

  limitChanged(): void {
    const calls = this.#partOfLimit();
    if (calls === this.maxInFlight) return;
    this.maxInFlight = calls;
    this.#listeners.tell();
  }

  adopt(plan: TargetPlan): void {
    const before = this.#plan;
    this.#plan = plan;
    this.maxInFlight = this.#partOfLimit();
    this.#monitor.adopt(before);
    this.#listeners.tell();
  }

  // === Of several processes, one decides about health ===

  get toldParts(): readonly ToldHandle[] {
    return [this];
  }

  obey({ parts }: ToldTarget, heardSeq: number): void {
    const { address } = this.#plan;
    const told = parts.find((part) => part.address === address);
    if (told === undefined) return;
    if (told.tenants !== undefined) this.hearTenants(told.tenants);
    if (this.#follower === undefined || this.#follower.isOlder(told, heardSeq)) return;
    this.#refusals.obey(refusalsOnClock(told.refusals, this.#env.clock.nowMs()), heardSeq);
    if (told.said !== undefined) this.#pauseSaid = told.said;
    this.#follower.obey(told);
  }

  release(): void {
    this.#follower?.release();
  }

  hear(news: TargetNews, underWay: number): void {
    if (news.throttled !== undefined) this.#pauseSaid = news.throttled.said;
    if (news.signals !== undefined) this.#refusals.hear(news.signals);
    this.#machine?.hear(news, underWay);
    if (news.signals?.away !== undefined) this.#machine?.elsewhere(news.epoch);
    this.#listeners.tell();
  }

  hearTenants(pauses: readonly TenantPause[]): void {
    for (const [key, forMs, said] of pauses) this.#pauses.pause({ key }, forMs, said);
  }

  told(): ToldPart {
    return toldPart(this, this.#refusals, this.#pauses, this.#env.clock.nowMs());
  }

  async retire(): Promise<void> {
    const closed = this.#monitor.close();
    this.#pauses.clear();
    this.#refusals.close();
    if (this.inFlight > 0) {
      this.#idle = Promise.withResolvers();
      await this.#idle.promise;
    }
    await closed;
    await this.#client[Symbol.asyncDispose]();
  }

  /** The limit of a target with parts is that of all of them: whoever has them sees to it. */
  #partOfLimit(): number {
    const { id, maxInFlight } = this.#plan;
    if (this.#whole !== undefined) return maxInFlight;
    return (this.#env.partOf ?? ALL_OF_IT)(`calls ${id}`, maxInFlight);
  }

  /** The window may ask for more than is this process's, so that it may get more. */
  get #windowLimit(): number {
    return Math.min(this.#plan.maxInFlight, widestWindow(this.maxInFlight));
  }

  #news(): TargetNews {
    const { id, address } = this.#plan;
    const signals = this.#refusals.takeNews();
    return {
      id,
      ...(address !== undefined && { address }),
      ...this.#follower!.take(this.inFlight, this.#pauseSaid),
      ...(signals !== undefined && { signals }),
    };
  }

  #refuses(signal: Signal | undefined): boolean {
    return signal !== undefined && (this.refused() & SIGNAL_FACTS[signal].bit) !== 0;
  }

  /** What the outcome says about the target, apart from what it says about the batch. */
  #record(outcome: SendOutcome, call: SentToTarget, wanted: () => boolean): void {
    const { epoch, sentMs } = call;
    const nowMs = this.#env.clock.nowMs();
    const limit = this.#windowLimit;
    this.#monitor.ended(newsOf(outcome));
    if (call.tenant !== undefined && isAboutSender(outcome)) return this.#recordTenant(outcome, call, call.tenant);
    const end = endOf(outcome, call);
    this.#ended(call, end, nowMs);
    this.#refusals.record(outcome, call);
    // Also a refusal is an answer: the target is there, and was as fast as it was. How fast it
    // refuses what is too large, or of a signal that it does not take, says nothing of how fast it
    // takes the rest.
    if (outcome.kind !== "retry" && outcome.kind !== "too_large" && outcome.kind !== "elsewhere") {
      this.#window = stepWindow(this.#window, { kind: "success", sentMs, wanted: wanted() }, nowMs, limit);
    }
    switch (end.kind) {
      case "answered":
        this.#monitor.success(epoch);
        break;
      case "neutral":
        // It was not fast enough to be waited for, though nothing else is known against it: it gets
        // less at a time.
        if (isCutShort(outcome)) this.#window = stepWindow(this.#window, { kind: "overload", sentMs }, nowMs, limit);
        this.#monitor.neutral(epoch);
        break;
      case "throttled":
        this.#pauseSaid = outcome.message.slice(0, LONGEST_SAID);
        this.#window = stepWindow(this.#window, { kind: "overload", sentMs }, nowMs, limit);
        this.#monitor.throttled(epoch, end.afterMs);
        break;
      case "failed":
        if (outcome.kind === "elsewhere") return this.#monitor.elsewhere(epoch);
        if (outcome.kind !== "retry") return this.#monitor.refused(epoch);
        this.#window = stepWindow(this.#window, { kind: "overload", sentMs }, nowMs, limit);
        this.#monitor.failure(epoch, outcome.reason);
        break;
      default:
        throw new Unreachable(end satisfies never);
    }
  }

  #ended(call: SentToTarget, end: CallEnd, nowMs: number): void {
    this.load.ended(call, end, nowMs);
    this.#whole?.load.ended(call, end, nowMs);
  }

  /**
   * It answers, and what it says holds for this sender only: no measure of how fast it takes what
   * it takes.
   */
  #recordTenant(outcome: SendOutcome, call: SentToTarget, tenant: SenderHeaders): void {
    this.#ended(call, { kind: "neutral" }, this.#env.clock.nowMs());
    if (call.asks) this.#refusals.unclear(call.signal);
    if (outcome.kind !== "retry") return this.#monitor.neutral(call.epoch);
    const said = outcome.message.slice(0, LONGEST_SAID);
    const forMs = this.#pauses.pause(tenant, outcome.afterMs, said);
    this.#report?.tenant([tenant.key, forMs, said]);
    this.#monitor.success(call.epoch);
  }
}

function pauseOf(health: Health, said: string, nowMs: number): Pause | undefined {
  if (health.state !== "ready" || health.pausedUntilMs <= nowMs) return undefined;
  return { untilMs: health.pausedUntilMs, said };
}
