import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { test } from "node:test";
import { Client, credentials } from "@grpc/grpc-js";
import { prepare } from "../../src/generate/generate.ts";
import { type PreparedRequest, stamp } from "../../src/generate/prepared.ts";
import { freePorts } from "../../test/support/free-port.ts";
import { copyPrepared } from "../../test/support/generated.ts";
import { resetSocket } from "../../src/core/reset-socket.ts";
import { SIGNAL_FACTS } from "../../src/otlp/signal.ts";
import { openGrpcSink } from "../../test/support/sinks/grpc-sink.ts";
import { openHttpSink } from "../../test/support/sinks/http-sink.ts";
import { answers, hung } from "../../test/support/sinks/sink-script.ts";
import type { SinkAnswer } from "../../test/support/sinks/sink-script.ts";
import { benchIdentity } from "../identity.ts";
import { FRAME, frame, settingsFrame } from "./frames.ts";
import { GrpcConnection, MESSAGE_AT } from "./grpc-client.ts";
import type { GrpcPeer } from "./grpc-client.ts";
import { AT_ONCE, listenGrpc } from "./grpc-server.ts";
import { HttpConnection } from "./http-client.ts";

const PATH = SIGNAL_FACTS.traces.grpcPath;

const prepared = new Map<number, PreparedRequest>();

/** MESSAGE_AT free bytes, then a request of these items; generated once for each size. */
function requestOf(items: number, firstNumber: number): Buffer {
  const known =
    prepared.get(items) ?? prepare("traces", "protobuf", { items, resources: 2, services: ["a"], seed: 1, wallMs: 0 });
  prepared.set(items, known);
  const own = copyPrepared(known);
  stamp(own, { source: 1, firstNumber });
  return Buffer.concat([Buffer.alloc(MESSAGE_AT), own.bytes]);
}

function same(bytes: Buffer): Buffer {
  return bytes;
}

async function connected(port: number, how: Pick<GrpcPeer, "tls" | "turns"> = {}): Promise<GrpcConnection> {
  const connection = new GrpcConnection({ host: "127.0.0.1", port, path: PATH, encoding: "identity", ...how });
  await connection.opened;
  return connection;
}

function portOf(server: Server): number {
  const bound = server.address();
  return bound !== null && typeof bound === "object" ? bound.port : assert.fail("it does not listen");
}

async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}

function call(connection: GrpcConnection, bytes: Buffer): Promise<{ status: number; messageBytes: number }> {
  return new Promise((resolve) => {
    connection.call(bytes, false, (status, messageBytes) => resolve({ status, messageBytes }));
  });
}

test("bench client: requests of all sizes arrive whole at node:http2, also beyond its windows", async () => {
  await using sink = await openGrpcSink();
  const connection = await connected(sink.port);
  // 20,000 spans are 7 MB: more than a stream's window; eight of them more than the connection's.
  const sizes = [1, 10, 1_000, 20_000, 20_000, 20_000, 20_000, 20_000, 20_000, 20_000, 20_000, 5];
  let first = 0;
  const calls = sizes.map((items) => {
    const bytes = requestOf(items, first);
    first += items;
    return call(connection, bytes);
  });
  const replies = await Promise.all(calls);
  connection.destroy();
  assert.ok(replies.every(({ status, messageBytes }) => status === 0 && messageBytes === 0));
  assert.deepEqual(sink.tally.counts(), { seen: first, distinct: first, duplicates: 0, beyond: 0 });
});

const ends: { name: string; answer: SinkAnswer; status: number; messageBytes: number }[] = [
  { name: "one digit", answer: { kind: "status", code: 8, message: "no" }, status: 8, messageBytes: 0 },
  { name: "two digits", answer: { kind: "status", code: 14, retryAfterMs: 10 }, status: 14, messageBytes: 0 },
  { name: "a partial success", answer: { kind: "partial", rejected: 1, message: "x" }, status: 0, messageBytes: 7 },
  { name: "a reset", answer: { kind: "reset" }, status: -1, messageBytes: 0 },
  { name: "a lost connection", answer: { kind: "disconnect" }, status: -1, messageBytes: 0 },
];
for (const { name, answer, status, messageBytes } of ends) {
  test(`bench client: reads ${name}`, async () => {
    await using sink = await openGrpcSink({ script: answers(answer) });
    const connection = await connected(sink.port);
    assert.deepEqual(await call(connection, requestOf(1, 0)), { status, messageBytes });
    connection.destroy();
  });
}

test("bench client: calls under way end when the server is killed", async () => {
  await using sink = await openGrpcSink({ script: hung });
  const connection = await connected(sink.port);
  const calls = [call(connection, requestOf(1, 0)), call(connection, requestOf(1, 1))];
  await sink.until(({ requests }) => requests === 2);
  await sink.kill();
  assert.deepEqual(
    (await Promise.all(calls)).map(({ status }) => status),
    [-1, -1],
  );
  assert.equal(connection.usable, false);
});

/** Does with each connection what it is told. */
async function listening(serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => serve(socket.on("error", () => undefined)));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}

const strangers: { name: string; serve: (socket: Socket) => void; why: RegExp }[] = [
  {
    name: "ends the connection",
    serve: (socket) => socket.resume().end(),
    why: /its peer ended it, .* sent nothing$/u,
  },
  {
    name: "speaks HTTP/1.1",
    serve: (socket) => socket.resume().end("HTTP/1.1 400 Bad Request\r\n\r\n"),
    why: /its peer ended it, .* sent 28 bytes: "HTTP\/1.1 400 Bad Request/u,
  },
  { name: "resets the connection", serve: resetSocket, why: /ECONNRESET|EPIPE/u },
];
for (const { name, serve, why } of strangers) {
  test(`bench client: tells of a peer that ${name}`, async () => {
    const server = await listening(serve);
    await assert.rejects(connected(portOf(server)), { message: why });
    await closed(server);
  });
}

test("bench client: calls are told who ended their connection, and in which words", async () => {
  const words = Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 0, 11]), Buffer.from("too_many_pings")]);
  const told: string[] = [];
  for (const last of [Buffer.alloc(0), frame(FRAME.GOAWAY, 0, 0, words)]) {
    const server = await listening((socket) => {
      let received = 0;
      socket.write(settingsFrame([]));
      socket.on("data", ({ length }) => {
        received += length;
        if (received > 256) socket.end(last); // more than a client says before it calls
      });
    });
    const connection = await connected(portOf(server));
    told.push(
      await new Promise((resolve) =>
        connection.call(requestOf(1, 0), false, (_status, _bytes, _all, why) => resolve(why)),
      ),
    );
    await closed(server);
  }
  assert.deepEqual(told, [
    "connection lost: its peer ended it",
    'connection closed 11 "too_many_pings": its peer ended it',
  ]);
});

test("bench: ports for systems are none that the machine gives to others meanwhile, nor twice the same", async () => {
  const given = (await Promise.all(Array.from({ length: 6 }, () => freePorts(3)))).flat();
  assert.equal(new Set(given).size, given.length);
  assert.ok(Math.max(...given) < 32_768, "Linux gives those above to whoever asks for any");
});

test("bench sink: takes what grpc-js sends, whatever its size, and answers each call", async () => {
  const sizes: number[] = [];
  const server = await listenGrpc(0, (message) => sizes.push(message.length));
  const client = new Client(`127.0.0.1:${portOf(server)}`, credentials.createInsecure());
  const wanted = [0, 1, 100, 70_000, 5_000_000, 30_000_000, 3];
  for (const size of wanted) {
    const reply = await new Promise<Buffer | undefined>((resolve, reject) => {
      client.makeUnaryRequest(PATH, same, same, Buffer.alloc(size), (error, value) =>
        error === null ? resolve(value) : reject(error),
      );
    });
    assert.equal(reply?.length, 0);
  }
  assert.deepEqual(sizes, wanted);
  client.close();
  await closed(server);
});

test("bench sink: takes what the bench client sends, many calls at once", async () => {
  let bytes = 0;
  const server = await listenGrpc(0, (message) => (bytes += message.length));
  const connection = await connected(portOf(server));
  const requests = Array.from({ length: 200 }, (_, i) => requestOf(i % 2 === 0 ? 3 : 300, 0));
  const replies = await Promise.all(requests.map((request) => call(connection, request)));
  assert.ok(replies.every(({ status }) => status === 0));
  assert.equal(
    bytes,
    requests.reduce((sum, request) => sum + request.length - MESSAGE_AT, 0),
  );
  connection.destroy();
  await closed(server);
});

test("bench sink: refuses calls as a target that is down for a while, and takes those after it", async () => {
  let taken = 0;
  let now = AT_ONCE;
  const server = await listenGrpc(0, () => taken++, { answers: () => now });
  const connection = await connected(portOf(server));
  const statuses: number[] = [];
  for (const unavailable of [true, false, true, false]) {
    now = { ...AT_ONCE, unavailable };
    statuses.push((await call(connection, requestOf(1, 0))).status);
  }
  connection.destroy();
  await closed(server);
  assert.deepEqual(statuses, [14, 0, 14, 0]);
  assert.equal(taken, 2);
});

test("bench client: a small call overtakes a large one when calls send in turns, and otherwise waits for it", async () => {
  const server = await listenGrpc(0, () => undefined);
  for (const turns of [true, false]) {
    const connection = await connected(portOf(server), { turns });
    const order: string[] = [];
    const large = call(connection, requestOf(20_000, 0)).then(() => order.push("large"));
    const small = call(connection, requestOf(1, 20_000)).then(() => order.push("small"));
    await Promise.all([large, small]);
    connection.destroy();
    assert.deepEqual(order, turns ? ["small", "large"] : ["large", "small"]);
  }
  await closed(server);
});

test("bench client and sink: requests of all sizes come whole over TLS", async () => {
  let bytes = 0;
  const server = await listenGrpc(0, (message) => (bytes += message.length), { tls: await benchIdentity() });
  const connection = await connected(portOf(server), { tls: true });
  const requests = [1, 100, 20_000, 10].map((items, i) => requestOf(items, 20_000 * i));
  const replies = await Promise.all(requests.map((request) => call(connection, request)));
  connection.destroy();
  await closed(server);
  assert.ok(replies.every(({ status }) => status === 0));
  assert.equal(
    bytes,
    requests.reduce((sum, request) => sum + request.length - MESSAGE_AT, 0),
  );
});

function openHttp(port: number, pipelined = 1): HttpConnection {
  return new HttpConnection({
    host: "127.0.0.1",
    port,
    path: "/v1/traces",
    encoding: "protobuf",
    gzip: false,
    pipelined,
  });
}

test("bench HTTP client: posts one body after the other and reads chunked and empty replies", async () => {
  const statuses: number[] = [];
  await using sink = await openHttpSink({
    script: answers({ kind: "ok" }, { kind: "status", code: 503, message: "x" }),
  });
  const connection = openHttp(sink.port);
  await connection.opened;
  for (let i = 0; i < 3; i++) {
    const body = requestOf(500, i * 500).subarray(MESSAGE_AT);
    statuses.push(await new Promise<number>((resolve) => connection.post(body, resolve)));
  }
  connection.destroy();
  assert.deepEqual(statuses, [200, 503, 200]);
  assert.equal(sink.counts().acceptedItems, 1_000);
});

test("bench HTTP client: answers of a pipeline go to their requests", async () => {
  await using sink = await openHttpSink({
    script: answers({ kind: "ok" }, { kind: "status", code: 503, message: "x" }),
  });
  const connection = openHttp(sink.port, 3);
  await connection.opened;
  const statuses = await Promise.all(
    [0, 1, 2].map((i) => {
      assert.ok(connection.usable);
      const body = requestOf(500, i * 500).subarray(MESSAGE_AT);
      return new Promise<number>((resolve) => connection.post(body, resolve));
    }),
  );
  connection.destroy();
  assert.deepEqual(statuses, [200, 503, 200]);
  assert.equal(sink.counts().acceptedItems, 1_000);
});

test("bench HTTP client: a call under way ends when the server is killed", async () => {
  await using sink = await openHttpSink({ script: hung });
  const connection = openHttp(sink.port);
  await connection.opened;
  const answered = new Promise<number>((resolve) => connection.post(requestOf(1, 0).subarray(MESSAGE_AT), resolve));
  await sink.until(({ requests }) => requests === 1);
  await sink.kill();
  assert.equal(await answered, -1);
  assert.equal(connection.usable, false);
});
