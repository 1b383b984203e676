import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { parse } from "yaml";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { formatProblem } from "../../src/core/problem.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { ApplyOutcome } from "../../src/control/apply-outcome.ts";
import type { LedgerRow, SeriesSnapshot } from "../../src/core/snapshot.ts";
import { openDataPlane } from "../../src/data/assemble.ts";
import type { Resolver } from "../../src/data/resolve/resolver.ts";
import { compile } from "../../src/plan/compile.ts";
import type { PlanData } from "../../src/plan/plan-data.ts";
import type { DataPlaneStatus, ShutdownReport } from "../../src/plan/data-plane.ts";
import { fileSource, textSource } from "../../src/server/config-source.ts";
import type { OpenDataPlane, RunningNode } from "../../src/server/running-node.ts";
import { startNode } from "../../src/server/start.ts";
import type { Env } from "../../src/telemetry/env.ts";
import { balanceOf } from "../../src/telemetry/ledger.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { METRICS } from "../../src/telemetry/metric-table.ts";
import type { Metrics } from "../../src/telemetry/metrics.ts";
import { type LedgerTotals, totalsOf } from "./ledger-totals.ts";
import type { Sink } from "./sinks/sink.ts";
import { ASKED_HTTP_TRANSPORT, ASKED_TRANSPORT } from "./transport.ts";
import { TEST_WORKERS, tellNode, WORKER_ENV } from "./workers.ts";

export interface TestNodeOptions {
  /**
   * Targets by id: their endpoint is the sink's. A target that the config does not have is added,
   * with OTLP/gRPC. The sinks stay their owner's.
   */
  readonly sinks?: Readonly<Record<string, Sink>>;
  /** With a file, the config is written there, and changes to it are applied. */
  readonly file?: string;
  /** What `${env:NAME}` stands for; nothing without. */
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of the system's. */
  readonly clock?: Clock;
  /** What is behind the names of targets; default: what the machine says. */
  readonly resolver?: Resolver;
  /** So many, whatever SIGNALBOX_TEST_WORKERS says. */
  readonly workers?: number;
  /** Why it has to be in this process, whatever SIGNALBOX_TEST_WORKERS says. */
  readonly inProcess?: string | undefined;
}

const PLACE = { name: "test.yaml", folder: process.cwd(), file: undefined };

/** A config document: YAML or JSON text, or what it says. */
export type TestConfig = string | Readonly<Record<string, unknown>>;

type Document = Record<string, unknown>;

/**
 * The text of a config that can run beside others: listeners that it does not name are on free
 * ports, the shutdown grace is short; targets get the addresses of their sinks. Unless it says how
 * many workers it has, they are `workers`.
 */
export function completeConfig(
  config: TestConfig,
  sinks: Readonly<Record<string, Sink>> = {},
  workers = TEST_WORKERS,
): string {
  const document = typeof config === "string" ? documentOf(parse(config)) : structuredClone({ ...config });
  const node = documentOf(document["node"]);
  const listen = documentOf(node["listen"]);
  const asked = ["sampling_http", "sampling_grpc"].filter((name) => listen[name] !== undefined);
  for (const name of ["otlp_grpc", "otlp_http", "admin", ...asked]) {
    if (listen[name] === false || listen[name] === null) continue;
    listen[name] = { address: "127.0.0.1:0", ...transportOf(name), ...documentOf(listen[name]) };
  }
  document["node"] = { shutdown_grace: "5s", workers, ...node, listen };
  const targets = (document["targets"] ?? []) as Document[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the schema checks it
  for (const [id, sink] of Object.entries(sinks)) {
    const known = targets.find((target) => target["id"] === id);
    if (known === undefined) targets.push({ id, endpoint: sink.url });
    else known["endpoint"] = sink.url;
  }
  if (targets.length > 0) document["targets"] = targets.map(withTransport);
  return JSON.stringify(document, undefined, 2);
}

function transportOf(listener: string): { readonly transport?: string } {
  const asked = { otlp_grpc: ASKED_TRANSPORT, otlp_http: ASKED_HTTP_TRANSPORT }[listener];
  return asked === undefined ? {} : { transport: asked };
}

function withTransport(target: Document): Document {
  const isGrpc = (target["protocol"] ?? "grpc") === "grpc";
  return ASKED_TRANSPORT === undefined || !isGrpc ? target : { transport: ASKED_TRANSPORT, ...target };
}

/**
 * A whole node on real sockets, in this process, or with its workers in others. Disposing it stops
 * it, and fails when the ledger does not balance, something is still queued or in flight, or a
 * request ended with an internal error.
 */
export class TestNode implements AsyncDisposable {
  readonly running: RunningNode;
  /** The log, one object for each line. */
  readonly lines: readonly Document[];
  readonly #workers: number;
  readonly #sinks: Readonly<Record<string, Sink>>;

  constructor(
    running: RunningNode,
    workers: number,
    { lines, sinks }: { readonly lines: readonly Document[]; readonly sinks: Readonly<Record<string, Sink>> },
  ) {
    this.running = running;
    this.#workers = workers;
    this.lines = lines;
    this.#sinks = sinks;
  }

  status(): Promise<DataPlaneStatus> {
    return this.running.dataPlane.status();
  }

  /** Of the process that steers: with workers, it has counted only some of what its node has. */
  get env(): Env {
    return this.running.env;
  }

  /** `host:port`; empty for what does not listen. */
  get grpc(): string {
    return this.running.addresses.otlpGrpc ?? "";
  }

  get http(): string {
    return this.running.addresses.otlpHttp ?? "";
  }

  get admin(): string {
    return this.running.addresses.admin ?? "";
  }

  /** Applies another config, completed in the same way; `sinks` are further ones. */
  apply(config: TestConfig, sinks: Readonly<Record<string, Sink>> = {}): Promise<ApplyOutcome> {
    return this.running.walk.apply(completeConfig(config, { ...this.#sinks, ...sinks }, this.#workers));
  }

  /** What a config, completed in the same way, is to the data plane. */
  planOf(config: TestConfig, version: number): PlanData {
    const text = completeConfig(config, this.#sinks, this.#workers);
    const { config: loaded } = textSource(text, PLACE, {}).load(text);
    assert.ok(loaded !== undefined);
    return compile(loaded, loaded.node, { version, text });
  }

  /** Of all rules and pools, or of those of one signal. */
  async ledger(signal?: string): Promise<LedgerTotals> {
    return totalsOf((await this.rows()).filter((row) => signal === undefined || row.signal === signal));
  }

  async rows(): Promise<readonly LedgerRow[]> {
    return (await this.running.dataPlane.snapshot()).ledger;
  }

  /** All that a metric has counted, with these labels first; undefined stands for any. */
  async metric(name: keyof Metrics, ...labels: readonly (string | undefined)[]): Promise<number> {
    const series = await this.series(name);
    const counted = series.filter((one) => labels.every((label, i) => (label ?? one.labels[i]) === one.labels[i]));
    return counted.reduce((sum, { value }) => sum + value, 0);
  }

  async series(name: keyof Metrics): Promise<readonly SeriesSnapshot[]> {
    return (await this.running.dataPlane.snapshot()).metrics[METRICS[name].name] ?? [];
  }

  async inFlight(): Promise<DataPlaneStatus["inFlight"]> {
    const [requests, bytes] = await Promise.all([
      this.metric("admitInFlightRequests"),
      this.metric("admitInFlightBytes"),
    ]);
    return { requests, bytes };
  }

  /** Stops it in order; a second call returns the first one's promise. */
  stop(): Promise<ShutdownReport> {
    return this.running.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.assertBalanced();
    assert.equal((await this.ledger()).queued, 0, "items are still counted as queued");
    assert.deepEqual(await this.inFlight(), { requests: 0, bytes: 0 }, "requests were never settled");
    for (const { labels, value } of await this.series("errors")) {
      assert.ok(labels[1] !== "internal" || value === 0, "a request ended with an internal error");
    }
    const ended = this.lines.find(({ msg }) => msg === "a worker did not stop in order");
    assert.equal(ended, undefined, JSON.stringify(ended));
  }

  /** At any moment: nothing has disappeared without a name. */
  async assertBalanced(): Promise<void> {
    const rows = await this.rows();
    for (const balance of balanceOf(rows)) {
      assert.ok(balance.balanced, `${JSON.stringify(balance)}\n${JSON.stringify(rows)}`);
    }
  }
}

/**
 * Starts a node on the config, completed by {@link completeConfig}. Throws all problems of a config
 * that has errors.
 */
export async function startTestNode(config: TestConfig, options: TestNodeOptions = {}): Promise<TestNode> {
  const { sinks = {}, file, clock = systemClock, resolver } = options;
  const workers = workersFor(options);
  const env = { ...WORKER_ENV, ...options.env };
  const text = completeConfig(config, sinks, workers);
  if (file !== undefined) writeFileSync(file, text);
  const source = file === undefined ? textSource(text, PLACE, env) : fileSource(file, env);
  const loaded = source.load(text);
  if (loaded.config === undefined) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  const lines: Document[] = [];
  const write = (line: string): void => void lines.push(documentOf(JSON.parse(line)));
  const log = createLog({ clock, write, level: "info", format: "json", colour: false });
  const own: OpenDataPlane = (plan, listen, parts, more) => openDataPlane(plan, listen, parts, { ...more, resolver });
  const parts = { clock, random: seededRandom(1), log, source, ...(workers === 0 && { openDataPlane: own }) };
  const { config: checked } = loaded;
  const start = (): Promise<RunningNode> => startNode(checked, parts);
  const running = await (workers === 0 ? start() : inTurn(start));
  return new TestNode(running, workers, { lines, sinks });
}

let starting: Promise<unknown> = Promise.resolve();

/**
 * Workers of several nodes that all begin at once share the machine, and on a busy one none of them
 * is there within the time that a node gives its workers: those of a file begin one after the
 * other.
 */
function inTurn(start: () => Promise<RunningNode>): Promise<RunningNode> {
  const turn = starting.then(start);
  starting = turn.catch(() => undefined);
  return turn;
}

/** What a test hands over by itself cannot be handed over to another process. */
function workersFor({ clock, resolver, workers, inProcess }: TestNodeOptions): number {
  if (workers !== undefined) return workers;
  if (TEST_WORKERS === 0) return 0;
  const why = inProcess ?? (clock && "its clock is the test's") ?? (resolver && "its resolver is the test's");
  tellNode(why === undefined ? "workers" : `in process: ${why}`);
  return why === undefined ? TEST_WORKERS : 0;
}

/** A mapping of the document; an empty one for what is not there. */
function documentOf(value: unknown): Document {
  return (value ?? {}) as Document; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the schema checks it
}
