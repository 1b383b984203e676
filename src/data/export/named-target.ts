import type { Cancel } from "../../core/clock.ts";
import { SIGNAL_FACTS, type Signal } from "../../otlp/signal.ts";
import type { CheckStatus, OperatorOverride } from "../../plan/data-plane.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { Health } from "../health/health.ts";
import { showReason } from "../health/report.ts";
import type { RefusedSignal } from "../health/signal-refusals.ts";
import type { ToldTarget } from "../health/told-health.ts";
import { TargetLoad } from "../load/target-load.ts";
import { ALL_OF_IT } from "../node-limits/node-limit.ts";
import { AddressSet, type AddressSetEnv, type PartsOwner } from "./address-set.ts";
import { ChangeListeners } from "./change-listeners.ts";
import { MemberPicker } from "./member-picker.ts";
import { bestPart, isOpen, PartPicker, rankOf } from "./part-picker.ts";
import { NO_HISTORY, NO_KEYS, type Parts } from "./parts.ts";
import type { AttemptTime, Joining, OwnedTarget, TargetHandle, ToldHandle } from "./target-port.ts";
import type { Batch } from "./target-client.ts";
import type { Pause } from "./tenant-pauses.ts";
import type { SendOutcome, SizeDoubt } from "../send-outcome.ts";

type NamedTargetEnv = Omit<AddressSetEnv, "whole">;

/**
 * A target whose name is resolved here, or that stands for members of the fleet. To its pools it is
 * one target: its weight, its `max_in_flight` and what operators want are the name's. It works
 * while one of its addresses does; each has connections, a window and a health of its own
 * (`parts`).
 */
export class NamedTarget implements OwnedTarget, PartsOwner {
  readonly load = new TargetLoad();
  readonly whole = undefined;
  readonly #env: NamedTargetEnv;
  readonly #addresses: AddressSet;
  readonly #listeners = new ChangeListeners();
  #plan: TargetPlan;
  maxInFlight: number;
  #parts: Parts;
  #override: OperatorOverride | undefined;
  #reason: string | undefined;
  #poking = false;
  #closed = false;

  constructor(plan: TargetPlan, env: NamedTargetEnv, joining: Joining) {
    this.#env = env;
    this.#plan = plan;
    this.maxInFlight = this.#partOfLimit();
    this.#addresses = new AddressSet(plan, { ...env, whole: this }, joining);
    this.#parts = this.#openParts();
  }

  get handle(): this {
    return this;
  }

  get key(): string {
    return this.#plan.id;
  }

  get plan(): TargetPlan {
    return this.#plan;
  }

  get parts(): Parts {
    return this.#parts;
  }

  /** That of its best part. */
  health(): Health {
    const health = bestPart(this.#parts.all, this.#nowMs).health();
    if (health.reason !== this.#reason) this.#showReason(health.reason);
    return health;
  }

  get inFlight(): number {
    return this.load.inFlight;
  }

  get inFlightItems(): number {
    return this.load.inFlightItems;
  }

  get inFlightBytes(): number {
    return this.load.inFlightBytes;
  }

  get spare(): number {
    return Math.max(0, this.maxInFlight - this.load.inFlight);
  }

  /**
   * What its best parts may have under way together, and what is under way elsewhere: so it is full
   * when they are.
   */
  windowSize(): number {
    const nowMs = this.#nowMs;
    let best = -1;
    let room = 0;
    for (const part of this.#parts.all) {
      const rank = rankOf(part.health(), nowMs);
      if (rank < best) continue;
      if (rank > best) room = 0;
      best = rank;
      room += Math.max(0, part.windowSize() - part.inFlight);
    }
    return Math.min(this.maxInFlight, this.load.inFlight + room);
  }

  /** What its parts would have is not known while all of it is less: as much again. */
  get beyondPart(): number {
    return Math.min(this.#plan.maxInFlight - this.maxInFlight, Math.max(1, this.maxInFlight));
  }

  get latencyMs(): number {
    const known = this.#parts.all.map((part) => part.latencyMs).filter((ms) => ms > 0);
    return known.length === 0 ? 0 : known.reduce((sum, ms) => sum + ms, 0) / known.length;
  }

  get latencyCalls(): number {
    return this.#parts.all.reduce((sum, part) => sum + part.latencyCalls, 0);
  }

  get errorRate(): number {
    return this.load.errorRate;
  }

  /**
   * What none of its parts takes that something may be sent to now; while there is none, what no
   * part takes.
   */
  refused(): number {
    let byAll = -1;
    let byAny = 0;
    for (const part of this.#parts.all) {
      const refused = part.refused();
      byAll &= refused;
      byAny |= refused;
    }
    if (byAll === byAny) return byAll;
    const nowMs = this.#nowMs;
    let byOpen = -1;
    for (const part of this.#parts.all) if (isOpen(part.health(), nowMs)) byOpen &= part.refused();
    return byOpen === -1 ? byAll : byOpen;
  }

  pause(): ReturnType<TargetHandle["pause"]> {
    return this.#first().pause();
  }

  refusals(): readonly RefusedSignal[] {
    const refused = this.refused();
    return this.#first()
      .refusals()
      .filter(({ signal }) => (refused & SIGNAL_FACTS[signal].bit) !== 0);
  }

  usable(nowMs: number, signal?: Signal): boolean {
    return this.#parts.all.some((part) => part.usable(nowMs, signal));
  }

  wantsProbe(signal?: Signal): boolean {
    return this.#parts.all.some((part) => part.wantsProbe(signal));
  }

  /** When the first of those that could be used may be tried again. */
  pausedForMs(headers: SenderHeaders): number {
    const nowMs = this.#nowMs;
    let untilMs = Infinity;
    for (const part of this.#parts.all) {
      if (part.usable(nowMs)) untilMs = Math.min(untilMs, part.pausedForMs(headers));
    }
    return untilMs === Infinity ? -Infinity : untilMs;
  }

  /** That of the first of them. */
  pauseFor(headers: SenderHeaders): Pause | undefined {
    const untilMs = this.pausedForMs(headers);
    if (untilMs === -Infinity) return undefined;
    return this.#parts.all.find((part) => part.pausedForMs(headers) === untilMs)?.pauseFor(headers);
  }

  get pausedTenants(): number {
    return Math.max(...this.#parts.all.map((part) => part.pausedTenants));
  }

  share(nowMs: number): number {
    return bestPart(this.#parts.all, nowMs).share(nowMs);
  }

  nextTryMs(): number | undefined {
    if (this.health().state === "ready") return undefined;
    const nextMs = Math.min(...this.#parts.all.map((part) => part.nextTryMs() ?? Infinity));
    return nextMs === Infinity ? undefined : nextMs;
  }

  /** The last one of any part. */
  get check(): CheckStatus | undefined {
    let last: CheckStatus | undefined;
    for (const { check } of this.#parts.all) {
      if (check !== undefined && (last === undefined || check.atMs > last.atMs)) last = check;
    }
    return last;
  }

  override(): OperatorOverride | undefined {
    const untilMs = this.#override?.untilMs;
    if (untilMs !== undefined && untilMs <= this.#env.clock.wallMs()) this.#override = undefined;
    return this.#override;
  }

  operate(override: OperatorOverride): void {
    this.#override = override.state === "ready" ? undefined : override;
    for (const part of this.#addresses.parts) part.operate(override);
  }

  /** What all of its parts take. */
  get maxBatchBytes(): number {
    return Math.min(...this.#parts.all.map((part) => part.maxBatchBytes));
  }

  get learnedMaxBytes(): number | undefined {
    const learned = this.#parts.all.flatMap((part) => part.learnedMaxBytes ?? []);
    return learned.length === 0 ? undefined : Math.min(...learned);
  }

  splitSize(refusedBytes: number): { readonly bytes: number; readonly proven: boolean } {
    return this.#first().splitSize(refusedBytes);
  }

  learnSize(bytes: number, refusedBytes: number): void {
    for (const part of this.#parts.all) part.learnSize(bytes, refusedBytes);
  }

  countSplit(doubt: SizeDoubt | undefined): void {
    this.#first().countSplit(doubt);
  }

  send(batch: Batch, attempt: AttemptTime, wanted: () => boolean, done: (outcome: SendOutcome) => void): Cancel {
    const part =
      this.#parts.pick(NO_HISTORY, NO_KEYS, this.#nowMs, batch.signal) ?? bestPart(this.#parts.all, this.#nowMs);
    return part.send(batch, attempt, wanted, done);
  }

  onChange(listener: () => void): Cancel {
    return this.#listeners.add(listener);
  }

  limitChanged(): void {
    const calls = this.#partOfLimit();
    if (calls === this.maxInFlight) return;
    this.maxInFlight = calls;
    this.#tellParts();
    this.#listeners.tell();
  }

  adopt(plan: TargetPlan): void {
    this.#plan = plan;
    this.maxInFlight = this.#partOfLimit();
    this.#addresses.adopt(plan);
    this.partChanged();
  }

  release(): void {
    for (const part of this.#addresses.parts) part.release();
  }

  get toldParts(): readonly ToldHandle[] {
    return this.#addresses.parts;
  }

  obey(told: ToldTarget, heardSeq: number): void {
    this.#addresses.obey(told.parts);
    for (const part of this.#addresses.parts) part.obey(told, heardSeq);
  }

  retire(): Promise<void> {
    this.health();
    this.#closed = true;
    return this.#addresses.close();
  }

  partsReplaced(): void {
    this.#parts = this.#openParts();
    const override = this.override();
    if (override !== undefined) {
      for (const part of this.#addresses.parts) if (part.override() === undefined) part.operate(override);
    }
    this.partChanged();
  }

  partChanged(): void {
    if (this.#poking) return;
    this.health(); // so that its reason is shown
    // It was full, perhaps: then none of its parts had room, and those that wait for one of them
    // alone have to know.
    if (this.load.inFlight === this.maxInFlight - 1) this.#tellParts();
    this.#listeners.tell();
  }

  #openParts(): Parts {
    const { parts } = this.#addresses;
    return this.#plan.members === undefined ? new PartPicker(parts) : new MemberPicker(parts, this.#env.random);
  }

  #tellParts(): void {
    this.#poking = true;
    for (const part of this.#addresses.parts) part.healthChanged();
    this.#poking = false;
  }

  #partOfLimit(): number {
    return (this.#env.partOf ?? ALL_OF_IT)(`calls ${this.#plan.id}`, this.#plan.maxInFlight);
  }

  /**
   * What is said of the whole is said to the batch's own part; where there is no batch, to this
   * one.
   */
  #first(): TargetHandle {
    return bestPart(this.#parts.all, this.#nowMs);
  }

  get #nowMs(): number {
    return this.#env.clock.nowMs();
  }

  /** The first one is shown by whoever shows the target. */
  #showReason(reason: string): void {
    if (this.#closed) return;
    if (this.#reason !== undefined) showReason(this.#env.metrics, this.#plan.id, reason, this.#reason);
    this.#reason = reason;
  }
}
