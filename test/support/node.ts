import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { parse } from "yaml";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { formatProblem } from "../../src/core/problem.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { ApplyOutcome } from "../../src/control/apply.ts";
import { openDataPlane } from "../../src/data/assemble.ts";
import type { NodeDataPlane } from "../../src/data/node-data-plane.ts";
import type { Resolver } from "../../src/data/resolve/resolver.ts";
import type { DataPlaneStatus, ShutdownReport } from "../../src/plan/data-plane.ts";
import { fileSource, textSource } from "../../src/server/config-source.ts";
import { type RunningNode, startNode } from "../../src/server/start.ts";
import type { Env } from "../../src/telemetry/env.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { type LedgerTotals, totalsOf } from "./ledger-totals.ts";
import type { Sink } from "./sinks/sink.ts";
import { ASKED_TRANSPORT } from "./transport.ts";

export interface TestNodeOptions {
  /**
   * Targets by id: their endpoint is the sink's. A target that the config does not have is added,
   * with OTLP/gRPC. The sinks stay their owner's.
   */
  readonly sinks?: Readonly<Record<string, Sink>>;
  /** With a file, the config is written there, and changes to it are taken over. */
  readonly file?: string;
  /** What `${env:NAME}` stands for; nothing without. */
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of the system's. */
  readonly clock?: Clock;
  /** What is behind the names of targets; default: what the machine says. */
  readonly resolver?: Resolver;
}

/** A config document: YAML or JSON text, or what it says. */
export type TestConfig = string | Readonly<Record<string, unknown>>;

type Document = Record<string, unknown>;

/**
 * The text of a config that can run beside others: listeners that it does not name are on free
 * ports, the shutdown grace is short; targets get the addresses of their sinks.
 */
export function completeConfig(config: TestConfig, sinks: Readonly<Record<string, Sink>> = {}): string {
  const document = typeof config === "string" ? documentOf(parse(config)) : structuredClone({ ...config });
  const node = documentOf(document["node"]);
  const listen = documentOf(node["listen"]);
  for (const name of ["otlp_grpc", "otlp_http", "admin"]) {
    if (listen[name] === false || listen[name] === null) continue;
    const transport = name === "otlp_grpc" && ASKED_TRANSPORT !== undefined ? { transport: ASKED_TRANSPORT } : {};
    listen[name] = { address: "127.0.0.1:0", ...transport, ...documentOf(listen[name]) };
  }
  document["node"] = { shutdown_grace: "5s", ...node, listen };
  const targets = (document["targets"] ?? []) as Document[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the schema checks it
  for (const [id, sink] of Object.entries(sinks)) {
    const known = targets.find((target) => target["id"] === id);
    if (known === undefined) targets.push({ id, endpoint: sink.url });
    else known["endpoint"] = sink.url;
  }
  if (targets.length > 0) document["targets"] = targets.map(withTransport);
  return JSON.stringify(document, undefined, 2);
}

function withTransport(target: Document): Document {
  const isGrpc = (target["protocol"] ?? "grpc") === "grpc";
  return ASKED_TRANSPORT === undefined || !isGrpc ? target : { transport: ASKED_TRANSPORT, ...target };
}

/**
 * A whole node in this process on real sockets. Disposing it stops it, and fails when the ledger
 * does not balance, something is still queued or in flight, or a request ended with an internal
 * error.
 */
export class TestNode implements AsyncDisposable {
  readonly running: RunningNode;
  /** The log, one object for each line. */
  readonly lines: readonly Document[];
  readonly #plane: NodeDataPlane;
  readonly #sinks: Readonly<Record<string, Sink>>;

  constructor(
    running: RunningNode,
    plane: NodeDataPlane,
    { lines, sinks }: { readonly lines: readonly Document[]; readonly sinks: Readonly<Record<string, Sink>> },
  ) {
    this.running = running;
    this.#plane = plane;
    this.lines = lines;
    this.#sinks = sinks;
  }

  /** At this very moment. */
  get status(): DataPlaneStatus {
    return this.#plane.statusNow();
  }

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

  /** Takes over another config, completed in the same way; `sinks` are further ones. */
  apply(config: TestConfig, sinks: Readonly<Record<string, Sink>> = {}): Promise<ApplyOutcome> {
    return this.running.walk.apply(completeConfig(config, { ...this.#sinks, ...sinks }));
  }

  /** Of all rules and pools, or of those of one signal. */
  ledger(signal?: string): LedgerTotals {
    return totalsOf(this.env.ledger.snapshot().filter((row) => signal === undefined || row.signal === signal));
  }

  get inFlight(): { readonly requests: number; readonly bytes: number } {
    const { admitInFlightRequests: requests, admitInFlightBytes: bytes } = this.env.metrics;
    return { requests: requests.with().value, bytes: bytes.with().value };
  }

  /** Stops it in order; a second call returns the first one's promise. */
  stop(): Promise<ShutdownReport> {
    return this.running.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.assertBalanced();
    assert.equal(this.ledger().queued, 0, "items are still counted as queued");
    assert.deepEqual(this.inFlight, { requests: 0, bytes: 0 }, "requests were never settled");
    for (const { labels, series } of this.env.metrics.errors.series.values()) {
      assert.ok(labels[1] !== "internal" || series.value === 0, "a request ended with an internal error");
    }
  }

  /** At any moment: nothing has disappeared without a name. */
  assertBalanced(): void {
    for (const balance of this.env.ledger.balance()) {
      assert.ok(balance.balanced, `${JSON.stringify(balance)}\n${JSON.stringify(this.env.ledger.snapshot())}`);
    }
  }
}

/**
 * Starts a node on the config, completed by {@link completeConfig}. Throws all problems of a config
 * that has errors.
 */
export async function startTestNode(config: TestConfig, options: TestNodeOptions = {}): Promise<TestNode> {
  const { sinks = {}, file, env = {}, clock = systemClock, resolver } = options;
  const text = completeConfig(config, sinks);
  if (file !== undefined) writeFileSync(file, text);
  const place = { name: "test.yaml", folder: process.cwd(), file: undefined };
  const source = file === undefined ? textSource(text, place, env) : fileSource(file, env);
  const loaded = source.load(text);
  if (loaded.config === undefined) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  const lines: Document[] = [];
  const write = (line: string): void => void lines.push(documentOf(JSON.parse(line)));
  const log = createLog({ clock, write, level: "info", format: "json", colour: false });
  let plane: NodeDataPlane | undefined;
  const running = await startNode(loaded.config, {
    clock,
    random: seededRandom(1),
    log,
    source,
    openDataPlane: async (plan, listen, parts, more) => {
      plane = await openDataPlane(plan, listen, parts, { ...more, resolver });
      return plane;
    },
  });
  assert.ok(plane !== undefined);
  return new TestNode(running, plane, { lines, sinks });
}

/** A mapping of the document; an empty one for what is not there. */
function documentOf(value: unknown): Document {
  return (value ?? {}) as Document; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the schema checks it
}
