import { randomBytes } from "node:crypto";
import { RouterError } from "../../core/errors.ts";
import { EventStream } from "../../core/event-stream.ts";
import type { Snapshot } from "../../core/snapshot.ts";
import type { CheckOutcome } from "../../data/health/check.ts";
import { bindTargets } from "../../plan/bind.ts";
import type {
  DataPlane,
  DataPlaneEvent,
  DataPlaneStatus,
  DropSample,
  LeavingPool,
  ListenOptions,
  OperatorOverride,
  OperatorState,
  PreparedPlan,
  Readiness,
  ShutdownReport,
  TargetState,
  Undeliverable,
} from "../../plan/data-plane.ts";
import type { Explanation, ExplainRequest } from "../../plan/explanation.ts";
import type { Plan } from "../../plan/plan.ts";
import type { PlanData } from "../../plan/plan-data.ts";
import type { SecretReader } from "../../plan/secrets.ts";
import type { Env } from "../../telemetry/env.ts";
import { addSnapshots, takeSnapshot } from "../../telemetry/snapshot.ts";
import { type Acceptor, openAcceptor } from "./acceptor.ts";
import { mergeDrops, mergeLeaving, mergeReady, mergeShutdowns, mergeStatuses, mergeUndeliverable } from "./merge.ts";
import { type Certificates, WORKER_SCHEMA, type WorkerStart } from "./messages.ts";
import { EarlyAcks } from "./early-acks.ts";
import { type CheckRequest, NodeChecks } from "./node-checks.ts";
import { KeptPlan } from "./kept-plan.ts";
import { Lender } from "./lender.ts";
import type { WorkerSlot } from "./worker-slot.ts";
import { SILENCE_MS, Supervisor, type SupervisorOptions } from "./supervisor.ts";
import { withLedger } from "./totals.ts";
import { toWireExplain } from "./wire.ts";
import { SilentWorker, type WorkerLink } from "./worker-link.ts";

export interface WorkersOptions {
  readonly count: number;
  readonly secrets: SecretReader;
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
  const checks = new NodeChecks(await bindTargets(plan, options.secrets), env);
  const workers = new Workers({ plan: new KeptPlan(plan), listen, checks }, env, options);
  await workers.open();
  return workers;
}

/**
 * A plan with which all workers end so often within this time of its commit, and never run, is
 * taken back.
 */
const TRIAL_MS = 30_000;
const TRIAL_ENDS = 2;

/** A change of the plan that may still prove to be fatal. */
interface PlanTrial {
  readonly before: KeptPlan;
  readonly endsMs: number;
  readonly ends: number[];
}

interface WorkersParts {
  readonly plan: KeptPlan;
  readonly listen: ListenOptions;
  readonly checks: NodeChecks;
}

class Workers implements DataPlane {
  readonly #env: Env;
  readonly #secrets: SecretReader;
  readonly #checks: NodeChecks;
  readonly #supervisor: Supervisor;
  readonly #lender: Lender;
  readonly #count: number;
  readonly events = new EventStream<DataPlaneEvent>();
  readonly #operators = new Map<string, OperatorState>();
  readonly #earlyAcks: EarlyAcks;
  #plan: KeptPlan;
  #listen: ListenOptions;
  #ticketKeys = newTicketKeys();
  /** Counts up with whatever a worker is started with. */
  #revision = 0;
  #isPreparing = false;
  #trial: PlanTrial | undefined;
  #acceptor: Acceptor | undefined;
  #shutdown: Promise<ShutdownReport> | undefined;

  constructor({ plan, listen, checks }: WorkersParts, env: Env, { count, secrets }: WorkersOptions) {
    this.#plan = plan;
    this.#earlyAcks = new EarlyAcks(plan);
    this.#listen = listen;
    this.#checks = checks;
    this.#env = env;
    this.#secrets = secrets;
    this.#count = count;
    this.#lender = new Lender({
      count,
      clock: env.clock,
      metrics: env.metrics,
      tell: (index, message) => this.#supervisor.slots[index]?.link?.tell(message),
    });
    this.#lender.adopt(plan, listen.limits);
    const supervised: SupervisorOptions = {
      count,
      env: secrets.env,
      startOf: (slot: WorkerSlot) => this.#startOf(slot),
      revision: () => this.#revision,
      update: (_slot: WorkerSlot, link: WorkerLink) => this.#update(link),
      check: (request: CheckRequest, done: (outcome: CheckOutcome) => void) => checks.run(request, done),
      used: ({ index }, message) => this.#lender.reported(index, message),
      died: (slot: WorkerSlot) => this.#died(slot),
      acknowledges: (pool: string) => this.#earlyAcks.has(pool),
    };
    this.#supervisor = new Supervisor(supervised, env);
  }

  async open(): Promise<void> {
    await this.#supervisor.open();
    const supervisor = this.#supervisor;
    try {
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
      throw cause;
    }
  }

  async prepare(plan: PlanData): Promise<PreparedPlan> {
    this.#refuseStopped();
    if (this.#isPreparing) throw new RouterError("INTERNAL", "another change of the plan is prepared and not decided");
    this.#isPreparing = true;
    try {
      const bound = await bindTargets(plan, this.#secrets);
      const kept = new KeptPlan(plan);
      const prepared = await this.#prepareAll(kept);
      this.#refuseStopped();
      return {
        commit: () => this.#decide(() => this.#commit(kept, bound, prepared)),
        discard: () => this.#decide(() => discardAll(prepared)),
      };
    } catch (cause) {
      this.#isPreparing = false;
      throw cause;
    }
  }

  async renew(listen: Certificates): Promise<void> {
    const authorities = [this.#listen, listen].map(({ otlpGrpc, otlpHttp }) => [
      otlpGrpc?.tls?.clientCa,
      otlpHttp?.tls?.clientCa,
    ]);
    // Sessions of clients that were let in by authorities of before are not resumed.
    if (JSON.stringify(authorities[0]) !== JSON.stringify(authorities[1])) this.#ticketKeys = newTicketKeys();
    this.#listen = { ...this.#listen, ...listen };
    this.#revision++;
    await this.#supervisor.each("renew", this.#certificates());
  }

  async status(): Promise<DataPlaneStatus> {
    const { version } = this.#plan;
    const workers = this.#supervisor.slots.map(({ status }) => status);
    const addresses = this.#acceptor?.addresses ?? { otlpGrpc: undefined, otlpHttp: undefined };
    return mergeStatuses(await this.#supervisor.each("status", null), { version, addresses, workers });
  }

  async ready(): Promise<Readiness> {
    if (this.#shutdown !== undefined) return { ready: false, reason: "shutting down" };
    return mergeReady(await this.#supervisor.enough("ready", null, ({ ready }) => ready));
  }

  async undeliverable(): Promise<readonly Undeliverable[]> {
    return mergeUndeliverable(await this.#supervisor.each("undeliverable", null));
  }

  async leaving(): Promise<readonly LeavingPool[]> {
    return mergeLeaving(await this.#supervisor.each("leaving", null));
  }

  async operate(id: string, override: OperatorOverride): Promise<boolean> {
    if (this.#shutdown !== undefined || !this.#plan.targets.some((target) => target.id === id)) return false;
    if (override.state === "ready") this.#operators.delete(id);
    else this.#operators.set(id, { id, ...override });
    this.#revision++;
    await this.#supervisor.each("operate", { id, override });
    return true;
  }

  async operatorStates(): Promise<readonly OperatorState[]> {
    return this.#shutdown === undefined ? this.#operatorsNow() : [];
  }

  async drops(): Promise<readonly DropSample[]> {
    return mergeDrops(await this.#supervisor.each("drops", null));
  }

  async explain(request: ExplainRequest): Promise<Explanation> {
    const explanation = await this.#supervisor.any("explain", toWireExplain(request));
    if (explanation === undefined) throw new RouterError("INTERNAL", "no worker runs that could explain it");
    return explanation;
  }

  async snapshot(): Promise<Snapshot> {
    return withLedger(addSnapshots(takeSnapshot(this.#env), await this.#supervisor.snapshots()));
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
    this.#lender.close();
    const reports = await this.#supervisor.shutdown(graceMs);
    await this.#checks[Symbol.asyncDispose]();
    this.events.close();
    return mergeShutdowns(reports, this.#env.clock.nowMs() - startedMs);
  }

  #refuseStopped(): void {
    if (this.#shutdown !== undefined) throw new RouterError("SHUTDOWN", "the node shuts down");
  }

  async #decide(what: () => Promise<void>): Promise<void> {
    if (!this.#isPreparing) throw new RouterError("INTERNAL", "this change of the plan was decided already");
    this.#isPreparing = false;
    await what();
  }

  /** In all that run, or in none. */
  async #prepareAll(plan: KeptPlan): Promise<PreparedWorker[]> {
    const parts = this.#supervisor.ready.flatMap((slot): PreparedWorker[] =>
      slot.link === undefined ? [] : [{ slot, link: slot.link }],
    );
    const asked = parts.map(({ link }) => link.ask("prepare", { plan: plan.text }, SILENCE_MS));
    const results = await Promise.allSettled(asked);
    const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    if (refused.length === 0) return parts;
    for (const [i, { slot, link }] of parts.entries()) {
      const result = results[i];
      if (result?.status === "rejected" && result.reason instanceof SilentWorker)
        this.#supervisor.end(slot, link, result.reason);
    }
    await discardAll(parts.filter((_, i) => results[i]?.status === "fulfilled"));
    throw refused.find((cause) => !(cause instanceof SilentWorker)) ?? refused[0];
  }

  /**
   * It is decided: who cannot follow is killed, and the one in its place begins with the new plan.
   */
  async #commit(plan: KeptPlan, bound: Pick<Plan, "targets">, parts: readonly PreparedWorker[]): Promise<void> {
    this.#refuseStopped();
    const { clock } = this.#env;
    this.#trial = { before: this.#plan, endsMs: clock.nowMs() + TRIAL_MS, ends: Array<number>(this.#count).fill(0) };
    this.#plan = plan;
    this.#earlyAcks.adopt(plan);
    this.#lender.adopt(plan, this.#listen.limits);
    this.#revision++;
    this.#checks.adopt(bound);
    const commits = parts.map(async ({ slot, link }) => {
      try {
        await link.ask("commit", null, SILENCE_MS);
      } catch (cause) {
        this.#supervisor.end(slot, link, cause);
      }
    });
    await Promise.all(commits);
    // Who was started with the plan of before, and ran only when all others had prepared this one.
    await this.#follow(this.#supervisor.ready.filter(({ link }) => parts.every((part) => part.link !== link)));
  }

  /** Those that run, and were not told of what is so by now. */
  async #follow(slots: readonly WorkerSlot[]): Promise<void> {
    const following = slots.map(async (slot) => {
      const { link } = slot;
      if (link === undefined) return;
      try {
        await this.#update(link);
      } catch (cause) {
        this.#supervisor.end(slot, link, cause);
      }
    });
    await Promise.all(following);
  }

  /** A plan that kills whoever runs it is not kept. */
  #died({ index }: WorkerSlot): void {
    this.#lender.ended(index);
    const trial = this.#trial;
    if (trial === undefined) return;
    if (this.#env.clock.nowMs() > trial.endsMs) {
      this.#trial = undefined;
      return;
    }
    trial.ends[index]! += 1;
    if (trial.ends.some((ends) => ends < TRIAL_ENDS)) return;
    const { version } = this.#plan;
    this.#trial = undefined;
    this.#plan = trial.before;
    this.#earlyAcks.adopt(trial.before);
    this.#lender.adopt(trial.before, this.#listen.limits);
    this.#revision++;
    void this.#follow(this.#supervisor.ready); // never rejects
    // It could be bound once; where it cannot any more, what is the same of both is checked.
    void bindTargets(trial.before, this.#secrets).then(
      (bound) => this.#checks.adopt(bound),
      () => undefined,
    );
    this.events.add({ kind: "taken_back", version, runs: trial.before.version });
  }

  #startOf({ index }: WorkerSlot): WorkerStart {
    const { limits } = this.#listen;
    return {
      schema: WORKER_SCHEMA,
      plan: this.#plan.text,
      listen: { ...this.#certificates(), limits },
      operators: this.#operatorsNow(),
      doubted: [...new Set([...this.#checks.failing, ...this.#supervisor.slots.flatMap((one) => one.doubted)])],
      place: { index, of: this.#count },
      parts: this.#lender.begin(index),
    };
  }

  /** What has changed since it was started. */
  async #update(link: WorkerLink): Promise<void> {
    await link.ask("renew", this.#certificates(), SILENCE_MS);
    const { version } = await link.ask("status", null, SILENCE_MS);
    if (version !== this.#plan.version) {
      await link.ask("prepare", { plan: this.#plan.text }, SILENCE_MS);
      await link.ask("commit", null, SILENCE_MS);
    }
    const { targets } = await link.ask("status", null, SILENCE_MS);
    for (const { id, state } of targets) {
      const override = this.#operators.get(id);
      if (override !== undefined) await link.ask("operate", { id, override }, SILENCE_MS);
      else if (OVERRIDDEN.has(state)) await link.ask("operate", { id, override: NO_OVERRIDE }, SILENCE_MS);
    }
  }

  #operatorsNow(): OperatorState[] {
    const nowMs = this.#env.clock.wallMs();
    return [...this.#operators.values()].filter(({ id, untilMs }) => {
      return (untilMs === undefined || untilMs > nowMs) && this.#plan.targets.some((target) => target.id === id);
    });
  }

  #certificates(): Certificates {
    const { otlpGrpc, otlpHttp } = this.#listen;
    return {
      otlpGrpc: otlpGrpc && { ...otlpGrpc, tls: this.#withTickets(otlpGrpc.tls), handedOver: true },
      otlpHttp: otlpHttp && { ...otlpHttp, tls: this.#withTickets(otlpHttp.tls), handedOver: true },
    };
  }

  #withTickets<Tls extends object>(tls: Tls | undefined): (Tls & { readonly ticketKeys: string }) | undefined {
    return tls && { ...tls, ticketKeys: this.#ticketKeys };
  }
}

/** States that are only there because an operator said so. */
const OVERRIDDEN: ReadonlySet<TargetState> = new Set(["drain", "maintenance"]);
const NO_OVERRIDE: OperatorOverride = { state: "ready", untilMs: undefined, note: "" };

/** A worker that has prepared a change. */
interface PreparedWorker {
  readonly slot: WorkerSlot;
  readonly link: WorkerLink;
}

/** Who is gone has nothing to discard. */
async function discardAll(parts: readonly PreparedWorker[]): Promise<void> {
  await Promise.allSettled(parts.map(({ link }) => link.ask("discard", null, SILENCE_MS)));
}

function newTicketKeys(): string {
  return randomBytes(48).toString("base64");
}
