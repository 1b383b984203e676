import { SIGNAL_FACTS, type Signal } from "../../otlp/signal.ts";
import { partName, placeIn } from "../../plan/members.ts";
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
import { HealthMonitor, type HealthMonitorEnv, type Monitored } from "../health/health-monitor.ts";
import { type Refusing, SignalRefusals } from "../health/signal-refusals.ts";
import type { TargetMonitor } from "../health/target-monitor.ts";
import type { TargetNews, TenantPause } from "../health/target-news.ts";
import { refusalsOnClock, type ToldPart, type ToldTarget } from "../health/told-health.ts";
import { WorkerMonitor } from "../health/worker-monitor.ts";
import type { TargetLoad } from "../load/target-load.ts";
import type { SendOutcome } from "../send-outcome.ts";
import type { SentToTarget } from "./call-outcome.ts";
import type { ChangeListeners } from "./change-listeners.ts";
import type { PartEnv } from "./parts.ts";
import type { TargetClient } from "./target-client.ts";
import type { Joining, TargetEnv } from "./target-port.ts";
import { quietEnv, TargetReport, toldPart } from "./target-report.ts";
import { type Pause, TenantPauses } from "./tenant-pauses.ts";

/** So much of what a target says is kept. */
const LONGEST_SAID = 200;

/** Whose standing it is. */
export interface StandingOf {
  readonly plan: TargetPlan;
  readonly load: TargetLoad;
  /** Batches under way. */
  readonly inFlight: number;
  /** It is in another state of health; nobody who waits may be told from within. */
  stateEntered(before: Health["state"], now: Health["state"]): void;
}

/**
 * Whether one address may be sent something now: its health, the signals that it does not take, and
 * the pauses that it asked for. Decided here, or in a worker taken from the main process, which is
 * told then what calls say.
 */
export class TargetStanding implements Monitored, Refusing {
  readonly monitor: TargetMonitor;
  readonly refusals: SignalRefusals;
  readonly pauses: TenantPauses;
  readonly #of: StandingOf;
  readonly #env: TargetEnv;
  readonly #listeners: ChangeListeners;
  /** The monitor, by what it is in this process: one of the two. */
  readonly #machine: HealthMonitor | undefined;
  readonly #follower: WorkerMonitor | undefined;
  readonly #report: TargetReport | undefined;
  #pauseSaid = "";

  constructor(
    of: StandingOf,
    client: TargetClient,
    listeners: ChangeListeners,
    env: TargetEnv,
    joining: Joining,
    part?: PartEnv,
  ) {
    this.#of = of;
    this.#env = env;
    this.#listeners = listeners;
    const { openCheck, clock, reporter } = env;
    this.#report = reporter && new TargetReport(reporter, () => this.#news());
    this.refusals = new SignalRefusals(this, quietEnv(env, this.#report));
    this.pauses = new TenantPauses(clock, () => listeners.tell());
    const health = healthAtFirst(of.plan, env, joining, part);
    this.#follower = this.#report && new WorkerMonitor(this, this.#report, health, clock);
    const monitorEnv: HealthMonitorEnv = {
      clock,
      random: env.random,
      metrics: env.metrics,
      isPart: part !== undefined,
      ...(env.log && { log: env.log }),
      ...(openCheck && { openCheck: (check: CheckPlan) => openCheck(check, () => this.plan, client) }),
    };
    this.#machine =
      this.#follower === undefined ? new HealthMonitor(this, health, monitorEnv, joining === "start") : undefined;
    this.monitor = this.#follower ?? this.#machine!;
  }

  get plan(): TargetPlan {
    return this.#of.plan;
  }

  get load(): TargetLoad {
    return this.#of.load;
  }

  health(): Health {
    return this.monitor.health();
  }

  nextTryMs(): number | undefined {
    return this.monitor.nextTryMs();
  }

  usable(nowMs: number, signal?: Signal): boolean {
    return isUsable(this.health(), nowMs) && !this.refuses(signal);
  }

  wantsProbe(signal?: Signal): boolean {
    const health = this.health();
    if (signal === undefined || !this.refuses(signal)) return wantsProbe(health);
    if (!this.refusals.isDue(signal)) return false;
    return wantsProbe(health) || isUsable(health, this.#env.clock.nowMs());
  }

  refuses(signal: Signal | undefined): boolean {
    return signal !== undefined && (this.refusals.mask & SIGNAL_FACTS[signal].bit) !== 0;
  }

  share(nowMs: number): number {
    return shareOf(this.health(), nowMs, this.monitor.policy);
  }

  pause(): Pause | undefined {
    return pauseOf(this.health(), this.#pauseSaid, this.#env.clock.nowMs());
  }

  pauseFor(headers: SenderHeaders): Pause | undefined {
    return this.pauses.any ? this.pauses.of(onlyHeaders(headers, this.plan.forwardHeaders)) : undefined;
  }

  // === What calls and checks tell ===

  throttled(epoch: number, afterMs: number | undefined, said: string): void {
    this.#pauseSaid = said.slice(0, LONGEST_SAID);
    this.monitor.throttled(epoch, afterMs);
  }

  /** It answered, and what it said holds for this sender only. */
  tenantHeard(outcome: SendOutcome, call: SentToTarget, tenant: SenderHeaders): void {
    if (call.asks) this.refusals.unclear(call.signal);
    if (outcome.kind !== "retry") return this.monitor.neutral(call.epoch);
    const said = outcome.message.slice(0, LONGEST_SAID);
    const forMs = this.pauses.pause(tenant, outcome.afterMs, said);
    this.#report?.tenant([tenant.key, forMs, said]);
    this.monitor.success(call.epoch);
  }

  stateEntered(before: Health["state"], now: Health["state"]): void {
    this.#env.watch?.stateEntered(this.plan.id);
    this.#of.stateEntered(before, now);
    if (now === "ready") this.refusals.hurry();
  }

  checkHeard(signal: Signal, elsewhere: boolean): void {
    this.refusals.checked(signal, elsewhere);
    if (this.refusals.mask !== 0) this.#listeners.tell();
  }

  get takesNothing(): boolean {
    return this.refusals.isAll;
  }

  get signalsInDoubt(): boolean {
    return this.refusals.isInDoubt;
  }

  refusalDue(): void {
    this.#listeners.tell();
  }

  healthChanged(): void {
    this.#listeners.tell();
  }

  // === Of several processes, one decides about health ===

  obey({ parts }: ToldTarget, heardSeq: number): void {
    const address = partName(this.plan);
    const told = parts.find((part) => part.address === address);
    if (told === undefined) return;
    if (told.tenants !== undefined) this.hearTenants(told.tenants);
    if (this.#follower === undefined || this.#follower.isOlder(told, heardSeq)) return;
    this.refusals.obey(refusalsOnClock(told.refusals, this.#env.clock.nowMs()), heardSeq);
    if (told.said !== undefined) this.#pauseSaid = told.said;
    this.#follower.obey(told);
  }

  release(): void {
    this.#follower?.release();
  }

  hear(news: TargetNews, underWay: number): void {
    if (news.throttled !== undefined) this.#pauseSaid = news.throttled.said;
    if (news.signals !== undefined) this.refusals.hear(news.signals);
    this.#machine?.hear(news, underWay);
    if (news.signals?.away !== undefined) this.#machine?.elsewhere(news.epoch);
    this.#listeners.tell();
  }

  hearTenants(pauses: readonly TenantPause[]): void {
    for (const [key, forMs, said] of pauses) this.pauses.pause({ key }, forMs, said);
  }

  told(): ToldPart {
    return toldPart(this, this.refusals, this.pauses, this.#env.clock.nowMs());
  }

  /** Resolves when its checks are closed. */
  close(): Promise<void> {
    const closed = this.monitor.close();
    this.#report?.close();
    this.pauses.clear();
    this.refusals.close();
    return closed;
  }

  #news(): TargetNews {
    const { id, member, url } = this.plan;
    const address = partName(this.plan);
    const signals = this.refusals.takeNews();
    return {
      id,
      ...(address !== undefined && { address }),
      ...(member !== undefined && { place: placeIn(url) }),
      ...this.#follower!.take(this.#of.inFlight, this.#pauseSaid),
      ...(signals !== undefined && { signals }),
    };
  }
}

function healthAtFirst(plan: TargetPlan, env: TargetEnv, joining: Joining, part: PartEnv | undefined): Health {
  const { openCheck, reporter, clock } = env;
  const checked = plan.health.check !== undefined && (openCheck !== undefined || reporter !== undefined);
  const reason = joining === "start" ? "started" : "added";
  const fresh = joining === "later" && checked ? addedHealth(clock.nowMs()) : initialHealth(clock.nowMs(), reason);
  return part?.inherited === undefined ? fresh : resumedHealth(part.inherited.health, fresh);
}

function pauseOf(health: Health, said: string, nowMs: number): Pause | undefined {
  if (health.state !== "ready" || health.pausedUntilMs <= nowMs) return undefined;
  return { untilMs: health.pausedUntilMs, said };
}
