import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { formatProblem } from "../../src/core/problem.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { LedgerRow } from "../../src/core/snapshot.ts";
import type { ApplyOutcome } from "../../src/control/apply-outcome.ts";
import { compile } from "../../src/plan/compile.ts";
import type { PlanData } from "../../src/plan/plan-data.ts";
import type { WorkerStatus } from "../../src/plan/data-plane.ts";
import { textSource } from "../../src/server/config-source.ts";
import type { RunningNode, StartOptions } from "../../src/server/running-node.ts";
import { startNode } from "../../src/server/start.ts";
import { balanceOf } from "../../src/telemetry/ledger.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { type LedgerTotals, totalsOf } from "../support/ledger-totals.ts";
import { completeConfig } from "../support/node.ts";
import { PATIENCE_MS } from "../support/patience.ts";
import type { Sink } from "../support/sinks/sink.ts";

const PLACE = { name: "test.yaml", folder: process.cwd(), file: undefined };

/** What workers are started with: their arenas look for mistakes as those of this process do. */
const ARENA_DEBUG = process.env["SIGNALBOX_ARENA_DEBUG"];
const WORKER_ENV = ARENA_DEBUG === undefined ? {} : { SIGNALBOX_ARENA_DEBUG: ARENA_DEBUG };

type Sinks = Readonly<Record<string, Sink>>;

/**
 * A node whose main process is this one, and whose workers are processes of their own. Disposing it
 * stops it, and fails when its ledger does not balance.
 */
export class WorkerNode implements AsyncDisposable {
  readonly running: RunningNode;
  /** The log, one object for each line. */
  readonly lines: readonly Record<string, unknown>[];
  readonly #sinks: Sinks;

  constructor(running: RunningNode, lines: readonly Record<string, unknown>[], sinks: Sinks) {
    this.running = running;
    this.lines = lines;
    this.#sinks = sinks;
  }

  get grpc(): string {
    return this.running.addresses.otlpGrpc ?? "";
  }

  get http(): string {
    return this.running.addresses.otlpHttp ?? "";
  }

  get admin(): string {
    return this.running.addresses.admin ?? "";
  }

  async workers(): Promise<readonly WorkerStatus[]> {
    return (await this.running.dataPlane.status()).workers;
  }

  /** Ids of the processes that run. */
  async pids(): Promise<number[]> {
    return (await this.workers()).flatMap(({ pid }) => pid ?? []);
  }

  apply(config: Readonly<Record<string, unknown>>): Promise<ApplyOutcome> {
    return this.running.walk.apply(completeConfig(config, this.#sinks));
  }

  /** How many workers have all that they need. */
  async readyWorkers(): Promise<number> {
    const { dataPlane } = this.running;
    return (await dataPlane.ready()).ready ? (await dataPlane.status()).workers.filter(({ ready }) => ready).length : 0;
  }

  /** What a config is to the data plane. */
  planOf(config: Readonly<Record<string, unknown>>, version: number): PlanData {
    const text = completeConfig(config, this.#sinks);
    const { config: loaded } = textSource(text, PLACE, {}).load(text);
    assert.ok(loaded !== undefined);
    return compile(loaded, loaded.node, { version, text });
  }

  async rows(): Promise<readonly LedgerRow[]> {
    return (await this.running.dataPlane.snapshot()).ledger;
  }

  async ledger(): Promise<LedgerTotals> {
    return totalsOf(await this.rows());
  }

  /** The value of a counter, all of its series together, as /metrics tells it. */
  async metric(name: string): Promise<number> {
    const { metrics } = await this.running.dataPlane.snapshot();
    return (metrics[name] ?? []).reduce((sum, { value }) => sum + value, 0);
  }

  logged(msg: string): readonly Record<string, unknown>[] {
    return this.lines.filter((line) => line["msg"] === msg);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running.stop();
    const rows = await this.rows();
    for (const balance of balanceOf(rows)) {
      assert.ok(balance.balanced, `${JSON.stringify(balance)}\n${JSON.stringify(rows)}`);
    }
    assert.equal(totalsOf(rows).queued, 0, "items are still counted as queued");
  }
}

/** Starts a node with so many workers. */
export async function startWorkers(
  workers: number,
  config: Readonly<Record<string, unknown>>,
  sinks: Sinks = {},
  clock: Clock = systemClock,
  more: Pick<StartOptions, "early"> = {},
): Promise<WorkerNode> {
  const node = config["node"] as Record<string, unknown> | undefined; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the schema checks it
  const text = completeConfig({ ...config, node: { workers, ...node } }, sinks);
  const source = textSource(text, PLACE, WORKER_ENV);
  const loaded = source.load(text);
  if (loaded.config === undefined) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>); // oxlint-disable-line typescript/no-unsafe-type-assertion -- lines are objects
  const log = createLog({ clock, write, level: "info", format: "json", colour: false });
  const options = { clock, random: seededRandom(1), log, source, ...more };
  return new WorkerNode(await startNode(loaded.config, options), lines, sinks);
}

/** All of its workers answer. */
export async function isReady(node: WorkerNode): Promise<boolean> {
  return (await node.readyWorkers()) === (await node.workers()).length;
}

/** Asks again and again, for what nobody tells of by itself. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`waited in vain for: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
