import { randomBytes } from "node:crypto";
import { RouterError } from "../../core/errors.ts";
import { EventStream } from "../../core/event-stream.ts";
import type { Snapshot } from "../../core/snapshot.ts";
import { bindTargets } from "../../plan/bind.ts";
import type {
  DataPlane,
  DataPlaneEvent,
  DataPlaneStatus,
  DropSample,
  LeavingPool,
  OperatorOverride,
  OperatorState,
  PreparedPlan,
  Readiness,
  ShutdownReport,
  Undeliverable,
} from "../../plan/data-plane.ts";
import type { ListenOptions } from "../../plan/listen-options.ts";
import type { Explanation, ExplainRequest } from "../../plan/explanation.ts";
import type { Plan } from "../../plan/plan.ts";
import type { FoundMembers } from "../../plan/members.ts";
import type { LimitsAsk, LimitsGrant } from "../../plan/limits/limit-ask.ts";
import type { LimitsUsage } from "../../plan/limits/limit-shares.ts";
import { mergeRandomness, type RandomnessSeen } from "../../plan/sampling/randomness-check.ts";
import type { GivenUp } from "../../plan/degradation-plan.ts";
import type { SamplingState } from "../../plan/sampling-plan.ts";
import type { PlanData } from "../../plan/plan-data.ts";
import type { SecretReader } from "../../plan/secrets.ts";
import type { Env } from "../../telemetry/env.ts";
import { addSnapshots, takeSnapshot, takeSummary } from "../../telemetry/snapshot.ts";
import { type Acceptor, openAcceptor } from "./acceptor.ts";
import {
  idlePools,
  mergeDrops,
  mergeLimits,
  mergeLeaving,
  mergeReady,
  mergeShutdowns,
  mergeStatuses,
  mergeUndeliverable,
} from "./merge.ts";
import { SILENCE_MS } from "./ask-limits.ts";
import type { EarlyWorkers } from "./early-workers.ts";
import { forkWorker } from "./fork-worker.ts";
import { guardShares, type SharedSampling } from "./guard-shares.ts";
import { type Certificates, type ToWorker, WORKER_SCHEMA, type WorkerStart } from "./messages.ts";
import { NodeHealth, type WorkerNews } from "./node-health.ts";
import { LimitGiver } from "./limit-giver.ts";
import { SerializedPlan } from "./serialized-plan.ts";
import { PlanChanges, type PlanHost } from "./plan-changes.ts";
import { PoolPanics } from "./pool-panics.ts";
import { PlanTrial } from "./plan-trial.ts";
import { Lender } from "./lender.ts";
import type { WorkerSlot } from "./worker-slot.ts";
import { Supervisor } from "./supervisor.ts";
import type { SupervisorOptions } from "./supervisor-options.ts";
import { NodeTotals } from "./totals.ts";
import { toWireExplain } from "./wire.ts";
import { type ExitReason, type WorkerExit, type WorkerLink } from "./worker-link.ts";

interface WorkersOptions {
  readonly count: number;
  readonly secrets: SecretReader;
  readonly early?: Pick<EarlyWorkers, "take"> | undefined;
  /** The limits of its plans are other nodes', too. */
  readonly isInFleet?: boolean | undefined;
}

/**
 * Opens a data plane that consists of so many processes, on a plan. This one accepts their
 * connections, and reads none of them. Throws what a data plane in this process would throw, and
 * then leaves nothing open.
 */
export async function openWorkers(
  plan: PlanData,
  listen: ListenOptions,
  env: Env,
  options: WorkersOptions,
): Promise<DataPlane> {
  const bound = await bindTargets(plan, options.secrets);
  const workers = new Workers({ plan: new SerializedPlan(plan, FIRST), bound, listen }, env, options);
  await workers.open();
  return workers;
}

/** Numbers of plans count up from here. */
const FIRST = 1;

interface WorkersParts {
  readonly plan: SerializedPlan;
  readonly bound: Pick<Plan, "targets">;
  readonly listen: ListenOptions;
}

class Workers implements DataPlane {
  readonly #env: Env;
  readonly #health: NodeHealth;
  readonly #supervisor: Supervisor;
  readonly #lender: Lender;
  readonly #limits: LimitGiver;
  readonly #panics: PoolPanics;
  readonly #totals = new NodeTotals();
  readonly #count: number;
  readonly #isInFleet: boolean;
  readonly events = new EventStream<DataPlaneEvent>();
  readonly #trial: PlanTrial;
  readonly #changes: PlanChanges<WorkerSlot>;
  #listen: ListenOptions;
  #ticketKeys = newTicketKeys();
  /** Counts up with whatever a worker is started with. */
  #revision = 0;
  #directed: SamplingState | undefined;
  #givenUp: GivenUp | undefined;
  #acceptor: Acceptor | undefined;
  #shutdown: Promise<ShutdownReport> | undefined;

  constructor({ plan, bound, listen }: WorkersParts, env: Env, options: WorkersOptions) {
    const { count, secrets, isInFleet = false } = options;
    this.#trial = new PlanTrial({ clock: env.clock, workers: count, first: plan });
    this.#listen = listen;
    this.#env = env;
    this.#count = count;
    this.#isInFleet = isInFleet;
    const tell = (index: number, message: ToWorker): void => this.#tell(index, message);
    this.#lender = new Lender({ count, clock: env.clock, metrics: env.metrics, tell });
    this.#lender.adopt(plan.data, listen.limits);
    this.#limits = new LimitGiver(env.clock, tell, isInFleet);
    this.#limits.adopt(plan.data.limits);
    this.#panics = new PoolPanics(env);
    this.#panics.adopt(plan.data);
    const supervised: SupervisorOptions = {
      count,
      fork: () => options.early?.take() ?? forkWorker(secrets.env),
      startOf: (slot: WorkerSlot) => this.#startOf(slot),
      revision: () => this.#revision,
      update: (_slot: WorkerSlot, link: WorkerLink) => this.#update(link),
      used: ({ index }, message) => this.#lender.reported(index, message),
      limits: ({ index }: WorkerSlot, message) => this.#limits.asked(index, message),
      news: ({ index }: WorkerSlot, news: WorkerNews) => this.#health.hear(index, news),
      panics: ({ index }, panics) => this.#panics.told(index, panics),
      begun: ({ index }: WorkerSlot) => this.#begun(index),
      joined: () => this.#health.joined(),
      ended: ({ index }: WorkerSlot) => this.#ended(index),
      died: (slot: WorkerSlot, { reason }: WorkerExit) => this.#died(slot, reason),
    };
    this.#supervisor = new Supervisor(supervised, env);
    this.#health = new NodeHealth(bound, plan.data.version, env, {
      ready: () => this.#supervisor.ready.map(({ index }) => index),
      tell: (worker, message) => this.#supervisor.slots[worker]?.link?.tell(message),
    });
    this.#changes = new PlanChanges<WorkerSlot>(plan, this.#planHost(secrets));
  }

  get #plan(): SerializedPlan {
    return this.#changes.plan;
  }

  async open(): Promise<void> {
    const supervisor = this.#supervisor;
    try {
      await supervisor.open();
      this.#acceptor = await openAcceptor(
        {
          listen: this.#listen,
          open: (listener) => supervisor.connections(listener),
          accepted: (listener, socket) => supervisor.hand(listener, socket),
        },
        this.#env,
      );
    } catch (cause) {
      await supervisor.shutdown(0);
      await this.#health[Symbol.asyncDispose]();
      throw cause;
    }
  }

  prepare(plan: PlanData): Promise<PreparedPlan> {
    return this.#changes.prepare(plan);
  }

  async renew(listen: Certificates): Promise<void> {
    const authorities = [this.#listen, listen].map(({ listeners }) => {
      return listeners.map(({ kind, tls }) => [kind, tls?.clientCa]);
    });
    // Sessions of clients that were let in by authorities of before are not resumed.
    if (JSON.stringify(authorities[0]) !== JSON.stringify(authorities[1])) this.#ticketKeys = newTicketKeys();
    this.#listen = { ...this.#listen, ...listen };
    this.#revision++;
    await this.#supervisor.questions.each("renew", this.#certificates());
  }

  async status(): Promise<DataPlaneStatus> {
    const { version } = this.#plan.data;
    const workers = this.#supervisor.slots.map(({ status }) => status);
    const addresses = this.#acceptor?.addresses ?? {};
    const all = await this.#supervisor.questions.each("status", null);
    const { statuses: targets } = this.#health;
    return mergeStatuses(all, { version, addresses, workers, targets, pools: idlePools(this.#plan.data) });
  }

  async ready(): Promise<Readiness> {
    if (this.#shutdown !== undefined) return { ready: false, reason: "shutting down" };
    return mergeReady(await this.#supervisor.questions.enough("ready", null, ({ ready }) => ready));
  }

  async undeliverable(): Promise<readonly Undeliverable[]> {
    return mergeUndeliverable(await this.#supervisor.questions.each("undeliverable", null));
  }

  async discovered(found: readonly FoundMembers[]): Promise<void> {
    if (this.#shutdown === undefined) this.#health.discovered(found);
  }

  async leaving(): Promise<readonly LeavingPool[]> {
    return mergeLeaving(await this.#supervisor.questions.each("leaving", null));
  }

  async operate(id: string, override: OperatorOverride): Promise<boolean> {
    if (this.#shutdown !== undefined || !this.#health.operate(id, override)) return false;
    await this.#supervisor.questions.each("ready", null); // who answers has been told
    return true;
  }

  get sampling(): SamplingState | undefined {
    return this.#directed;
  }

  async direct(sampling: SamplingState): Promise<void> {
    this.#directed = sampling;
    this.#revision++;
    await this.#supervisor.questions.each("direct", this.#shared(sampling));
  }

  async limits(mostKeys: number): Promise<LimitsUsage | undefined> {
    return mergeLimits(await this.#supervisor.questions.each("limits", { mostKeys }), mostKeys);
  }

  async degrade(givenUp: GivenUp): Promise<void> {
    this.#givenUp = givenUp;
    this.#revision++;
    await this.#supervisor.questions.each("degrade", givenUp);
  }

  async limitAsk(): Promise<LimitsAsk | undefined> {
    return this.#limits.ask();
  }

  limitGranted(grant: LimitsGrant, sentMs: number): void {
    this.#limits.granted(grant, sentMs);
  }

  async operatorStates(): Promise<readonly OperatorState[]> {
    return this.#shutdown === undefined ? this.#health.operatorStates : [];
  }

  async drops(): Promise<readonly DropSample[]> {
    return mergeDrops(await this.#supervisor.questions.each("drops", null));
  }

  async randomness(): Promise<readonly RandomnessSeen[]> {
    return mergeRandomness(await this.#supervisor.questions.each("randomness", null));
  }

  async explain(request: ExplainRequest): Promise<Explanation> {
    const explanation = await this.#supervisor.questions.any("explain", toWireExplain(request));
    if (explanation === undefined) throw new RouterError("INTERRUPTED", "no worker answers that could explain it");
    return explanation;
  }

  async snapshot(): Promise<Snapshot> {
    return this.#totals.add(takeSnapshot(this.#env), await this.#supervisor.snapshots());
  }

  async summary(): Promise<Snapshot> {
    return addSnapshots(takeSummary(this.#env), await this.#supervisor.summaries());
  }

  shutdown(graceMs: number): Promise<ShutdownReport> {
    this.#shutdown ??= this.#stop(graceMs);
    return this.#shutdown;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown(0);
  }

  async #stop(graceMs: number): Promise<ShutdownReport> {
    const startedMs = this.#env.clock.nowMs();
    this.#acceptor?.close();
    this.#trial.end();
    const reports = await this.#supervisor.shutdown(graceMs);
    this.#lender.close(); // who drains is lent what the others do not need any more
    await this.#health[Symbol.asyncDispose]();
    this.events.close();
    return mergeShutdowns(reports, this.#env.clock.nowMs() - startedMs);
  }

  /** All of it: each has applied the plan that runs. */
  #tellHealth(): void {
    for (const { index } of this.#supervisor.ready) this.#health.tellAll(index);
    this.#health.joined();
  }

  /** Lost where no process runs. */
  #tell(index: number, message: ToWorker): void {
    this.#supervisor.slots[index]?.link?.tell(message);
  }

  #begun(index: number): void {
    this.#health.tellAll(index);
    this.#trial.ready(index);
  }

  #ended(index: number): void {
    this.#lender.ended(index);
    this.#limits.ended(index);
    this.#panics.ended(index);
    this.#health.died(index);
  }

  /** A plan that kills whoever runs it is not kept. */
  #died({ index }: WorkerSlot, reason: ExitReason): void {
    const before = this.#trial.died(index, reason);
    if (before === undefined) return;
    const { version } = this.#plan.data;
    this.#changes.takeBack(before);
    this.events.add({ kind: "taken_back", version, runs: before.data.version });
  }

  #planHost(secrets: SecretReader): PlanHost<WorkerSlot> {
    const workers = this.#supervisor;
    return {
      secrets,
      workers,
      isStopped: () => this.#shutdown !== undefined,
      committed: (plan) => {
        const ready = workers.ready.map(({ index }) => index);
        this.#trial.begin(plan, ready);
      },
      runs: ({ data }) => {
        this.#lender.adopt(data, this.#listen.limits);
        this.#limits.adopt(data.limits);
        this.#panics.adopt(data);
        this.#revision++;
      },
      targetsAre: (bound, { data: { version, pools } }) => this.#health.update(bound, version, pools),
      update: (link) => this.#update(link),
      tookOver: () => this.#tellHealth(),
    };
  }

  #startOf({ index }: WorkerSlot): WorkerStart {
    const { limits } = this.#listen;
    this.#health.began(index);
    return {
      schema: WORKER_SCHEMA,
      plan: this.#plan.whole,
      listen: { ...this.#certificates(), limits },
      place: { index, of: this.#count },
      parts: this.#lender.begin(index),
      health: this.#health.toldAll(index),
      sampling: this.#directed && this.#shared(this.#directed),
      givenUp: this.#givenUp,
      sharesLimits: this.#count > 1 || this.#isInFleet,
    };
  }

  /** What has changed since it was started. */
  async #update(link: WorkerLink): Promise<void> {
    await link.ask("renew", this.#certificates(), SILENCE_MS);
    if (this.#directed !== undefined) await link.ask("direct", this.#shared(this.#directed), SILENCE_MS);
    if (this.#givenUp !== undefined) await link.ask("degrade", this.#givenUp, SILENCE_MS);
    // Its version does not tell: a plan that a fleet's node makes anew keeps it.
    if ((await link.ask("runs", null, SILENCE_MS)) !== this.#plan.number) {
      await link.ask("prepare", this.#plan.whole, SILENCE_MS);
      await link.ask("commit", null, SILENCE_MS);
    }
  }

  #shared(state: SamplingState): SharedSampling {
    return { state, shares: guardShares(this.#supervisor.slots.map(({ itemsPerSecond }) => itemsPerSecond)) };
  }

  #certificates(): Certificates {
    const { listeners } = this.#listen;
    return { listeners: listeners.map((one) => ({ ...one, tls: this.#withTickets(one.tls), handedOver: true })) };
  }

  #withTickets<Tls extends object>(tls: Tls | undefined): (Tls & { readonly ticketKeys: string }) | undefined {
    return tls && { ...tls, ticketKeys: this.#ticketKeys };
  }
}

function newTicketKeys(): string {
  return randomBytes(48).toString("base64");
}
