import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import type { Signal } from "../../src/otlp/signal.ts";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { encodeRequest } from "../support/oracle/oracle.ts";
import { OtlpSender, type SenderAnswer, type SendVariant } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { OK, type SinkAnswer, type SinkRequest, type SinkScript } from "../support/sinks/sink-script.ts";
import { TEST_WORKERS } from "../support/workers.ts";
import { decodes } from "./broken-bytes.ts";

/**
 * More of them find more, and take longer. Workers decode as a node without them does: with them a
 * third shows that answers and counts come back.
 */
const FUZZ_RUNS = Number(process.env["FUZZ_RUNS"] ?? (TEST_WORKERS === 0 ? 60 : 20));

/**
 * Parameters of a property; `times` is for one whose runs are cheap. The time limit ends what looks
 * for a smaller example.
 */
export function fuzzRuns(times = 1): { readonly numRuns: number; readonly interruptAfterTimeLimit: number } {
  return { numRuns: FUZZ_RUNS * times, interruptAfterTimeLimit: 60_000 + FUZZ_RUNS * times * 100 };
}

export interface FuzzOptions {
  readonly ack?: "delivered" | "queued";
  readonly rules?: readonly Readonly<Record<string, unknown>>[];
  /** As for `startTestNode`. */
  readonly inProcess?: string;
}

/**
 * A node with two targets that decode in full what they get, each busy enough for requests to share
 * batches.
 */
export class FuzzScene implements AsyncDisposable {
  readonly node: TestNode;
  readonly sender: OtlpSender;
  /** Requests that a target could not decode. */
  unreadable = 0;
  readonly #sinks: readonly Sink[];

  constructor(node: TestNode, sinks: readonly Sink[]) {
    this.node = node;
    this.sender = new OtlpSender(node);
    this.#sinks = sinks;
    for (const sink of sinks) sink.script = decoding(sink.script, () => this.unreadable++);
  }

  static async open({ ack = "delivered", rules = [], inProcess }: FuzzOptions = {}): Promise<FuzzScene> {
    const grpc = await openGrpcSink({ script: refuse(GRPC.INVALID_ARGUMENT) });
    const http = await openHttpSink({ script: refuse(400) });
    const busy = { limits: { max_in_flight: 1 } };
    const config = {
      node: { limits: { request_timeout: "60s" } }, // the machine may be slow
      targets: [
        { id: "grpc", ...busy },
        { id: "http", protocol: "http/protobuf", ...busy },
      ],
      pools: { main: { targets: ["grpc"], ack }, other: { targets: ["http"], ack } },
      rules,
      default_pool: "main",
    };
    return new FuzzScene(await startTestNode(config, { sinks: { grpc, http }, inProcess }), [grpc, http]);
  }

  /**
   * Full success only when a full decode takes the bytes; partial success, when targets check a
   * part each, and "bad data" are the only other answers. Not the reverse: the oracle is easy with
   * varints of more than 64 bits, which others refuse.
   */
  assertDecided(signal: Signal, way: SendVariant, bytes: Uint8Array, answer: SenderAnswer): void {
    const what = (): string => `${signal} by ${way}: ${Buffer.from(bytes).toString("hex")} ${JSON.stringify(answer)}`;
    if (!answer.ok) assertBadData(way, answer, what);
    else if (answer.message === "") assert.ok(answer.rejected === 0 && decodes(signal, bytes), what());
    else assert.match(answer.message, /cannot be decoded/u, what());
  }

  /** After whatever happened: a good request is served, and nothing is held or missing. */
  async assertSound(): Promise<void> {
    const spans = [{ name: "still here" }];
    const good = encodeRequest("traces", { resourceSpans: [{ scopeSpans: [{ spans }] }] });
    for (const way of ["grpc", "http"] as const) {
      assert.equal((await this.sender.send(way, "traces", good)).ok, true);
    }
    while ((await this.node.ledger()).queued > 0) await turn(); // what was acknowledged on entering the queue is still on its way
    assert.deepEqual(await this.node.inFlight(), { requests: 0, bytes: 0 });
    await this.node.assertBalanced();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sender[Symbol.asyncDispose]();
    await this.node[Symbol.asyncDispose]();
    for (const sink of this.#sinks) await sink[Symbol.asyncDispose]();
  }
}

export function assertBadData(way: SendVariant, answer: SenderAnswer, what: () => string): void {
  assert.equal(answer.code, way === "grpc" ? GRPC.INVALID_ARGUMENT : 400, what());
  assert.equal(answer.retryMs, undefined, what());
}

/** As real targets do: what cannot be decoded is refused as bad data. */
function decoding(refusing: SinkScript, noticed: () => void): SinkScript {
  return (request, nth): SinkAnswer => {
    if (request.signal !== undefined && decodes(request.signal, request.body))
      return { kind: "delay", ms: 1, next: OK };
    noticed();
    return refusing(request, nth);
  };
}

function refuse(code: number): (request: SinkRequest) => SinkAnswer {
  return () => ({ kind: "status", code, message: "cannot be decoded" });
}
