import type { Random } from "../../core/random.ts";
import type { SplitLimits } from "../../otlp/split-request.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { PoolPlan, RetryPlan } from "../../plan/plan.ts";
import type { Chooser } from "../balance/chooser.ts";
import type { TargetHandle } from "../export/target-port.ts";
import { type BatchOrigin, SHUTTING_DOWN } from "./batch-origin.ts";
import { type Delivery, deliverParts, expiryOf, withTarget } from "./delivery.ts";
import { anyTakes } from "./hopeless.ts";
import type { LaneEnv } from "./lane-port.ts";
import type { LaneKind } from "./lane-specs.ts";
import { LaneOrder } from "./lane-order.ts";
import { MemoryStore } from "./memory-store.ts";
import type { ParcelOutcome } from "./parcel.ts";
import type { Aside, QueueStore } from "./queue-store.ts";
import type { Records } from "./records.ts";
import type { RetryBudget } from "./retry-policy.ts";
import { endTrials } from "./too-large.ts";

/**
 * What a lane holds: deliveries are its own from `push` to their end, in the store, or under way.
 */
export class LaneHold implements BatchOrigin {
  readonly kind: LaneKind;
  readonly env: LaneEnv;
  readonly store: QueueStore;
  readonly order: LaneOrder;
  /** The plan of the pool, and what its targets are chosen by: others when the plan changes. */
  plan: PoolPlan;
  chooser: Chooser;
  /** Nothing is tried again. */
  closed = false;
  /** Bytes of all deliveries that have not ended. */
  heldBytes = 0;
  /** Items of all deliveries that have not ended. */
  heldItems = 0;

  constructor(kind: LaneKind, plan: PoolPlan, chooser: Chooser, env: LaneEnv) {
    this.kind = kind;
    this.env = env;
    this.store = new MemoryStore(env.room);
    this.order = new LaneOrder(this.store, env.records);
    this.plan = plan;
    this.chooser = chooser;
  }

  get targets(): readonly TargetHandle[] {
    return this.chooser.targets;
  }

  get nowMs(): number {
    return this.env.clock.nowMs();
  }

  get random(): Random {
    return this.env.random;
  }

  get retry(): RetryPlan {
    return this.plan.retry;
  }

  get maxAgeMs(): number {
    return this.plan.queue.maxAgeMs;
  }

  get budget(): RetryBudget {
    return this.env.budget;
  }

  get records(): Records {
    return this.env.records;
  }

  finish(delivery: Delivery, outcome: ParcelOutcome): void {
    this.letGo(delivery);
    this.env.records.finish(delivery, withTarget(outcome, delivery.record.target));
    this.env.ended();
  }

  /** Parts of a metric are a metric each: there may be more items than there were. */
  split(whole: Delivery, limits: SplitLimits): readonly Delivery[] | undefined {
    const { records, splitter } = this.env;
    const parts = splitter.split(whole, limits);
    if (parts === undefined) return undefined;
    const deliveries = deliverParts(whole, records.divide(whole, parts));
    for (const delivery of deliveries) this.hold(delivery, 1);
    this.hold(whole, -1);
    this.store.exchange(whole, deliveries);
    return deliveries;
  }

  putBack(deliveries: readonly Delivery[]): void {
    if (this.closed) {
      for (const delivery of deliveries) this.finish(delivery, SHUTTING_DOWN);
      return;
    }
    for (const delivery of deliveries) this.order.note(delivery, this.maxAgeMs);
    this.store.release(deliveries);
  }

  putElsewhere(deliveries: readonly Delivery[]): void {
    if (this.kind !== "owner" || this.closed) return this.putBack(deliveries);
    for (const delivery of deliveries) this.hold(delivery, -1);
    this.env.sort(deliveries);
  }

  setAside(deliveries: readonly Delivery[], delayMs: number): Aside {
    return this.store.release(deliveries, this.nowMs + delayMs);
  }

  takeBack(aside: Aside): readonly Delivery[] {
    return this.store.recall(aside);
  }

  putBackLater(deliveries: readonly Delivery[], delayMs: number): void {
    this.store.release(deliveries, this.nowMs + delayMs);
  }

  anyUsableBeside(targets: readonly string[], signal: Signal): boolean {
    return this.kind === "owner" ? this.env.anyUsableBeside(targets, signal) : this.anyUsableIn(targets, signal);
  }

  mayBeTaken(signal: Signal, but: readonly string[]): boolean {
    return anyTakes(this.targets, signal, but) || this.env.mayBeTaken(signal, but);
  }

  failOver(delivery: Delivery): boolean {
    if (!this.env.failOver(delivery)) return false;
    this.letGo(delivery);
    this.env.ended();
    return true;
  }

  sendBack(delivery: Delivery): void {
    this.letGo(delivery);
    this.records.sendBack(delivery);
    this.env.ended();
  }

  leaveOut(delivery: Delivery): boolean {
    if (!this.records.isSpare(delivery.record)) return false;
    this.letGo(delivery);
    this.records.leaveOut(delivery);
    this.env.ended();
    return true;
  }

  /** One of its own targets is usable that is none of these. */
  anyUsableIn(but: readonly string[], signal: Signal): boolean {
    return this.chooser.anyUsableBeside(but, this.nowMs, signal);
  }

  countRetry(reason: string): void {
    this.env.countRetry(reason);
  }

  /**
   * Whether somebody still waits for it; ends it when not. It is not in the store any more when it
   * is ended.
   */
  fresh(delivery: Delivery, nowMs: number): boolean {
    const end = expiryOf(delivery, nowMs, this.maxAgeMs, this.records);
    if (end === undefined) return true;
    this.end(delivery, end);
    return false;
  }

  /** Ends what is not under way. What waited for its fate goes on without it. */
  end(delivery: Delivery, outcome: ParcelOutcome): void {
    this.finish(delivery, outcome);
    endTrials(this, [delivery], "unknown");
  }

  /** It leaves the pool, ended or not. */
  letGo(delivery: Delivery): void {
    this.hold(delivery, -1);
    this.store.ack(delivery);
  }

  /** It is the lane's, or not any more. */
  hold({ charge, record, tenant }: Delivery, sign: 1 | -1): void {
    if (tenant !== undefined) this.env.tenants.hold(tenant, charge, sign);
    this.heldBytes += sign * charge;
    this.heldItems += sign * record.items;
  }
}
