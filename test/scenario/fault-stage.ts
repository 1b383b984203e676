import assert from "node:assert/strict";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { slow } from "../support/sinks/sink-script.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { account, Sender } from "./fault-sender.ts";

const NAMES = ["bad", "good1", "good2", "apart"] as const;
/** Of the target that is to fail: the defaults, thirty times faster, and the default checks. */
const QUICK = "slow_start: 500ms, ejection: { rest: 1s, max_rest: 2s }";

export type Protocol = "grpc" | "http";

export const ITEMS = 5;
/** Requests that the senders of the pool under test have under way, all together. */
export const UNDER_WAY = 8;

/** Of a sender: several stages share one process. */
const PAUSE_MS = 10;

export function openSink(protocol: Protocol): Promise<Sink> {
  return protocol === "grpc" ? openGrpcSink() : openHttpSink();
}

/**
 * Three targets in one pool, one in another, a node between them and senders, and a sender for each
 * pool and protocol.
 */
export class Stage implements AsyncDisposable {
  readonly node: TestNode;
  /** The one that fails, and its two neighbours. */
  readonly bad: Sink;
  readonly good: readonly Sink[];
  readonly apart: Sink;
  readonly senders: readonly Sender[];
  readonly other: Sender;
  readonly #owned: AsyncDisposableStack;

  private constructor(node: TestNode, sinks: readonly Sink[], owned: AsyncDisposableStack) {
    const [bad, second, third, apart] = sinks;
    this.node = node;
    this.bad = bad!;
    this.good = [second!, third!];
    this.apart = apart!;
    const common = { itemsPerRequest: ITEMS, parallel: UNDER_WAY / 2, pauseMs: PAUSE_MS };
    this.senders = [
      owned.use(new Sender({ ...common, via: "grpc", address: node.grpc, source: 1, service: "shared" })),
      owned.use(new Sender({ ...common, via: "http", address: node.http, source: 2, service: "shared" })),
    ];
    const apartFrom = { ...common, parallel: 2, address: node.grpc, source: 3, service: "apart" };
    this.other = owned.use(new Sender({ ...apartFrom, via: "grpc" }));
    this.#owned = owned;
  }

  /**
   * `timeout` is that of the target that fails: short where it hangs. Nothing times out at the
   * others, however busy the machine is.
   */
  static async open(protocol: Protocol, { maxInFlight = 16, timeout = "60s" } = {}): Promise<Stage> {
    await using owned = new AsyncDisposableStack();
    const sinks: Sink[] = [];
    for (let i = 0; i < 4; i++) sinks.push(owned.use(await openSink(protocol)));
    for (const sink of sinks) sink.script = slow(4);
    const written = protocol === "grpc" ? "grpc" : "http/protobuf";
    const options = `endpoint: "http://127.0.0.1:1", protocol: ${written}, limits: { max_in_flight: ${maxInFlight} }`;
    const more = (id: string): string => (id === "bad" ? `timeout: ${timeout}, ${QUICK}` : "timeout: 60s");
    const targets = NAMES.map((id) => `{ id: ${id}, ${options}, ${more(id)} }`);
    const text = `
node: { limits: { request_timeout: 60s } }
targets: [${targets.join(", ")}]
pools:
  shared: { targets: [bad, good1, good2], strategy: round_robin, retry: { initial: 20ms, max: 200ms } }
  apart: { targets: [apart] }
rules: [{ id: shared, conditions: [{ service_name: "shared*" }], pool: shared }]
default_pool: apart
`;
    const named = Object.fromEntries(NAMES.map((id, i) => [id, sinks[i]!]));
    const node = owned.use(await startTestNode(text, { sinks: named }));
    return new Stage(node, sinks, owned.move());
  }

  get sinks(): readonly Sink[] {
    return [this.bad, ...this.good];
  }

  /** One more sender to the pool under test. */
  sender({ service, source }: { readonly service: string; readonly source: number }): Sender {
    const common = { itemsPerRequest: ITEMS, parallel: 2, pauseMs: PAUSE_MS };
    return this.#owned.use(new Sender({ ...common, via: "grpc", address: this.node.grpc, source, service }));
  }

  /** Starts all senders; resolves when every target has had something. */
  async begin(): Promise<void> {
    for (const sender of [...this.senders, this.other]) sender.start();
    await Promise.all([...this.sinks, this.apart].map((sink) => sink.until(({ accepted }) => accepted > 2)));
  }

  /**
   * Until each sender of the pool had `requests` more requests taken, and the other pool's as many.
   */
  async proceed(requests: number): Promise<void> {
    await Promise.all([...this.senders, this.other].map((sender) => sender.progress(requests)));
  }

  /** Until the target that failed takes `requests` more. */
  async recovered(requests = 5): Promise<void> {
    const before = this.bad.counts().accepted;
    await this.bad.until(({ accepted }) => accepted >= before + requests);
  }

  /** Items of the pool under test that came more than once, up to now. */
  get duplicates(): number {
    return account(this.senders, this.sinks).duplicates;
  }

  /**
   * Ends the load and fails when something that was acknowledged is nowhere, or too much came
   * twice.
   */
  async conclude(maxDuplicates: number, more: readonly Sender[] = []): Promise<void> {
    await Promise.all([...this.senders, this.other].map((sender) => sender.stop()));
    const shared = account([...this.senders, ...more], this.sinks);
    assert.ok(shared.acknowledged > 0);
    assert.equal(shared.lost, 0, "acknowledged, and nowhere");
    assert.ok(shared.duplicates <= maxDuplicates, `${shared.duplicates} duplicates, ${maxDuplicates} can be explained`);
    const { lost, duplicates } = account([this.other], [this.apart]);
    assert.deepEqual([lost, duplicates, this.other.failures], [0, 0, []], "the other pool");
    await this.node.assertBalanced();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}
