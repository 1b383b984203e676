import type { Arena } from "../../core/arena/arena.ts";
import type { WaitingReader } from "../../core/arena/extent.ts";
import { openArena } from "../../core/arena/open.ts";
import type { Cancel, Clock } from "../../core/clock.ts";
import type { Refusal } from "../../core/reason.ts";
import type { Counter, Metrics } from "../../telemetry/metrics.ts";
import type { IntakeLimits } from "../../plan/listen-options.ts";
import type { HeaderSource } from "../../plan/sender-headers.ts";
import type { Env } from "../../telemetry/env.ts";
import { ALL_OF_IT, type LimitUse, Missed, type PartOfLimit } from "../node-limits/node-limit.ts";
import { DegradationGate } from "./degradation-gate.ts";
import { LinkReserve, type LinkReader } from "./link-reserve.ts";
import { OpenPermit, type PermitGate } from "./open-permit.ts";
import { createPressure, type Pressure } from "./pressure.ts";
import { createRequestGuard, type RequestGuard } from "./request-guard.ts";
import { createRssGuard, type RssGuard } from "./rss-guard.ts";

export interface AdmissionLimits extends Omit<IntakeLimits, "maxConnections"> {
  /** Requests are refused while the process's RSS is above; undefined: not looked at. */
  readonly maxRssBytes?: number;
}

interface AdmissionEnv extends Pick<Env, "clock" | "random" | "metrics"> {
  /**
   * RSS of the process in bytes; asked for at most every 250 ms, and only when there is a limit.
   */
  readonly rssBytes: () => number;
  /** Without one, all of the limits is this process's. */
  readonly partOf?: PartOfLimit;
  /** Of how many processes this one has its part. */
  readonly processes?: number;
}

/** What is known of a request before its body is read, as far as it is asked for here. */
export interface Arrival {
  /** Clock.nowMs() at the first byte. */
  readonly receivedMs: number;
}

/** What one request holds. Counts only bytes: who holds the permit also holds the buffers. */
export interface Permit {
  readonly kind: "permit";
  readonly bytes: number;
  /** Why the last `grow` said no. */
  readonly refusal: Refusal | undefined;
  /**
   * Takes `bytes` more, or nothing and says no: then `refusal` tells why. Always no after `close`.
   */
  grow(bytes: number): boolean;
  /**
   * Whether the rest of its body has to wait, since others came first and little room is left.
   * Then `reader` is told once to go on, unless the body has come whole before, or is closed.
   */
  holdBack(reader: WaitingReader): boolean;
  readonly isHeldBack: boolean;
  /** It may have what is kept for such: others began later, or there are none. */
  readonly comesFirst: boolean;
  /** Whether so many bytes of it may be given a place; no: see `refuseForRoom`. */
  mayPlace(bytes: number): boolean;
  /**
   * The request has come whole: what it holds from here on waits for targets, not for its sender.
   */
  whole(): void;
  /** Gives back bytes that are no longer held; never more than were taken. */
  shrink(bytes: number): void;
  /** Everything of the request is settled. Idempotent. */
  close(): void;
}

export interface AdmissionRefused {
  readonly kind: "refused";
  readonly refusal: Refusal;
}

/**
 * Decides whether a request may be read at all, and how much of it. One for each process; all
 * listeners share it.
 */
export interface Admission {
  readonly limits: AdmissionLimits;
  /** Where the bodies of all requests are. Its size is that of the first limits. */
  readonly arena: Arena;
  readonly inFlightBytes: number;
  readonly inFlightRequests: number;
  /** Judges what a request holds, once it is read. */
  readonly guard: RequestGuard;
  /** Clock.nowMs() of the last refusal for want of room; -Infinity before the first. */
  readonly refusedMs: number;
  /** Whole requests hold so much that senders should be slowed, before others are refused. */
  readonly full: boolean;
  /**
   * All requests together, those that come and those that are there, take so much that only the
   * oldest body that is coming is read on.
   */
  readonly crowded: boolean;
  /** As `refusedMs`; now, while any body is held back. */
  readonly pressedMs: number;
  /** `run` is called once, when it is full no more. */
  onceRoom(run: () => void): Cancel;
  /** What is said when so many bytes of a body that was admitted find no place. Counts it. */
  refuseForRoom(bytes: number): Refusal;
  /**
   * Before any byte of the body is read. `headers` of a request that may come from another node:
   * without them it does not.
   */
  open(arrival: Arrival, headers?: HeaderSource): Permit | AdmissionRefused;
  /** From now on some of each limit is kept for what nodes of the fleet send on, as it says. */
  heedLinks(links: () => LinkReader): void;
  /** This process's part of the limits may be another. */
  limitChanged(): void;
  /** Adds what it does with them. */
  tellUses(uses: LimitUse[]): void;
  /** From now on every new request is told that the node shuts down; those under way go on. */
  stop(message: string): void;
}

/** Sets the gauges of the process, so there is one of these in each. */
export function createAdmission(limits: AdmissionLimits, env: AdmissionEnv): Admission {
  const gate = new MemoryAdmission(limits, env);
  env.metrics.admitInFlightBytes.with().read(() => gate.inFlightBytes);
  env.metrics.admitInFlightRequests.with().read(() => gate.inFlightRequests);
  env.metrics.arenaBytes.with().read(() => gate.arena.capacityBytes);
  env.metrics.arenaUsedBytes.with().read(() => gate.arena.usedBytes);
  env.metrics.arenaStayingBytes.with().read(() => gate.arena.stayingBytes);
  env.metrics.arenaMisused.with().read(() => gate.arena.misused);
  return gate;
}

/** Beside what bodies may have: for chunks that are not full, and bodies that are moved. */
const SLACK_BYTES = 1_048_576;

/**
 * A request alone is there twice while it is inflated or transcoded; and beside all others there is
 * room for one whole request: that of which the body has begun to come before those of others, and
 * has not ended. Besides, there is the part of the memory queues: what was acknowledged takes
 * nothing from what comes.
 */
export function arenaBytes(
  limits: Pick<AdmissionLimits, "maxRequestBytes" | "maxInFlightBytes">,
  processes: number,
): number {
  const { maxRequestBytes } = limits;
  const most = mostBytes(limits, processes);
  return Math.max(most, maxRequestBytes) + maxRequestBytes + stayBytes(most) + SLACK_BYTES;
}

/** Of all bodies in flight, what one of so many processes may hold. */
function mostBytes({ maxInFlightBytes }: Pick<AdmissionLimits, "maxInFlightBytes">, processes: number): number {
  return Math.min(maxInFlightBytes, Math.ceil((MOST_PARTS * maxInFlightBytes) / processes));
}

/**
 * Beside the budget, and as a share of it: what is acknowledged may hold so much of the arena, by
 * chunks, beyond its request. What finds no place in that is copied to memory of its own.
 */
const STAY_SHARE = 0.25;

function stayBytes(maxInFlightBytes: number): number {
  return Math.floor(STAY_SHARE * maxInFlightBytes);
}

/**
 * Share of the budget that whole requests may hold before senders are slowed, and all requests
 * before only the oldest body goes on.
 */
const FULL_SHARE = 0.75;

/**
 * Of several processes each has an arena for so many times its equal part, for what others lend it:
 * memory that was used is not given back.
 */
const MOST_PARTS = 2;

type AdmissionReason = "degraded" | "memory" | "too_many_requests" | "shutting_down";

class MemoryAdmission implements Admission, PermitGate {
  inFlightBytes = 0;
  inFlightRequests = 0;
  refusedMs = Number.NEGATIVE_INFINITY;
  /** What whole requests hold. */
  wholeBytes = 0;
  /** Of permits whose requests have not come whole: the ends of a list by age. */
  oldest: OpenPermit | undefined;
  newest: OpenPermit | undefined;
  /** So many of them were told to wait. */
  heldBack = 0;
  readonly #waiting = new Set<() => void>();
  readonly #onLeft = (): void => this.changed();
  readonly limits: AdmissionLimits;
  /** This process's part of the limits. */
  maxBytes: number;
  #maxRequests: number;
  readonly #partOf: PartOfLimit;
  readonly #processes: number;
  readonly #missedBytes = new Missed();
  readonly #missedRequests = new Missed();
  readonly arena: Arena;
  readonly guard: RequestGuard;
  readonly #clock: Clock;
  readonly #degradation: DegradationGate;
  readonly #pressure: Pressure;
  readonly #rss: RssGuard;
  readonly #noRoom: Metrics["arenaNoRoom"];
  readonly #refused: Readonly<Record<AdmissionReason, Counter>>;
  #stopped: string | undefined;
  readonly #links = new LinkReserve();

  constructor(limits: AdmissionLimits, env: AdmissionEnv) {
    this.limits = limits;
    this.#partOf = env.partOf ?? ALL_OF_IT;
    this.#processes = env.processes ?? 1;
    this.arena = openArena(arenaBytes(limits, this.#processes));
    this.arena.keepSpare(limits.maxRequestBytes);
    this.arena.mayStayBytes = stayBytes(this.#mostBytes);
    this.maxBytes = this.#mostBytes;
    this.#maxRequests = limits.maxConcurrentRequests;
    this.limitChanged();
    this.#clock = env.clock;
    this.#pressure = createPressure(env.random);
    this.#rss = createRssGuard(env.rssBytes);
    this.#degradation = new DegradationGate(() => this.#pressure.refused(this.#clock.nowMs()));
    this.guard = createRequestGuard(() => this.limits.counts, env.metrics, this.#degradation);
    this.#noRoom = env.metrics.arenaNoRoom;
    const refusals = env.metrics.admitRefusals;
    this.#refused = {
      memory: refusals.with("memory"),
      too_many_requests: refusals.with("too_many_requests"),
      shutting_down: refusals.with("shutting_down"),
      degraded: refusals.with("degraded"),
    };
  }

  heedLinks(links: () => LinkReader): void {
    this.#links.heed(links);
  }

  open({ receivedMs }: Arrival, headers?: HeaderSource): Permit | AdmissionRefused {
    const { maxRssBytes } = this.limits;
    if (this.#stopped !== undefined) return this.#no("shutting_down", this.#stopped, receivedMs);
    if (this.#degradation.refusesAll) return this.#no("degraded", this.#degradation.message, receivedMs);
    const under = this.inFlightRequests + 1;
    const mayKeep = this.#links.mayKeep(this.#maxRequests, under);
    const kept = mayKeep ? this.#links.from(this.#maxRequests, under, { headers, links: undefined }) : 0;
    if (this.inFlightRequests >= this.#maxRequests - kept) {
      this.#missedRequests.add(1);
      const said = `${this.inFlightRequests} requests are under way`;
      const limit = this.#named(this.limits.maxConcurrentRequests);
      const message =
        kept === 0 ? `${said}, which is ${limit}` : `${said}; ${limit} has ${kept} for what other nodes send on`;
      return this.#no("too_many_requests", message, receivedMs);
    }
    if (maxRssBytes !== undefined && this.#rss.above(maxRssBytes, receivedMs)) {
      return this.#no("memory", `the node's memory is above its limit of ${maxRssBytes} bytes`, receivedMs);
    }
    if (this.inFlightRequests > 0 && !this.leavesRoom(1)) {
      const message = "the bodies of other requests take all but the room that is kept for the oldest of them";
      return this.#no("memory", message, receivedMs);
    }
    this.#pressure.admitted(receivedMs);
    this.inFlightRequests++;
    return new OpenPermit(this, headers);
  }

  get full(): boolean {
    const { liveBytes, partialBytes, outlivingBytes } = this.arena;
    const wholeBytes = Math.max(this.wholeBytes, liveBytes - partialBytes - outlivingBytes);
    return wholeBytes >= FULL_SHARE * this.maxBytes;
  }

  get crowded(): boolean {
    const rest = 1 - FULL_SHARE;
    return this.inFlightBytes >= FULL_SHARE * this.maxBytes || !this.leavesRoom(rest * this.#mostBytes);
  }

  get pressedMs(): number {
    return this.heldBack > 0 ? this.#clock.nowMs() : this.refusedMs;
  }

  onceRoom(run: () => void): Cancel {
    this.#waiting.add(run);
    this.watch();
    return () => void this.#waiting.delete(run);
  }

  refuseForRoom(bytes: number): Refusal {
    const { usedBytes, capacityBytes } = this.arena;
    this.#noRoom.with(this.leavesRoom(bytes) ? "fragmented" : "full").add(1);
    const message = `there is no place for ${bytes} bytes more: bodies take ${usedBytes} bytes of ${capacityBytes}`;
    return this.#no("memory", message, this.#clock.nowMs()).refusal;
  }

  /** Somebody waits for room. */
  watch(): void {
    this.arena.onLeft = this.#onLeft;
  }

  /** Something was given back, or another body is the oldest: who waits for that is told. */
  changed(): void {
    if (this.heldBack > 0) this.#letGoOn();
    if (this.#waiting.size > 0 && !this.full) {
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const run of waiting) run();
    }
    if (this.heldBack === 0 && this.#waiting.size === 0) this.arena.onLeft = undefined;
  }

  /** All bodies in the order in which they began; while it is crowded, only the oldest. */
  #letGoOn(): void {
    let next = this.oldest;
    if (this.crowded) return next?.goOn();
    while (next !== undefined && this.heldBack > 0) {
      const { newer } = next;
      next.goOn();
      next = newer;
    }
  }

  /** Whether what is kept for the oldest body is free when others have so much more. */
  leavesRoom(bytes: number): boolean {
    const { usedBytes, capacityBytes } = this.arena;
    return usedBytes + bytes <= capacityBytes - this.limits.maxRequestBytes;
  }

  limitChanged(): void {
    const { maxInFlightBytes, maxConcurrentRequests } = this.limits;
    this.maxBytes = Math.min(this.#mostBytes, this.#partOf("bytes", maxInFlightBytes));
    this.#maxRequests = this.#partOf("requests", maxConcurrentRequests);
    this.changed();
  }

  tellUses(uses: LimitUse[]): void {
    const { maxInFlightBytes, maxConcurrentRequests } = this.limits;
    const missed = this.#missedBytes.take() + (this.heldBack > 0 ? (1 - FULL_SHARE) * this.maxBytes : 0);
    const bytes = Math.min(missed, Math.max(0, this.#mostBytes - this.inFlightBytes));
    const requests = this.#missedRequests.take();
    uses.push(
      { limit: "bytes", whole: maxInFlightBytes, used: this.inFlightBytes, wanted: bytes },
      { limit: "requests", whole: maxConcurrentRequests, used: this.inFlightRequests, wanted: requests },
    );
  }

  /** A limit of which this process may have a part only. */
  #named(limit: number): string {
    return this.#processes === 1 ? `the limit of ${limit}` : `this worker's part of the limit of ${limit}, as of now`;
  }

  get #mostBytes(): number {
    return mostBytes(this.limits, this.#processes);
  }

  stop(message: string): void {
    this.#stopped ??= message;
  }

  /** Undefined: the bytes were taken. */
  take(bytes: number, permit: OpenPermit): Refusal | undefined {
    const { bytes: held } = permit;
    const { maxRequestBytes } = this.limits;
    // A request is held twice while it is inflated or transcoded, so that is what one alone must be
    // allowed.
    if (held + bytes > 2 * maxRequestBytes) {
      return { reason: "too_large", message: `the request is longer than ${maxRequestBytes} bytes` };
    }
    const alone = this.inFlightBytes === held;
    const kept = this.#links.from(this.maxBytes, this.inFlightBytes + bytes, permit);
    const most = this.maxBytes - kept;
    if (this.inFlightBytes + bytes <= most || alone || this.#comesFirst(bytes, permit, most)) {
      this.inFlightBytes += bytes;
      return undefined;
    }
    this.#missedBytes.add(bytes);
    const under = `requests under way hold ${this.inFlightBytes} bytes; ${bytes} more would pass ${this.#named(this.limits.maxInFlightBytes)}`;
    const message = kept === 0 ? under : `${under}, which has ${kept} for what other nodes send on`;
    return this.#no("memory", message, this.#clock.nowMs()).refusal;
  }

  /**
   * Others whose bodies are still coming are not in the way of the oldest of them: for that there
   * is room besides. `most`: of all that may be held, what this one may have.
   */
  #comesFirst(bytes: number, permit: OpenPermit, most: number): boolean {
    if (permit !== this.oldest) return false;
    const fits = this.wholeBytes + permit.bytes + bytes <= most;
    return fits && this.inFlightBytes + bytes <= this.maxBytes + this.limits.maxRequestBytes;
  }

  #no(reason: AdmissionReason, message: string, nowMs: number): AdmissionRefused {
    this.#refused[reason].add(1);
    // A node that takes nothing has room all the same: slow bodies are in nobody's way.
    if (reason !== "shutting_down" && reason !== "degraded") this.refusedMs = nowMs;
    // Who is told that this node goes away finds another one at once: there is no pressure to wait
    // for.
    const retryAfterMs = reason === "shutting_down" ? this.#pressure.calmMs() : this.#pressure.refused(nowMs);
    return { kind: "refused", refusal: { reason, message, retryAfterMs } };
  }
}
