import { setImmediate as turn } from "node:timers/promises";
import { zstdCompressSync } from "node:zlib";
import { generateTraces } from "../support/generated.ts";
import { startTestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";

/**
 * A node whose only target is not there gets so many small requests, and acknowledges them. Prints
 * what the system says that the process holds before and after, and what the queue counts.
 */
const REQUESTS = Number(process.argv[2]);
/** What code and connections need is there after so many. */
const BEFORE = 1_000;

interface Memory {
  readonly rss: number;
  readonly arrayBuffers: number;
  readonly counted: number;
}

await using node = await startTestNode({
  targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }],
  pools: { p: { targets: ["a"], ack: "queued", when_down: "hold" } },
  default_pool: "p",
  node: { shutdown_grace: "0s" },
});
await using sender = new OtlpSender(node);
const small = Buffer.from(generateTraces({ items: 2, resources: 1, services: ["s"], seed: 1, wallMs: 0 }));
const packed = zstdCompressSync(small);
const json = Buffer.from('{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"some name"}]}]}]}');

await sendAll(BEFORE);
const before = await memory();
await sendAll(REQUESTS);
const after = await memory();
process.stdout.write(JSON.stringify({ before, after }));

async function sendAll(requests: number): Promise<void> {
  for (let i = 0; i < requests; i++) {
    const { ok, message } = await sendOne(i % 4);
    if (!ok) throw new Error(message);
    // What else a busy process does with node's pool: each time it needs another one.
    for (let k = 0; k < 2; k++) Buffer.allocUnsafe(30_000).fill(1);
  }
}

function sendOne(way: number): ReturnType<OtlpSender["send"]> {
  if (way === 0) return sender.send("grpc", "traces", small);
  if (way === 1) return sender.send("http", "traces", small);
  if (way === 2) return sender.send("http", "traces", packed, { encoded: "zstd" });
  return sender.send("json", "traces", json);
}

async function memory(): Promise<Memory> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await turn(); // buffers are given back by a thread of its own
  }
  const { rss, arrayBuffers } = process.memoryUsage();
  return { rss, arrayBuffers, counted: (await node.status()).pools.reduce((sum, pool) => sum + pool.queuedBytes, 0) };
}
