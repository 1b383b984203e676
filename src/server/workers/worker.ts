import type { Socket } from "node:net";
import type { Cancel, Clock } from "../../core/clock.ts";
import { collectBeside, collectGrown } from "../../core/collect.ts";
import { eachListener, type ListenerKind } from "../../core/listener-kinds.ts";
import type { Random } from "../../core/random.ts";
import { Unreachable } from "../../core/unreachable.ts";
import { VERSION } from "../../core/version.ts";
import { openDataPlane } from "../../data/assemble.ts";
import type { NodeDataPlane } from "../../data/node-data-plane.ts";
import { RouterError } from "../../core/errors.ts";
import { optimise } from "../../core/optimise.ts";
import type { PreparedPlan } from "../../plan/data-plane.ts";
import { changedPlan } from "../../plan/plan-change.ts";
import { checkPlanData } from "../../plan/read-plan-data.ts";
import type { Env } from "../../telemetry/env.ts";
import { createLedger } from "../../telemetry/ledger.ts";
import { createLog } from "../../telemetry/log.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { openRuntimeMetrics, type RuntimeMetrics } from "../../telemetry/runtime.ts";
import { takeSnapshot } from "../../telemetry/snapshot.ts";
import { Borrower } from "./borrower.ts";
import { FailoverReport } from "./failover-report.ts";
import { ownShare } from "./guard-shares.ts";
import { type HeldConnection, holdConnection } from "./held-connection.ts";
import { LimitHolders } from "../../control/limits/limit-holders.ts";
import { LimitAsker } from "./limit-asker.ts";
import { GIVER_EPOCH } from "./limit-giver.ts";
import { KeyLoadReport } from "./key-load-report.ts";
import {
  type FromWorker,
  type NumberedChange,
  type NumberedPlan,
  type Question,
  type ToWorker,
  WORKER_SCHEMA,
  type WorkerStart,
} from "./messages.ts";
import { PanicNews } from "./pool-panics.ts";
import { NewsReporter } from "./news-reporter.ts";
import { PlanPieces } from "./plan-pieces.ts";
import { fromWireExplain, toWireError } from "./wire.ts";

interface WorkerEnv {
  readonly clock: Clock;
  readonly random: Random;
  /** What plans are bound with. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** To the main process. */
  readonly send: (message: FromWorker) => void;
}

/**
 * Between two reports, at the least; and so many times as long as making one took, so that many
 * rules do not make it dear.
 */
const REPORT_MS = 1_000;
const REPORT_SHARE = 200;

/** What a plan of more, and the one before, left behind is collected some time after. */
const MANY_RULES = 1_000;
const SETTLED_MS = 2_000;
/** It is likely by then that no other change follows. */
const RESTED_MS = 5_000;

/**
 * One data plane in a process of its own: answers what the main process asks, and takes the
 * connections that it hands over.
 */
export class Worker {
  readonly #env: Env;
  readonly #secrets: WorkerEnv["env"];
  readonly #send: WorkerEnv["send"];
  readonly #runtime: RuntimeMetrics;
  readonly #borrower: Borrower;
  readonly #keyLoads: KeyLoadReport;
  readonly #failovers: FailoverReport;
  readonly #limits: LimitAsker;
  readonly #reporter: NewsReporter;
  readonly #panics: PanicNews;
  readonly #pieces = new PlanPieces();
  readonly #held = new Map<number, { readonly listener: ListenerKind; readonly connection: HeldConnection }>();
  #plane: NodeDataPlane | undefined;
  #index = 0;
  #prepared: PreparedRead | undefined;
  #resting: Cancel | undefined;
  /** What the next plan is read beside. */
  #runs: NumberedPlan | undefined;
  /** Connections that have ended, and nobody was told yet. */
  #closed: Record<ListenerKind, number> | undefined;

  constructor({ clock, random, env, send }: WorkerEnv) {
    const write = (line: string): void => send({ kind: "log", line });
    const log = createLog({ clock, write, level: "debug", format: "json", colour: false });
    this.#env = { clock, random, log, metrics: createMetrics(), ledger: createLedger() };
    this.#secrets = env;
    this.#borrower = new Borrower({ clock, send });
    this.#keyLoads = new KeyLoadReport(clock, send);
    this.#failovers = new FailoverReport(clock, send);
    this.#limits = new LimitAsker(clock, send);
    this.#reporter = new NewsReporter(clock, send, () => this.#plane?.plan.version ?? 0);
    this.#panics = new PanicNews(send);
    this.#send = send;
    this.#runtime = openRuntimeMetrics(this.#env.metrics, { clock, version: VERSION });
  }

  /** `sent` is the connection that came with the message. */
  receive(message: ToWorker, sent: Socket | undefined): void {
    switch (message.kind) {
      case "ask":
        return void this.#answer(message.id, this.#pieces.join(message.question));
      case "rules":
        return this.#pieces.add(message.packed);
      case "connection":
        return this.#hold(message.seq, message.listener, sent);
      case "read":
        return this.#open(message.seq);
      case "others":
        return this.#keyLoads.told(message.loads);
      case "failovers":
        return this.#failovers.told(message.failovers);
      case "limits":
        return this.#limits.told(message);
      case "parts":
        return this.#borrower.told(message.seq, message.parts);
      case "health":
        return this.#plane?.obey(message.targets, message.heard, message.all);
      case "tenants":
        return this.#plane?.obeyTenants(message.told);
      default:
        // Of a main process of another version: its start says so.
        if (this.#plane !== undefined) throw new Unreachable(message);
    }
  }

  async #answer(id: number, question: Question): Promise<void> {
    try {
      this.#send({ kind: "answer", id, value: (await this.#do(question)) ?? null });
    } catch (cause) {
      this.#send({ kind: "failed", id, error: toWireError(cause) });
    }
  }

  #do(question: Question): Promise<unknown> {
    if (question.name === "start") return this.#start(question.args);
    const plane = this.#begun(question.name);
    switch (question.name) {
      case "prepare":
      case "change":
      case "commit":
      case "discard":
      case "runs":
        return this.#doPlan(plane, question);
      case "renew":
        return plane.renew(question.args);
      case "direct":
        return plane.direct(ownShare(question.args, this.#index));
      case "limits":
        return plane.limits(question.args.mostKeys);
      case "degrade":
        return plane.degrade(question.args);
      case "explain":
        return plane.explain(fromWireExplain(question.args));
      case "snapshot":
      case "summary":
        this.#runtime.refresh();
        return plane[question.name]();
      case "shutdown":
        return this.#shutdown(plane, question.args.graceMs);
      case "retireOldest":
        return plane.retireOldest(question.args.listener);
      case "status":
      case "ready":
      case "undeliverable":
      case "leaving":
      case "drops":
      case "randomness":
        return plane[question.name]();
      default:
        throw new Unreachable(question);
    }
  }

  async #doPlan(plane: NodeDataPlane, question: PlanQuestion): Promise<unknown> {
    switch (question.name) {
      case "prepare":
        return this.#prepareAll(plane, question.args);
      case "change":
        return this.#prepareChange(plane, question.args);
      case "commit":
        return this.#commit();
      case "discard":
        return this.#decided().discard();
      case "runs":
        return this.#runs?.number;
      default:
        throw new Unreachable(question);
    }
  }

  #begun(asked: string): NodeDataPlane {
    if (this.#plane !== undefined) return this.#plane;
    throw new RouterError("INTERNAL", `a worker was asked to ${asked} before it began`);
  }

  async #start({
    schema,
    plan,
    listen,
    health,
    place,
    parts,
    sampling,
    givenUp,
    sharesLimits,
  }: WorkerStart): Promise<void> {
    if (schema !== WORKER_SCHEMA) {
      const hint = "files of two versions are mixed: install it again, and start the node anew";
      throw new RouterError("INTERNAL", `a worker speaks ${WORKER_SCHEMA}, the main process ${schema}`, { hint });
    }
    this.#borrower.begin(place, parts);
    const data = checkPlanData(plan.data);
    const plane = await openDataPlane(data, listen, this.#env, {
      secrets: { env: this.#secrets },
      reporter: this.#reporter,
      panicTellerOf: (pool) => this.#panics.tellerOf(pool),
      told: health,
      partOf: this.#borrower.partOf,
      processes: place.of,
      ...(sharesLimits && { limitHolding: new LimitHolders(GIVER_EPOCH) }),
    });
    this.#index = place.index;
    if (sampling !== undefined) await plane.direct(ownShare(sampling, place.index));
    if (givenUp !== undefined) await plane.degrade(givenUp);
    this.#plane = plane;
    this.#runs = plan;
    this.#attend(plane, place);
    this.#reportAfter(REPORT_MS);
    this.#settle(plan);
    optimise(true);
  }

  #attend(plane: NodeDataPlane, place: WorkerStart["place"]): void {
    this.#borrower.attend(plane);
    if (place.of > 1) {
      this.#keyLoads.attend(plane);
      this.#failovers.attend(plane);
    }
    this.#limits.attend(plane);
  }

  async #prepareAll(plane: NodeDataPlane, plan: NumberedPlan): Promise<void> {
    checkPlanData(plan.data);
    await this.#prepare(plane, plan);
    this.#settle(plan);
  }

  async #prepareChange(plane: NodeDataPlane, { from, to, change }: NumberedChange): Promise<boolean> {
    const before = this.#runs;
    if (before?.number !== from) return false;
    await this.#prepare(plane, { number: to, data: checkPlanData(changedPlan(before.data, change)) });
    this.#settleChange();
    return true;
  }

  async #prepare(plane: NodeDataPlane, plan: NumberedPlan): Promise<void> {
    this.#prepared = { ...(await plane.prepare(plan.data)), plan };
  }

  async #commit(): Promise<void> {
    const prepared = this.#decided();
    await prepared.commit();
    this.#runs = prepared.plan;
    this.#borrower.planChanged();
    this.#failovers.planChanged();
    this.#limits.planChanged();
  }

  /** Of a plan that is discarded, too. */
  #settle({ data }: NumberedPlan): void {
    if (data.rules.length > MANY_RULES) this.#env.clock.after(SETTLED_MS, () => collectBeside("sparing"));
  }

  #settleChange(): void {
    const { clock } = this.#env;
    clock.after(SETTLED_MS, () => collectGrown(false));
    this.#resting?.();
    this.#resting = clock.after(RESTED_MS, () => collectGrown(false, "long"));
  }

  #decided(): PreparedRead {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    if (prepared === undefined)
      throw new RouterError("INTERNAL", "a worker was asked to decide what it did not prepare");
    return prepared;
  }

  /** The last report comes before the answer: who asked for the end need not ask for more. */
  async #shutdown(plane: NodeDataPlane, graceMs: number): Promise<unknown> {
    for (const { connection } of this.#held.values()) connection.drop();
    this.#held.clear();
    const report = await plane.shutdown(graceMs);
    this.#runtime.refresh();
    this.#send({ kind: "report", snapshot: await plane.snapshot() });
    return report;
  }

  #hold(seq: number, listener: ListenerKind, sent: Socket | undefined): void {
    const connection = sent && holdConnection(sent);
    this.#send({ kind: "got", seq });
    if (connection === undefined) return this.#tellClosed(listener); // it ended on its way
    this.#held.set(seq, { listener, connection });
  }

  #open(seq: number): void {
    const held = this.#held.get(seq);
    if (held === undefined) return;
    this.#held.delete(seq);
    const socket = held.connection.open();
    socket.once("close", () => this.#tellClosed(held.listener));
    if (this.#plane?.take(held.listener, socket) !== true) socket.destroy();
  }

  /** It ends in this turn. What is too long to be written at once does not arrive. */
  reportLast(): void {
    if (this.#plane === undefined) return;
    this.#runtime.refresh();
    this.#send({ kind: "report", snapshot: takeSnapshot(this.#env) });
  }

  /** Those of one turn together. */
  #tellClosed(listener: ListenerKind): void {
    if (this.#closed === undefined) {
      const counts = eachListener(() => 0);
      this.#closed = counts;
      setImmediate(() => {
        this.#closed = undefined;
        this.#send({ kind: "closed", counts });
      });
    }
    this.#closed[listener]++;
  }

  async #report(): Promise<void> {
    const { clock } = this.#env;
    const startedMs = clock.nowMs();
    this.#runtime.refresh();
    const plane = this.#plane;
    if (plane === undefined) return;
    this.#send({ kind: "report", snapshot: await plane.snapshot() });
    this.#reportAfter(Math.max(REPORT_MS, REPORT_SHARE * (clock.nowMs() - startedMs)));
  }

  #reportAfter(delayMs: number): void {
    const { clock } = this.#env;
    clock.after(delayMs, () => void this.#report());
  }
}

type PlanQuestion = Question<"prepare" | "change" | "commit" | "discard" | "runs">;

interface PreparedRead extends PreparedPlan {
  readonly plan: NumberedPlan;
}
