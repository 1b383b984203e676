import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { generateTraces } from "../support/generated.ts";
import { GrpcConnection, prefix } from "../receive/grpc-client.ts";

const PROGRAM = fileURLToPath(new URL("./held-calls-node.ts", import.meta.url));
const TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/** What code and connections need is there after so many. */
const BEFORE = 500;
const CALLS = 2_000;
const CONNECTIONS = 3;
/**
 * Of the heap, for a call whose two parcels wait in two pools: some 1,800, with places in tables.
 * It was 3,700, when views, arrays that grow, closures and objects in place of fields were kept.
 */
const MOST_EACH = 2_500;

test("held calls: a call that waits for its targets keeps few objects on the heap", async () => {
  const servers = [createServer(() => undefined), createServer(() => undefined)]; // take connections, and never answer
  for (const server of servers) await once(server.listen(0, "127.0.0.1"), "listening");
  const ports = servers.map((server) => String((server.address() as AddressInfo).port)); // oxlint-disable-line typescript/no-unsafe-type-assertion -- of a port
  const env = { ...process.env, SIGNALBOX_ARENA_DEBUG: "", SIGNALBOX_TEST_WORKERS: "0", TEST_GRPC_TRANSPORT: "own" };
  const node = fork(PROGRAM, ports, { execArgv: ["--expose-gc"], env });
  try {
    const [{ grpc }] = (await once(node, "message")) as [{ grpc: string }]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what it says first
    const connections = Array.from({ length: CONNECTIONS }, () => new GrpcConnection(Number(grpc.split(":")[1])));
    const before = await hold(connections, BEFORE, node);
    const after = await hold(connections, BEFORE + CALLS, node);
    const each = (after - before) / CALLS;
    for (const { session } of connections) session.destroy();
    assert.ok(each > 500 && each < MOST_EACH, `${each} bytes each`);
  } finally {
    node.kill("SIGKILL");
    for (const server of servers) server.close();
  }
});

/** Begins calls until there are so many, and tells the heap when all of them are held. */
async function hold(connections: readonly GrpcConnection[], until: number, node: ChildProcess): Promise<number> {
  const message = Buffer.from(generateTraces({ items: 2, resources: 2, services: ["a", "b"], seed: 1, wallMs: 0 }));
  const framed = Buffer.concat([prefix(message.length), message]);
  for (let i = until === BEFORE ? 0 : BEFORE; i < until; i++)
    connections[i % connections.length]!.begin(TRACES, { "grpc-timeout": "1H" }).end(framed);
  return toldWhen(node, until);
}

async function toldWhen(node: ChildProcess, held: number): Promise<number> {
  for (;;) {
    node.send("tell");
    const [told] = (await once(node, "message")) as [{ held: number; heapBytes: number }]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what it answers
    if (told.held === held) return told.heapBytes;
    await pause(10);
  }
}
