import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { generateTraces } from "../support/generated.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { eventually } from "./worker-node.ts";

const MIB = 1_048_576;
/** Of buffers beside what was admitted: those of sockets, zlib and the reader. */
const BUFFERS_SLACK = 8 * MIB;
/** Of the process: its nursery (16 MiB), what the collector leaves, and the same. */
const RSS_SLACK = 48 * MIB;

const PLUGIN = `
import { renameSync, writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
process.on("SIGUSR2", async () => {
  for (let i = 0; i < 4; i++) {
    collect();
    await new Promise(setImmediate); // buffers are given back by a thread of its own
  }
  const { rss, arrayBuffers } = process.memoryUsage();
  const own = new URL("told-" + process.pid, import.meta.url);
  writeFileSync(new URL(own + ".part"), JSON.stringify({ rss, arrayBuffers }));
  renameSync(new URL(own + ".part"), own);
});
export default () => undefined;
`;

interface Memory {
  readonly rss: number;
  readonly arrayBuffers: number;
}

/** Lets a worker say what the system says that its process holds. */
class MemoryProbe implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "signalbox-memory-"));
  readonly plugins: readonly string[];

  constructor() {
    this.plugins = [join(this.#folder, "probe.mjs")];
    writeFileSync(this.plugins[0]!, PLUGIN);
  }

  async of(node: TestNode): Promise<Memory> {
    const [worker] = (await node.status()).workers;
    const file = join(this.#folder, `told-${worker!.pid}`);
    rmSync(file, { force: true });
    process.kill(worker!.pid!, "SIGUSR2");
    await eventually(async () => existsSync(file));
    return JSON.parse(readFileSync(file, "utf8")) as Memory; // oxlint-disable-line typescript/no-unsafe-type-assertion -- as the plugin wrote it
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function held(node: TestNode): Promise<number> {
  return (await node.status()).pools.reduce((sum, pool) => sum + pool.queuedBytes, 0);
}

const large = Buffer.from(generateTraces({ items: 600, resources: 3, services: ["s"], seed: 1, wallMs: 0 }));
const packed = gzipSync(large);

/** Until the queue is full; gives what it holds then. */
async function fill(node: TestNode, sender: OtlpSender): Promise<number> {
  for (let i = 0; ; i++) {
    assert.ok(i < 1_000, "it takes without end");
    const gzip = i % 4 === 1;
    const { ok } = await sender.send(i % 2 === 0 ? "grpc" : "http", "traces", gzip ? packed : large, {
      gzip: gzip && "already",
    });
    if (!ok) return held(node);
  }
}

test("workers: one whose queue is full holds what was admitted, and a second time no more than the first", async () => {
  using probe = new MemoryProbe();
  await using a = await openGrpcSink();
  const target = { id: "a", endpoint: "http://127.0.0.1:1", health_check: false, ejection: { rest: "100ms" } };
  const pool = { targets: ["a"], ack: "queued", when_down: "hold", queue: { max_bytes: "16MiB" } };
  const limits = { max_request_bytes: "1MiB", max_in_flight_bytes: "8MiB" };
  const config = { targets: [target], pools: { p: pool }, default_pool: "p", node: { limits, plugins: probe.plugins } };
  await using node = await startTestNode(config, { sinks: { a }, workers: 1 });
  await using sender = new OtlpSender(node);
  await sender.send("http", "traces", packed, { gzip: "already" });
  await eventually(async () => (await held(node)) === 0);
  const before = await probe.of(node);
  let full: Memory | undefined;
  for (let round = 0; round < 2; round++) {
    await a.kill();
    const counted = await fill(node, sender);
    assert.ok(counted > 8 * MIB, `${counted} bytes were admitted`);
    const now = await probe.of(node);
    const buffers = now.arrayBuffers - before.arrayBuffers;
    assert.ok(buffers <= counted * 1.25 + BUFFERS_SLACK, `${counted} bytes are counted, ${buffers} are in buffers`);
    const grown = now.rss - before.rss;
    assert.ok(grown <= counted * 1.25 + RSS_SLACK, `${counted} bytes are counted, the process grew by ${grown}`);
    if (full !== undefined) assert.ok(now.rss <= full.rss + RSS_SLACK / 2, `${full.rss} bytes, then ${now.rss}`);
    full = now;
    await a.start();
    await eventually(async () => (await held(node)) === 0);
    const after = await probe.of(node);
    assert.ok(after.arrayBuffers <= before.arrayBuffers + BUFFERS_SLACK, `${after.arrayBuffers} bytes are in buffers`);
  }
});

test("workers: bodies of which only half comes make a worker no larger than it admits", async () => {
  using probe = new MemoryProbe();
  await using a = await openGrpcSink();
  const limits = { max_request_bytes: "1MiB", max_in_flight_bytes: "8MiB" };
  const config = { default_pool: { targets: ["a"] }, node: { limits, plugins: probe.plugins } };
  await using node = await startTestNode(config, { sinks: { a }, workers: 1 });
  await using sender = new OtlpSender(node);
  assert.equal((await sender.send("http", "traces", large)).ok, true);
  const before = await probe.of(node);
  const head = `POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: ${MIB}\r\n\r\n`;
  const refused = new Set<Socket>();
  const sockets: Socket[] = [];
  while (sockets.length < 64) {
    const socket = connect(Number(node.http.split(":").at(-1)), "127.0.0.1");
    sockets.push(socket.on("error", () => undefined).on("data", () => void refused.add(socket)));
    socket.write(head);
    socket.write(Buffer.alloc(MIB / 2, 1));
  }
  // Some are held, the others refused.
  await eventually(async () => refused.size + (await node.inFlight()).requests >= sockets.length);
  assert.ok(refused.size > 0);
  const now = await probe.of(node);
  assert.ok(now.arrayBuffers - before.arrayBuffers <= 8 * MIB + BUFFERS_SLACK, `${now.arrayBuffers} are in buffers`);
  assert.ok(now.rss - before.rss <= 16 * MIB + RSS_SLACK, `the process grew by ${now.rss - before.rss}`);
  for (const socket of sockets) socket.destroy();
  await eventually(async () => (await node.inFlight()).bytes === 0);
  const after = await probe.of(node);
  assert.ok(after.arrayBuffers <= before.arrayBuffers + BUFFERS_SLACK, `${after.arrayBuffers} are in buffers`);
  assert.equal((await sender.send("http", "traces", large)).ok, true);
});
