import type { Cancel } from "../../core/clock.ts";
import { Unreachable } from "../../core/unreachable.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { CheckStatus, OperatorOverride } from "../../plan/data-plane.ts";
import { partName } from "../../plan/members.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { Health } from "../health/health.ts";
import type { TargetMonitor } from "../health/target-monitor.ts";
import type { TargetNews, TenantPause } from "../health/target-news.ts";
import type { ToldPart, ToldTarget } from "../health/told-health.ts";
import type { RefusedSignal, SignalRefusals } from "../health/signal-refusals.ts";
import { ALL_OF_IT } from "../node-limits/node-limit.ts";
import { parseReportedLoad } from "../load/reported-load.ts";
import { type CallEnd, TargetLoad } from "../load/target-load.ts";
import { cutShort, endOf, isCutShort, newsOf, outcomeLabel, type SentToTarget } from "./call-outcome.ts";
import { LearnedSize } from "./learned-size.ts";
import { ChangeListeners } from "./change-listeners.ts";
import { SendCounts } from "./send-counts.ts";
import type { Batch, TargetClient } from "./target-client.ts";
import type { SendOutcome, SizeDoubt } from "../send-outcome.ts";
import { asReset, isAboutSender } from "../send-outcome.ts";
import { tellUnreadable } from "./target-metrics.ts";
import type { PartEnv, PartTarget, InheritedState, Whole } from "./parts.ts";
import { withoutSecrets } from "./quiet.ts";
import type { AttemptTime, Joining, OwnedTarget, TargetEnv, TargetHandle, ToldHandle } from "./target-port.ts";
import { type StandingOf, TargetStanding } from "./target-standing.ts";
import type { Pause } from "./tenant-pauses.ts";
import { cappedWindow, initialWindow, stepWindow, widestWindow, type Window } from "./window.ts";

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

class Target implements PartTarget, StandingOf {
  readonly load = new TargetLoad();
  readonly parts = undefined;
  readonly #whole: Whole | undefined;
  readonly #env: TargetEnv;
  readonly #client: TargetClient;
  readonly #standing: TargetStanding;
  /** Of the standing: each call tells them. */
  readonly #monitor: TargetMonitor;
  readonly #refusals: SignalRefusals;
  readonly #listeners = new ChangeListeners();
  readonly #size: LearnedSize;
  readonly #sends: SendCounts;
  #plan: TargetPlan;
  maxInFlight: number;
  loadsHeard = 0;
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
    this.#window =
      part?.inherited === undefined ? initialWindow(plan.maxInFlight) : cappedWindow(part.inherited.window);
    this.#sends = new SendCounts(env.metrics);
    this.#size = new LearnedSize(() => this.#plan.id, env);
    this.#standing = new TargetStanding(this, this.#client, this.#listeners, env, joining, part);
    this.#monitor = this.#standing.monitor;
    this.#refusals = this.#standing.refusals;
  }

  get key(): string {
    const part = partName(this.#plan);
    return part === undefined ? this.#plan.id : `${this.#plan.id} ${part}`;
  }

  get plan(): TargetPlan {
    return this.#plan;
  }

  get whole(): TargetHandle | undefined {
    return this.#whole?.handle;
  }

  hearLoad(utilization: number): void {
    this.loadsHeard++;
    this.load.report({ utilisation: Math.min(1, utilization) }, this.#env.clock.nowMs());
    this.#listeners.tell();
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

  get latencyCalls(): number {
    return this.#window.samples;
  }

  get errorRate(): number {
    return this.load.errorRate;
  }

  usable(nowMs: number, signal?: Signal): boolean {
    return this.#standing.usable(nowMs, signal);
  }

  wantsProbe(signal?: Signal): boolean {
    return this.#standing.wantsProbe(signal);
  }

  refused(): number {
    return this.#refusals.mask;
  }

  pause(): Pause | undefined {
    return this.#standing.pause();
  }

  refusals(): readonly RefusedSignal[] {
    return this.#refusals.list;
  }

  get pausedTenants(): number {
    return this.#standing.pauses.size;
  }

  pausedForMs(headers: SenderHeaders): number {
    return this.pauseFor(headers)?.untilMs ?? -Infinity;
  }

  pauseFor(headers: SenderHeaders): Pause | undefined {
    return this.#standing.pauseFor(headers);
  }

  share(nowMs: number): number {
    return this.#standing.share(nowMs);
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

  splitSize(refusedBytes: number): { readonly bytes: number; readonly proven: boolean } {
    return this.#size.splitSize(refusedBytes);
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
    const asks = this.#standing.refuses(signal);
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
      this.#sends.add(this.#plan.id, outcomeLabel(outcome));
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
    this.#window = cappedWindow(this.#window);
    // Once, when its return begins: what a probe has measured counts.
    if (now === "probing" || (now === "ready" && before !== "probing")) this.load.forget();
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

  obey(told: ToldTarget, heardSeq: number): void {
    this.#standing.obey(told, heardSeq);
  }

  release(): void {
    this.#standing.release();
  }

  hear(news: TargetNews, underWay: number): void {
    this.#standing.hear(news, underWay);
  }

  hearTenants(pauses: readonly TenantPause[]): void {
    this.#standing.hearTenants(pauses);
  }

  told(): ToldPart {
    return this.#standing.told();
  }

  async retire(): Promise<void> {
    const closed = this.#standing.close();
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
        this.#window = stepWindow(this.#window, { kind: "overload", sentMs }, nowMs, limit);
        this.#standing.throttled(epoch, end.afterMs, outcome.message);
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
    this.#standing.tenantHeard(outcome, call, tenant);
  }
}
