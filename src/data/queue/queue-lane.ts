import type { Cancel, Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import type { PoolPlan, RetryPlan } from "../../plan/plan.ts";
import type { Histogram } from "../../telemetry/metrics.ts";
import { Chooser, isTrial } from "../balance/chooser.ts";
import type { SendOutcome } from "../export/target-client.ts";
import type { TargetHandle } from "../export/target.ts";
import type { ParcelOutcome } from "../parcel.ts";
import type { SplitParcel } from "./copy-parcel.ts";
import { type Delivery, endOf } from "./delivery.ts";
import { gather, toBatch } from "./gather.ts";
import { LaneStore } from "./lane-store.ts";
import type { RetryBudget } from "./retry-policy.ts";
import { type Origin, type SentBatch, settleBatch, SHUTTING_DOWN } from "./settle.ts";
import type { SignalQueue } from "./signal-queue.ts";

/** What all lanes of a pool have in common. */
export interface LaneEnv {
  readonly clock: Clock;
  readonly random: Random;
  readonly split: SplitParcel;
  readonly budget: RetryBudget;
  readonly batchSize: Histogram;
  /** One more batch of this pool is tried again. */
  countRetry(reason: string): void;
  /** A batch or a delivery ended. */
  ended(): void;
}

/**
 * A queue and the targets that it empties into. A pool has one; a broadcast pool one for each target. Deliveries are its
 * own from `push` to their end: in the store, or under way.
 */
export class QueueLane implements Origin {
  /** The id of the one target that it is for, in a broadcast pool. */
  readonly only: string | undefined;
  readonly #env: LaneEnv;
  readonly #store = new LaneStore();
  readonly #underWay = new Set<Cancel>();
  #plan: PoolPlan;
  #chooser: Chooser;
  #strategy = "";
  #heldBytes = 0;
  #heldItems = 0;
  #inFlight = 0;
  #lingerUntilMs = Infinity;
  #hurried = false;
  #closed = false;

  constructor(plan: PoolPlan, targets: readonly TargetHandle[], env: LaneEnv, only?: string) {
    this.only = only;
    this.#env = env;
    this.#plan = plan;
    this.#strategy = JSON.stringify(plan.strategy);
    this.#chooser = new Chooser(targets, plan.strategy, env.random);
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

  get oldestMs(): number {
    return this.#store.oldestMs;
  }

  get targets(): readonly TargetHandle[] {
    return this.#chooser.targets;
  }

  /** Health lets one of its targets be used. */
  get anyUsable(): boolean {
    return this.#chooser.anyUsable(this.nowMs);
  }

  /** One of its targets waits for a probe, and nothing is queued that could be one. */
  get wantsProbe(): boolean {
    return !this.#store.hasReady && this.#chooser.anyProbeWanted();
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

  get split(): SplitParcel {
    return this.#env.split;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** A strategy that is the same over the same targets goes on where it was; another one begins at once. */
  configure(plan: PoolPlan, targets: readonly TargetHandle[]): void {
    this.#plan = plan;
    this.#hurried = false; // a pool that was to end may be wanted again
    this.#store.forgetExpiry();
    const strategy = JSON.stringify(plan.strategy);
    const sameTargets = targets.length === this.targets.length && targets.every((one, i) => one === this.targets[i]);
    if (strategy === this.#strategy && sameTargets) return;
    this.#strategy = strategy;
    this.#chooser = new Chooser(targets, plan.strategy, this.#env.random);
  }

  push(delivery: Delivery): void {
    this.#heldBytes += delivery.charge;
    this.#heldItems += delivery.parcel.items;
    this.#store.push(delivery, this.maxAgeMs);
  }

  /** Sends whatever can be sent now. */
  pump(): void {
    const { nowMs } = this;
    this.#store.returnDue(nowMs, this.maxAgeMs);
    for (const delivery of this.#store.sweep(nowMs, this.maxAgeMs)) this.#fresh(delivery, nowMs);
    this.#lingerUntilMs = Infinity;
    const stuck = new Set<SignalQueue>();
    for (let queue = this.#store.oldest(stuck); queue !== undefined; queue = this.#store.oldest(stuck)) {
      if (!this.#sendFrom(queue, nowMs)) stuck.add(queue);
    }
  }

  /** When time alone gives the next pump something to do; Infinity when it cannot. */
  wakeMs(): number {
    const storeMs = this.#store.nextMs;
    if (!this.#store.hasReady) return storeMs;
    return Math.min(storeMs, this.#lingerUntilMs, this.#chooser.nextChangeMs(this.nowMs));
  }

  /** Until it is configured anew nothing waits for company. */
  hurry(): void {
    this.#hurried = true;
  }

  /** Nothing is sent or tried again from here on; what is under way is cancelled. */
  close(): void {
    this.#closed = true;
    for (const delivery of this.#store.clear()) this.finish(delivery, SHUTTING_DOWN);
    for (const cancel of this.#underWay) cancel();
  }

  /** Takes everything out that is not under way, without ending it. */
  takeAll(): Delivery[] {
    const all = this.#store.clear();
    for (const { charge, parcel } of all) {
      this.#heldBytes -= charge;
      this.#heldItems -= parcel.items;
    }
    return all;
  }

  finish(delivery: Delivery, outcome: ParcelOutcome): void {
    this.#heldBytes -= delivery.charge;
    this.#heldItems -= delivery.parcel.items;
    delivery.parcel.settle(outcome);
    this.#env.ended();
  }

  putBack(deliveries: readonly Delivery[]): void {
    if (this.#closed) for (const delivery of deliveries) this.finish(delivery, SHUTTING_DOWN);
    else this.#store.putBack(deliveries, this.maxAgeMs);
  }

  putBackLater(deliveries: readonly Delivery[], delayMs: number): void {
    this.#store.putBackAt(this.nowMs + delayMs, deliveries);
  }

  anyUsableBeside(targets: readonly TargetHandle[]): boolean {
    return this.#chooser.anyUsableBeside(targets, this.nowMs);
  }

  countRetry(reason: string): void {
    this.#env.countRetry(reason);
  }

  #sendFrom(queue: SignalQueue, nowMs: number): boolean {
    let head = queue.peek();
    while (head !== undefined && !this.#fresh(head, nowMs)) {
      queue.shift();
      head = queue.peek();
    }
    if (head === undefined || this.#lingers(queue, head, nowMs)) return false;
    const target = this.#chooser.choose(head, nowMs);
    if (target === undefined) return false;
    this.#send(queue, target, nowMs);
    return true;
  }

  /** Whether somebody still waits for it; ends it when not. */
  #fresh(delivery: Delivery, nowMs: number): boolean {
    const end = endOf(delivery, nowMs, this.maxAgeMs);
    if (end !== undefined) this.finish(delivery, end);
    return end === undefined;
  }

  /** With `max_wait`, what is new waits for company, until a batch is full. */
  #lingers(queue: SignalQueue, head: Delivery, nowMs: number): boolean {
    const { maxWaitMs, maxItems, maxBytes } = this.#plan.batch;
    if (maxWaitMs === 0 || this.#hurried || head.retries > 0 || head.company < Infinity) return false;
    const untilMs = head.parcel.enqueuedMs + maxWaitMs;
    if (nowMs >= untilMs || queue.items >= maxItems || queue.bytes >= maxBytes) return false;
    this.#lingerUntilMs = Math.min(this.#lingerUntilMs, untilMs);
    return true;
  }

  #send(queue: SignalQueue, target: TargetHandle, nowMs: number): void {
    const { maxItems, maxBytes } = this.#plan.batch;
    const { maxRequestBytes } = target.plan;
    const parcels = isTrial(target) ? 1 : Infinity;
    const limits = { parcels, items: maxItems, bytes: Math.min(maxBytes, maxRequestBytes) };
    const deliveries = gather(queue, target, limits, (delivery) => this.#fresh(delivery, nowMs));
    const batch = toBatch(queue.signal, deliveries);
    const sent = { deliveries, target };
    if (batch.bytes > maxRequestBytes) {
      const message = `${batch.bytes} bytes are more than target ${target.plan.id} takes (${maxRequestBytes})`;
      settleBatch(this, sent, { kind: "too_large", message });
      return;
    }
    this.#chooser.charge(target, batch.items, batch.bytes);
    this.#env.batchSize.observe(batch.items);
    if (isFirstTry(deliveries)) this.budget.earn(this.retry.budget);
    const full = queue.length > 0 || batch.items >= maxItems || batch.bytes >= limits.bytes;
    const timeoutMs = attemptMs(target, deliveries, nowMs);
    this.#inFlight++;
    const cancel = target.send(
      batch,
      timeoutMs,
      () => full || this.#store.hasReady,
      (outcome) => {
        this.#underWay.delete(cancel);
        this.#returned(sent, outcome);
      },
    );
    this.#underWay.add(cancel);
  }

  #returned(sent: SentBatch, outcome: SendOutcome): void {
    this.#inFlight--;
    settleBatch(this, sent, outcome);
    this.#env.ended();
  }
}

/** One attempt may take as long as the target's timeout, and not longer than anybody waits for its result. */
function attemptMs(target: TargetHandle, deliveries: readonly Delivery[], nowMs: number): number {
  let latestMs = 0;
  for (const { parcel } of deliveries) latestMs = Math.max(latestMs, parcel.deadlineMs);
  // Timers count whole milliseconds and may fire up to one early: what ends by a deadline must end after it, or it would
  // be taken for a target that failed.
  return Math.min(target.plan.timeoutMs, Math.ceil(latestMs - nowMs) + 1);
}

function isFirstTry(deliveries: readonly Delivery[]): boolean {
  let retries = 0;
  for (const delivery of deliveries) {
    delivery.parcel.attempts++;
    retries += delivery.retries;
  }
  return retries === 0;
}
