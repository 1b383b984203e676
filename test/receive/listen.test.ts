import assert from "node:assert/strict";
import { once } from "node:events";
import { request, type RequestOptions } from "node:https";
import { connect } from "node:http2";
import { createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import { before, test } from "node:test";
import { HTTP_TRANSPORTS } from "../../src/core/http-transport.ts";
import { RouterError } from "../../src/core/errors.ts";
import { resetSocket } from "../../src/core/reset-socket.ts";
import { SIGNAL_FACTS } from "../../src/otlp/signal.ts";
import { createAuthority, type Identity, type TestAuthority } from "../support/certs.ts";
import { answerOf, GrpcConnection, prefix } from "./grpc-client.ts";
import { openReceiving } from "./harness.ts";
import { post, RawConnection, rawHead } from "./http-client.ts";

const TRACES = SIGNAL_FACTS.traces.grpcPath;
const OK = { ok: true, rejected: 0, message: "" } as const;

let authority: TestAuthority;
let server: Identity;
let client: Identity;

before(async () => {
  authority = await createAuthority();
  [server, client] = await Promise.all([authority.server(), authority.client()]);
});

test("TLS: both listeners serve who trusts the authority, and survive who does not speak TLS", async () => {
  await using receiving = await openReceiving({ tls: server });
  await using plain = await RawConnection.open(receiving.httpPort);
  plain.send(rawHead("/v1/traces", { "content-length": 0 }));
  assert.equal(await plain.rest(), "");
  assert.equal(await postTls(receiving.httpPort, { ca: authority.ca }), 200);
  assert.equal(await callTls(receiving.grpcPort, { ca: authority.ca }), 0);
  await assert.rejects(postTls(receiving.httpPort, {}));
});

test("TLS: connections that are reset within their handshake, or after it, disturb nobody", async () => {
  await using receiving = await openReceiving({ tls: server });
  for (const port of [receiving.httpPort, receiving.grpcPort]) {
    const half = await RawConnection.open(port);
    half.send(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    resetSocket(half.socket);
    const under = await RawConnection.open(port);
    const whole = connectTls({ socket: under.socket, ca: authority.ca, ALPNProtocols: ["h2", "http/1.1"] });
    whole.on("error", () => {}); // its own reset
    await once(whole, "secureConnect");
    whole.write("POST /v1/traces HTTP/1.1\r\ncontent-");
    resetSocket(under.socket);
  }
  assert.equal(await postTls(receiving.httpPort, { ca: authority.ca }), 200);
  assert.equal(await callTls(receiving.grpcPort, { ca: authority.ca }), 0);
});

test("mTLS: who has no certificate of the authority is not let in", async () => {
  const other = await (await createAuthority("another")).client();
  await using receiving = await openReceiving({ tls: { ...server, clientCa: authority.ca } });
  for (const identity of [{}, other]) {
    await assert.rejects(postTls(receiving.httpPort, { ca: authority.ca, ...identity }));
    await assert.rejects(callTls(receiving.grpcPort, { ca: authority.ca, ...identity }));
  }
  assert.equal(receiving.carried.length, 0);
  assert.equal(await postTls(receiving.httpPort, { ca: authority.ca, ...client }), 200);
  assert.equal(await callTls(receiving.grpcPort, { ca: authority.ca, ...client }), 0);
});

for (const which of ["http", "grpc"] as const) {
  test(`an address in use is LISTEN_FAILED with a hint, and nothing stays open: ${which}`, async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await assert.rejects(openReceiving({ [which]: { port } }), (error: unknown) => {
      assert.ok(error instanceof RouterError);
      assert.deepEqual([error.code, error.message.includes(`127.0.0.1:${port}`)], ["LISTEN_FAILED", true]);
      assert.match(error.hint ?? "", /another process/u);
      return true;
    });
    taken.close();
  });

  test(`a certificate that is none, or not the key's, is TLS_INVALID with a hint: ${which}`, async () => {
    const another = await authority.server();
    for (const tls of [
      { cert: "no", key: "no" },
      { cert: server.cert, key: another.key },
    ]) {
      await assert.rejects(openReceiving({ [which]: { tls } }), (error: unknown) => {
        assert.ok(error instanceof RouterError);
        assert.equal(error.code, "TLS_INVALID");
        assert.match(error.hint ?? "", /PEM/u);
        return true;
      });
    }
  });
}

test("drain: what is under way is answered, idle connections are closed, nothing new is let in", async () => {
  await using receiving = await openReceiving({ answer: () => "hold" });
  await using idle = await RawConnection.open(receiving.httpPort);
  await using busy = await RawConnection.open(receiving.httpPort);
  await using grpc = new GrpcConnection(receiving.grpcPort);
  busy.send(rawHead("/v1/traces", { "content-length": 0 }));
  const overHttp = await receiving.nextHeld();
  const call = grpc.call(TRACES, Buffer.alloc(0));
  const overGrpc = await receiving.nextHeld();
  const drained = receiving.listeners.drain(60_000);
  await assert.rejects(post(receiving.httpPort, "/v1/traces", Buffer.alloc(0)), { code: "ECONNREFUSED" });
  overHttp.finish(OK);
  overGrpc.finish(OK);
  const text = await busy.rest();
  assert.match(text, /^HTTP\/1\.1 200 [^]*Connection: close/u);
  assert.equal((await call).status, 0);
  await drained;
  assert.equal(await idle.rest(), "");
  assert.equal(receiving.listeners.byKind.get("otlp_http")?.connections, 0);
});

test("drain: pipelined requests are all answered before their connection is closed", async () => {
  await using receiving = await openReceiving({ answer: () => "hold" });
  await using raw = await RawConnection.open(receiving.httpPort);
  raw.send(rawHead("/v1/traces", { "content-length": 0 }), rawHead("/v1/logs", { "content-length": 0 }));
  const both = [await receiving.nextHeld(), await receiving.nextHeld()];
  const drained = receiving.listeners.drain(60_000);
  for (const held of both) held.finish(OK);
  assert.equal((await raw.rest()).split("200 OK").length, 3);
  await drained;
});

test("drain: after its grace time what is left is cut off, and the next stage is told", async () => {
  await using receiving = await openReceiving({ answer: () => "hold" });
  const lost = assert.rejects(post(receiving.httpPort, "/v1/traces", Buffer.alloc(10)));
  const held = await receiving.nextHeld();
  await receiving.listeners.byKind.get("otlp_http")?.drain(50);
  await lost;
  while (!held.cancelled) await new Promise(setImmediate);
  assert.equal(receiving.admission.inFlightBytes, 10);
});

test("drain: without anything under way it is done at once, also with half a TLS handshake", async () => {
  await using receiving = await openReceiving({ tls: server });
  await using half = await RawConnection.open(receiving.httpPort);
  half.send(Buffer.from([0x16, 0x03]));
  const silent = connectTls({ host: "127.0.0.1", port: receiving.httpPort, ca: authority.ca });
  await once(silent, "secureConnect");
  await receiving.listeners.byKind.get("otlp_http")?.drain(600_000);
  await half.rest();
  silent.destroy();
});

test("TLS: who ends within a request is told so, and keeps no connection", async () => {
  await using receiving = await openReceiving({ tls: server, http: { transport: "own" } });
  const socket = connectTls({ host: "127.0.0.1", port: receiving.httpPort, ca: authority.ca });
  await once(socket, "secureConnect");
  socket.end(`${rawHead("/v1/traces", { "content-length": 10 })}half`);
  let text = "";
  for await (const bytes of socket) text += String(bytes);
  assert.match(text, /^HTTP\/1\.1 400 /u);
  const connections = (): number | undefined => receiving.listeners.byKind.get("otlp_http")?.connections;
  while (connections() !== 0) await new Promise(setImmediate);
});

function postTls(port: number, options: RequestOptions): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const headers = { "content-type": "application/x-protobuf" };
  const call = request({
    host: "127.0.0.1",
    port,
    path: "/v1/traces",
    method: "POST",
    headers,
    agent: false,
    ...options,
  });
  call.once("error", reject);
  call.once("response", (response) => {
    response.resume();
    resolve(response.statusCode ?? 0);
  });
  call.end();
  return promise;
}

async function callTls(port: number, options: RequestOptions): Promise<number> {
  const { ca, cert, key } = options;
  const given = Object.fromEntries(Object.entries({ ca, cert, key }).filter((entry) => entry[1] !== undefined));
  const session = connect(`https://127.0.0.1:${port}`, given);
  const failed = new Promise<never>((_resolve, reject) => session.once("error", reject));
  const stream = session.request({
    ":method": "POST",
    ":path": TRACES,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {}); // the session's error tells why
  stream.end(prefix(0));
  try {
    return (await Promise.race([answerOf(stream), failed])).status;
  } finally {
    session.destroy();
  }
}

for (const transport of HTTP_TRANSPORTS) {
  test(`${transport}: who ends within a request is told so, also where the connection was accepted elsewhere`, async () => {
    await using receiving = await openReceiving({ http: { transport, handedOver: true } });
    const acceptor = createServer((socket) => receiving.listeners.byKind.get("otlp_http")?.take(socket));
    acceptor.listen(0, "127.0.0.1");
    await once(acceptor, "listening");
    const place = acceptor.address();
    assert.ok(place !== null && typeof place === "object");
    await using raw = await RawConnection.open(place.port);
    raw.send(rawHead("/v1/traces", { "content-length": 10 }), "half");
    raw.socket.end();
    acceptor.close();
    assert.match(await raw.rest(), /^HTTP\/1\.1 400 /u);
  });
}
