import type { Compression } from "../otlp/compress.ts";
import type { Signal } from "../otlp/signal.ts";
import { type PassingPlan, passThroughOf } from "../plan/pass-through.ts";
import type { Plan } from "../plan/plan.ts";
import type { SenderHeaders } from "../plan/sender-headers.ts";
import type { LedgerEntry } from "../telemetry/ledger.ts";
import type { Counter, Metrics } from "../telemetry/metrics.ts";
import { PassedRequests } from "../telemetry/passed-requests.ts";
import { type Parcel, type ParcelOutcome, viewsOf } from "./queue/parcel.ts";
import type { Pool } from "./queue/pool-port.ts";
import { CountedShare, type Share } from "./queue/record.ts";
import type { Records } from "./queue/records.ts";
import type { HandledRequest, UnreadRequest, UnreadTaker } from "./receive/request-handler.ts";
import { Settlement } from "./receive/settlement.ts";
import type { RouteEntries, RouteEntry } from "./route/route-entries.ts";

/** The service that such a request is counted by, as it is not known. */
export const UNREAD_SERVICE = "(unread)";

interface PassageEnv {
  readonly records: Records;
  readonly metrics: Metrics;
}

/** Where a plan lets compressed requests of one signal pass; undefined: nowhere. */
export function openPassage(
  signal: Signal,
  plan: Plan,
  { pools, routes }: { readonly pools: readonly Pool[]; readonly routes: RouteEntries },
  env: PassageEnv,
): Passage | undefined {
  const passing = passThroughOf(signal, plan);
  if (passing.kind !== "passed") return undefined;
  return new Passage(signal, passing, { pool: pools[passing.pool]!, route: routes.at(passing.rule) }, env);
}

/**
 * The way of compressed requests of which nothing is read: into the queue of the one pool that
 * takes everything, as one parcel without items. Whatever is not plain (no usable target, no room,
 * a throttled sender) is left to the usual way, which reads them.
 */
export class Passage {
  readonly pool: Pool;
  readonly encoding: Compression;
  readonly #signal: Signal;
  readonly #maxBytes: number;
  readonly #env: PassageEnv;
  readonly #route: RouteEntry;
  #counts: PassedCounts | undefined;

  constructor(
    signal: Signal,
    { encoding, maxBytes }: PassingPlan,
    { pool, route }: { readonly pool: Pool; readonly route: RouteEntry },
    env: PassageEnv,
  ) {
    this.pool = pool;
    this.encoding = encoding;
    this.#signal = signal;
    this.#maxBytes = maxBytes;
    this.#env = env;
    this.#route = route;
  }

  /** It would go into the queue at once, and has a target there. */
  takes({ bytes: { length }, encoding }: UnreadRequest, headers: SenderHeaders): boolean {
    if (encoding !== this.encoding || length > this.#maxBytes) return false;
    if (!this.pool.usableFor(0, this.#signal) || this.pool.pausesSome) return false;
    return this.pool.hasRoom(length, this.#signal, 0, 0, headers);
  }

  /** Queues what it takes. */
  pass({ head, bytes, owner }: UnreadRequest, headers: SenderHeaders, nowMs: number, to: UnreadTaker): HandledRequest {
    const counts = (this.#counts ??= new PassedCounts(this.#signal, this.#route.enter(), this.#env.metrics));
    const { records, metrics } = this.#env;
    const { signal, region, deadlineMs: expiresMs } = head;
    const requests = metrics.requests.with(region, UNREAD_SERVICE);
    const settlement = new PassedSettlement(to, { encoding: this.encoding, counts, requests });
    const size = { bytes: bytes.length, items: 1, points: 0, encoding: this.encoding };
    const times = { enqueuedMs: nowMs, expiresMs };
    const facts = { signal, region, headers, ack: "delivered", ...size, shares: counts.shares, ...times } as const;
    const pieces = owner.view === undefined ? [bytes] : [0, bytes.length];
    counts.received(bytes.length);
    settlement.expect();
    const parcel = records.add(facts, pieces, owner, settlement);
    if (this.pool.offer(parcel) === "full") records.sendBack(parcel);
    settlement.seal();
    return settlement;
  }
}

const OUTCOMES = { delivered: "delivered", rejected: "rejected", failed: "shed" } as const;
type PassedOutcome = (typeof OUTCOMES)[ParcelOutcome["kind"]] | "read";

/** What is counted of the requests that pass: the unit is a request. */
class PassedCounts {
  readonly shares: readonly Share[];
  readonly #ledger: PassedRequests;
  readonly #requests: Readonly<Record<PassedOutcome | "received", Counter>>;
  readonly #bytes: Counter;
  readonly #rejectedItems: Counter;

  constructor(signal: Signal, entry: LedgerEntry, { passedRequests, passedBytes, passedRejectedItems }: Metrics) {
    entry.passed ??= new PassedRequests();
    this.#ledger = entry.passed;
    this.shares = [new CountedShare(entry, 0, false)];
    const { pool } = entry;
    this.#requests = {
      received: passedRequests.with(signal, pool, "received"),
      delivered: passedRequests.with(signal, pool, "delivered"),
      rejected: passedRequests.with(signal, pool, "rejected"),
      shed: passedRequests.with(signal, pool, "shed"),
      read: passedRequests.with(signal, pool, "read"),
    };
    this.#bytes = passedBytes.with(signal, pool);
    this.#rejectedItems = passedRejectedItems.with(signal, pool);
  }

  received(bytes: number): void {
    this.#ledger.received++;
    this.#ledger.queued++;
    this.#ledger.bytes += bytes;
    this.#requests.received.add(1);
    this.#bytes.add(bytes);
  }

  ended(outcome: PassedOutcome, rejectedItems: number): void {
    this.#ledger.queued--;
    this.#ledger[outcome]++;
    this.#ledger.rejectedItems += rejectedItems;
    this.#requests[outcome].add(1);
    this.#rejectedItems.add(rejectedItems);
  }
}

const NOTHING_BEFORE = { rejected: 0, message: "" } as const;

interface PassedParts {
  readonly encoding: Compression;
  readonly counts: PassedCounts;
  /** Those of the same region of which nothing was read. */
  readonly requests: Counter;
}

/** The reply is the target's: how many items it could reject is not known. */
class PassedSettlement extends Settlement {
  readonly #to: UnreadTaker;
  readonly #parts: PassedParts;

  constructor(to: UnreadTaker, parts: PassedParts) {
    super(NOTHING_BEFORE, Infinity, to);
    this.#to = to;
    this.#parts = parts;
  }

  override settled(outcome: ParcelOutcome, points: number): void {
    const { counts, requests } = this.#parts;
    counts.ended(OUTCOMES[outcome.kind], outcome.kind === "delivered" ? outcome.rejected : 0);
    requests.add(1); // one that is sent back is counted by its service, when it is read
    super.settled(outcome, points);
  }

  /** Not from within the queue, which it may enter again. */
  sentBack(parcel: Parcel): void {
    const { counts, encoding } = this.#parts;
    counts.ended("read", 0);
    const { owner } = parcel;
    const [bytes] = viewsOf(parcel);
    queueMicrotask(() => this.#to.sentBack(bytes!, owner, encoding));
  }
}
