import assert from "node:assert/strict";
import { once } from "node:events";
import { constants, type ServerHttp2Stream, type Settings } from "node:http2";
import net from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ACK, FRAME, frame, nextOfType, PREFACE, readFrames } from "./frames.ts";
import {
  ask,
  clientOptions,
  framed,
  type Guarantees,
  Happenings,
  manualEnv,
  rawServer,
  request,
  type RawServer,
  utf8,
  whenClosed,
} from "./rig.ts";

/** A server that holds its streams until the test answers them. */
async function holding(
  settings: Settings = {},
  port = 0,
): Promise<RawServer & { readonly streams: Happenings<ServerHttp2Stream> }> {
  const streams = new Happenings<ServerHttp2Stream>();
  const server = await rawServer((stream) => streams.add(stream.resume()), { settings, port });
  return { ...server, streams };
}

function answer(stream: ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(framed(utf8("fine")));
}

function failure(reason: string, unprocessed: boolean): (result: object) => void {
  return (result) => {
    assert.partialDeepStrictEqual(result, { kind: "failed", reason, unprocessed });
  };
}

/** A port where nobody listens. */
async function deadPort(): Promise<number> {
  const server = net.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  assert.ok(address !== null && typeof address === "object");
  return address.port;
}

/** A TCP server that does with a socket what the test says. */
async function tcpServer(onSocket: (socket: net.Socket) => void): Promise<AsyncDisposable & { port: number }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onSocket(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** How the client uses its connections, and what becomes of calls when they end. */
export const CONNECTIONS: Guarantees = {
  "nothing is connected before the first call": async (transport) => {
    await using server = await holding();
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    assert.equal(server.sessions.all.length, 0);
    const result = ask(client);
    answer(await server.streams.next());
    assert.equal((await result).kind, "answer");
    assert.equal(server.sessions.all.length, 1);
  },
  "calls are spread over the connections, and no more are opened than allowed": async (transport) => {
    await using server = await holding();
    await using client = transport.connect(clientOptions(server.port, { connections: 2 }), manualEnv());
    const first = ask(client);
    const held = [await server.streams.next()];
    const second = ask(client); // goes to the busy connection; another one is opened meanwhile
    held.push(await server.streams.next());
    await server.sessions.next();
    await server.sessions.next();
    held.splice(0).forEach(answer);
    await Promise.all([first, second]);
    const more = Array.from({ length: 10 }, () => ask(client));
    for (let at = 0; at < 10; at++) held.push(await server.streams.next());
    const counts = server.sessions.all.map((session) => held.filter((stream) => stream.session === session).length);
    assert.deepEqual(counts, [5, 5]);
    held.forEach(answer);
    await Promise.all(more);
  },
  "calls beyond the peer's MAX_CONCURRENT_STREAMS wait for their turn, in order": async (transport) => {
    await using server = await holding({ maxConcurrentStreams: 1 });
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    const order: string[] = [];
    const results = ["a", "b", "c"].map((path) =>
      ask(client, request([utf8("x")], { path: `/${path}` })).then(() => order.push(path)),
    );
    for (let at = 0; at < 3; at++) answer(await server.streams.next());
    await Promise.all(results);
    assert.deepEqual(order, ["a", "b", "c"]);
  },
  "a call that waited until its timeout was certainly not processed": async (transport) => {
    const env = manualEnv();
    await using server = await holding({ maxConcurrentStreams: 1 });
    await using client = transport.connect(clientOptions(server.port), env);
    const first = ask(client, request([utf8("x")], { timeoutMs: 60_000 }));
    const held = await server.streams.next();
    const waiting = ask(client, request([utf8("x")], { timeoutMs: 1_000 }));
    env.clock.advance(1_000);
    failure("timeout", true)(await waiting);
    answer(held);
    assert.equal((await first).kind, "answer");
    assert.equal(server.streams.all.length, 1);
  },
  "a call that waited tells the server only the time that is left": async (transport) => {
    const env = manualEnv();
    await using server = await holding({ maxConcurrentStreams: 1 });
    const timeouts: unknown[] = [];
    server.server.on("stream", (_, headers) => timeouts.push(headers["grpc-timeout"]));
    await using client = transport.connect(clientOptions(server.port), env);
    const results = [ask(client), ask(client)];
    const held = await server.streams.next();
    env.clock.advance(4_000);
    answer(held);
    answer(await server.streams.next());
    await Promise.all(results);
    assert.deepEqual(timeouts, ["10000m", "6000m"]);
  },
  "a call without a reply in time is reset with CANCEL": async (transport) => {
    const env = manualEnv();
    await using server = await holding();
    await using client = transport.connect(clientOptions(server.port), env);
    const result = ask(client, request([utf8("x")], { timeoutMs: 1_000 }));
    const stream = await server.streams.next();
    const closed = once(stream, "close");
    env.clock.advance(1_000);
    failure("timeout", false)(await result);
    await closed;
    assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL);
  },
  "a cancelled call is reset with CANCEL, and says so once": async (transport) => {
    await using server = await holding();
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    const results = new Happenings<object>();
    const cancel = client.unary(request([utf8("x")]), (result) => results.add(result));
    const stream = await server.streams.next();
    const closed = once(stream, "close");
    cancel();
    cancel();
    failure("cancelled", false)(await results.next());
    await closed;
    assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL);
    cancel();
    assert.equal(results.all.length, 1);
  },
  "a call that is cancelled before it was sent was certainly not processed": async (transport) => {
    await using server = await tcpServer(() => undefined);
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    const results = new Happenings<object>();
    client.unary(request([utf8("x")]), (result) => results.add(result))();
    failure("cancelled", true)(await results.next());
  },
  "a refused connection fails its calls, and while the backoff lasts all calls at once": async (transport) => {
    const env = manualEnv();
    const port = await deadPort();
    await using client = transport.connect(clientOptions(port), env);
    failure("connect", true)(await ask(client));
    await using server = await holding({}, port);
    failure("connect", true)(await ask(client));
    assert.equal(server.sessions.all.length, 0);
    env.clock.advance(400);
    const result = ask(client);
    answer(await server.streams.next());
    assert.equal((await result).kind, "answer");
  },
  "a peer that accepts and says nothing is given up after connectTimeoutMs": async (transport) => {
    const env = manualEnv();
    const accepted = new Happenings<net.Socket>();
    await using server = await tcpServer((socket) => accepted.add(socket));
    await using client = transport.connect(clientOptions(server.port, { connectTimeoutMs: 3_000 }), env);
    const result = ask(client);
    await accepted.next();
    env.clock.advance(3_000);
    failure("connect", true)(await result);
  },
  "a peer that does not speak HTTP/2 fails the call": async (transport) => {
    await using server = await tcpServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    failure("connect", true)(await ask(client));
  },
  "a lost connection resets its calls, and the next call gets a new one": async (transport) => {
    await using server = await holding();
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    const result = ask(client);
    (await server.streams.next()).session?.destroy();
    failure("reset", false)(await result);
    const next = ask(client);
    answer(await server.streams.next());
    assert.equal((await next).kind, "answer");
    assert.equal(server.sessions.all.length, 2);
  },
  "a refused stream was certainly not processed, another reset may have been": async (transport) => {
    await using server = await holding();
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    const codes = [constants.NGHTTP2_REFUSED_STREAM, constants.NGHTTP2_INTERNAL_ERROR, constants.NGHTTP2_NO_ERROR];
    for (const code of codes) {
      const result = ask(client);
      (await server.streams.next()).close(code);
      failure("reset", code === constants.NGHTTP2_REFUSED_STREAM)(await result);
    }
  },
  "GOAWAY: calls above its last stream were not processed, those below end, new ones go elsewhere": async (
    transport,
  ) => {
    await using server = await holding();
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    const results = [ask(client), ask(client)];
    const below = await server.streams.next();
    const above = await server.streams.next();
    assert.ok(below.id !== undefined);
    below.session?.goaway(constants.NGHTTP2_NO_ERROR, below.id);
    failure("reset", true)(await results[1]!);
    const elsewhere = ask(client);
    const fresh = await server.streams.next();
    assert.notEqual(fresh.session, above.session);
    answer(below);
    answer(fresh);
    assert.deepEqual([(await results[0]!).kind, (await elsewhere).kind], ["answer", "answer"]);
  },
  "a GOAWAY for misbehaviour resets its calls, those above its last stream as unprocessed": async (transport) => {
    await using server = await holding();
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    const results = [ask(client), ask(client)];
    const below = await server.streams.next();
    await server.streams.next();
    assert.ok(below.id !== undefined);
    below.session?.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, below.id);
    failure("reset", false)(await results[0]!);
    failure("reset", true)(await results[1]!);
  },
  "a peer that does not answer a PING while calls are under way is given up": async (transport) => {
    const env = manualEnv();
    const peers = new Happenings<ReturnType<typeof readFrames>>();
    await using server = await tcpServer((socket) => {
      peers.add(readFrames(socket, PREFACE.length));
      socket.write(Buffer.concat([frame(FRAME.SETTINGS), frame(FRAME.SETTINGS, ACK)]));
    });
    await using client = transport.connect(
      clientOptions(server.port, { keepaliveTimeMs: 2_000, keepaliveTimeoutMs: 500 }),
      env,
    );
    const result = ask(client);
    const frames = await peers.next();
    await nextOfType(frames, FRAME.HEADERS);
    env.clock.advance(4_000);
    await nextOfType(frames, FRAME.PING);
    env.clock.advance(500);
    failure("reset", false)(await result);
  },
  "a peer that says too_many_pings is asked half as often, on its next connections, too": async (transport) => {
    const env = manualEnv();
    const sockets = new Happenings<net.Socket>();
    await using server = await tcpServer((socket) => {
      socket.write(Buffer.concat([frame(FRAME.SETTINGS), frame(FRAME.SETTINGS, ACK)]));
      sockets.add(socket);
    });
    await using client = transport.connect(
      clientOptions(server.port, { keepaliveTimeMs: 2_000, keepaliveTimeoutMs: 500 }),
      env,
    );
    const first = ask(client, request([utf8("x")], { timeoutMs: 60_000 }));
    const scolding = await sockets.next();
    await nextOfType(readFrames(scolding, PREFACE.length), FRAME.HEADERS);
    const calm = Buffer.concat([Buffer.of(0, 0, 0, 0, 0, 0, 0, 0x0b), Buffer.from("too_many_pings")]);
    scolding.end(frame(FRAME.GOAWAY, 0, calm));
    assert.equal((await first).kind, "failed");
    const second = ask(client, request([utf8("x")], { timeoutMs: 60_000 }));
    const frames = readFrames(await sockets.next(), PREFACE.length);
    await nextOfType(frames, FRAME.HEADERS);
    env.clock.advance(2_000);
    env.clock.advance(500); // with the old interval: asked, and given up
    let given = false;
    void second.then(() => void (given = true));
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    assert.equal(given, false);
    env.clock.advance(5_500);
    await nextOfType(frames, FRAME.PING);
    env.clock.advance(500);
    failure("reset", false)(await second);
  },
  "a connection on which nothing came while a call timed out gets no more calls": async (transport) => {
    const env = manualEnv();
    await using server = await holding();
    await using client = transport.connect(clientOptions(server.port), env);
    const ended = ask(client);
    answer(await server.streams.next());
    await ended;
    const late = ask(client);
    await server.streams.next();
    env.clock.advance(10_000);
    failure("timeout", false)(await late);
    const other = ask(client);
    const silent = await server.sessions.next();
    await server.sessions.next(); // one that is new
    answer(await server.streams.next());
    assert.equal((await other).kind, "answer");
    await whenClosed(silent);
  },
  "disposing lets the calls under way end, and fails those that wait and those that come": async (transport) => {
    await using server = await holding({ maxConcurrentStreams: 1 });
    const client = transport.connect(clientOptions(server.port), manualEnv());
    const underWay = ask(client);
    const stream = await server.streams.next();
    const waiting = ask(client);
    const disposed = client[Symbol.asyncDispose]();
    failure("connect", true)(await waiting);
    failure("connect", true)(await ask(client));
    answer(stream);
    assert.equal((await underWay).kind, "answer");
    await disposed;
  },
  "disposing a client that never connected, or twice, does nothing": async (transport) => {
    const client = transport.connect(clientOptions(1), manualEnv());
    await client[Symbol.asyncDispose]();
    await client[Symbol.asyncDispose]();
  },
  "no timer stays behind": async (transport) => {
    const env = manualEnv();
    await using server = await holding();
    const client = transport.connect(clientOptions(server.port, { keepaliveTimeMs: 1_000 }), env);
    const result = ask(client);
    answer(await server.streams.next());
    await result;
    await client[Symbol.asyncDispose]();
    assert.equal(env.clock.pending, 0);
  },
  "a URL that is neither http nor https is refused": async (transport) => {
    for (const url of ["ftp://x", "localhost:4317", ""]) {
      assert.throws(() => transport.connect({ ...clientOptions(1), url }, manualEnv()), { code: "CONFIG_INVALID" });
    }
    await Promise.resolve();
  },
};
