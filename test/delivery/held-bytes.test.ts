import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { generateTraces } from "../support/generated.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { encodeRequest, type Plain } from "../support/oracle/oracle.ts";
import { OtlpSender, type SendOptions, type SendVariant } from "../support/otlp-sender.ts";

/**
 * The memory that queued parcels hold is looked at from outside: what the process says of its
 * buffers, not what we count.
 */
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Parcels that wait, and beside them nothing: buffers of sockets, of this test and its tools. */
const SLACK_BYTES = 4 * 1_048_576;
const PARCELS = 2_000;

async function bufferBytes(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    collect();
    await turn(); // buffers are given back by a thread of its own
  }
  return process.memoryUsage().arrayBuffers;
}

/** Its only targets are not there, so that what is acknowledged stays. */
function openFull(more: Readonly<Record<string, unknown>> = {}): Promise<TestNode> {
  const config = {
    targets: [
      { id: "a", endpoint: "http://127.0.0.1:1" },
      { id: "b", endpoint: "http://127.0.0.1:1" },
    ],
    pools: {
      p: { targets: ["a"], ack: "queued", when_down: "hold" },
      q: { targets: ["b"], ack: "queued", when_down: "hold" },
    },
    default_pool: "p",
    ...more,
    node: { shutdown_grace: "0s" },
  };
  return startTestNode(config, { inProcess: "its buffers are measured in the test's process" });
}

async function heldOf(node: TestNode): Promise<number> {
  return (await node.status()).pools.reduce((sum, pool) => sum + pool.queuedBytes, 0);
}

const small = Buffer.from(generateTraces({ items: 2, resources: 1, services: ["s"], seed: 1, wallMs: 0 }));
const json = Buffer.from('{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"some name"}]}]}]}');
/** Of JSON, most of which says nothing. */
const padded = Buffer.from(json.toString().padEnd(60_000));

const ways: readonly {
  readonly name: string;
  readonly way: SendVariant;
  readonly body: Buffer;
  readonly options?: SendOptions;
}[] = [
  { name: "gRPC", way: "grpc", body: small },
  { name: "gRPC with gzip", way: "grpc", body: gzipSync(small), options: { encoded: "gzip" } },
  { name: "HTTP", way: "http", body: small },
  { name: "HTTP with zstd", way: "http", body: zstdCompressSync(small), options: { encoded: "zstd" } },
  { name: "HTTP with deflate", way: "http", body: deflateSync(small), options: { encoded: "deflate" } },
  { name: "JSON", way: "json", body: json },
  { name: "JSON that is mostly space", way: "json", body: padded },
];

for (const { name, way, body, options } of ways) {
  test(`held bytes: ${PARCELS} small parcels that came by ${name} and wait hold what the queue counts`, async () => {
    await using node = await openFull();
    await using sender = new OtlpSender(node);
    await sender.send(way, "traces", body, options);
    const [buffers, counted] = [await bufferBytes(), await heldOf(node)];
    for (let i = 0; i < PARCELS; i++) {
      const answer = await sender.send(way, "traces", body, options);
      assert.ok(answer.ok, answer.message);
      Buffer.allocUnsafe(30_000); // what else a busy process does with node's pool
    }
    await assertHeld(node, buffers, counted);
  });
}

test("held bytes: small parts of large requests hold what the queue counts, whoever took the rest", async () => {
  // One resource in a hundred goes to another pool; that other part is half of it.
  const rule = { id: "r", conditions: [{ service_name: "rare" }], pool: "q" };
  await using node = await openFull({ rules: [rule] });
  await using sender = new OtlpSender(node);
  const resource = (service: string, bytes: number): Plain => ({
    resource: { attributes: [{ key: "service.name", value: { stringValue: service } }] },
    scopeSpans: [{ spans: [{ name: "n".repeat(bytes) }] }],
  });
  const request = encodeRequest("traces", { resourceSpans: [resource("rare", 400), resource("usual", 20_000)] });
  const halves = encodeRequest("traces", { resourceSpans: [resource("rare", 6_000), resource("usual", 6_000)] });
  const [buffers, counted] = [await bufferBytes(), await heldOf(node)];
  for (let i = 0; i < 600; i++) {
    assert.ok((await sender.send("grpc", "traces", i % 2 === 0 ? request : halves)).ok);
  }
  await assertHeld(node, buffers, counted);
});

async function assertHeld(node: TestNode, buffersBefore: number, countedBefore: number): Promise<void> {
  const held = (await bufferBytes()) - buffersBefore;
  const counted = (await heldOf(node)) - countedBefore;
  assert.ok(counted > 0);
  assert.ok(held <= counted * 1.25 + SLACK_BYTES, `${counted} bytes are counted, ${held} are held`);
}
