import type { Socket } from "node:net";
import type { Cancel } from "../../core/clock.ts";
import type { ConnectionRefusal } from "../../core/connection-refusal.ts";
import { reasonOf } from "../../core/errors.ts";
import { eachListener, LISTENER_KINDS, type ListenerKind } from "../../core/listener-kinds.ts";
import type { Snapshot } from "../../core/snapshot.ts";
import { Unreachable } from "../../core/unreachable.ts";
import { type ShutdownReport } from "../../plan/data-plane.ts";
import type { Env } from "../../telemetry/env.ts";
import { refusalTeller } from "../../telemetry/refused-connections.ts";
import { ASK_LIMIT_MS, SILENCE_MS } from "./ask-limits.ts";
import { type FromWorker } from "./messages.ts";
import { WaitingConnections } from "./waiting-connections.ts";
import { WorkerSlot } from "./worker-slot.ts";
import { ConnectionSpread } from "./skew.ts";
import type { SupervisorOptions } from "./supervisor-options.ts";
import { addRemains, NOTHING } from "./totals.ts";
import { SilentWorker, type WorkerExit, WorkerLink } from "./worker-link.ts";
import { WorkerQuestions } from "./worker-questions.ts";

/** Plugins are loaded, listeners are made, and on a busy machine ten processes begin at once. */
const START_LIMIT_MS = 60_000;
const WATCH_MS = 5_000;
/** What other workers get to be ready, too, before the first takes all connections that wait. */
const SPREAD_MS = 1_000;
const BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 30_000;
/** A worker that ran so long did not end because of how it was started. */
const SETTLED_MS = 60_000;
/** Beyond the grace: what a worker gets to tell how it went, and to end. */
const LAST_ANSWER_MS = 3_000;
const EXIT_MS = 500;

/** Starts workers, starts those that die again, gives them connections, and asks them. */
export class Supervisor {
  readonly slots: readonly WorkerSlot[];
  readonly questions = new WorkerQuestions(() => this.ready);
  readonly #options: SupervisorOptions;
  readonly #env: Env;
  readonly #waiting: WaitingConnections;
  /** Told when a worker takes connections again. */
  readonly #expecting = new Set<() => void>();
  /** They wait for more workers than those that are ready, for some time. */
  #isSpreading = false;
  /** What those counted that are gone. */
  #gone: Snapshot = NOTHING;
  #seq = 0;
  readonly #spread: ConnectionSpread;
  #isStopping = false;
  readonly #timers = new Set<Cancel>();
  readonly #exits = new Map<WorkerLink, () => void>();
  readonly #refusals: Readonly<Record<ListenerKind, (refusal: ConnectionRefusal) => void>>;
  /** Who hangs does not see that this process is gone: when it ends out of order, they go first. */
  readonly #killAll = (): void => {
    for (const { link } of this.slots) link?.kill("killed");
  };

  constructor(options: SupervisorOptions, env: Env) {
    this.#options = options;
    this.#env = env;
    this.#waiting = new WaitingConnections(env.clock);
    this.#spread = new ConnectionSpread(env);
    this.#refusals = eachListener((kind) => refusalTeller(kind, env));
    process.once("exit", this.#killAll);
    this.slots = Array.from({ length: options.count }, (_, index) => new WorkerSlot(index));
  }

  get ready(): readonly WorkerSlot[] {
    return this.slots.filter((slot) => slot.isReady);
  }

  /**
   * All workers, or none: rejects with what kept the first of them from starting. One that has
   * started and ends while others still start is started again, as it would be later.
   */
  async open(): Promise<void> {
    const failures = await Promise.all(this.slots.map((slot) => this.#start(slot)));
    const failure = failures.find((one) => one !== undefined);
    if (failure !== undefined) {
      await this.shutdown(0);
      throw failure;
    }
    this.#later(WATCH_MS, () => this.#watch());
  }

  /** Everything that workers counted, those that are gone included. */
  async snapshots(): Promise<Snapshot[]> {
    await Promise.all(
      this.ready.map(async (slot) => {
        const snapshot = await slot.link?.ask("snapshot", null, ASK_LIMIT_MS).catch(ignore);
        if (snapshot !== undefined && slot.isReady) slot.reported(snapshot, this.#env.clock.nowMs());
      }),
    );
    return [this.#gone, ...this.slots.flatMap(({ last }) => last ?? [])];
  }

  /** The same in sums; of who does not answer, what it told last. */
  async summaries(): Promise<Snapshot[]> {
    await Promise.all(
      this.ready.map(async (slot) => {
        const summary = await slot.link?.ask("summary", null, ASK_LIMIT_MS).catch(ignore);
        if (summary !== undefined && slot.isReady) slot.summary = summary;
      }),
    );
    return [this.#gone, ...this.slots.flatMap(({ summary }) => summary ?? [])];
  }

  /** Resolves when a worker takes connections, and after so long in any case. */
  async someReady(withinMs: number): Promise<void> {
    if (this.ready.length > 0 || this.#isStopping) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#expecting.add(resolve);
    const cancel = this.#env.clock.after(withinMs, resolve);
    await promise;
    cancel();
    this.#expecting.delete(resolve);
  }

  connections(listener: ListenerKind): number {
    return this.slots.reduce((sum, slot) => sum + slot.connections[listener], this.#waiting.count(listener));
  }

  /**
   * To the worker with the fewest connections. It is this process's until the worker has said that
   * it has it.
   */
  hand(listener: ListenerKind, socket: Socket): void {
    if (this.#isStopping) return void socket.destroy();
    const [first, ...others] = this.ready;
    if (first === undefined) return this.#waiting.add(listener, socket);
    const slot =
      this.#spread.taker(listener) ?? others.reduce((least, one) => (one.load < least.load ? one : least), first);
    const seq = ++this.#seq;
    slot.connections[listener]++;
    slot.unconfirmed.set(seq, { listener, socket });
    slot.link?.hand(seq, listener, socket);
  }

  /** Kills a worker whose process is still this one. Another is started in its place. */
  end({ link: current }: WorkerSlot, link: WorkerLink, why: unknown): void {
    if (current === link) link.kill(why instanceof SilentWorker ? "silent" : "crashed");
  }

  /** All drain at the same time, within one grace. */
  async shutdown(graceMs: number): Promise<ShutdownReport[]> {
    this.#isStopping = true;
    for (const told of this.#expecting) told();
    for (const cancel of this.#timers) cancel();
    for (const { socket } of this.#waiting.take()) socket.destroy();
    const reports = await Promise.all(
      this.slots.flatMap((slot) => (slot.link === undefined ? [] : this.#stop(slot, slot.link, graceMs))),
    );
    process.off("exit", this.#killAll);
    return reports;
  }

  async #stop({ index, isReady }: WorkerSlot, link: WorkerLink, graceMs: number): Promise<ShutdownReport> {
    const exited = new Promise<void>((resolve) => void this.#exits.set(link, resolve));
    const failed = (cause: unknown): void => {
      this.#env.log.error("a worker did not stop in order", { worker: index + 1, reason: reasonOf(cause) });
    };
    const report = isReady
      ? await link.ask("shutdown", { graceMs }, graceMs + LAST_ANSWER_MS).catch(failed)
      : { drained: true, tookMs: 0, leftItems: 0, leftBytes: 0 };
    if (report === undefined) link.kill("silent");
    else link.release();
    const cancel = this.#env.clock.after(EXIT_MS, () => link.kill("silent"));
    await exited;
    cancel();
    return report ?? { drained: false, tookMs: graceMs, leftItems: 0, leftBytes: 0 };
  }

  /** Gives what kept it from starting. */
  async #start(slot: WorkerSlot): Promise<Error | undefined> {
    const link = this.#fork(slot);
    if (link instanceof Error) return link;
    try {
      let revision = this.#options.revision();
      await link.ask("start", this.#options.startOf(slot), START_LIMIT_MS);
      while (revision !== this.#options.revision()) {
        revision = this.#options.revision();
        await this.#options.update(slot, link);
      }
    } catch (cause) {
      this.end(slot, link, cause);
      if (slot.hasRun && !this.#isStopping)
        this.#env.log.error("a worker cannot start", { worker: slot.index + 1, reason: reasonOf(cause) });
      return errorOf(cause);
    }
    if (slot.link === link) {
      this.#options.begun(slot);
      slot.isReady = true;
      for (const told of this.#expecting) told();
      slot.hasRun = true;
      this.#options.joined();
    }
    this.#serveWaiting();
    return undefined;
  }

  /** To all workers that start at about the same time: else the first has all for long. */
  #serveWaiting(): void {
    if (this.#waiting.size === 0 || this.ready.length === 0) return;
    if (!this.slots.some(({ link, isReady }) => link !== undefined && !isReady)) return this.#handWaiting();
    if (this.#isSpreading) return;
    this.#isSpreading = true;
    this.#later(SPREAD_MS, () => this.#handWaiting());
  }

  #handWaiting(): void {
    this.#isSpreading = false;
    if (this.ready.length === 0) return;
    for (const { listener, socket } of this.#waiting.take()) this.hand(listener, socket);
  }

  #closeWaiting(): void {
    for (const { listener, socket } of this.#waiting.takeOld()) {
      this.#refusals[listener]({ reason: "no_worker", peer: socket.remoteAddress ?? "", text: "" });
      socket.destroy();
    }
  }

  /** Node throws where the system makes no process, for most of its reasons. */
  #fork(slot: WorkerSlot): WorkerLink | Error {
    const { clock, log } = this.#env;
    slot.startedMs = clock.nowMs();
    try {
      const link: WorkerLink = new WorkerLink({
        clock,
        child: this.#options.fork(),
        onMessage: (message) => this.#told(slot, link, message),
        onSaid: (text) => log.warn("a worker wrote to stderr", { worker: slot.index + 1, text }),
        onExit: (exit) => this.#ended(slot, link, exit),
      });
      slot.begin(link, clock.nowMs());
      return link;
    } catch (cause) {
      if (slot.hasRun) this.#startAgain(slot, { reason: "crashed", said: reasonOf(cause) });
      return errorOf(cause);
    }
  }

  #told(
    slot: WorkerSlot,
    link: WorkerLink,
    message: Exclude<FromWorker, { readonly kind: "answer" | "failed" }>,
  ): void {
    if (slot.link !== link) return;
    switch (message.kind) {
      case "got":
        return this.#confirmed(slot, link, message.seq);
      case "closed":
        for (const kind of LISTENER_KINDS) slot.connections[kind] -= message.counts[kind];
        return;
      case "uses":
      case "loads":
      case "failovers":
        return this.#options.used(slot, message);
      case "log":
        return this.#log(slot, message.line);
      case "report":
        return slot.reported(message.snapshot, this.#env.clock.nowMs());
      case "panics":
        return this.#options.panics(slot, message.panics);
      case "limits":
        return this.#options.limits(slot, message);
      case "news":
        return this.#options.news(slot, message);
      default:
        throw new Unreachable(message);
    }
  }

  #confirmed(slot: WorkerSlot, link: WorkerLink, seq: number): void {
    this.#refuseLost(slot, seq);
    slot.unconfirmed.get(seq)?.socket.destroy();
    slot.unconfirmed.delete(seq);
    link.tell({ kind: "read", seq });
  }

  /**
   * Messages keep their order: what was handed over before something that has come has come, too,
   * or never will, because the worker has no file descriptor for it.
   */
  #refuseLost(slot: WorkerSlot, beforeSeq: number): void {
    for (const [seq, { listener, socket }] of slot.unconfirmed) {
      if (seq >= beforeSeq) return;
      slot.unconfirmed.delete(seq);
      slot.connections[listener]--;
      this.#refusals[listener]({ reason: "descriptors", peer: socket.remoteAddress ?? "", text: "" });
      socket.destroy();
    }
  }

  #log(slot: WorkerSlot, line: string): void {
    const { level, msg, time: _time, ...fields } = JSON.parse(line) as WorkerLine; // oxlint-disable-line typescript/no-unsafe-type-assertion -- of the same program
    this.#env.log[level](msg, { ...fields, worker: slot.index + 1 });
  }

  #ended(slot: WorkerSlot, link: WorkerLink, exit: WorkerExit): void {
    if (slot.link !== link) return;
    this.#gone = addRemains(this.#gone, slot.last ?? NOTHING);
    const uncountedMs = slot.isReady ? slot.untoldMs(this.#env.clock.nowMs()) : 0;
    const back = slot.end();
    this.#options.ended(slot);
    this.#exits.get(link)?.();
    this.#exits.delete(link);
    if (this.#isStopping) return back.forEach(({ socket }) => void socket.destroy());
    for (const { listener, socket } of back) this.hand(listener, socket);
    if (!slot.hasRun) return; // who opens tells
    this.#serveWaiting(); // which may have waited for this one
    this.#options.died(slot, exit);
    this.#env.metrics.workerUncounted.with().add(uncountedMs / 1_000);
    this.#startAgain(slot, { ...exit, uncounted_ms: Math.round(uncountedMs) });
  }

  #startAgain(slot: WorkerSlot, exit: WorkerExit & { readonly uncounted_ms?: number }): void {
    const { clock, log, metrics, random } = this.#env;
    slot.restarts++;
    slot.failures = clock.nowMs() - slot.startedMs > SETTLED_MS ? 0 : slot.failures + 1;
    const delayMs = Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** Math.min(20, slot.failures)) * (0.5 + random.next() / 2);
    metrics.workerRestarts.with(exit.reason).add(1);
    log.error("a worker ended, and is started again", { worker: slot.index + 1, ...exit, in_ms: Math.round(delayMs) });
    this.#later(delayMs, () => void this.#start(slot));
  }

  /** Who hangs does not say so. */
  #watch(): void {
    for (const slot of this.ready) if (slot.link !== undefined) void this.#refresh(slot, slot.link);
    this.#spread.mend(this.ready);
    this.#closeWaiting();
    this.#later(WATCH_MS, () => this.#watch());
  }

  async #refresh(slot: WorkerSlot, link: WorkerLink): Promise<void> {
    const nextSeq = this.#seq + 1;
    try {
      await link.ask("ready", null, SILENCE_MS);
      if (slot.link === link) this.#refuseLost(slot, nextSeq);
    } catch (cause) {
      if (cause instanceof SilentWorker) this.end(slot, link, cause);
    }
  }

  #later(delayMs: number, run: () => void): void {
    if (this.#isStopping) return;
    const cancel = this.#env.clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }
}

function errorOf(cause: unknown): Error {
  return cause instanceof Error ? cause : new TypeError(reasonOf(cause));
}

interface WorkerLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly msg: string;
  readonly time: string;
}

function ignore(): undefined {}
