import { Bag, type BagItem } from "../../core/bag.ts";
import type { Cancel } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import type { CutLimits } from "../../otlp/cut-request.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { PoolPlan, RetryPlan, StrategyPlan } from "../../plan/plan.ts";
import { Chooser } from "../balance/chooser.ts";
import type { Panic } from "../balance/panic-report.ts";
import type { SendOutcome } from "../send-outcome.ts";
import type { AttemptTime, TargetHandle } from "../export/target-port.ts";
import { attemptOf } from "./attempt-time.ts";
import { cutAhead } from "./cut-ahead.ts";
import { type Aside, type Delivery, deliverParts, expiryOf, isFirstTry, withTarget } from "./delivery.ts";
import { anyTakes, isReadyBy, refusedBy, refuses, takeHopeless } from "./hopeless.ts";
import { gather, toBatch } from "./gather.ts";
import type { LaneEnv, LaneCopy } from "./lane-port.ts";
import { identityOf, type LaneKind, type LaneSpec } from "./lane-specs.ts";
import { LaneStore } from "./lane-store.ts";
import { pausedTargets, pausedUntilMs, tooLateOf } from "./paused-tenants.ts";
import type { ParcelOutcome } from "./parcel.ts";
import { hasFailed, NO_IDS } from "./record.ts";
import type { Records } from "./records.ts";
import type { RetryBudget } from "./retry-policy.ts";
import { type BatchOrigin, SHUTTING_DOWN } from "./batch-origin.ts";
import { type SentBatch, settleBatch } from "./settle.ts";
import type { SignalQueue } from "./signal-queue.ts";
import { endTrials } from "./trial.ts";
import { takeTurns, type Turn, type TurnTaker } from "./turns.ts";

/**
 * A target that asked to be left alone for no longer than this is waited for: what is for it need
 * not go elsewhere.
 */
const PATIENCE_MS = 1_000;
/** So much of what its targets do not take of some senders goes to a fallback pool, in one pump. */
const HAND_ON_BYTES_A_TURN = 8 * 1_024 * 1_024;

/** A batch under way. */
interface Flight extends BagItem {
  cancel: Cancel;
}

const NOTHING: Cancel = () => undefined;
const NEVER = (): boolean => false;

/**
 * A queue and the targets that it empties into. A pool has one for each of its channels; a
 * broadcast pool one for each target. Deliveries are its own from `push` to their end: in the
 * store, or under way.
 */
export class QueueLane implements BatchOrigin, TurnTaker {
  readonly key: string;
  readonly kind: LaneKind;
  readonly #env: LaneEnv;
  readonly #store: LaneStore;
  readonly #underWay = new Bag<Flight>();
  #plan: PoolPlan;
  #chooser: Chooser;
  #strategy = "";
  #heldBytes = 0;
  #heldItems = 0;
  #inFlight = 0;
  #lingerUntilMs = Infinity;
  #hurried = false;
  /** In this pump. */
  #handedOnBytes = 0;
  #closed = false;

  constructor({ key, kind, strategy, targets }: LaneSpec, plan: PoolPlan, env: LaneEnv) {
    this.key = key;
    this.kind = kind;
    this.#env = env;
    this.#store = new LaneStore(env.records);
    this.#plan = plan;
    this.#strategy = identityOf(strategy, plan);
    this.#chooser = this.#openChooser(targets, strategy);
  }

  /** Bytes of all deliveries that have not ended. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Items of all deliveries that have not ended. */
  get heldItems(): number {
    return this.#heldItems;
  }

  /** Bytes of what is not under way. */
  get queuedBytes(): number {
    return this.#store.charge;
  }

  get queuedItems(): number {
    return this.#store.items;
  }

  /** Batches under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get isEmpty(): boolean {
    return this.#inFlight === 0 && this.#store.isEmpty;
  }

  /** Nothing waits. */
  get isIdle(): boolean {
    return this.#store.isEmpty;
  }

  /** Something of this signal waits. */
  holds(signal: Signal): boolean {
    return this.#store.holds(signal);
  }

  /**
   * One of its targets can be used for this signal, or will be in so short a time that it is worth
   * waiting for.
   */
  isUp(signal: Signal): boolean {
    const { nowMs } = this;
    if (this.anyUsable(signal) || this.#chooser.anyProbeWanted(nowMs, signal)) return true;
    const untilMs = nowMs + PATIENCE_MS;
    return this.targets.some((target) => isReadyBy(target, untilMs, signal));
  }

  /** Something waits although the targets have all that they can take. */
  get isSaturated(): boolean {
    return this.#store.hasReady && this.targets.every((target) => target.inFlight >= target.windowSize);
  }

  get oldestMs(): number {
    return this.#store.oldestMs;
  }

  get targets(): readonly TargetHandle[] {
    return this.#chooser.targets;
  }

  /**
   * One of its targets can be used for this signal. What only a pool that panics would use does not
   * count where others can take over: other lanes, or another pool.
   */
  anyUsable(signal: Signal): boolean {
    const { nowMs } = this;
    if (this.#panicCounts) return this.#chooser.anyUsable(nowMs, signal);
    return this.targets.some((target) => target.usable(nowMs, signal));
  }

  /** The same, with what a pool that panics would use. */
  anyUsableInPanic(signal: Signal): boolean {
    return this.#chooser.anyUsable(this.nowMs, signal);
  }

  /**
   * Less than half of its targets are ready. Where each target has a lane of its own nobody can
   * panic.
   */
  panic(): Panic | undefined {
    return this.kind === "shared" ? this.#chooser.panic(this.nowMs) : undefined;
  }

  /** As it is now for this signal. */
  copyFor(signal: Signal): LaneCopy {
    const { queuedItems } = this;
    const chooser = this.#chooser.copyAt(this.nowMs, signal);
    return { queuedItems, hasProbe: this.#hasProbe(signal), panicCounts: this.#panicCounts, chooser };
  }

  /**
   * One of its targets waits for a probe of this signal, and nothing is queued that could be one.
   */
  wantsProbe(signal: Signal): boolean {
    return !this.#hasProbe(signal) && this.#chooser.anyProbeWanted(this.nowMs, signal);
  }

  get nowMs(): number {
    return this.#env.clock.nowMs();
  }

  get random(): Random {
    return this.#env.random;
  }

  get retry(): RetryPlan {
    return this.#plan.retry;
  }

  get maxAgeMs(): number {
    return this.#plan.queue.maxAgeMs;
  }

  get budget(): RetryBudget {
    return this.#env.budget;
  }

  get records(): Records {
    return this.#env.records;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * A strategy that is the same over the same targets goes on where it was; another one begins at
   * once.
   */
  configure(plan: PoolPlan, strategyPlan: StrategyPlan, targets: readonly TargetHandle[]): void {
    this.#plan = plan;
    this.#hurried = false; // a pool that was to end may be wanted again
    this.#store.forgetExpiry();
    const strategy = identityOf(strategyPlan, plan);
    const sameTargets = targets.length === this.targets.length && targets.every((one, i) => one === this.targets[i]);
    if (strategy === this.#strategy && sameTargets) return;
    this.#strategy = strategy;
    this.#chooser = this.#openChooser(targets, strategyPlan);
  }

  push(delivery: Delivery): void {
    const { record } = delivery;
    record.partition = this.key;
    delivery.tenant = this.#env.tenants.of(record.headers);
    this.#hold(delivery, 1);
    this.#store.push(delivery, this.maxAgeMs);
  }

  /**
   * The oldest, of one signal or of all, that somebody still waits for, also before its time; it
   * stays where it is.
   */
  peekOldest(signal?: Signal): Delivery | undefined {
    const { nowMs } = this;
    for (let next = this.#store.peekOldest(signal); next !== undefined; next = this.#store.peekOldest(signal)) {
      if (expiryOf(next, nowMs, this.maxAgeMs, this.records) === undefined) return next;
      this.#store.takeOldest(signal);
      this.#fresh(next, nowMs);
    }
    return undefined;
  }

  /** Takes out what `peekOldest` gave in this turn, without ending it. */
  takeOldest(signal?: Signal): void {
    const taken = this.#store.takeOldest(signal);
    if (taken !== undefined) this.#hold(taken, -1);
  }

  /** Sends whatever can be sent now. */
  pump(): void {
    const { nowMs } = this;
    this.#store.returnDue(nowMs, this.maxAgeMs);
    for (const delivery of this.#store.sweep(nowMs, this.maxAgeMs)) this.#fresh(delivery, nowMs);
    this.#lingerUntilMs = Infinity;
    this.#handedOnBytes = 0;
    this.#store.tidy();
    takeTurns(this.#store, this, nowMs);
  }

  /** For takeTurns: what no tenant could send has no room in any target. */
  take(queue: SignalQueue, nowMs: number): Turn {
    const step = this.#sendFrom(queue, nowMs);
    if (step === "sent") return "sent";
    return step === "nowhere" && queue.tenant !== undefined && this.#isFull(queue, nowMs) ? "full" : "stuck";
  }

  /** When time alone gives the next pump something to do; Infinity when it cannot. */
  wakeMs(): number {
    const storeMs = this.#store.nextMs;
    if (!this.#store.hasReady) return storeMs;
    return Math.min(storeMs, this.#lingerUntilMs, this.#chooser.nextChangeMs(this.nowMs));
  }

  /** Until it is configured anew nothing waits for a batch to fill. */
  hurry(): void {
    this.#hurried = true;
  }

  /** Nothing is sent or tried again from here on; what is under way is cancelled. */
  close(): void {
    this.#closed = true;
    for (const delivery of this.#store.clear()) this.finish(delivery, SHUTTING_DOWN);
    this.#underWay.forEach(({ cancel }) => cancel());
  }

  /** Takes everything out, or all of one signal, that is not under way, without ending it. */
  takeAll(signal?: Signal): Delivery[] {
    const all = this.#store.clear(signal);
    for (const delivery of all) this.#hold(delivery, -1);
    return all;
  }

  finish(delivery: Delivery, outcome: ParcelOutcome): void {
    this.#hold(delivery, -1);
    this.#env.records.finish(delivery, withTarget(outcome, delivery.record.target));
    this.#env.ended();
  }

  /** Parts of a metric are a metric each: there may be more items than there were. */
  cut(whole: Delivery, limits: CutLimits): readonly Delivery[] | undefined {
    const { records, cut } = this.#env;
    const parts = cut(whole, limits);
    if (parts === undefined) return undefined;
    const deliveries = deliverParts(whole, records.divide(whole, parts));
    for (const delivery of deliveries) this.#hold(delivery, 1);
    this.#hold(whole, -1);
    return deliveries;
  }

  putBack(deliveries: readonly Delivery[]): void {
    if (this.#closed) for (const delivery of deliveries) this.finish(delivery, SHUTTING_DOWN);
    else this.#store.putBack(deliveries, this.maxAgeMs);
  }

  putElsewhere(deliveries: readonly Delivery[]): void {
    if (this.kind !== "owner" || this.#closed) return this.putBack(deliveries);
    for (const delivery of deliveries) this.#hold(delivery, -1);
    this.#env.sort(deliveries);
  }

  setAside(deliveries: readonly Delivery[], delayMs: number): Aside {
    return this.#store.putBackAt(this.nowMs + delayMs, deliveries);
  }

  takeBack(aside: Aside): readonly Delivery[] {
    return this.#store.takeBack(aside);
  }

  putBackLater(deliveries: readonly Delivery[], delayMs: number): void {
    this.#store.putBackAt(this.nowMs + delayMs, deliveries);
  }

  anyUsableBeside(targets: readonly string[], signal: Signal): boolean {
    return this.kind === "owner" ? this.#env.anyUsableBeside(targets, signal) : this.anyUsableIn(targets, signal);
  }

  mayBeTaken(signal: Signal, but: readonly string[]): boolean {
    return anyTakes(this.targets, signal, but) || this.#env.mayBeTaken(signal, but);
  }

  failOver(delivery: Delivery): boolean {
    if (!this.#env.failOver(delivery)) return false;
    this.#hold(delivery, -1);
    this.#env.ended();
    return true;
  }

  leaveOut(delivery: Delivery): boolean {
    if (!this.records.isSpare(delivery.record)) return false;
    this.#hold(delivery, -1);
    this.records.leaveOut(delivery);
    this.#env.ended();
    return true;
  }

  /** One of its own targets is usable that is none of these. */
  anyUsableIn(but: readonly string[], signal: Signal): boolean {
    return this.#chooser.anyUsableBeside(but, this.nowMs, signal);
  }

  countRetry(reason: string): void {
    this.#env.countRetry(reason);
  }

  get #panicCounts(): boolean {
    return this.kind === "shared" && this.#plan.fallback === undefined;
  }

  #hasProbe(signal: Signal): boolean {
    const refused = this.targets.some((target) => refuses(target, signal));
    // What is of another signal is a probe of the target, but of no use as a probe of a signal.
    return refused ? this.#store.hasReadyOf(signal) : this.#store.hasReady;
  }

  #hold({ charge, record, tenant }: Delivery, sign: 1 | -1): void {
    const { held } = this.#env;
    if (tenant !== undefined) this.#env.tenants.hold(tenant, charge, sign);
    this.#heldBytes += sign * charge;
    this.#heldItems += sign * record.items;
    held.bytes += sign * charge;
    held.items += sign * record.items;
  }

  /**
   * `sent`: also elsewhere, or set aside. `waits`: there is nothing to send, or not yet. `nowhere`:
   * no target takes it now.
   */
  #sendFrom(queue: SignalQueue, nowMs: number): "sent" | "waits" | "nowhere" {
    const head = this.#firstOf(queue, nowMs);
    if (head === undefined || this.#lingers(queue, head, nowMs)) return "waits";
    head.paused = pausedTargets(this.targets, head, nowMs);
    const target = this.#chooser.choose(head.record, nowMs, queue.signal, head.paused);
    if (target === undefined) {
      if ((queue.awaited > 0 || this.kind === "copy") && this.#giveUp(queue)) return "sent";
      return this.#setAside(queue, head, nowMs) ? "sent" : "nowhere";
    }
    this.#send(queue, target, nowMs);
    return "sent";
  }

  /**
   * The first of the queue is not to be sent to any target, because of who sent it: it goes to a
   * fallback pool, or its sender is told, or it steps aside for other tenants behind it. False: it
   * stays where it is.
   */
  #setAside(queue: SignalQueue, head: Delivery, nowMs: number): boolean {
    const untilMs = pausedUntilMs(this.targets, head, nowMs);
    if (untilMs === undefined) return false;
    if (untilMs > nowMs + PATIENCE_MS && this.kind === "shared" && this.#failOver(queue, head)) return true;
    const end = tooLateOf(head, untilMs, this);
    if (end === undefined && queue.tenant?.key !== undefined) return false;
    queue.shift();
    if (end === undefined) this.#store.putBackAt(untilMs, [head]);
    else this.#end(head, end);
    return true;
  }

  /**
   * Gives the first of the queue to a fallback pool, if one can take it, and there was not too much
   * of this in this turn.
   */
  #failOver(queue: SignalQueue, head: Delivery): boolean {
    if (this.#handedOnBytes >= HAND_ON_BYTES_A_TURN) {
      this.#env.ended(); // there will be another turn
      return false;
    }
    if (!this.#env.failOver(head)) return false;
    this.#handedOnBytes += head.record.bytes;
    queue.shift();
    this.#hold(head, -1);
    endTrials(this, [head], "unknown");
    this.#env.ended();
    return true;
  }

  /**
   * Whether its first parcel, and so that of any other queue of its signal, waits for nothing but
   * room.
   */
  #isFull(queue: SignalQueue, nowMs: number): boolean {
    const head = queue.peek();
    if (head !== undefined && (head.paused !== undefined || hasFailed(head.record))) return false;
    return this.#chooser.anyUsable(nowMs, queue.signal);
  }

  /** The first of the queue that somebody still waits for. */
  #firstOf(queue: SignalQueue, nowMs: number): Delivery | undefined {
    for (let head = queue.peek(); head !== undefined; head = queue.peek()) {
      if (expiryOf(head, nowMs, this.maxAgeMs, this.records) === undefined) return head;
      queue.shift();
      this.#fresh(head, nowMs);
    }
    return undefined;
  }

  /**
   * Whether somebody still waits for it; ends it when not. It is not in the store any more when it
   * is ended.
   */
  #fresh(delivery: Delivery, nowMs: number): boolean {
    const end = expiryOf(delivery, nowMs, this.maxAgeMs, this.records);
    if (end === undefined) return true;
    this.#end(delivery, end);
    return false;
  }

  /** Ends what is not under way. What waited for its fate goes on without it. */
  #end(delivery: Delivery, outcome: ParcelOutcome): void {
    this.finish(delivery, outcome);
    endTrials(this, [delivery], "unknown");
  }

  /**
   * Where nobody takes a signal, now or later, nobody who waits need wait; what was acknowledged
   * stays as long as it may.
   */
  #giveUp(queue: SignalQueue): boolean {
    const { signal } = queue;
    if (this.targets.length === 0 || this.mayBeTaken(signal, NO_IDS)) return false;
    const leaving = takeHopeless(queue, this.records);
    endTrials(this, leaving, "unknown");
    for (const delivery of leaving) {
      if (!this.leaveOut(delivery)) this.finish(delivery, refusedBy(this.targets, signal));
    }
    return leaving.length > 0;
  }

  /** With `max_wait`, what is new waits, until a batch is full. */
  #lingers(queue: SignalQueue, head: Delivery, nowMs: number): boolean {
    const { maxWaitMs, maxItems, maxBytes } = this.#plan.batch;
    if (maxWaitMs === 0 || this.#hurried || head.record.retries > 0 || head.maxTogether < Infinity) return false;
    const untilMs = head.record.enqueuedMs + maxWaitMs;
    if (nowMs >= untilMs || queue.items >= maxItems || queue.bytes >= maxBytes) return false;
    this.#lingerUntilMs = Math.min(this.#lingerUntilMs, untilMs);
    return true;
  }

  #send(queue: SignalQueue, target: TargetHandle, nowMs: number): void {
    const { maxItems, maxBytes } = this.#plan.batch;
    const { maxRequestBytes } = target.plan;
    const parcels = this.#chooser.isTrial(target, queue.signal) ? 1 : Infinity;
    const limits = { parcels, items: maxItems, bytes: Math.min(maxBytes, target.maxBatchBytes) };
    cutAhead(this, queue, limits);
    const deliveries = gather(queue, target, limits, (delivery) => this.#fresh(delivery, nowMs));
    const batch = toBatch(queue.signal, deliveries, target);
    const sent = { deliveries, target };
    if (batch.bytes > maxRequestBytes) {
      const message = `${batch.bytes} bytes are more than target ${target.plan.id} takes (${maxRequestBytes}), and cannot be cut`;
      for (const delivery of deliveries) this.finish(delivery, { kind: "rejected", message, badData: false });
      return;
    }
    this.#chooser.charge(target, batch, batch.signal);
    this.#env.batchSize.observe(batch.items);
    const first = isFirstTry(deliveries, target.plan.id);
    if (first) this.budget.earn(this.retry.budget);
    const full = queue.length > 0 || batch.items >= maxItems || batch.bytes >= limits.bytes;
    // Parts of what was refused tell nothing of what the target can take at a time.
    const wanted = deliveries[0]!.splits === undefined ? () => full || this.#store.hasReady : NEVER;
    const attempt = this.#attempt(target, deliveries, nowMs, first);
    this.#inFlight++;
    const { tenant } = queue;
    if (tenant !== undefined) this.#env.tenants.serve(tenant);
    const flight: Flight = { bagIndex: -1, cancel: NOTHING };
    this.#underWay.add(flight);
    flight.cancel = target.send(batch, attempt, wanted, (outcome) => {
      this.#underWay.delete(flight);
      if (tenant !== undefined) tenant.inFlight--;
      this.#returned(sent, outcome);
    });
  }

  /**
   * A first one that could take all the time there is leaves room for a second, where there is
   * another target for it.
   */
  #attempt(target: TargetHandle, deliveries: readonly Delivery[], nowMs: number, first: boolean): AttemptTime {
    const { signal } = deliveries[0]!.record;
    const cuts = first && this.retry.maxRetries !== 0 && this.#chooser.anyUsableBesideOne(target, nowMs, signal);
    const attempt = attemptOf(target, deliveries, nowMs, cuts);
    // What decides about a return has to decide, also when it is cut.
    return attempt.cut && this.#chooser.isTrial(target, signal) ? { ...attempt, cut: false } : attempt;
  }

  #openChooser(targets: readonly TargetHandle[], strategy: StrategyPlan): Chooser {
    const { random, strategies } = this.#env;
    return new Chooser(targets, strategy, {
      random,
      weights: this.#plan.adaptiveWeights ? "adaptive" : "fixed",
      ...(strategies && { strategies }),
      failed: (name, what) => this.#env.strategyFailed(name, what),
    });
  }

  #returned(sent: SentBatch, outcome: SendOutcome): void {
    this.#inFlight--;
    settleBatch(this, sent, outcome);
    this.#env.ended();
  }
}
