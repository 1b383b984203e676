import assert from "node:assert/strict";
import { OWN_MEMORY } from "../../src/core/arena/extent.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { Signal } from "../../src/otlp/signal.ts";
import { UNDIVIDED } from "../../src/plan/division.ts";
import type { GrpcConnectionPlan, PoolPlan, TargetPlan, TargetPlanOf } from "../../src/plan/plan.ts";
import { NamedTarget } from "../../src/data/export/named-target.ts";
import type { Batch, TargetClient } from "../../src/data/export/target-client.ts";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { limitUses, takeLimits } from "../../src/data/node-limits/limit-uses.ts";
import type { NodeLimit } from "../../src/data/node-limits/node-limit.ts";
import { openTarget } from "../../src/data/export/target.ts";
import type { OwnedTarget } from "../../src/data/export/target-port.ts";
import { createRepartitioner } from "../../src/data/route/repartition.ts";
import type { ParcelSplitter } from "../../src/data/queue/split-parcel.ts";
import { NO_LOSSES } from "../../src/data/queue/losses.ts";
import { type ParcelOutcome, viewsOf } from "../../src/data/queue/parcel.ts";
import { openPool } from "../../src/data/queue/pool.ts";
import type { Pool } from "../../src/data/queue/pool-port.ts";
import { NEVER_MS, type QueueRecord } from "../../src/data/queue/record.ts";
import { type Receipt, Records } from "../../src/data/queue/records.ts";
import { createLedger } from "../../src/telemetry/ledger.ts";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";
import { TEST_TRANSPORT } from "../support/transport.ts";
import { NO_HEADERS, type SenderHeaders } from "../../src/plan/sender-headers.ts";

export const ACCEPTED: SendOutcome = { kind: "accepted", rejected: 0, message: "" };
export const DELIVERED: ParcelOutcome = { kind: "delivered", rejected: 0, message: "" };
export const BAD_DATA: SendOutcome = { kind: "rejected", code: "INVALID_ARGUMENT", message: "bad", badData: true };
export const TOO_LARGE: SendOutcome = { kind: "too_large", message: "big" };
/** RESOURCE_EXHAUSTED without RetryInfo. */
export const EXHAUSTED: SendOutcome = { kind: "too_large", message: "exhausted", doubt: "quota" };

export function failing(reason: Extract<SendOutcome, { kind: "retry" }>["reason"], afterMs?: number): SendOutcome {
  const outcome = { kind: "retry", reason, message: reason, unprocessed: reason === "connect" } as const;
  return afterMs === undefined ? outcome : { ...outcome, afterMs };
}

/** The defaults, without active checks. */
export const CALLS_ALONE: TargetPlan["health"] = {
  check: undefined,
  ejection: { failures: 5, minSuccessRate: 0.8, minRequests: 20, restMs: 30_000, maxRestMs: 300_000 },
  slowStartMs: 30_000,
};

const NO_ADMISSION = { tellUses: () => undefined, limitChanged: () => undefined };

/** One batch under way at a target that answers when the test says so. */
export interface Call {
  readonly target: string;
  readonly batch: Batch;
  /** The ids of the parcels, in the order in which they were sent. */
  readonly ids: string;
  readonly timeoutMs: number;
  answer(outcome: SendOutcome): void;
}

export interface Offered {
  readonly record: QueueRecord;
  readonly pieces: readonly Uint8Array[];
  readonly receipt: Receipt & { cancelled: boolean };
  readonly outcomes: ParcelOutcome[];
}

export interface ParcelMore {
  readonly bytes?: number;
  readonly items?: number;
  readonly deadlineMs?: number;
  readonly signal?: Signal;
  readonly headers?: SenderHeaders;
}

export const TEST_CONNECTION: GrpcConnectionPlan = { transport: TEST_TRANSPORT, keepaliveMs: 300_000 };

/** A gRPC target, unless `more` is of another protocol, with all that its variant has. */
export function targetPlan(id: string, more: Partial<TargetPlan> = {}): TargetPlan {
  const plan: TargetPlanOf<"grpc"> = {
    id,
    protocol: "grpc",
    ...TEST_CONNECTION,
    url: `http://${id}:4317`,
    resolve: "one",
    weight: 1,
    region: "",
    tags: {},
    compression: "none",
    compressionLevel: 1,
    headers: {},
    tls: undefined,
    timeoutMs: 10_000,
    maxInFlight: 64,
    maxRequestBytes: 1_000_000,
    forwardHeaders: [],
    health: CALLS_ALONE,
    statuses: undefined,
    connectionIdentity: id,
  };
  return Object.assign(plan, more);
}

export function poolPlan(more: Partial<PoolPlan> = {}): PoolPlan {
  return {
    name: "p",
    targets: [],
    strategy: { type: "round_robin" },
    division: UNDIVIDED,
    adaptiveWeights: false,
    fallback: undefined,
    ack: "delivered",
    whenDown: "next_rule",
    queue: { maxBytes: 100_000, maxAgeMs: 600_000 },
    batch: { maxItems: 1_000, maxBytes: 10_000, maxWaitMs: 0 },
    retry: { initialMs: 100, maxMs: 5_000, maxRetries: undefined, budget: 0.2 },
    ...more,
  };
}

/** A pool on targets that answer by hand, with a clock and an event loop that are moved by hand. */
export class PoolRig {
  readonly clock = new ManualClock();
  readonly metrics: Metrics = createMetrics();
  readonly calls: Call[] = [];
  readonly offered: Offered[] = [];
  readonly targets = new Map<string, OwnedTarget>();
  /** Tells what is behind the names of targets that are resolved. */
  readonly resolver = new ScriptedResolver();
  /** Targets, or addresses, whose connections were closed. */
  readonly closed: string[] = [];
  readonly pool: Pool;
  readonly records = new Records({ ledger: createLedger(), losses: NO_LOSSES });
  /** Every parcel id that a target accepted, once for each time. */
  readonly taken: string[] = [];
  /** How many bytes of each parcel targets accepted, by the buffer of its piece. */
  readonly takenBytes = new Map<ArrayBufferLike, number>();
  /** Its parts of limits; all of those that are not there. */
  readonly parts = new Map<NodeLimit, number>();
  readonly #partOf = (limit: NodeLimit, whole: number): number => Math.min(whole, this.parts.get(limit) ?? whole);
  #plan: PoolPlan;
  #soon: (() => void)[] = [];
  #nextId = 0;

  constructor(
    ids: readonly (string | TargetPlan)[] = ["a"],
    plan: Partial<PoolPlan> = {},
    parts: Partial<Record<NodeLimit, number>> = {},
  ) {
    this.lend(parts);
    this.#plan = poolPlan(plan);
    // The longest backoff that chance allows, to the last bit.
    const random = { next: () => 1 - 2 ** -53 };
    const schedule = (run: () => void): void => void this.#soon.push(run);
    const repartitioner = createRepartitioner(this.metrics);
    const env = {
      clock: this.clock,
      random,
      metrics: this.metrics,
      region: "r",
      schedule,
      records: this.records,
      splitter: { split: splitByBytes },
      repartitioner,
      pools: { poolNamed: () => undefined },
      partOf: this.#partOf,
    };
    this.pool = openPool(
      this.#plan,
      ids.map((id) => this.target(id)),
      env,
    );
    this.turn();
  }

  target(id: string | TargetPlan): OwnedTarget {
    const plan = typeof id === "string" ? targetPlan(id) : id;
    const known = this.targets.get(plan.id);
    if (known !== undefined) return known;
    const openClient = (current: () => TargetPlan): TargetClient => {
      const send = (batch: Batch, timeoutMs: number, done: (outcome: SendOutcome) => void): (() => void) => {
        const { id: name, address } = current();
        const call = this.#call(address === undefined ? name : `${name}@${address}`, batch, timeoutMs, done);
        this.calls.push(call);
        return () => queueMicrotask(() => this.calls.includes(call) && call.answer(failing("cancelled")));
      };
      const close = async (): Promise<void> => void this.closed.push(current().address ?? current().id);
      return { send, [Symbol.asyncDispose]: close };
    };
    const env = { clock: this.clock, metrics: this.metrics, random: seededRandom(1), partOf: this.#partOf };
    const target =
      plan.resolve === "one"
        ? openTarget(plan, openClient, env)
        : new NamedTarget(plan, { ...env, openClient, resolver: this.resolver }, "start");
    this.targets.set(plan.id, target);
    return target;
  }

  update(plan: Partial<PoolPlan>, ids: readonly (string | TargetPlan)[]): void {
    this.#plan = { ...this.#plan, ...plan };
    this.pool.update(
      this.#plan,
      ids.map((id) => this.target(id)),
    );
    this.turn();
  }

  /** From now on its parts of these are so much. */
  lend(parts: Partial<Record<NodeLimit, number>>): void {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- keys of this record
    for (const [limit, part] of Object.entries(parts) as [NodeLimit, number][]) this.parts.set(limit, part);
    if (this.targets.size > 0) takeLimits(this.#limited);
    this.turn();
  }

  /** What it does with a limit, as `used wanted`. */
  uses(limit: NodeLimit): string {
    const use = limitUses(this.#limited).find((one) => one.limit === limit);
    return `${use?.used} ${use?.wanted}`;
  }

  get #limited(): Parameters<typeof limitUses>[0] {
    return { admission: NO_ADMISSION, pools: [this.pool], targets: this.targets.values() };
  }

  /** Ends the turn of the event loop: what was scheduled runs. */
  turn(): void {
    while (this.#soon.length > 0) {
      const runs = this.#soon;
      this.#soon = [];
      for (const run of runs) run();
    }
  }

  /** Lets time pass, in steps so that everything happens at its own time. */
  pass(ms: number): void {
    const untilMs = this.clock.nowMs() + ms;
    while (this.clock.nowMs() < untilMs) {
      this.clock.advance(Math.min(1, untilMs - this.clock.nowMs()));
      this.turn();
    }
  }

  /**
   * Offers one parcel, without ending the turn. Its id is its first byte; `outcomes` are what it
   * was settled with.
   */
  give(more: ParcelMore = {}): Offered & { readonly answer: "accepted" | "full" } {
    const { bytes = 100, items = 1, deadlineMs = Infinity, signal = "traces", headers = NO_HEADERS } = more;
    const outcomes: ParcelOutcome[] = [];
    const piece = new Uint8Array(bytes).fill(65 + (this.#nextId++ % 26));
    const receipt = new TestReceipt(outcomes);
    const ack = deadlineMs === Infinity ? "queued" : "delivered";
    const expiresMs = Math.min(deadlineMs, NEVER_MS);
    const facts = { signal, region: "", headers, ack, bytes, items, points: items, shares: [], expiresMs } as const;
    const parcel = this.records.add({ ...facts, enqueuedMs: this.clock.nowMs() }, [piece], OWN_MEMORY, receipt);
    const { record } = parcel;
    const pieces = viewsOf(parcel);
    const offered = { record, pieces, receipt, outcomes };
    const answer = this.pool.offer(parcel);
    if (answer === "accepted") this.offered.push(offered);
    return { ...offered, answer };
  }

  /** Offers parcels and ends the turn. */
  offer(count = 1, more: ParcelMore = {}): Offered[] {
    const all = Array.from({ length: count }, () => this.give(more));
    this.turn();
    return all;
  }

  /** What is under way, as `target:ids`. */
  get underWay(): string {
    return this.calls.map(({ target, ids }) => `${target}:${ids}`).join(" ");
  }

  /** Answers the oldest call, or the oldest to `target`, and ends the turn. */
  answer(outcome: SendOutcome = ACCEPTED, target?: string): void {
    const call = this.calls.find((one) => target === undefined || one.target === target);
    assert.ok(call !== undefined, `nothing is under way to ${target ?? "any target"}`);
    call.answer(outcome);
    this.turn();
  }

  /** Answers everything that is and comes under way now. */
  answerAll(outcome: SendOutcome = ACCEPTED): void {
    while (this.calls.length > 0) this.answer(outcome);
  }

  #call(target: string, batch: Batch, timeoutMs: number, done: (outcome: SendOutcome) => void): Call {
    const ids = batch.pieces.map((piece) => String.fromCharCode(piece[0]!)).join("");
    const call: Call = {
      target,
      batch,
      ids,
      timeoutMs,
      answer: (outcome) => {
        this.calls.splice(this.calls.indexOf(call), 1);
        if (outcome.kind === "accepted") this.#take(batch, ids);
        done(outcome);
      },
    };
    return call;
  }

  #take({ pieces }: Batch, ids: string): void {
    this.taken.push(...ids.split(""));
    for (const { buffer, length } of pieces) this.takenBytes.set(buffer, (this.takenBytes.get(buffer) ?? 0) + length);
  }
}

/** How it ended; fails unless it ended exactly once. */
export function endOf({ outcomes }: Offered): ParcelOutcome {
  assert.equal(outcomes.length, 1, `settled ${outcomes.length} times`);
  return outcomes[0]!;
}

/** For each: `delivered`, `rejected`, or the reason of a failure; `-` while it is not settled. */
export function ends(offered: readonly Offered[]): string {
  return offered.map((one) => endName(one)).join(" ");
}

function endName(offered: Offered): string {
  if (offered.outcomes.length === 0) return "-";
  const end = endOf(offered);
  return end.kind === "failed" ? end.reason : end.kind;
}

/**
 * What a request's settlement does, for one parcel: it ends once with all its parts, with the worst
 * outcome.
 */
class TestReceipt implements Receipt {
  cancelled = false;
  readonly #outcomes: ParcelOutcome[];
  readonly #ended: ParcelOutcome[] = [];
  #expected = 1;

  constructor(outcomes: ParcelOutcome[]) {
    this.#outcomes = outcomes;
  }

  expect(): void {
    this.#expected++;
  }

  settled(outcome: ParcelOutcome): void {
    this.#ended.push(outcome);
    if (this.#ended.length >= this.#expected) this.#outcomes.push(worstOf(this.#ended));
  }
}

function worstOf(outcomes: readonly ParcelOutcome[]): ParcelOutcome {
  const worst = outcomes.find((one) => one.kind === "failed") ?? outcomes.find((one) => one.kind === "rejected");
  return worst ?? outcomes[0]!;
}

/** Stands in for splitting at items: here an item is a share of the bytes. */
const splitByBytes: ParcelSplitter["split"] = (parcel, limits) => {
  const { bytes, items } = parcel.record;
  const pieces = viewsOf(parcel);
  const each = Math.max(1, Math.min(limits.items, Math.floor((limits.bytes * items) / bytes)));
  if (items < 2 || each >= items) return undefined;
  const at = (item: number): number => Math.floor((bytes * item) / items);
  return Array.from({ length: Math.ceil(items / each) }, (_, i) => {
    const [first, after] = [i * each, Math.min(items, (i + 1) * each)];
    const piece = pieces[0]!.subarray(at(first), at(after));
    return { pieces: [piece], bytes: piece.length, items: after - first, points: after - first };
  });
};
