import type { Signal } from "../../otlp/signal.ts";
import type { PoolPlan, StrategyPlan } from "../../plan/plan.ts";
import { Chooser } from "../balance/chooser.ts";
import type { SignalFailover } from "../balance/failover-state.ts";
import type { Panic } from "../balance/panic-report.ts";
import type { TargetHandle } from "../export/target-port.ts";
import { SHUTTING_DOWN } from "./batch-origin.ts";
import { type Delivery, expiryOf } from "./delivery.ts";
import { isReadyBy, PATIENCE_MS, refuses } from "./hopeless.ts";
import { LaneHold } from "./lane-hold.ts";
import type { LaneCopy, LaneEnv } from "./lane-port.ts";
import { LaneSender } from "./lane-sender.ts";
import { identityOf, type LaneKind, type LaneSpec } from "./lane-specs.ts";

/**
 * A queue and the targets that it empties into. A pool has one for each of its channels; a
 * broadcast pool one for each target.
 */
export class QueueLane {
  readonly key: string;
  readonly kind: LaneKind;
  readonly #hold: LaneHold;
  readonly #sender: LaneSender;
  #strategy = "";

  constructor({ key, kind, strategy, targets }: LaneSpec, plan: PoolPlan, env: LaneEnv) {
    this.key = key;
    this.kind = kind;
    this.#strategy = identityOf(strategy, plan);
    this.#hold = new LaneHold(kind, plan, openChooser(targets, strategy, plan, env), env);
    this.#sender = new LaneSender(this.#hold);
  }

  /** Bytes of all deliveries that have not ended. */
  get heldBytes(): number {
    return this.#hold.heldBytes;
  }

  /** Items of all deliveries that have not ended. */
  get heldItems(): number {
    return this.#hold.heldItems;
  }

  /** Bytes of what is not under way. */
  get queuedBytes(): number {
    return this.#hold.store.queuedCharge;
  }

  get queuedItems(): number {
    return this.#hold.store.queuedItems;
  }

  /** Batches under way. */
  get inFlight(): number {
    return this.#sender.inFlight;
  }

  get isEmpty(): boolean {
    return this.#sender.inFlight === 0 && this.#hold.store.isEmpty;
  }

  /** Nothing waits. */
  get isIdle(): boolean {
    return this.#hold.store.isEmpty;
  }

  /** As that of its store. */
  waitingSince(beforeMs: number): Iterable<Delivery> {
    return this.#hold.store.waitingSince(beforeMs);
  }

  /** Something of this signal waits. */
  holds(signal: Signal): boolean {
    return this.#hold.store.holds(signal);
  }

  /**
   * One of its targets can be used for this signal, or will be in so short a time that it is worth
   * waiting for.
   */
  isUp(signal: Signal): boolean {
    const { nowMs } = this.#hold;
    if (this.anyUsable(signal) || this.#hold.chooser.anyProbeWanted(nowMs, signal)) return true;
    const untilMs = nowMs + PATIENCE_MS;
    return this.targets.some((target) => isReadyBy(target, untilMs, signal));
  }

  /** Something waits for nothing but a target. */
  get isReady(): boolean {
    return this.#hold.store.hasReady;
  }

  /** Something waits although the targets have all that they can take. */
  isSaturated(): boolean {
    return this.#hold.store.hasReady && this.targets.every((target) => target.inFlight >= target.windowSize());
  }

  get oldestMs(): number {
    return this.#hold.order.oldestMs;
  }

  get targets(): readonly TargetHandle[] {
    return this.#hold.chooser.targets;
  }

  /**
   * One of its targets can be used for this signal. What only a pool that panics would use does not
   * count where others can take over: other lanes, or another pool.
   */
  anyUsable(signal: Signal): boolean {
    const { nowMs } = this.#hold;
    if (this.kind === "shared" && this.#hold.plan.fallback === undefined)
      return this.#hold.chooser.anyUsable(nowMs, signal);
    return this.targets.some((target) => target.usable(nowMs, signal));
  }

  /** The same, with what a pool that panics would use. */
  anyUsableInPanic(signal: Signal): boolean {
    return this.#hold.chooser.anyUsable(this.#hold.nowMs, signal);
  }

  /**
   * Less than half of its targets are ready. Where each target has a lane of its own nobody can
   * panic.
   */
  panic(): Panic | undefined {
    return this.kind === "shared" ? this.#hold.chooser.panic(this.#hold.nowMs) : undefined;
  }

  failovers(): SignalFailover[] {
    return this.#hold.chooser.failoversAt(this.#hold.nowMs);
  }

  followFailover(failover: SignalFailover): void {
    this.#hold.chooser.followFailover(failover, this.#hold.nowMs);
  }

  /** As it is now for this signal. */
  copyFor(signal: Signal): LaneCopy {
    const { queuedItems } = this;
    const chooser = this.#hold.chooser.copyAt(this.#hold.nowMs, signal);
    return { queuedItems, hasProbe: this.#hasProbe(signal), panicCounts: this.#panicCounts, chooser };
  }

  /**
   * One of its targets waits for a probe of this signal, and nothing is queued that could be one.
   */
  wantsProbe(signal: Signal): boolean {
    return !this.#hasProbe(signal) && this.#hold.chooser.anyProbeWanted(this.#hold.nowMs, signal);
  }

  /**
   * A strategy that is the same over the same targets goes on where it was; another one begins at
   * once.
   */
  configure(plan: PoolPlan, strategyPlan: StrategyPlan, targets: readonly TargetHandle[]): void {
    this.#hold.plan = plan;
    this.#sender.hurried = false; // a pool that was to end may be wanted again
    this.#hold.order.forgetExpiry();
    const strategy = identityOf(strategyPlan, plan);
    const sameTargets = targets.length === this.targets.length && targets.every((one, i) => one === this.targets[i]);
    if (strategy === this.#strategy && sameTargets) return;
    this.#strategy = strategy;
    this.#hold.chooser = openChooser(targets, strategyPlan, plan, this.#hold.env);
  }

  /** Takes something new. False: there is no room for it. */
  offer(delivery: Delivery): boolean {
    if (!this.#hold.store.reserve(delivery.charge, delivery.record.items)) return false;
    this.push(delivery);
    return true;
  }

  /** Takes what has room in this pool already. */
  push(delivery: Delivery): void {
    const { record } = delivery;
    record.partition = this.key;
    delivery.tenant = this.#hold.env.tenants.of(record.headers);
    this.#hold.hold(delivery, 1);
    this.#hold.order.note(delivery, this.#hold.maxAgeMs);
    this.#hold.store.append(delivery);
  }

  /**
   * The oldest, of one signal or of all, that somebody still waits for, also before its time; it
   * stays where it is.
   */
  peekOldest(signal?: Signal): Delivery | undefined {
    const { nowMs } = this.#hold;
    for (let next = this.#hold.store.oldest(signal); next !== undefined; next = this.#hold.store.oldest(signal)) {
      if (expiryOf(next, nowMs, this.#hold.maxAgeMs, this.#hold.records) === undefined) return next;
      this.#hold.store.takeOldest(signal);
      this.#hold.fresh(next, nowMs);
    }
    return undefined;
  }

  /** Takes out what `peekOldest` gave in this turn, for another lane of this pool. */
  takeOldest(signal?: Signal): void {
    const taken = this.#hold.store.takeOldest(signal);
    if (taken !== undefined) this.#hold.hold(taken, -1);
  }

  /** The same for another pool, or for its end. */
  letGoOldest(signal?: Signal): void {
    const taken = this.#hold.store.takeOldest(signal);
    if (taken !== undefined) this.#hold.letGo(taken);
  }

  /** Sends whatever can be sent now. */
  pump(): void {
    const { nowMs } = this.#hold;
    this.#hold.order.wake(nowMs, this.#hold.maxAgeMs);
    for (const delivery of this.#hold.order.sweep(nowMs, this.#hold.maxAgeMs)) this.#hold.fresh(delivery, nowMs);
    this.#hold.store.tidy();
    this.#sender.run(nowMs);
  }

  /** When time alone gives the next pump something to do; Infinity when it cannot. */
  wakeMs(): number {
    const storeMs = this.#hold.order.nextMs;
    if (!this.#hold.store.hasReady) return storeMs;
    return Math.min(storeMs, this.#sender.lingerUntilMs, this.#hold.chooser.nextChangeMs(this.#hold.nowMs));
  }

  /** Until it is configured anew nothing waits for a batch to fill. */
  hurry(): void {
    this.#sender.hurried = true;
  }

  /** Nothing is sent or tried again from here on; what is under way is cancelled. */
  close(): void {
    this.#hold.closed = true;
    for (const delivery of this.#hold.store.close("fail")) this.#hold.finish(delivery, SHUTTING_DOWN);
    this.#sender.cancelAll();
  }

  /** Takes everything out, or all of one signal, that is not under way, without ending it. */
  takeAll(signal?: Signal): Delivery[] {
    const all = this.#hold.store.takeAll(signal);
    for (const delivery of all) this.#hold.hold(delivery, -1);
    return all;
  }

  /** One of its own targets is usable that is none of these. */
  anyUsableIn(but: readonly string[], signal: Signal): boolean {
    return this.#hold.anyUsableIn(but, signal);
  }

  get #panicCounts(): boolean {
    return this.kind === "shared" && this.#hold.plan.fallback === undefined;
  }

  #hasProbe(signal: Signal): boolean {
    const refused = this.targets.some((target) => refuses(target, signal));
    // What is of another signal is a probe of the target, but of no use as a probe of a signal.
    return refused ? this.#hold.order.hasReadyOf(signal) : this.#hold.store.hasReady;
  }
}

function openChooser(
  targets: readonly TargetHandle[],
  strategy: StrategyPlan,
  { adaptiveWeights }: PoolPlan,
  env: LaneEnv,
): Chooser {
  const { random, strategies } = env;
  return new Chooser(targets, strategy, {
    random,
    weights: adaptiveWeights ? "adaptive" : "fixed",
    ...(strategies && { strategies }),
    faults: env,
  });
}
