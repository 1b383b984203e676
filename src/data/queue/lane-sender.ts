import { Bag, type BagItem } from "../../core/bag.ts";
import type { Cancel } from "../../core/clock.ts";
import type { SendOutcome } from "../send-outcome.ts";
import type { AttemptTime, TargetHandle } from "../export/target-port.ts";
import { attemptOf } from "./attempt-time.ts";
import { splitAhead } from "./split-parcel.ts";
import { type Delivery, expiryOf, isFirstTry } from "./delivery.ts";
import { gather, toBatch } from "./gather.ts";
import { onwardTarget } from "./onward-target.ts";
import { PATIENCE_MS, refusedBy, takeHopeless } from "./hopeless.ts";
import type { LaneHold } from "./lane-hold.ts";
import { pausedTargets, pausedUntilMs, tooLateOf } from "./paused.ts";
import { hasFailed, isUnread, NO_IDS } from "./record.ts";
import { type SentBatch, settleBatch } from "./settle.ts";
import type { StorePartition } from "./queue-store.ts";
import { endTrials } from "./too-large.ts";
import { takeTurns, type Turn, type TurnTaker } from "./lane-order.ts";

/** So much of what its targets do not take of some senders goes to a fallback pool, in one pump. */
const HAND_ON_BYTES_A_TURN = 8 * 1_024 * 1_024;

/** A batch under way. */
interface Flight extends BagItem {
  cancel: Cancel;
}

const NOTHING: Cancel = () => undefined;
const NEVER = (): boolean => false;

/** Sends what a lane holds, in turn, whatever can be sent now. */
export class LaneSender implements TurnTaker {
  readonly #hold: LaneHold;
  readonly #underWay = new Bag<Flight>();
  /** Batches under way. */
  inFlight = 0;
  /** When a batch that waits to fill leaves as it is. */
  lingerUntilMs = Infinity;
  /** Nothing waits for a batch to fill. */
  hurried = false;
  /** In this turn. */
  #handedOnBytes = 0;

  constructor(hold: LaneHold) {
    this.#hold = hold;
  }

  /** To nodes of the fleet: what has come from others goes beside full windows. */
  get #sendsOn(): boolean {
    return this.#hold.targets.some(({ plan }) => plan.members !== undefined);
  }

  run(nowMs: number): void {
    this.lingerUntilMs = Infinity;
    this.#handedOnBytes = 0;
    takeTurns(this.#hold.order, this, nowMs);
  }

  cancelAll(): void {
    this.#underWay.forEach(({ cancel }) => cancel());
  }

  /** For takeTurns: what no tenant could send has no room in any target. */
  take(queue: StorePartition, nowMs: number): Turn {
    const step = this.#sendFrom(queue, nowMs);
    if (step === "sent") return "sent";
    if (step !== "nowhere" || queue.tenant === undefined || this.#sendsOn) return "stuck";
    return this.#isFull(queue, nowMs) ? "full" : "stuck";
  }

  /**
   * `sent`: also elsewhere, or set aside. `waits`: there is nothing to send, or not yet. `nowhere`:
   * no target takes it now.
   */
  #sendFrom(queue: StorePartition, nowMs: number): "sent" | "waits" | "nowhere" {
    const head = this.#firstOf(queue, nowMs);
    if (head === undefined || this.#lingers(queue, head, nowMs)) return "waits";
    head.paused = pausedTargets(this.#hold.targets, head, nowMs);
    const chosen = this.#hold.chooser.choose(head.record, nowMs, queue.signal, head.paused);
    const target = chosen ?? onwardTarget(queue, head, this.#hold.targets, nowMs);
    if (target === undefined) {
      if ((queue.awaited > 0 || this.#hold.kind === "copy") && this.#giveUp(queue)) return "sent";
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
  #setAside(queue: StorePartition, head: Delivery, nowMs: number): boolean {
    const untilMs = pausedUntilMs(this.#hold.targets, head, nowMs);
    if (untilMs === undefined) return false;
    if (untilMs > nowMs + PATIENCE_MS && this.#hold.kind === "shared" && this.#failOver(queue, head)) return true;
    const end = tooLateOf(head, untilMs, this.#hold);
    if (end === undefined && queue.tenant?.key !== undefined) return false;
    queue.shift();
    if (end === undefined) this.#hold.store.release([head], untilMs);
    else this.#hold.end(head, end);
    return true;
  }

  /**
   * Gives the first of the queue to a fallback pool, if one can take it, and there was not too much
   * of this in this turn.
   */
  #failOver(queue: StorePartition, head: Delivery): boolean {
    if (this.#handedOnBytes >= HAND_ON_BYTES_A_TURN) {
      this.#hold.env.ended(); // there will be another turn
      return false;
    }
    if (!this.#hold.env.failOver(head)) return false;
    this.#handedOnBytes += head.record.bytes;
    queue.shift();
    this.#hold.letGo(head);
    endTrials(this.#hold, [head], "unknown");
    this.#hold.env.ended();
    return true;
  }

  /**
   * Whether its first parcel, and so that of any other queue of its signal, waits for nothing but
   * room.
   */
  #isFull(queue: StorePartition, nowMs: number): boolean {
    const head = queue.peek();
    if (head !== undefined && (head.paused !== undefined || hasFailed(head.record))) return false;
    return this.#hold.chooser.anyUsable(nowMs, queue.signal);
  }

  /** The first of the queue that somebody still waits for. */
  #firstOf(queue: StorePartition, nowMs: number): Delivery | undefined {
    for (let head = queue.peek(); head !== undefined; head = queue.peek()) {
      if (expiryOf(head, nowMs, this.#hold.maxAgeMs, this.#hold.records) === undefined) return head;
      queue.shift();
      this.#hold.fresh(head, nowMs);
    }
    return undefined;
  }

  /**
   * Where nobody takes a signal, now or later, nobody who waits need wait; what was acknowledged
   * stays as long as it may.
   */
  #giveUp(queue: StorePartition): boolean {
    const { signal } = queue;
    if (this.#hold.targets.length === 0 || this.#hold.mayBeTaken(signal, NO_IDS)) return false;
    const leaving = takeHopeless(queue, this.#hold.records);
    endTrials(this.#hold, leaving, "unknown");
    for (const delivery of leaving) {
      if (!this.#hold.leaveOut(delivery)) this.#hold.finish(delivery, refusedBy(this.#hold.targets, signal));
    }
    return leaving.length > 0;
  }

  /** With `max_wait`, what is new waits, until a batch is full. */
  #lingers(queue: StorePartition, head: Delivery, nowMs: number): boolean {
    const { maxWaitMs, maxItems, maxBytes } = this.#hold.plan.batch;
    if (maxWaitMs === 0 || this.hurried || head.record.retries > 0 || head.maxTogether < Infinity) return false;
    const untilMs = head.record.enqueuedMs + maxWaitMs;
    if (nowMs >= untilMs || queue.items >= maxItems || queue.bytes >= maxBytes) return false;
    this.lingerUntilMs = Math.min(this.lingerUntilMs, untilMs);
    return true;
  }

  #send(queue: StorePartition, target: TargetHandle, nowMs: number): void {
    const { maxItems, maxBytes } = this.#hold.plan.batch;
    const { maxRequestBytes } = target.plan;
    const records = this.#hold.chooser.isTrial(target, queue.signal) ? 1 : Infinity;
    const limits = { records, items: maxItems, bytes: Math.min(maxBytes, target.maxBatchBytes) };
    if (this.#sendsBack(queue, target, limits.bytes)) return;
    splitAhead(this.#hold, queue, limits);
    // At the time at which the first was looked at: by the clock it may have expired since.
    const deliveries = gather(this.#hold, queue, target, limits, nowMs);
    const batch = toBatch(queue.signal, deliveries, target);
    const sent = { deliveries, target };
    if (batch.bytes > maxRequestBytes) {
      const message = `${batch.bytes} bytes are more than target ${target.plan.id} takes (${maxRequestBytes}), and cannot be split`;
      for (const delivery of deliveries) this.#hold.finish(delivery, { kind: "rejected", message, badData: false });
      return;
    }
    this.#hold.chooser.charge(target, batch, batch.signal);
    if (batch.encoding === "protobuf") this.#hold.env.batchSize.observe(batch.items);
    const first = isFirstTry(deliveries, target.plan.id);
    if (first) this.#hold.budget.earn(this.#hold.retry.budget);
    const full = queue.length > 0 || batch.items >= maxItems || batch.bytes >= limits.bytes;
    // Parts of what was refused tell nothing of what the target can take at a time.
    const wanted = deliveries[0]!.splits === 0 ? () => full || this.#hold.store.hasReady : NEVER;
    const attempt = this.#attempt(target, deliveries, nowMs, first);
    this.inFlight++;
    const { tenant } = queue;
    if (tenant !== undefined) this.#hold.env.tenants.serve(tenant);
    const flight: Flight = { bagIndex: -1, cancel: NOTHING };
    this.#underWay.add(flight);
    flight.cancel = target.send(batch, attempt, wanted, (outcome) => {
      this.#underWay.delete(flight);
      if (tenant !== undefined) tenant.inFlight--;
      this.#returned(sent, outcome);
    });
  }

  /**
   * What was not read is read after all, where it cannot go to this target as it came, or is longer
   * than a call of `most` bytes.
   */
  #sendsBack(queue: StorePartition, { plan: target }: TargetHandle, most: number): boolean {
    const head = queue.peek();
    if (head === undefined || !isUnread(head.record)) return false;
    const { encoding, bytes } = head.record;
    const goes = target.compression === encoding && target.protocol !== "http/json" && bytes <= most;
    if (goes && this.#hold.plan.division.kind === "none") return false;
    queue.shift();
    this.#hold.sendBack(head);
    return true;
  }

  /**
   * A first one that could take all the time there is leaves room for a second, where there is
   * another target for it.
   */
  #attempt(target: TargetHandle, deliveries: readonly Delivery[], nowMs: number, first: boolean): AttemptTime {
    const { signal } = deliveries[0]!.record;
    const cuts =
      first && this.#hold.retry.maxRetries !== 0 && this.#hold.chooser.anyUsableBesideOne(target, nowMs, signal);
    const attempt = attemptOf(target, deliveries, nowMs, cuts);
    // What decides about a return has to decide, also when it is cut short.
    return attempt.cut && this.#hold.chooser.isTrial(target, signal) ? { ...attempt, cut: false } : attempt;
  }

  #returned(sent: SentBatch, outcome: SendOutcome): void {
    this.inFlight--;
    settleBatch(this.#hold, sent, outcome);
    this.#hold.env.ended();
  }
}
