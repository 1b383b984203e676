import assert from "node:assert/strict";
import { Arena } from "../../src/core/arena/arena.ts";
import type { BytesOwner } from "../../src/core/arena/extent.ts";
import { loadConfig } from "../../src/config/load.ts";
import { copyOwned } from "../../src/core/bytes.ts";
import { formatProblem } from "../../src/core/problem.ts";
import { seededRandom } from "../../src/core/random.ts";
import { assemble, type Assembly } from "../../src/data/assembly.ts";
import { explain } from "../../src/data/explain/explain.ts";
import { Pipeline } from "../../src/data/pipeline.ts";
import type { Batch, TargetClient } from "../../src/data/export/target-client.ts";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { openTargets, type TargetsEnv } from "../../src/data/export/targets.ts";
import { createRepartitioner } from "../../src/data/route/repartition.ts";
import { Losses } from "../../src/data/queue/losses.ts";
import { requestSplitter } from "../../src/data/queue/split-parcel.ts";
import { Pools } from "../../src/data/queue/pools.ts";
import { SparseSweep } from "../../src/data/queue/sparse-sweep.ts";
import { Records } from "../../src/data/queue/records.ts";
import type { Reply } from "../../src/data/receive/request.ts";
import { RuleRerouter } from "../../src/data/reroute.ts";
import type { Signal } from "../../src/otlp/signal.ts";
import type { ItemExplanation } from "../../src/plan/explanation.ts";
import type { Plan, TargetPlan } from "../../src/plan/plan.ts";
import type { Env } from "../../src/telemetry/env.ts";
import { createLedger } from "../../src/telemetry/ledger.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { type LedgerTotals, totalsOf } from "../support/ledger-totals.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { headersOf } from "../../src/plan/sender-headers.ts";
import { boundPlan } from "../support/bound-plan.ts";

export const ACCEPTED: SendOutcome = { kind: "accepted", rejected: 0, message: "" };

/** Small: a property makes hundreds of them. */
const ARENA_BYTES = 16_777_216;

/** One batch under way at a target that answers when the test says so. */
export interface Call {
  readonly target: string;
  /** Once it is answered, a copy of what it was: the bytes themselves are used again. */
  batch: Batch;
  readonly timeoutMs: number;
  answer(outcome: SendOutcome): void;
}

export interface Carried {
  /** What the sender was told; empty while it waits. */
  readonly replies: Reply[];
  /** The sender goes away. */
  readonly leave: () => void;
}

type LedgerRigOptions = Pick<TargetsEnv, "members" | "openCheck" | "resolver"> & { readonly arenaBytes?: number };

type Named = Pick<TargetPlan, "address" | "id" | "member" | "url">;

/**
 * The walk from the pipeline to the targets' clients, on a clock moved by hand and without sockets.
 */
export class Rig implements AsyncDisposable {
  readonly clock = new ManualClock();
  /** Where requests are. */
  readonly arena: Arena;
  /** All calls that were ever sent, in order. */
  readonly calls: Call[] = [];
  readonly env: Env;
  readonly pools: Pools;
  readonly losses: Losses;
  /** Lines of the log, as JSON. */
  readonly lines: string[] = [];
  readonly #pipeline: Pipeline;
  readonly #records: Records;
  readonly #sweep: SparseSweep;
  #scheduled: (() => void)[] = [];
  #assembly: Assembly;
  #version = 1;

  /**
   * Targets have active checks only with `openCheck`, several addresses, and members of a fleet,
   * only with a `resolver`.
   */
  constructor(text: string, { arenaBytes = ARENA_BYTES, ...more }: LedgerRigOptions = {}) {
    const { clock } = this;
    this.arena = new Arena(arenaBytes, { debug: true });
    const log = createLog({
      clock,
      write: (line) => this.lines.push(line),
      level: "error",
      format: "json",
      colour: false,
    });
    this.env = { clock, random: seededRandom(1), log, metrics: createMetrics(), ledger: createLedger() };
    this.losses = new Losses(this.env);
    this.#records = new Records({ ledger: this.env.ledger, losses: this.losses });
    const plan = planOf(text, this.#version);
    const openClient = (current: () => Named): TargetClient => this.#openClient(current);
    const targets = openTargets(plan.targets, { ...this.env, ...more, openClient });
    const schedule = (run: () => void): void => void this.#scheduled.push(run);
    this.pools = new Pools(plan, targets, {
      ...this.env,
      region: plan.nodeRegion,
      schedule,
      records: this.#records,
      splitter: requestSplitter,
      repartitioner: createRepartitioner(this.env.metrics),
      rerouter: new RuleRerouter(() => this.#assembly),
    });
    const moved = this.env.metrics.arenaMovedOut.with();
    this.#sweep = new SparseSweep({ clock, arena: this.arena, records: this.#records, pools: this.pools, moved });
    this.#assembly = assemble(plan, this.pools.live, { ...this.env, losses: this.losses, records: this.#records });
    this.#pipeline = new Pipeline(() => this.#assembly, clock);
  }

  apply(text: string): void {
    const plan = planOf(text, ++this.#version);
    this.pools.update(plan);
    this.#assembly = assemble(plan, this.pools.live, { ...this.env, losses: this.losses, records: this.#records });
    this.settle();
  }

  /** What would become of the first item. */
  explain(signal: Signal, bytes: Uint8Array, headers: Record<string, string> = {}): ItemExplanation {
    const { clock } = this;
    const { plan } = this.#assembly;
    const { live: pools, targets } = this.pools;
    const parts = { plan, pools, targets, clock };
    return explain(parts, { signal, bytes, headers, maxItems: 1 }).items[0] ?? assert.fail("no item");
  }

  handle(signal: Signal, bytes: Uint8Array, deadlineMs = 10_000, headers: Record<string, string> = {}): Carried {
    const replies: Reply[] = [];
    const request = this.#requestOf(signal, bytes, deadlineMs, headers);
    const handled = this.#pipeline.handle(
      { ...request, rejected: 0, message: "" },
      { replied: (reply) => void replies.push(reply) },
    );
    request.owner.release();
    this.settle();
    return { replies, leave: () => handled.cancel() };
  }

  /** One that comes compressed, and passes unread: its replies, or that it has to be read. */
  pass(signal: Signal, bytes: Uint8Array, deadlineMs: number): readonly (Reply | "sent back")[] {
    const told: (Reply | "sent back")[] = [];
    const request = this.#requestOf(signal, bytes, deadlineMs, {});
    const sentBack = (_bytes: Uint8Array, owner: BytesOwner): void => {
      owner.release();
      told.push("sent back");
    };
    const replied = (reply: Reply): void => void told.push(reply);
    assert.ok(this.#pipeline.pass({ ...request, encoding: "gzip" }, { replied, sentBack }) !== undefined);
    request.owner.release();
    this.settle();
    return told;
  }

  #requestOf(signal: Signal, bytes: Uint8Array, deadlineMs: number, headers: Record<string, string>) {
    const nowMs = this.clock.nowMs();
    const head = { signal, method: "grpc", region: "here", peer: "test", headers: headersOf(headers) } as const;
    const body = this.arena.alloc(bytes.length, true) ?? assert.fail("the arena is full");
    body.bytes.set(bytes);
    return { head: { ...head, receivedMs: nowMs, deadlineMs: nowMs + deadlineMs }, bytes: body.bytes, owner: body };
  }

  advance(ms: number): void {
    this.clock.advance(ms);
    this.settle();
  }

  answer(index: number, outcome: SendOutcome): void {
    this.calls[index]!.answer(outcome);
    this.settle();
  }

  /** Runs what waits for the end of the turn. */
  settle(): void {
    while (this.#scheduled.length > 0) {
      const runs = this.#scheduled;
      this.#scheduled = [];
      for (const run of runs) run();
    }
  }

  /** Of all rules and pools, for one signal. */
  totals(signal: Signal): LedgerTotals {
    return totalsOf(this.env.ledger.snapshot().filter((row) => row.signal === signal));
  }

  get balanced(): boolean {
    return this.env.ledger.balance().every(({ balanced }) => balanced);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sweep[Symbol.dispose]();
    await this.pools[Symbol.asyncDispose]();
    assert.deepEqual(this.arena.leaks, []);
  }

  #openClient(current: () => Named): TargetClient {
    const open = new Set<() => void>();
    return {
      send: (batch, timeoutMs, done) => {
        let ended = false;
        const end = (outcome: SendOutcome): void => {
          if (ended) return;
          ended = true;
          open.delete(cancel);
          call.batch = { ...batch, pieces: batch.pieces.map(copyOwned) };
          done(outcome);
        };
        const cancel = (): void => {
          queueMicrotask(() => end({ kind: "retry", reason: "cancelled", message: "cancelled", unprocessed: false }));
        };
        open.add(cancel);
        const { id, address, member, url } = current();
        const part = member === undefined ? address : `${member} ${url}`;
        const target = part === undefined ? id : `${id}@${part}`;
        const call: Call = { target, batch, timeoutMs, answer: end };
        this.calls.push(call);
        return cancel;
      },
      async [Symbol.asyncDispose]() {
        for (const cancel of open) cancel();
      },
    };
  }
}

/** The plan of a config text; throws its problems. */
export function planOf(text: string, version = 1): Plan {
  const { config, problems } = loadConfig(text, { file: "test.yaml", env: {}, readFile });
  if (config === undefined) throw new Error(problems.map(formatProblem).join("\n"));
  return boundPlan(config, { version, text });
}

function readFile(path: string): string {
  throw new Error(`no ${path}`);
}
