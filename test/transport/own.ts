import assert from "node:assert/strict";
import { once } from "node:events";
import { get } from "node:http";
import { connect } from "node:http2";
import net from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { WaitingReader } from "../../src/core/arena/extent.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { ListeningServer } from "../../src/core/sockets/listening-server.ts";
import type { Backpressure, UnaryHandler } from "../../src/http2/port.ts";
import { STREAM_WINDOW_BYTES } from "../../src/http2/session-settings.ts";
import { headers, REQUEST, rst } from "../http2/core/raw.ts";
import { ACK, FRAME, frame, nextOfType, PREFACE, readFrames, silentClient } from "./frames.ts";
import {
  ask,
  clientOptions,
  echo,
  exchange,
  framed,
  type Guarantees,
  Happenings,
  hold,
  manualEnv,
  ok,
  PATH,
  rawConnect,
  rawStream,
  request,
  serverOptions,
  utf8,
  whenClosed,
} from "./rig.ts";

const PREFIX_BYTES = 5;

/** Full until it is relieved. */
class ManualPressure implements Backpressure {
  full = true;
  crowded = false;
  readonly #waiting = new Set<() => void>();

  onceRoom(run: () => void): () => void {
    this.#waiting.add(run);
    return () => void this.#waiting.delete(run);
  }

  relieve(): void {
    this.full = false;
    for (const run of this.#waiting) run();
  }
}

/** What our own HTTP/2 guarantees beyond the contract. */
export const OWN: Guarantees = {
  "while there is no room, peers get no more credit than their windows; when there is, what is owed": async (
    transport,
  ) => {
    const held: number[] = [];
    const { promise: windowUsed, resolve } = Promise.withResolvers<void>();
    const handler: UnaryHandler = (call) =>
      exchange({
        maxMessageBytes: 10_000_000,
        holds: (bytes) => {
          held.push(bytes);
          if (bytes === STREAM_WINDOW_BYTES - PREFIX_BYTES) resolve();
          return undefined;
        },
        message: (bytes) => call.reply(ok(utf8(String(bytes.length)))),
      });
    const pressure = new ManualPressure();
    await using server = await transport.listen(serverOptions(handler, { pressure }), manualEnv());
    const session = await rawConnect(server.port);
    const { stream, reply } = rawStream(session);
    stream.end(framed(new Uint8Array(6_000_000)));
    await windowUsed;
    const ping = (): Promise<void> => new Promise((done) => void session.ping(() => done()));
    await ping();
    await ping();
    assert.equal(held.at(-1), STREAM_WINDOW_BYTES - PREFIX_BYTES, "it sent more than it was allowed to");
    pressure.relieve();
    assert.deepEqual(Buffer.concat((await reply).chunks), framed(utf8("6000000")));
    session.destroy();
  },
  "a call that is held back gets no more credit than its window, and keeps none from others on its connection": async (
    transport,
  ) => {
    const readers: WaitingReader[] = [];
    const read: number[] = [];
    const { promise: windowUsed, resolve } = Promise.withResolvers<void>();
    const handler: UnaryHandler = (call) => {
      const index = read.push(0) - 1;
      return exchange({
        maxMessageBytes: 10_000_000,
        holds: (bytes) => {
          read[index] = bytes;
          if (index === 0 && bytes === STREAM_WINDOW_BYTES - PREFIX_BYTES) resolve();
          return undefined;
        },
        holdBack: (reader) => {
          if (index > 0) return false;
          readers.push(reader);
          return true;
        },
        message: (bytes) => call.reply(ok(utf8(String(bytes.length)))),
      });
    };
    const pressure = new ManualPressure();
    pressure.full = false;
    pressure.crowded = true;
    await using server = await transport.listen(serverOptions(handler, { pressure }), manualEnv());
    const session = await rawConnect(server.port);
    const held = rawStream(session);
    held.stream.end(framed(new Uint8Array(6_000_000)));
    await windowUsed;
    for (let i = 0; i < 5; i++) {
      const other = rawStream(session);
      other.stream.end(framed(new Uint8Array(6_000_000)));
      assert.deepEqual(
        Buffer.concat((await other.reply).chunks),
        framed(utf8("6000000")),
        "of 30 MB on one connection",
      );
    }
    assert.equal(read[0], STREAM_WINDOW_BYTES - PREFIX_BYTES, "it sent more than it was allowed to");
    pressure.crowded = false;
    readers[0]!.goOn();
    assert.deepEqual(Buffer.concat((await held.reply).chunks), framed(utf8("6000000")));
    session.destroy();
  },
  "a connection without a call for too long is asked to go away, one with a call is not": async (transport) => {
    const env = manualEnv();
    const { handler, calls } = hold();
    await using server = await transport.listen(serverOptions(handler, { maxConnectionIdleMs: 60_000 }), env);
    const session = await rawConnect(server.port);
    const goaway = once(session, "goaway");
    const { stream, reply } = rawStream(session);
    stream.end(framed(utf8("x")));
    const { call } = await calls.next();
    for (let second = 0; second < 120; second++) env.clock.advance(1_000);
    const ping = (): Promise<void> => new Promise((done) => void session.ping(() => done()));
    await ping();
    assert.equal(session.closed, false);
    call.reply(ok());
    await reply;
    for (let second = 0; second < 59; second++) env.clock.advance(1_000);
    await ping();
    assert.equal(session.closed, false);
    env.clock.advance(2_000);
    assert.equal((await goaway)[0], 0);
    await whenClosed(session);
  },
  "who speaks HTTP/1.1 gets an answer that can be read": async (transport) => {
    const faults = new Happenings<string>();
    const onFault = (reason: string): void => faults.add(reason);
    await using server = await transport.listen(serverOptions(echo, { onFault }), manualEnv());
    const asked = get({ host: "127.0.0.1", port: server.port, path: "/v1/traces" });
    const [reply] = (await once(asked, "response")) as [import("node:http").IncomingMessage];
    let text = "";
    for await (const chunk of reply) text += String(chunk);
    assert.equal(reply.statusCode, 505);
    assert.match(text, /gRPC/u);
    assert.equal(await faults.next(), "bad_preface");
  },
  "faults are told once, with their reason and the peer": async (transport) => {
    const faults = new Happenings<readonly [string, string]>();
    const onFault = (reason: string, peer: string): void => faults.add([reason, peer]);
    await using server = await transport.listen(serverOptions(echo, { onFault }), manualEnv());
    const socket = net.connect({ host: "127.0.0.1", port: server.port });
    await once(socket, "connect");
    const peer = `127.0.0.1:${socket.localPort}`;
    const frames = readFrames(socket);
    socket.write(Buffer.concat([Buffer.from(PREFACE), frame(FRAME.SETTINGS), frame(FRAME.PING, 0, Buffer.alloc(7))]));
    const goaway = await nextOfType(frames, FRAME.GOAWAY);
    assert.equal(goaway.payload.readUInt32BE(4), 6); // FRAME_SIZE_ERROR
    await whenClosed(socket);
    assert.deepEqual(faults.all, [["frame_size", peer]]);
  },
  "a peer that breaks the protocol gets GOAWAY, and is cut off when it does not leave": async (transport) => {
    const env = manualEnv();
    await using server = await transport.listen(serverOptions(echo), env);
    const socket = net.connect({ host: "127.0.0.1", port: server.port, allowHalfOpen: true });
    const frames = readFrames(socket);
    socket.write(Buffer.concat([Buffer.from(PREFACE), frame(FRAME.SETTINGS), frame(FRAME.PING, 0, Buffer.alloc(7))]));
    await nextOfType(frames, FRAME.GOAWAY);
    assert.equal(server.connections, 1);
    env.clock.advance(1_000);
    await gone(server);
    socket.destroy();
  },
  "a client that reads slowly gets all replies, whole and in order": async (transport) => {
    const piece = new Uint8Array(1_000_000).fill(7);
    await using server = await transport.listen(
      serverOptions((call) => exchange({ message: () => call.reply(ok(piece)) })),
      manualEnv(),
    );
    const session = await rawConnect(server.port);
    const replies = Array.from({ length: 10 }, () => {
      const { stream, reply } = rawStream(session);
      stream.pause();
      stream.end(framed(utf8("x")));
      setImmediate(() => stream.resume());
      return reply;
    });
    for (const { chunks, trailers } of await Promise.all(replies)) {
      assert.ok(Buffer.concat(chunks).equals(framed(piece)));
      assert.equal(trailers["grpc-status"], "0");
    }
    session.destroy();
  },
  "a sender whose message is not admitted is not read on, and other calls of its connection are": async (transport) => {
    const admitted = new Happenings<number>();
    await using server = await transport.listen(
      serverOptions((call) =>
        exchange({
          length: (bytes) => (bytes > 1_000 ? { status: 8, text: "full" } : undefined),
          message: (bytes) => {
            admitted.add(bytes.length);
            call.reply(ok(bytes));
          },
        }),
      ),
      manualEnv(),
    );
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    const big = request([new Uint8Array(30_000_000)]);
    const small = request([utf8("small")]);
    const results = await Promise.all([ask(client, big), ask(client, small), ask(client, big), ask(client, small)]);
    assert.deepEqual(
      results.map((result) => result.kind === "answer" && result.status),
      [8, 0, 8, 0],
    );
    assert.deepEqual(admitted.all, [5, 5]);
  },
  "heads of requests with one metadata object differ in path, encoding and time left": async (transport) => {
    const seen = new Happenings<unknown>();
    await using server = await transport.listen(
      serverOptions((call) => {
        seen.add([call.path, call.encoding, call.timeoutMs, call.header("x-a")]);
        call.reply({ status: 5, text: "" });
        return undefined;
      }),
      manualEnv(),
    );
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    const metadata = { "x-a": "1" };
    for (const path of [PATH, "/other"]) {
      for (const encoding of ["identity", "gzip"] as const) {
        for (const timeoutMs of [1_000, 1_000, 2_500.5]) {
          await ask(client, request([utf8("x")], { metadata, path, encoding, timeoutMs }));
          assert.deepEqual(await seen.next(), [path, encoding, Math.ceil(timeoutMs), "1"]);
        }
      }
    }
  },
  "a done that starts the next call keeps the connection going": async (transport) => {
    await using server = await transport.listen(serverOptions(echo), manualEnv());
    await using client = transport.connect(clientOptions(server.port), manualEnv());
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = 200;
    const next = (): void => {
      client.unary(request([utf8(`${left}`)]), (result) => {
        assert.ok(result.kind === "answer" && Buffer.from(result.message).toString() === `${left}`);
        if (--left === 0) resolve();
        else next();
      });
    };
    next();
    await promise;
    assert.equal(server.connections, 1);
  },
  "whatever is cancelled, late, refused, large or cut off: each call has one result, and each exchange one end": async (
    transport,
  ) => {
    const random = seededRandom(11);
    const begun = new Map<object, number>();
    const handler: UnaryHandler = (call) => {
      if (random.next() < 0.1) {
        call.reply({ status: 16, text: "no" });
        return undefined;
      }
      const told = {};
      begun.set(told, 0);
      const end = (): void => void begun.set(told, (begun.get(told) ?? 0) + 1);
      return exchange({
        length: () => (random.next() < 0.1 ? (end(), { status: 8, text: "full" }) : undefined),
        message(bytes) {
          end();
          const answer = (): void => call.reply(random.next() < 0.8 ? ok(bytes) : { status: 14, text: "later" });
          if (random.next() < 0.5) answer();
          else if (random.next() < 0.9) setImmediate(answer);
        },
        cancelled: () => begun.get(told) === 0 && end(),
      });
    };
    const env = manualEnv();
    await using server = await transport.listen(serverOptions(handler, { maxConcurrentStreams: 20 }), env);
    await using client = transport.connect(
      clientOptions(server.port, { connections: 3, maxResponseBytes: 1_000_000 }),
      env,
    );
    const results = new Map<number, number>();
    for (let at = 0; at < 400; at++) {
      const piece = new Uint8Array(Math.floor(10 ** (random.next() * 6)));
      const timeoutMs = 500 + random.next() * 1_000;
      const done = (): void => void results.set(at, (results.get(at) ?? 0) + 1);
      const cancel = client.unary(request([piece, piece], { timeoutMs }), done);
      if (random.next() < 0.2) setImmediate(cancel);
    }
    while (results.size < 400) {
      await nextTurn();
      env.clock.advance(1);
    }
    await client[Symbol.asyncDispose]();
    await gone(server);
    assert.deepEqual([new Set(results.values()), new Set(begun.values())], [new Set([1]), new Set([1])]);
  },
  "a call whose headers are more than its peer takes fails before it is sent, and others of the connection go on":
    async (transport) => {
      await using server = await transport.listen(serverOptions(echo, { maxHeaderBytes: 1_000 }), manualEnv());
      await using client = transport.connect(clientOptions(server.port), manualEnv());
      const large = request([utf8("x")], { metadata: { authorization: "y".repeat(1_000) } });
      assert.equal((await ask(client)).kind, "answer");
      const result = await ask(client, large);
      assert.ok(result.kind === "failed");
      assert.deepEqual([result.reason, result.unprocessed], ["protocol", true]);
      assert.match(result.text, /headers take 1\d{3} bytes, the peer takes 1000/u);
      assert.equal((await ask(client)).kind, "answer");
      assert.equal(server.connections, 1);
    },
  "a client that takes few headers gets a status that fits": async (transport) => {
    const reply = { status: 14, text: "t".repeat(1_000), details: new Uint8Array(1_000) };
    await using server = await transport.listen(
      serverOptions((call) => (call.reply(reply), undefined)),
      manualEnv(),
    );
    const session = connect(`http://127.0.0.1:${server.port}`, { settings: { maxHeaderListSize: 400 } });
    await once(session, "remoteSettings");
    const { stream, reply: answer } = rawStream(session);
    stream.end(framed(utf8("x")));
    const { headers: head } = await answer;
    assert.equal(head["grpc-status"], "14");
    assert.match(String(head["grpc-message"]), /^t{50,300}$/u);
    assert.equal(head["grpc-status-details-bin"], undefined);
    session.destroy();
  },
  "a client that calls off what takes long is served on; one that resets at once is not": async (transport) => {
    const faults = new Happenings<string>();
    const env = manualEnv();
    const { handler, cancelled } = hold();
    const options = serverOptions((call) => (call.path === PATH ? handler(call) : echo(call)), {
      onFault: (reason: string): void => faults.add(reason),
    });
    await using server = await transport.listen(options, env);
    await using client = transport.connect(clientOptions(server.port), env);
    for (let round = 0; round < 10; round++) {
      const slow = Array.from({ length: 90 }, () => ask(client, request([utf8("x")], { timeoutMs: 100 })));
      await ask(client, request([utf8("x")], { path: "/echo", timeoutMs: 1_000_000 })); // the others are there, too
      env.clock.advance(100);
      for (const result of await Promise.all(slow)) assert.equal(result.kind === "failed" && result.reason, "timeout");
    }
    assert.equal((await ask(client, request([utf8("x")], { path: "/echo" }))).kind, "answer");
    assert.deepEqual([faults.all, server.connections], [[], 1]);
    while (cancelled.all.length < 900) await nextTurn();
    const { socket, frames } = silentClient(server.port);
    for (let i = 1; i < 1_000; i += 2) socket.write(Buffer.concat([headers(i, REQUEST, 0), rst(i)]));
    const goaway = await nextOfType(frames, FRAME.GOAWAY);
    assert.equal(goaway.payload.readUInt32BE(4), 11); // ENHANCE_YOUR_CALM
    assert.equal(await faults.next(), "rapid_reset");
    socket.destroy();
    assert.equal((await ask(client, request([utf8("x")], { path: "/echo" }))).kind, "answer");
  },
  "a client that never says hello is not greeted either": async (transport) => {
    await using server = await transport.listen(serverOptions(echo), manualEnv());
    const { socket, frames } = silentClient(server.port);
    const silent = net.connect({ host: "127.0.0.1", port: server.port });
    let bytes = 0;
    silent.on("data", (chunk: Buffer) => (bytes += chunk.length));
    await once(silent, "connect");
    const settings = await nextOfType(frames, FRAME.SETTINGS);
    assert.equal(settings.flags & ACK, 0);
    assert.equal(bytes, 0);
    socket.destroy();
    silent.destroy();
  },
};

async function gone(server: ListeningServer): Promise<void> {
  while (server.connections > 0) await nextTurn();
}
