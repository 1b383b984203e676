import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { Timers } from "../../src/core/timers.ts";
import { HttpCall, watchKept } from "../../src/data/export/http-call.ts";
import { JOIN_MEMORY } from "../../src/data/export/join-memory.ts";
import { createAuthority } from "../support/certs.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { answers, hung } from "../support/sinks/sink-script.ts";
import { batchOf, openTo, send, summary, TWO_SPANS } from "./send.ts";

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

test("HTTP: bodies are joined in memory that is used again once they are written, over TLS, too", async () => {
  const authority = await createAuthority();
  const tls = { ca: authority.ca, cert: undefined, key: undefined, serverName: undefined, insecureSkipVerify: false };
  await using plain = await openHttpSink();
  await using secure = await openHttpSink({ tls: await authority.server() });
  await using client = openTo(plain.url, HTTP);
  await using other = openTo(secure.url, HTTP, { tls });
  const batch = batchOf(Array.from({ length: 3_000 }, () => TWO_SPANS[0]!));
  const before = JOIN_MEMORY.freeBytes;
  for (const each of [client, client, other, other]) {
    assert.equal(summary(await send(each, batch)), "accepted 0");
    assert.equal(JOIN_MEMORY.freeBytes - before, 32_768);
  }
  assert.deepEqual([plain.counts().acceptedItems, secure.counts().acceptedItems], [6_000, 6_000]);
});

test("HTTP: what a connection has not written yet is not joined into again", async () => {
  await using sink = await openHttpSink();
  const socket = connect(Number(new URL(sink.url).port));
  await once(socket, "connect");
  const counted = watchKept(socket, { begins: undefined });
  socket.cork();
  socket.write("GET");
  let given = 0;
  const joined = { bytes: Buffer.from("GET"), giveBack: () => void given++ };
  const owner = { maxResponseBytes: 1, clock: systemClock, timers: new Timers(systemClock), closing: false };
  for (const isWritten of [false, true]) {
    if (isWritten) {
      socket.uncork();
      await new Promise<void>((resolve) => void socket.write(" ", () => resolve()));
    }
    assert.equal(counted.hasWritten(), isWritten);
    const call = new HttpCall("traces", owner, () => {}, { joined });
    call.beganOn(counted);
    call.cancel();
    assert.equal(given, isWritten ? 1 : 0);
  }
  new HttpCall("traces", owner, () => {}, { joined }).cancel(); // not begun: it may be yet
  assert.equal(given, 1);
  socket.destroy();
});
