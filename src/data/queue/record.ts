import type { Clock } from "../../core/clock.ts";
import type { Compression } from "../../otlp/compress.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { LedgerEntry } from "../../telemetry/ledger.ts";

/**
 * What one rule has in a record, and the pool that the rule names: there it is counted, wherever it
 * goes.
 */
export interface Share {
  readonly rule: string;
  readonly pool: string;
  readonly points: number;
  /** By a rule that copies: what it is a copy of went its own way. */
  readonly copied: boolean;
}

/**
 * A share as data, which knows in this process where its rule's items are counted: of 1,000 rules,
 * to look that up by three names for each record, at its start and its end, was 7 % of the time.
 */
export class CountedShare implements Share {
  readonly rule: string;
  readonly pool: string;
  readonly points: number;
  readonly copied: boolean;
  readonly #entry: LedgerEntry;
  #alone: readonly CountedShare[] | undefined;

  constructor(entry: LedgerEntry, points: number, copied: boolean) {
    this.rule = entry.rule;
    this.pool = entry.pool;
    this.points = points;
    this.copied = copied;
    this.#entry = entry;
  }

  /** The shares of a record that has no other: one list for all of these. */
  get alone(): readonly CountedShare[] {
    this.#alone ??= [this];
    return this.#alone;
  }

  /** It comes in, in one more record. */
  receive(): void {
    this.#entry.receive(this.points, this.copied);
  }

  /** Undefined: it is not known here. */
  static entryOf(share: Share): LedgerEntry | undefined {
    return #entry in share ? share.#entry : undefined;
  }
}

/** Of a time: it does not come. A number, so that JSON has it, too. */
export const NEVER_MS = Number.MAX_SAFE_INTEGER;

export const NO_IDS: readonly string[] = [];

/**
 * What a queue knows of the part of one request that goes to one pool, apart from its bytes. Plain
 * data, which JSON gives back as it was: targets, pools, rules and whoever waits are names and ids.
 * Times are those of Clock.nowMs(), so that a step of the wall clock ends nothing; what outlives
 * its process has them in another form (`StoredRecord` below).
 */
export interface QueueRecord {
  readonly schema: 1;
  /** Of this process; of all records that have not ended no two have the same. */
  readonly id: number;
  readonly signal: Signal;
  /** With a compression it is one request as it came, of which nothing was read. */
  readonly encoding: "protobuf" | Compression;
  /** Of the listener that it came in by, for resources that name none. */
  readonly region: string;
  /** Those of its request that are kept: what targets are passed on, and what pools divide by. */
  readonly headers: SenderHeaders;
  /**
   * What its sender was told of success by: `queued` when it entered the queue, and now nobody
   * waits for it.
   */
  readonly ack: "delivered" | "queued";
  readonly bytes: number;
  /** Spans, metrics or log records; 1 where nothing was read. */
  readonly items: number;
  /** What `partial_success` counts: items, of metrics data points; 0 where nothing was read. */
  readonly points: number;
  /** In the order of the bytes as far as it goes; their points together are `points`. */
  readonly shares: readonly Share[];
  /**
   * Of what this is one of several copies, for a target each: the id of that record; 0: of none.
   */
  readonly copyOf: number;
  readonly enqueuedMs: number;
  /**
   * When nobody waits for it any more; NEVER_MS when it was acknowledged. Besides, it ends when it
   * is older than its pool allows.
   */
  readonly expiresMs: number;
  /** The lane of its pool that it waits in; empty before it has one. */
  partition: string;
  /** Not to be sent before; 0: it is ready. */
  notBeforeMs: number;
  /** Sends that took it along so far. */
  attempts: number;
  /** Times it was put back to be tried again, in this pool. */
  retries: number;
  /** The target that it was sent to last; empty before the first send. */
  target: string;
  /**
   * Where it just failed, in this pool: another target is preferred. Empty: nowhere. Targets go by
   * their keys here, and below.
   */
  avoid: string;
  /** Where no connection was to be had: not again before a backoff. */
  unreachable: readonly string[];
  /** Where its signal was not taken: only again where nothing else may take it. */
  unwilling: readonly string[];
  /** Pools that it was in before, in order. */
  pools: readonly string[];
}

/** What is known of a record when it begins. */
export type NewRecord = Pick<
  QueueRecord,
  "signal" | "region" | "headers" | "ack" | "bytes" | "items" | "points" | "shares" | "enqueuedMs" | "expiresMs"
> &
  Partial<Pick<QueueRecord, "encoding">>;

/** Compressed as it came: it is never split, divided, nor sent with others. */
export function isUnread({ encoding }: Pick<QueueRecord, "encoding">): boolean {
  return encoding !== "protobuf";
}

/**
 * The one place that makes them, so that all have the same shape. Times are whole milliseconds: a
 * fraction would be an object of its own for each, until the end.
 */
export function newRecord(id: number, copyOf: number, facts: NewRecord): QueueRecord {
  return {
    schema: 1,
    id,
    signal: facts.signal,
    encoding: facts.encoding ?? "protobuf",
    region: facts.region,
    headers: facts.headers,
    ack: facts.ack,
    bytes: facts.bytes,
    items: facts.items,
    points: facts.points,
    shares: facts.shares,
    copyOf,
    enqueuedMs: Math.floor(facts.enqueuedMs),
    expiresMs: Math.ceil(facts.expiresMs),
    partition: "",
    notBeforeMs: 0,
    attempts: 0,
    retries: 0,
    target: "",
    avoid: "",
    unreachable: NO_IDS,
    unwilling: NO_IDS,
    pools: NO_IDS,
  };
}

/** What became of `from` so far holds for `to`, which is a part or a copy of it. */
export function keepHistory(from: QueueRecord, to: QueueRecord): void {
  to.partition = from.partition;
  to.notBeforeMs = from.notBeforeMs;
  to.attempts = from.attempts;
  to.retries = from.retries;
  to.target = from.target;
  to.avoid = from.avoid;
  to.unreachable = from.unreachable;
  to.unwilling = from.unwilling;
  to.pools = from.pools;
}

/** It leaves this pool for another one, where what it met with counts for nothing. */
export function leavePool(record: QueueRecord, pool: string): void {
  record.partition = "";
  record.notBeforeMs = 0;
  record.retries = 0;
  record.avoid = "";
  record.unreachable = NO_IDS;
  record.unwilling = NO_IDS;
  record.pools = [...record.pools, pool];
}

/** Some targets are better left out for it. */
export function hasFailed({ avoid, unreachable, unwilling }: QueueRecord): boolean {
  return avoid !== "" || unreachable.length > 0 || unwilling.length > 0;
}

/** The shares of the first `points`, and those of the rest. */
export function divideShares(shares: readonly Share[], points: number): readonly [Share[], Share[]] {
  const first: Share[] = [];
  const second: Share[] = [];
  let left = points;
  for (const share of shares) {
    const taken = Math.min(left, share.points);
    if (taken > 0) first.push({ ...share, points: taken });
    if (share.points > taken) second.push({ ...share, points: share.points - taken });
    left -= taken;
  }
  return [first, second];
}

/**
 * A record for what outlives its process: its times are milliseconds since 1970, since the clock
 * that it is measured by ends with the process.
 */
export interface StoredRecord extends Omit<QueueRecord, "enqueuedMs" | "expiresMs" | "notBeforeMs"> {
  readonly enqueuedAt: number;
  /** NEVER_MS when it was acknowledged. */
  readonly expiresAt: number;
  /** 0: it is ready. */
  readonly notBefore: number;
}

type Times = Pick<Clock, "nowMs" | "wallMs">;

export function toStored({ enqueuedMs, expiresMs, notBeforeMs, ...same }: QueueRecord, clock: Times): StoredRecord {
  const offsetMs = clock.wallMs() - clock.nowMs();
  return {
    ...same,
    enqueuedAt: enqueuedMs + offsetMs,
    expiresAt: expiresMs === NEVER_MS ? NEVER_MS : expiresMs + offsetMs,
    notBefore: notBeforeMs === 0 ? 0 : notBeforeMs + offsetMs,
  };
}

/**
 * Once, when it is read after a restart: from then on only this process' own clock counts. What the
 * wall clock puts into the future has come just now. Who waited for it is gone with its process.
 */
export function fromStored({ enqueuedAt, expiresAt, notBefore, ...same }: StoredRecord, clock: Times): QueueRecord {
  const offsetMs = clock.wallMs() - clock.nowMs();
  return {
    ...same,
    enqueuedMs: Math.min(clock.nowMs(), enqueuedAt - offsetMs),
    expiresMs: expiresAt === NEVER_MS ? NEVER_MS : expiresAt - offsetMs,
    notBeforeMs: notBefore === 0 ? 0 : Math.max(0, notBefore - offsetMs),
  };
}
