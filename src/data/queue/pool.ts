import type { Cancel } from "../../core/clock.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { PoolPlan } from "../../plan/plan.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { LaneFailoverState } from "../balance/failover-state.ts";
import { PanicReport, type PanicTeller } from "../balance/panic-report.ts";
import type { Parts } from "../export/parts.ts";
import type { TargetHandle } from "../export/target-port.ts";
import type { LaneLoad } from "./key-load.ts";
import type { LimitUse } from "../node-limits/node-limit.ts";
import { emptyOut, type TakeLeft } from "./removed.ts";
import { type Returning, returningTo } from "./returning.ts";
import { type FailingPool, PoolFailover } from "./pool-failover.ts";
import { PoolIntake } from "./pool-intake.ts";
import { Lanes } from "./lanes.ts";
import type { LaneCopy, LaneEnv } from "./lane-port.ts";
import type { Delivery } from "./delivery.ts";
import type { Parcel } from "./parcel.ts";
import { hidePool, showPool } from "./pool-gauges.ts";
import { takeLimits } from "./pool-limits.ts";
import type { Pool, PoolEnv } from "./pool-port.ts";
import { laneOpenMs } from "./paused.ts";
import { Room } from "./room.ts";
import { RETRIES_A_SECOND, RetryBudget } from "./retry-policy.ts";
import { Tenants } from "./tenants.ts";
import { WakeTimer } from "./wake-timer.ts";

/**
 * Disposing it settles what is left as failed (`shutting_down`) and waits until what is under way
 * has ended.
 */
export function openPool(plan: PoolPlan, targets: readonly TargetHandle[], env: PoolEnv): Pool {
  return new MemoryPool(plan, targets, env);
}

class MemoryPool implements Pool, FailingPool {
  readonly #env: PoolEnv;
  readonly #lanes: Lanes;
  readonly #watching = new Map<TargetHandle, Cancel>();
  readonly #panics: PanicTeller;
  readonly #emptied = new Set<() => void>();
  readonly #pump = (): void => this.#pumpNow();
  readonly #room: Room;
  readonly #budget: RetryBudget;
  readonly #tenants: Tenants;
  readonly #changed = new Set<() => void>();
  readonly #failover: PoolFailover;
  readonly #intake: PoolIntake;
  readonly #timer: WakeTimer;
  #plan: PoolPlan;
  #targets: readonly TargetHandle[] = [];
  /** Of each target, as the lanes know them. */
  #parts: readonly (Parts | undefined)[] = [];
  #partsChanged = false;
  #scheduled = false;
  /** Who gets what it holds, once it is gone for good. */
  #takeLeft: TakeLeft | undefined;
  #closed = false;

  constructor(plan: PoolPlan, targets: readonly TargetHandle[], env: PoolEnv) {
    this.#env = env;
    this.#plan = plan;
    this.#room = new Room(plan.queue.maxBytes);
    this.#budget = new RetryBudget(env.clock.nowMs(), env.partOf?.(`retries ${plan.name}`, RETRIES_A_SECOND));
    this.#panics = env.panicTellerOf?.(plan.name) ?? new PanicReport(plan.name, env);
    this.#tenants = new Tenants(() => env.metrics.poolCrowded.with(plan.name).add(1));
    this.#lanes = new Lanes(plan, this.#laneEnv(), (delivery) => this.#intake.divideAnew(delivery));
    const { records, repartitioner } = env;
    const intakeEnv = { records, repartitioner, room: this.#room, tenants: this.#tenants };
    this.#intake = new PoolIntake(plan, this.#lanes, intakeEnv);
    this.#failover = new PoolFailover(this, env.pools, records);
    this.#timer = new WakeTimer(env.clock, () => this.#schedule());
    this.update(plan, targets);
    showPool(this, env.metrics, () => this.#tenants.size);
  }

  get name(): string {
    return this.#plan.name;
  }

  get ack(): PoolPlan["ack"] {
    return this.#plan.ack;
  }

  get whenDown(): PoolPlan["whenDown"] {
    return this.#plan.whenDown;
  }

  get maxBytes(): number {
    return this.#plan.queue.maxBytes;
  }

  get maxItems(): number | undefined {
    return this.#plan.queue.maxItems;
  }

  get isFullOfItems(): boolean {
    return this.#room.isFullOfItems;
  }

  get fallback(): string | undefined {
    return this.#plan.fallback;
  }

  usable(signal: Signal): boolean {
    return this.#lanes.usable(signal);
  }

  get heldBytes(): number {
    return this.#room.bytes;
  }

  get heldItems(): number {
    return this.#room.items;
  }

  mayTake(signal: Signal): boolean {
    return this.#lanes.anyTakes(signal, []);
  }

  hasAnyRoom(signal: Signal): boolean {
    return this.hasRoom(1, signal);
  }

  get queuedBytes(): number {
    return this.#lanes.sum((lane) => lane.queuedBytes);
  }

  get queuedItems(): number {
    return this.#lanes.sum((lane) => lane.queuedItems);
  }

  get inFlight(): number {
    return this.#lanes.sum((lane) => lane.inFlight);
  }

  get oldestAgeMs(): number {
    return Math.max(0, this.#env.clock.nowMs() - this.#lanes.oldestMs);
  }

  *waitingSince(beforeMs: number): Generator<Delivery> {
    for (const lane of this.#lanes.all) yield* lane.waitingSince(beforeMs);
  }

  refresh(): void {
    this.#lanes.refresh();
  }

  usableFor(channel: number, signal: Signal): boolean {
    const { kind } = this.#plan.division;
    return kind === "cases" ? this.#lanes.usableFor(channel, signal) : this.#lanes.usable(signal);
  }

  get pausesSome(): boolean {
    if (!this.#tenants.areTold) return false;
    for (const target of this.#watching.keys()) if (target.pausedTenants > 0) return true;
    return false;
  }

  pausedUntilMs(channel: number, signal: Signal, headers: SenderHeaders): number {
    const lane = this.#plan.division.kind === "cases" ? this.#lanes.channels[channel] : undefined;
    return laneOpenMs(lane?.targets ?? [...this.#lanes.targets()], signal, headers);
  }

  returning(path: readonly string[]): Returning | undefined {
    return returningTo(path, this.#targets);
  }

  ownerOf(hash: number, signal: Signal): number {
    return this.#lanes.ownerOf(hash, signal);
  }

  lanesFor(channel: number, signal: Signal): readonly LaneCopy[] {
    return this.#lanes.forNew(channel, signal).map((lane) => lane.copyFor(signal));
  }

  lanesOf(signal: Signal): readonly LaneCopy[] {
    return this.#lanes.all.map((lane) => lane.copyFor(signal));
  }

  hasRoom(bytes: number, signal: Signal, channel?: number, reserved = 0, headers?: SenderHeaders): boolean {
    return this.#intake.hasRoom(bytes, signal, channel, reserved, headers);
  }

  offer(parcel: Parcel, channel = 0, from?: string): "accepted" | "full" {
    const answer = this.#intake.offer(parcel, channel, from);
    if (answer === "accepted") this.#schedule();
    return answer;
  }

  adopt(parcel: Parcel, from?: string): "accepted" | "full" {
    const answer = this.#intake.adopt(parcel, from);
    if (answer === "accepted") this.#schedule();
    return answer;
  }

  countFailover(to: string, when: "arrival" | "backlog", points: number): void {
    this.#env.metrics.poolFailover.with(this.name, to, when).add(points);
  }

  wake(): void {
    this.#schedule();
  }

  onceChanged(listener: () => void): Cancel {
    this.#changed.add(listener);
    return () => void this.#changed.delete(listener);
  }

  update(plan: PoolPlan, targets: readonly TargetHandle[]): void {
    this.#plan = plan;
    this.#intake.plan = plan;
    takeLimits(this.#plan, this.#room, this.#budget, this.#env);
    this.#targets = targets;
    this.#parts = targets.map(({ parts }) => parts);
    this.#lanes.configure(plan, targets);
    this.#tenants.configure(targets);
    const watched = new Set([...this.#lanes.targets(), ...targets.filter(({ parts }) => parts !== undefined)]);
    for (const [target, unwatch] of this.#watching) {
      if (watched.has(target)) continue;
      unwatch();
      this.#watching.delete(target);
    }
    for (const target of watched) {
      if (this.#watching.has(target)) continue;
      const changed = (): void => this.#targetChanged(target);
      this.#watching.set(target, target.onChange(changed));
    }
    this.#schedule();
  }

  limitChanged(): void {
    takeLimits(this.#plan, this.#room, this.#budget, this.#env);
    this.#schedule();
  }

  tellUses(uses: LimitUse[], waitedFor: Set<TargetHandle>): void {
    const { name, queue } = this.#plan;
    const { maxItems } = queue;
    if (maxItems !== undefined) {
      const { items, missedItems } = this.#room;
      uses.push({ limit: `items ${name}`, whole: maxItems, used: items, wanted: missedItems.take() });
    }
    uses.push(
      { limit: `queue ${name}`, whole: queue.maxBytes, used: this.#room.bytes, wanted: this.#room.missed.take() },
      { limit: `retries ${name}`, whole: RETRIES_A_SECOND, ...this.#budget.takeUse(this.#env.clock.nowMs()) },
    );
    for (const lane of this.#lanes.all) {
      if (lane.isReady) for (const target of lane.targets) waitedFor.add(target.whole ?? target);
    }
  }

  keyLoad(): LaneLoad[] | undefined {
    return this.#plan.division.kind === "key" ? this.#lanes.keyLoad() : undefined;
  }

  learnKeyLoad(others: readonly LaneLoad[]): void {
    this.#lanes.learnKeyLoad(others);
  }

  failovers(): LaneFailoverState[] {
    return this.#lanes.channels.flatMap((lane) => {
      return lane.failovers().map((failover) => ({ ...failover, pool: this.name, lane: lane.key }));
    });
  }

  followFailover(failover: LaneFailoverState): void {
    this.#lanes.channels.find(({ key }) => key === failover.lane)?.followFailover(failover);
    this.#schedule();
  }

  giveAway(take: TakeLeft | undefined): void {
    this.#takeLeft = take;
    this.#schedule();
  }

  async drain(deadlineMs: number): Promise<void> {
    for (const lane of this.#lanes.all) lane.hurry();
    this.#schedule();
    if (this.#lanes.isEmpty) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#env.clock.after(Math.max(0, deadlineMs - this.#env.clock.nowMs()), resolve);
    this.#emptied.add(resolve);
    await promise;
    this.#emptied.delete(resolve);
    cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#intake.closed = true;
      this.#timer.stop();
      this.#failover.stop();
      for (const unwatch of this.#watching.values()) unwatch();
      hidePool(this.name, this.#env.metrics);
      this.#panics.close();
      for (const lane of this.#lanes.all) lane.close();
    }
    if (this.#lanes.isEmpty) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#emptied.add(resolve);
    await promise;
  }

  #targetChanged(target: TargetHandle): void {
    this.#lanes.touched(target);
    if (target.parts !== undefined) this.#partsChanged = true;
    this.#schedule();
  }

  /** Where each part of a target has a lane of its own, other parts are other lanes. */
  #takeParts(): void {
    this.#partsChanged = false;
    if (this.#plan.division.kind !== "key") return;
    if (this.#targets.some(({ parts }, i) => parts !== this.#parts[i])) this.update(this.#plan, this.#targets);
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#env.schedule(this.#pump);
  }

  #pumpNow(): void {
    this.#scheduled = false;
    if (this.#closed) return;
    if (this.#takeLeft !== undefined) {
      if (!emptyOut(this.#lanes, this.#env.records, this.#takeLeft)) this.#schedule();
      return this.#tellEmptied();
    }
    if (this.#partsChanged) this.#takeParts();
    this.#lanes.tidy();
    if (!this.#lanes.sortSome()) this.#schedule();
    this.#failover.run(this.#lanes, this.#plan.fallback, this.#plan.division.kind === "cases");
    for (const lane of this.#lanes.all) if (!lane.isIdle) lane.pump();
    this.#lanes.tidy();
    this.#panics.tell(this.#lanes.panic());
    this.#setTimer();
    this.#tellEmptied();
    this.#tellChanged();
  }

  #tellChanged(): void {
    if (this.#changed.size === 0) return;
    const listeners = [...this.#changed];
    this.#changed.clear();
    for (const listener of listeners) listener();
  }

  #setTimer(): void {
    let atMs = Infinity;
    for (const lane of this.#lanes.all) if (!lane.isIdle) atMs = Math.min(atMs, lane.wakeMs());
    this.#timer.set(atMs);
  }

  #tellEmptied(): void {
    if (this.#emptied.size === 0 || !this.#lanes.isEmpty) return;
    for (const resolve of this.#emptied) resolve();
  }

  #laneEnv(): LaneEnv {
    const { clock, random, records, splitter, metrics, region, strategies, log } = this.#env;
    return {
      clock,
      random,
      records,
      splitter,
      budget: this.#budget,
      batchSize: metrics.batchSize.with(region),
      room: this.#room,
      tenants: this.#tenants,
      countRetry: (reason) => metrics.poolRetries.with(this.name, reason).add(1),
      ended: () => {
        this.#schedule();
        this.#tellEmptied();
      },
      anyUsableBeside: (targets, signal) => this.#lanes.channels.some((lane) => lane.anyUsableIn(targets, signal)),
      failOver: (parcel) => this.#failover.failOver(parcel, this.#plan.fallback),
      mayBeTaken: (signal, but) => {
        if (this.#plan.division.kind === "key" && this.#lanes.anyTakes(signal, but)) return true;
        return this.#failover.mayBeTaken(signal, this.#plan.fallback);
      },
      sort: (deliveries) => this.#lanes.putUnsorted(deliveries),
      ...(strategies && { strategies }),
      strategyFailed: (strategy, what) => {
        const fields = { pool: this.name, strategy, what };
        log?.error("strategy of a plugin failed: weighted round robin takes over", fields);
      },
    };
  }
}
