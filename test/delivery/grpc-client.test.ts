import assert from "node:assert/strict";
import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { createServer } from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { GRPC, grpcCodeName } from "../../src/otlp/grpc-code.ts";
import { SIGNAL_FACTS, SIGNALS } from "../../src/otlp/signal.ts";
import { createAuthority } from "../support/certs.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { exportResponse } from "../support/sinks/sink-reply.ts";
import { answers, hung, refusing } from "../support/sinks/sink-script.ts";
import { framed, rawServer, utf8 } from "../transport/rig.ts";
import { openGrpcJsPeer, type PeerAnswer } from "./grpc-js-peer.ts";
import { batchOf, openTo, send, summary, TWO_SPANS } from "./send.ts";

const RETRYABLE: readonly number[] = [
  GRPC.CANCELLED,
  GRPC.DEADLINE_EXCEEDED,
  GRPC.ABORTED,
  GRPC.OUT_OF_RANGE,
  GRPC.UNAVAILABLE,
  GRPC.DATA_LOSS,
];

test("gRPC: every status of the OTLP table, with and without RetryInfo", async () => {
  await using peer = await openGrpcJsPeer();
  await using client = openTo(peer.url, "grpc");
  for (const code of Object.values(GRPC)) {
    if (code === GRPC.OK) continue;
    const name = grpcCodeName(code);
    peer.answer = { code, text: "why" };
    const plain = await send(client);
    peer.answer = { code, text: "why", retryAfterMs: 1_500 };
    const hinted = await send(client);
    assert.equal(plain.message, `${name}: why`);
    if (RETRYABLE.includes(code)) {
      assert.equal(plain.kind, "retry", name);
      assert.equal(hinted.kind === "retry" && hinted.afterMs, 1_500, name);
    } else if (code === GRPC.RESOURCE_EXHAUSTED) {
      assert.deepEqual([summary(plain), summary(hinted)], ["too_large", "retry throttled 1500"]);
    } else if (code === GRPC.UNIMPLEMENTED) {
      assert.deepEqual([summary(plain), summary(hinted)], [`elsewhere ${name}`, `elsewhere ${name}`]);
    } else {
      const want = `rejected ${code === GRPC.INVALID_ARGUMENT ? "bad data " : ""}${name}`;
      assert.deepEqual([summary(plain), summary(hinted)], [want, want]);
    }
  }
});

const answersOfSuccess: { name: string; answer: PeerAnswer; want: string; message: string }[] = [
  { name: "full success", answer: { code: 0 }, want: "accepted 0", message: "" },
  {
    name: "partial success is accepted, with what was rejected",
    answer: { code: 0, message: exportResponse(3, "three are bad") },
    want: "accepted 3",
    message: "three are bad",
  },
  {
    name: "a warning is accepted",
    answer: { code: 0, message: exportResponse(0, "slow down") },
    want: "accepted 0",
    message: "slow down",
  },
  {
    name: "a reply that cannot be read is accepted: it must not be sent again",
    answer: { code: 0, message: Uint8Array.of(0x0a, 0xff) },
    want: "accepted 0",
    message: "",
  },
  {
    name: "a success above 4 MiB is a success",
    answer: { code: 0, message: exportResponse(1, "x".repeat(5 * 1024 * 1024)) },
    want: "accepted 0",
    message: "",
  },
];
for (const { name, answer, want, message } of answersOfSuccess) {
  test(`gRPC: ${name}`, async () => {
    await using peer = await openGrpcJsPeer();
    await using client = openTo(peer.url, "grpc");
    peer.answer = answer;
    const outcome = await send(client);
    assert.equal(summary(outcome), want);
    assert.equal(outcome.message, message);
    assert.equal(peer.bodies.length, 1);
  });
}

const ZIPPED: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: gzipSync,
  deflate: deflateSync,
  zstd: zstdCompressSync,
};
for (const transport of ["own", "node"] as const) {
  for (const [encoding, compress] of Object.entries(ZIPPED)) {
    test(`gRPC, ${transport}: a reply in ${encoding} is read, and nothing is sent twice`, async () => {
      const offered: unknown[] = [];
      await using server = await rawServer((stream, headers) => {
        offered.push(headers["grpc-accept-encoding"]);
        answerWith(stream, { "grpc-encoding": encoding }, framed(compress(exportResponse(3, "three")), 1));
      });
      await using client = openTo(`http://127.0.0.1:${server.port}`, "grpc", { transport });
      const outcome = await send(client);
      assert.deepEqual([summary(outcome), outcome.message], ["accepted 3", "three"]);
      assert.deepEqual(offered, ["identity,gzip,deflate,zstd"]);
    });
  }

  const odd: Readonly<Record<string, readonly [OutgoingHttpHeaders, Uint8Array]>> = {
    "no message": [{}, new Uint8Array(0)],
    "a message in an unknown encoding": [{ "grpc-encoding": "br" }, framed(utf8("x"), 1)],
    "a message that is not what its encoding says": [{ "grpc-encoding": "gzip" }, framed(utf8("x"), 1)],
    "a message that inflates to more than 4 MiB": [
      { "grpc-encoding": "gzip" },
      framed(gzipSync(Buffer.alloc(64 * 1024 * 1024)), 1),
    ],
    "two messages": [{}, Buffer.concat([framed(exportResponse(3, "")), framed(exportResponse(3, ""))])],
  };
  for (const [what, [headers, body]] of Object.entries(odd)) {
    test(`gRPC, ${transport}: status 0 with ${what} is a success`, async () => {
      await using server = await rawServer((stream) => answerWith(stream, headers, body));
      await using client = openTo(`http://127.0.0.1:${server.port}`, "grpc", { transport });
      const outcome = await send(client);
      assert.deepEqual([summary(outcome), outcome.message], ["accepted 0", ""]);
      assert.equal(outcome.kind === "accepted" && outcome.unreadable === true, what !== "no message");
    });
  }
}

function answerWith(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders, body: Uint8Array): void {
  stream.resume();
  stream.respond({ ":status": 200, "content-type": "application/grpc", ...headers }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(body);
}

test("gRPC: pieces arrive as one request, with the target's headers and our user agent", async () => {
  await using peer = await openGrpcJsPeer();
  await using client = openTo(peer.url, "grpc", { headers: { "x-tenant": "blue" } });
  await send(client);
  assert.deepEqual(peer.bodies, [Buffer.concat(TWO_SPANS)]);
  assert.deepEqual(peer.metadata[0]!.get("x-tenant"), ["blue"]);
  assert.match(String(peer.metadata[0]!.get("user-agent")[0]), /^Signalbox\/\d+\.\d+\.\d+/u);
});

test("gRPC: each signal has its own path", async () => {
  await using sink = await openGrpcSink();
  await using client = openTo(sink.url, "grpc");
  for (const signal of SIGNALS) await send(client, batchOf(TWO_SPANS, signal));
  assert.deepEqual(
    sink.requests.map(({ path }) => path),
    SIGNALS.map((signal) => SIGNAL_FACTS[signal].grpcPath),
  );
});

test("gRPC: gzip is applied to what is worth it, and unpacks to the same bytes", async () => {
  await using peer = await openGrpcJsPeer();
  await using sink = await openGrpcSink();
  await using toPeer = openTo(peer.url, "grpc", { compression: "gzip" });
  await using toSink = openTo(sink.url, "grpc", { compression: "gzip" });
  const many = Array.from({ length: 10_000 }, () => TWO_SPANS[0]!);
  await send(toPeer, batchOf(many));
  await send(toSink, batchOf(many));
  await send(toSink);
  assert.deepEqual(peer.bodies, [Buffer.concat(many)]);
  assert.deepEqual(
    sink.requests.map(({ encoding, items }) => [encoding, items]),
    [
      ["gzip", 10_000],
      ["identity", 2],
    ],
  );
  assert.ok(sink.requests[0]!.wireBytes < 1_000);
});

test("gRPC: zstd is applied to what is worth it, and unpacks to the same bytes", async () => {
  await using sink = await openGrpcSink();
  await using client = openTo(sink.url, "grpc", { compression: "zstd" });
  const many = Array.from({ length: 10_000 }, () => TWO_SPANS[0]!);
  await send(client, batchOf(many));
  await send(client);
  assert.deepEqual(
    sink.requests.map(({ encoding, items, body }) => [encoding, items, body.length]),
    [
      ["zstd", 10_000, Buffer.concat(many).length],
      ["identity", 2, Buffer.concat(TWO_SPANS).length],
    ],
  );
  assert.ok(sink.requests[0]!.wireBytes < 1_000);
});

test("gRPC: no answer in time, a reset, a lost connection and nobody listening are retried", async () => {
  await using sink = await openGrpcSink({ script: answers({ kind: "reset" }, { kind: "disconnect" }) });
  await using client = openTo(sink.url, "grpc");
  assert.equal(summary(await send(client)), "retry reset");
  assert.equal(summary(await send(client)), "retry reset");
  sink.script = hung;
  assert.equal(summary(await send(client, batchOf(), 50)), "retry timeout");
  await sink.kill();
  await using late = openTo(sink.url, "grpc");
  const outcome = await send(late);
  assert.deepEqual(outcome.kind === "retry" && [outcome.reason, outcome.unprocessed], ["connect", true]);
});

test("gRPC: REFUSED_STREAM tells that the call was not processed", async () => {
  await using sink = await openGrpcSink({ script: answers({ kind: "reset", http2Code: 7 }) });
  await using client = openTo(sink.url, "grpc");
  const outcome = await send(client);
  assert.deepEqual(outcome.kind === "retry" && [outcome.reason, outcome.unprocessed], ["reset", true]);
});

test("gRPC: a peer that speaks no HTTP/2 is retried, and ends nothing", async () => {
  const server = createServer((socket) =>
    socket
      .on("error", () => undefined)
      .resume()
      .end("220 smtp ready\r\n"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === "object");
  await using client = openTo(`http://127.0.0.1:${bound.port}`, "grpc");
  assert.equal((await send(client)).kind, "retry");
  await new Promise((resolve) => server.close(resolve));
  await using http = await openHttpSink();
  await using toHttp = openTo(http.url, "grpc");
  assert.equal((await send(toHttp)).kind, "retry");
});

test("gRPC: a cancelled call is told so, once, and not from within", async () => {
  await using sink = await openGrpcSink({ script: hung });
  await using client = openTo(sink.url, "grpc");
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

test("gRPC: TLS, with the authority and the client certificate of the config", async () => {
  const authority = await createAuthority();
  const server = await authority.server();
  const identity = await authority.client();
  await using sink = await openGrpcSink({ tls: { ...server, ca: authority.ca } });
  const tls = { ca: authority.ca, ...identity, serverName: undefined, insecureSkipVerify: false };
  await using client = openTo(sink.url, "grpc", { tls });
  assert.equal(summary(await send(client)), "accepted 0");
  await using stranger = openTo(sink.url, "grpc", { tls: { ...tls, ca: undefined } });
  assert.equal(summary(await send(stranger)), "retry connect");
});

test("gRPC: a target that comes back is used again", async () => {
  await using sink = await openGrpcSink({ script: refusing(GRPC.UNAVAILABLE) });
  await using client = openTo(sink.url, "grpc");
  assert.equal(summary(await send(client)), "retry unavailable");
  await sink.kill();
  assert.equal((await send(client)).kind, "retry");
  await sink.start();
  sink.script = answers();
  let outcome = await send(client);
  while (outcome.kind === "retry" && outcome.reason === "connect") {
    await turn(); // it rests before it connects again
    outcome = await send(client);
  }
  assert.equal(summary(outcome), "accepted 0");
});

for (const transport of ["own", "node"] as const) {
  test(`gRPC, ${transport}: disposing a client ends what is under way, or waits, as cancelled`, async () => {
    await using sink = await openGrpcSink({ script: hung });
    const client = openTo(sink.url, "grpc", { transport });
    const waiting = send(client);
    const compressed = openTo(sink.url, "grpc", { transport, compression: "gzip" });
    const begun = send(compressed);
    await compressed[Symbol.asyncDispose]();
    assert.equal(summary(await begun), "retry cancelled");
    await client[Symbol.asyncDispose]();
    assert.equal(summary(await waiting), "retry cancelled");
    const other = openTo(sink.url, "grpc", { transport });
    const calls = Array.from({ length: 3 }, () => send(other));
    while (sink.counts().requests < 3) await turn();
    await other[Symbol.asyncDispose]();
    const ends = (await Promise.all(calls)).map(summary);
    assert.deepEqual(ends, ["retry cancelled", "retry cancelled", "retry cancelled"]);
    assert.equal(summary(await send(other)), "retry cancelled");
  });
}
