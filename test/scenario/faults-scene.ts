import assert from "node:assert/strict";
import type { TargetStatus } from "../../src/plan/data-plane.ts";
import { exposition } from "../../src/telemetry/prometheus.ts";
import { runCli } from "../cli/run-cli.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { slow } from "../support/sinks/sink-script.ts";
import { PATIENCE_MS } from "../support/patience.ts";
import { account, Sender, until } from "./fault-sender.ts";

export const NAMES = ["bad", "b", "c", "d"] as const;
export const ANSWER_MS = 4;
/** Calls that a target may have under way. */
export const MAX_IN_FLIGHT = 8;
const PARALLEL = 6;
/** Requests that both senders have under way. */
export const UNDER_WAY = 2 * PARALLEL;
const ITEMS = 5;
/** Two readings of one time are no further apart. */
const SAME_S = 10;
const OUT: ReadonlySet<unknown> = new Set(["ejected", "down"]);
const LIMITS = `limits: { max_in_flight: ${MAX_IN_FLIGHT} }`;
/** Nothing times out at a target that works, however busy the machine is. */
const PATIENT = `timeout: 60s, health_check: { timeout: 60s }, ${LIMITS}`;
/** The defaults, ten to a hundred times faster: of the target that is to fail. */
const QUICK = `slow_start: 200ms, health_check: { interval: 50ms, timeout: 1s }, ejection: { rest: 1s, max_rest: 4s }, ${LIMITS}`;

export type Protocol = "grpc" | "http";

/** What an operator sees of a target that is out, as the admin API says it. */
export interface TargetRow {
  readonly id: string;
  readonly state: string;
  readonly reason: string;
  readonly since: string;
  readonly next_try: string | null;
}

/**
 * One pool of four targets, of which the first one is to fail, and two senders that send all the
 * time.
 */
export class FaultsScene implements AsyncDisposable {
  readonly node: TestNode;
  readonly sinks: readonly Sink[];
  readonly senders: readonly Sender[];
  readonly #owned: AsyncDisposableStack;

  private constructor(node: TestNode, sinks: readonly Sink[], owned: AsyncDisposableStack) {
    this.node = node;
    this.sinks = sinks;
    const common = { itemsPerRequest: ITEMS, parallel: PARALLEL, pauseMs: 2, service: "s" };
    this.senders = [
      owned.use(new Sender({ ...common, via: "grpc", address: node.grpc, source: 1 })),
      owned.use(new Sender({ ...common, via: "http", address: node.http, source: 2 })),
    ];
    this.#owned = owned;
  }

  /**
   * `timeout` is that of the target that is to fail: short where that is how its failure is found.
   */
  static async open(protocol: Protocol, strategy: string, timeout = "60s"): Promise<FaultsScene> {
    await using owned = new AsyncDisposableStack();
    const sinks: Sink[] = [];
    for (const _ of NAMES) sinks.push(owned.use(await (protocol === "grpc" ? openGrpcSink() : openHttpSink())));
    for (const sink of sinks) sink.script = slow(ANSWER_MS);
    const written = protocol === "grpc" ? "grpc" : "http/protobuf";
    const targets = NAMES.map(
      (id) =>
        `  - { id: ${id}, endpoint: "http://127.0.0.1:1", protocol: ${written}, ${id === "bad" ? `timeout: ${timeout}, ${QUICK}` : PATIENT} }`,
    );
    const pool = `{ targets: [${NAMES.join(", ")}], strategy: ${strategy}, retry: { initial: 10ms, max: 100ms } }`;
    const limits = "node: { limits: { request_timeout: 60s } }";
    const text = `${limits}\ntargets:\n${targets.join("\n")}\npools: { p: ${pool} }\ndefault_pool: p\n`;
    const node = owned.use(
      await startTestNode(text, { sinks: Object.fromEntries(NAMES.map((id, i) => [id, sinks[i]!])) }),
    );
    return new FaultsScene(node, sinks, owned.move());
  }

  get bad(): Sink {
    return this.sinks[0]!;
  }

  /** Starts the senders; resolves when the target that is to fail has taken some. */
  async begin(): Promise<void> {
    for (const sender of this.senders) sender.start();
    await this.accepted(5);
  }

  /** Until each sender had so many more requests taken. */
  async proceed(requests: number): Promise<void> {
    await Promise.all(this.senders.map((sender) => sender.progress(requests)));
  }

  /** Until the target has taken so many more batches. */
  async accepted(batches: number): Promise<void> {
    const wanted = (await this.sends("bad", "accepted")) + batches;
    await until(async () => (await this.sends("bad", "accepted")) >= wanted);
  }

  async untilOut(): Promise<void> {
    await until(async () => OUT.has((await this.status("bad")).state));
  }

  /** Until it has all of its weight again. */
  async untilBack(): Promise<void> {
    await until(async () => {
      const { state, share } = await this.status("bad");
      return state === "ready" && share === 1;
    });
  }

  async status(id: string): Promise<TargetStatus> {
    const status = (await this.node.status()).targets.find((target) => target.id === id);
    assert.ok(status !== undefined);
    return status;
  }

  /** Batches that ended at a target; of all targets and with any outcome when left out. */
  sends(id?: string, outcome?: string): Promise<number> {
    return this.node.metric("exportSends", id, outcome);
  }

  /** Times that a target entered one of these states. */
  async entered(id: string, ...states: readonly string[]): Promise<number> {
    const series = await this.node.series("targetTransitions");
    const entries = series.filter(({ labels }) => labels[0] === id && states.includes(labels[2] ?? ""));
    return entries.reduce((sum, { value }) => sum + value, 0);
  }

  /**
   * The target as the API has it while it is out; the command line and the metrics have said the
   * same.
   */
  async told(): Promise<TargetRow> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const before = await this.entered("bad", "ready", "ejected", "down", "probing");
      const row = await this.#row();
      const { code, out } = await runCli(["targets", "list", "--url", `http://${this.node.admin}`], { columns: 160 });
      const { metrics } = await this.node.running.dataPlane.snapshot();
      // It may have changed in between, or be probing at this moment: then all three are asked
      // again.
      const isSteady = before === (await this.entered("bad", "ready", "ejected", "down", "probing"));
      if (isSteady && OUT.has(row.state)) {
        assert.equal(code, 0);
        const age = "(?:now|[0-9.]+[a-zµ]+)";
        assert.match(out, new RegExp(`^bad +${row.state} +${row.reason} +${age} +${age} `, "mu"));
        assertMetrics(exposition(metrics), row);
        return row;
      }
      assert.ok(performance.now() < deadlineMs, `it never stays out: ${JSON.stringify(row)}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /**
   * While the target goes on failing: what it got meanwhile can be explained by what was under way,
   * by probes, and by what it takes to find out again after each return. `findOut` is how many
   * calls that takes.
   */
  async assertLeftAlone(requests: number, findOut: number): Promise<void> {
    const before = {
      sends: await this.sends("bad"),
      back: await this.entered("bad", "ready"),
      probes: await this.entered("bad", "probing"),
    };
    const total = await this.sends();
    await this.proceed(requests);
    const got = (await this.sends("bad")) - before.sends;
    const back = (await this.entered("bad", "ready")) - before.back;
    const probes = (await this.entered("bad", "probing")) - before.probes;
    const explained = MAX_IN_FLIGHT + probes + back * (findOut + MAX_IN_FLIGHT);
    const said = `${got} of ${(await this.sends()) - total} calls went to it, with ${probes} probes and ${back} returns`;
    assert.ok(got <= explained, said);
    for (const id of NAMES.slice(1)) assert.equal((await this.status(id)).state, "ready", id);
  }

  /**
   * Ends the load. Nothing that was acknowledged is missing; what failed may be tried again by its
   * sender.
   */
  async conclude(maxDuplicates: number): Promise<void> {
    await Promise.all(this.senders.map((sender) => sender.stop()));
    const { acknowledged, lost, duplicates } = account(this.senders, this.sinks);
    assert.ok(acknowledged > 0);
    assert.equal(lost, 0, "acknowledged, and nowhere");
    assert.ok(duplicates <= maxDuplicates * ITEMS, `${duplicates} duplicates`);
    for (const { answer } of this.senders.flatMap(({ sent }) => sent)) {
      if (answer.kind === "taken") assert.equal(answer.rejected, 0);
      else assert.ok(answer.kind === "refused" && answer.retryMs !== undefined, JSON.stringify(answer));
    }
    await this.node.assertBalanced();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }

  async #row(): Promise<TargetRow> {
    const answer = await fetch(`http://${this.node.admin}/api/v1/targets`);
    const rows = (await answer.json()) as readonly TargetRow[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what it says is compared
    const row = rows.find(({ id }) => id === "bad");
    assert.ok(row !== undefined, JSON.stringify(rows));
    return row;
  }
}

function assertMetrics(metrics: string, { state, reason, since, next_try: nextTry }: TargetRow): void {
  const valueOf = (name: string): number =>
    Number(new RegExp(`^signalbox_target_${name} (.*)$`, "mu").exec(metrics)?.[1]);
  assert.equal(valueOf(`state\\{target="bad",state="${state}"\\}`), 1);
  assert.equal(valueOf(`state_reason\\{target="bad",reason="${reason}"\\}`), 1);
  assert.equal(valueOf(`weight_share\\{target="bad"\\}`), 0);
  // The wall clock is read for each of them, and the machine may do something else in between.
  assert.ok(Math.abs(valueOf(`state_since_seconds\\{target="bad"\\}`) - Date.parse(since) / 1_000) < SAME_S);
  assert.ok(nextTry !== null && Date.parse(nextTry) >= Date.parse(since) - 1_000 * SAME_S);
  assert.ok(valueOf(`next_try_seconds\\{target="bad"\\}`) >= Date.parse(since) / 1_000 - SAME_S);
}
