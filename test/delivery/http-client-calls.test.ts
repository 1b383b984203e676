import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { seededRandom } from "../../src/core/random.ts";
import { openClient } from "../../src/data/export/client.ts";
import type { Batch, TargetClient } from "../../src/data/export/target-client.ts";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { answers, hung } from "../support/sinks/sink-script.ts";
import { targetPlan } from "./pool-rig.ts";
import { batchOf, openTo, send, summary } from "./send.ts";

const HTTP = "http/protobuf";

test("HTTP: disposing a client ends what is under way as cancelled", async () => {
  await using sink = await openHttpSink({ script: hung });
  const client = openTo(sink.url, HTTP);
  const calls = Array.from({ length: 3 }, () => send(client));
  await client[Symbol.asyncDispose]();
  assert.deepEqual((await Promise.all(calls)).map(summary), ["retry cancelled", "retry cancelled", "retry cancelled"]);
  assert.equal(summary(await send(client)), "retry cancelled");
});

test("HTTP: no answer in time, a lost connection and nobody listening are retried", async () => {
  await using sink = await openHttpSink({ script: answers({ kind: "disconnect" }) });
  await using client = openTo(sink.url, HTTP);
  const lost = await send(client);
  assert.deepEqual(lost.kind === "retry" && [lost.reason, lost.unprocessed], ["reset", false]);
  sink.script = hung;
  assert.equal(summary(await send(client, batchOf(), 50)), "retry timeout");
  await sink.kill();
  const refused = await send(client);
  assert.deepEqual(refused.kind === "retry" && [refused.reason, refused.unprocessed], ["connect", true]);
});

test("HTTP: no call waits for another, and all end when their connections are lost", async () => {
  await using sink = await openHttpSink({ script: hung });
  await using client = openTo(sink.url, HTTP);
  const sends = [1, 2, 3].map(() => send(client, batchOf(), 60_000));
  await sink.until(({ requests }) => requests === 3);
  assert.equal(sink.counts().connections, 3);
  await sink.kill();
  assert.deepEqual((await Promise.all(sends)).map(summary), ["retry reset", "retry reset", "retry reset"]);
});

test("HTTP: a cancelled call is told so, once, and not from within", async () => {
  await using sink = await openHttpSink({ script: hung });
  await using client = openTo(sink.url, HTTP);
  const seen: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = client.send(batchOf(), 10_000, (outcome) => {
    seen.push(summary(outcome));
    resolve();
  });
  await sink.until(({ requests }) => requests === 1);
  cancel();
  assert.deepEqual(seen, []);
  await promise;
  cancel();
  assert.deepEqual(seen, ["retry cancelled"]);
});

/** So much that no socket takes it at once. */
const LONG = Buffer.alloc(16 * 1_048_576);
const EARLY = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
const FINE = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/** A batch of long bytes, and how many read them beside the call itself. */
function counted(): { readonly batch: Batch; readonly uses: () => number } {
  let uses = 0;
  const owner = { retain: () => void uses++, release: () => void uses-- };
  return { batch: { ...batchOf([LONG]), owner }, uses: () => uses };
}

/** A peer that is told of what has come, and how many connections there were. */
async function openReader(received: (socket: Socket, bytes: number) => void) {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    let bytes = 0;
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => received(socket, (bytes += chunk.length)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === "object");
  return { url: `http://127.0.0.1:${bound.port}`, connections: () => connections, close: () => server.close() };
}

/** A client for which no time passes: how long a connection waits must not hang on the machine. */
function openStill(url: string): TargetClient {
  const plan = targetPlan("t", { url, protocol: HTTP });
  return openClient(() => plan, { clock: new ManualClock(), random: seededRandom(1), metrics: createMetrics() });
}

test("HTTP: an answer may come before the request is written: what still is goes out, and then the connection is used again", async () => {
  let reader: Socket | undefined;
  const peer = await openReader((socket, bytes) => {
    if (reader === undefined) {
      reader = socket.pause();
      socket.write(EARLY);
    } else if (bytes > 2 * LONG.length) socket.write(FINE);
  });
  await using client = openStill(peer.url);
  const { batch, uses } = counted();
  assert.equal(summary(await send(client, batch)), "too_large");
  assert.equal(uses(), 1, "its bytes are not given back while the socket reads them");
  reader!.resume();
  while (uses() > 0) await turn();
  const again = counted();
  assert.equal(summary(await send(client, again.batch)), "accepted 0");
  assert.deepEqual([peer.connections(), uses(), again.uses()], [1, 0, 0]);
  peer.close();
});

test("HTTP: of a call that is given up nothing is given back before its connection has closed", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const peer = await openReader((socket) => {
    socket.pause();
    resolve();
  });
  await using client = openStill(peer.url);
  const { batch, uses } = counted();
  const ended = Promise.withResolvers<SendOutcome>();
  const cancel = client.send(batch, 60_000, ended.resolve);
  await promise;
  cancel();
  assert.equal(uses(), 1);
  assert.equal(summary(await ended.promise), "retry cancelled");
  while (uses() > 0) await turn();
  peer.close();
});
