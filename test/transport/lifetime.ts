import assert from "node:assert/strict";
import { once } from "node:events";
import http2, { constants } from "node:http2";
import net from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ListeningServer } from "../../src/core/sockets/listening-server.ts";
import type { UnaryHandler } from "../../src/http2/port.ts";
import { FRAME, nextOfType, silentClient } from "./frames.ts";
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
  rawConnect,
  rawStream,
  request,
  serverOptions,
  utf8,
  whenClosed,
} from "./rig.ts";

/** Resolves when the server has read all that the session sent before. */
function roundTrip(session: http2.ClientHttp2Session): Promise<unknown> {
  return new Promise((resolve) => session.ping(resolve));
}

function goaways(session: http2.ClientHttp2Session): Happenings<number> {
  const codes = new Happenings<number>();
  session.on("goaway", (code: number) => codes.add(code));
  return codes;
}

/** How connections and calls of the server end. */
export const LIFETIME: Guarantees = {
  "a client that resets its call before the message is whole cancels it once": async (transport) => {
    const { handler, cancelled, calls } = hold();
    await using server = await transport.listen(serverOptions(handler), manualEnv());
    const session = await rawConnect(server.port);
    for (const code of [constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_INTERNAL_ERROR]) {
      const { stream } = rawStream(session);
      stream.write(framed(utf8("half a message")).subarray(0, 9));
      await roundTrip(session);
      stream.close(code);
      await cancelled.next();
    }
    await roundTrip(session);
    assert.deepEqual([cancelled.all.length, calls.all.length], [3, 0]);
    session.destroy();
  },
  "a client that resets its call while it waits for the reply cancels it once, and a reply then does nothing": async (
    transport,
  ) => {
    const { handler, calls, cancelled } = hold();
    await using server = await transport.listen(serverOptions(handler), manualEnv());
    const session = await rawConnect(server.port);
    const { stream } = rawStream(session);
    stream.end(framed(utf8("x")));
    const { call } = await calls.next();
    stream.close(constants.NGHTTP2_CANCEL);
    await cancelled.next();
    call.reply(ok());
    await roundTrip(session);
    assert.equal(cancelled.all.length, 1);
    session.destroy();
  },
  "calls that are reset in the moment they are made do no harm, and each that was begun is cancelled": async (
    transport,
  ) => {
    let begun = 0;
    const { handler, cancelled } = hold();
    const counting: UnaryHandler = (call) => {
      begun++;
      return handler(call);
    };
    await using server = await transport.listen(serverOptions(counting), manualEnv());
    const session = await rawConnect(server.port);
    const kinds = [{}, { ":method": "GET" }, { "content-type": "text/plain" }, { "grpc-timeout": "soon" }];
    const replies = kinds.flatMap((headers) =>
      Array.from({ length: 10 }, (_, at) => {
        const { stream, reply } = rawStream(session, headers);
        if (at % 2 === 0) stream.write(framed(utf8("half of it")).subarray(0, 9));
        stream.close(constants.NGHTTP2_CANCEL);
        return reply;
      }),
    );
    await Promise.all(replies);
    await roundTrip(session);
    while (cancelled.all.length < begun) await cancelled.next();
    assert.equal(cancelled.all.length, begun);
    session.destroy();
  },
  "a lost connection cancels the calls that have no reply, and no others": async (transport) => {
    const { handler, calls, cancelled } = hold();
    await using server = await transport.listen(serverOptions(handler), manualEnv());
    const session = await rawConnect(server.port);
    const answered = rawStream(session);
    answered.stream.end(framed(utf8("a")));
    (await calls.next()).call.reply(ok());
    await answered.reply;
    for (const path of ["/b", "/c"]) rawStream(session, { ":path": path }).stream.end(framed(utf8("x")));
    await calls.next();
    await calls.next();
    session.destroy();
    assert.deepEqual([await cancelled.next(), await cancelled.next()].toSorted(), ["/b", "/c"]);
    assert.equal(cancelled.all.length, 2);
  },
  "an old connection gets GOAWAY, and the call under way its reply": async (transport) => {
    const env = manualEnv();
    const { handler, calls } = hold();
    await using server = await transport.listen(
      serverOptions(handler, { maxConnectionAgeMs: 60_000, maxConnectionAgeGraceMs: 30_000 }),
      env,
    );
    const session = await rawConnect(server.port);
    const codes = goaways(session);
    const { stream, reply } = rawStream(session);
    stream.end(framed(utf8("x")));
    const { call } = await calls.next();
    env.clock.advance(53_999);
    await roundTrip(session);
    assert.deepEqual(codes.all, []);
    env.clock.advance(12_001);
    assert.equal(await codes.next(), constants.NGHTTP2_NO_ERROR);
    call.reply(ok(utf8("late")));
    assert.equal((await reply).trailers["grpc-status"], "0");
    await whenClosed(session);
    await server[Symbol.asyncDispose]();
    assert.equal(env.clock.pending, 0);
  },
  "an old connection whose call does not end is closed after the grace": async (transport) => {
    const env = manualEnv();
    const { handler, calls, cancelled } = hold();
    const options = serverOptions(handler, { maxConnectionAgeMs: 1_000, maxConnectionAgeGraceMs: 500 });
    await using server = await transport.listen(options, env);
    const session = await rawConnect(server.port);
    const codes = goaways(session);
    const { stream, reply } = rawStream(session);
    stream.end(framed(utf8("x")));
    await calls.next();
    env.clock.advance(1_100);
    await codes.next();
    env.clock.advance(500);
    assert.equal((await reply).headers[":status"], undefined);
    assert.equal(cancelled.all.length, 1);
  },
  "the ages of connections that came together differ": async (transport) => {
    const env = manualEnv();
    await using server = await transport.listen(serverOptions(echo, { maxConnectionAgeMs: 100_000 }), env);
    const left: number[] = [];
    const sessions = await Promise.all(Array.from({ length: 5 }, () => rawConnect(server.port)));
    for (const session of sessions) session.once("goaway", () => left.push(env.clock.nowMs()));
    env.clock.advance(90_000);
    for (let step = 0; step < 20; step++) {
      env.clock.advance(1_000);
      const open = sessions.filter((session) => !session.destroyed && !session.closed);
      await Promise.all(open.map((session) => roundTrip(session)));
    }
    assert.equal(left.length, 5);
    assert.ok(new Set(left).size > 1);
  },
  "a connection that does not answer a PING is closed": async (transport) => {
    const env = manualEnv();
    const options = serverOptions(echo, { keepaliveTimeMs: 10_000, keepaliveTimeoutMs: 2_000 });
    await using server = await transport.listen(options, env);
    const { socket, frames } = silentClient(server.port);
    await nextOfType(frames, FRAME.SETTINGS); // the server's own
    await nextOfType(frames, FRAME.SETTINGS); // its answer: it has read ours
    env.clock.advance(20_000);
    await nextOfType(frames, FRAME.PING);
    env.clock.advance(2_000);
    await whenClosed(socket);
  },
  "a connection that answers its PINGs stays": async (transport) => {
    const env = manualEnv();
    const options = serverOptions(echo, { keepaliveTimeMs: 10_000, keepaliveTimeoutMs: 2_000 });
    await using server = await transport.listen(options, env);
    const session = await rawConnect(server.port);
    await roundTrip(session);
    env.clock.advance(10_000); // there were bytes since the beginning: no PING yet
    for (let times = 0; times < 3; times++) {
      const pinged = once(session, "ping");
      env.clock.advance(10_000);
      await pinged;
      await roundTrip(session);
      env.clock.advance(2_000);
    }
    await roundTrip(session);
    assert.equal(server.connections, 1);
    session.destroy();
  },
  "a connection that never says hello is closed": async (transport) => {
    const env = manualEnv();
    await using server = await transport.listen(serverOptions(echo), env);
    const socket = net.connect({ host: "127.0.0.1", port: server.port });
    socket.on("error", () => undefined);
    socket.resume();
    await accepted(server, 1);
    env.clock.advance(10_000);
    await whenClosed(socket);
  },
  "drain lets the calls under way end, and takes no new connection": async (transport) => {
    const env = manualEnv();
    const { handler, calls } = hold();
    await using server = await transport.listen(serverOptions(handler), env);
    const idle = await rawConnect(server.port);
    const session = await rawConnect(server.port);
    const codes = goaways(session);
    const { stream, reply } = rawStream(session);
    stream.end(framed(utf8("x")));
    const { call } = await calls.next();
    const drained = server.drain(5_000);
    await codes.next();
    await assert.rejects(rawOnce(server.port), { code: "ECONNREFUSED" });
    call.reply(ok());
    await drained;
    assert.equal((await reply).trailers["grpc-status"], "0");
    assert.equal(server.connections, 0);
    await whenClosed(idle);
  },
  "drain is not held up by calls that were refused before their message was read": async (transport) => {
    const env = manualEnv();
    const { handler, calls } = hold();
    await using server = await transport.listen(
      serverOptions((call) => {
        if (call.path !== "/refused") return handler(call);
        call.reply({ status: 16, text: "" });
        return undefined;
      }),
      env,
    );
    const session = await rawConnect(server.port);
    const refused = rawStream(session, { ":path": "/refused" });
    refused.stream.write(framed(new Uint8Array(100_000)));
    await once(refused.stream, "response");
    const { stream, reply } = rawStream(session);
    stream.end(framed(utf8("x")));
    (await calls.next()).call.reply(ok());
    await reply;
    await server.drain(5_000);
    assert.equal(server.connections, 0);
  },
  "what does not end within the grace of drain is reset": async (transport) => {
    const env = manualEnv();
    const { handler, calls, cancelled } = hold();
    await using server = await transport.listen(serverOptions(handler), env);
    await using client = transport.connect(clientOptions(server.port), env);
    const result = ask(client);
    await calls.next();
    const drained = server.drain(3_000);
    env.clock.advance(3_000);
    await drained;
    const { kind, ...rest } = await result;
    assert.equal(kind, "failed");
    assert.ok("reason" in rest && rest.reason === "reset" && !rest.unprocessed);
    assert.equal(cancelled.all.length, 1);
  },
  "calls that arrive while the server says GOAWAY are answered or known to be unprocessed": async (transport) => {
    const env = manualEnv();
    const handled = new Happenings<string>();
    const server = await transport.listen(
      serverOptions((call) =>
        exchange({
          message(bytes) {
            handled.add(Buffer.from(bytes).toString());
            call.reply(ok());
          },
        }),
      ),
      env,
    );
    await using client = transport.connect(clientOptions(server.port), env);
    await ask(client, request([utf8("first")]));
    const results = Array.from({ length: 50 }, (_, at) => ask(client, request([utf8(`${at}`)])));
    const drained = server.drain(5_000);
    const outcomes = await Promise.all(results);
    await drained;
    for (const [at, outcome] of outcomes.entries()) {
      const unprocessed = outcome.kind === "failed" && outcome.unprocessed;
      assert.equal(handled.all.includes(`${at}`), !unprocessed, `${at}: ${JSON.stringify(outcome)}`);
    }
  },
  "disposing the server ends everything at once": async (transport) => {
    const env = manualEnv();
    const { handler, calls, cancelled } = hold();
    const server = await transport.listen(
      serverOptions(handler, { maxConnectionAgeMs: 60_000, keepaliveTimeMs: 60_000 }),
      env,
    );
    const session = await rawConnect(server.port);
    const silent = net.connect({ host: "127.0.0.1", port: server.port });
    silent.on("error", () => undefined);
    silent.resume();
    await accepted(server, 2);
    const { stream, reply } = rawStream(session);
    stream.end(framed(utf8("x")));
    await calls.next();
    await server[Symbol.asyncDispose]();
    await reply;
    await whenClosed(silent);
    assert.deepEqual([cancelled.all.length, server.connections, env.clock.pending], [1, 0, 0]);
  },
  "an address in use is refused with its name": async (transport) => {
    await using server = await transport.listen(serverOptions(echo), manualEnv());
    const again = transport.listen(serverOptions(echo, { port: server.port }), manualEnv());
    await assert.rejects(again, { code: "LISTEN_FAILED", message: new RegExp(`127\\.0\\.0\\.1:${server.port}`, "u") });
  },
};

/**
 * Resolves when the server has that many connections: one that says nothing need not be greeted, so
 * its peer cannot tell.
 */
async function accepted(server: ListeningServer, connections: number): Promise<void> {
  while (server.connections < connections) await nextTurn();
}

/** Opens a connection and closes it; rejects when there is none to be had. */
async function rawOnce(port: number): Promise<void> {
  const socket = net.connect({ host: "127.0.0.1", port });
  await once(socket, "connect");
  socket.destroy();
}
