import assert from "node:assert/strict";
import { once } from "node:events";
import { constants, type OutgoingHttpHeaders } from "node:http2";
import net from "node:net";
import type { UnaryHandler } from "../../src/http2/port.ts";
import {
  echo,
  exchange,
  framed,
  type Guarantees,
  Happenings,
  manualEnv,
  ok,
  type RawReply,
  rawCall,
  rawConnect,
  rawStream,
  serverOptions,
  type UnaryTransport,
  utf8,
  whenClosed,
} from "./rig.ts";

/** A handler that notes what it is told, and accepts messages up to 100 bytes. */
function witness(): { handler: UnaryHandler; told: Happenings<string> } {
  const told = new Happenings<string>();
  const handler: UnaryHandler = (call) =>
    exchange({
      maxMessageBytes: 100,
      message(bytes) {
        told.add(Buffer.from(bytes).toString());
        call.reply(ok());
      },
      cancelled: () => told.add("cancelled"),
    });
  return { handler, told };
}

interface Sent {
  readonly body: Uint8Array;
  readonly headers?: OutgoingHttpHeaders;
  /** False: the client keeps the stream open. */
  readonly ends?: boolean;
}

async function send(transport: UnaryTransport, sent: Sent): Promise<{ reply: RawReply; told: readonly string[] }> {
  const { handler, told } = witness();
  const env = manualEnv();
  await using server = await transport.listen(serverOptions(handler), env);
  const session = await rawConnect(server.port);
  const { stream, reply } = rawStream(session, sent.headers);
  stream.write(sent.body);
  if (sent.ends === false) {
    await once(stream, "response");
    env.clock.advance(1_000);
  } else {
    stream.end();
  }
  const seen = await reply;
  session.destroy();
  return { reply: seen, told: told.all };
}

/**
 * The rows of messages that break the protocol: the status they get. In each, the handler is told
 * once that it is over.
 */
const BROKEN: Readonly<Record<string, Sent & { readonly status: string; readonly text: RegExp }>> = {
  "an unknown flag": { body: framed(utf8("x"), 2), status: "13", text: /flag 2/u },
  "compressed, with encoding identity": { body: framed(utf8("x"), 1), status: "13", text: /compress/u },
  "a message above the limit, before its bytes are sent": {
    body: framed(new Uint8Array(101)).subarray(0, 5),
    ends: false,
    status: "8",
    text: /101 bytes, the limit is 100/u,
  },
  "a length of 4 GiB": { body: Buffer.from([0, 255, 255, 255, 255]), ends: false, status: "8", text: /4294967295/u },
  "the end in the middle of the prefix": { body: framed(utf8("x")).subarray(0, 3), status: "13", text: /middle/u },
  "the end in the middle of the message": { body: framed(utf8("abc")).subarray(0, 7), status: "13", text: /middle/u },
  "no message": { body: new Uint8Array(0), status: "13", text: /no message/u },
  "a byte after the message": {
    body: Buffer.concat([framed(utf8("a")), utf8("b")]),
    ends: false,
    status: "13",
    text: /after the message/u,
  },
  "two messages": {
    body: Buffer.concat([framed(utf8("a")), framed(utf8("b"))]),
    status: "13",
    text: /after the message/u,
  },
};

function brokenMessages(): Guarantees {
  const guarantees: Record<string, (transport: UnaryTransport) => Promise<void>> = {};
  for (const [name, row] of Object.entries(BROKEN)) {
    guarantees[`${name}: status ${row.status}`] = async (transport) => {
      const { reply, told } = await send(transport, row);
      assert.equal(reply.headers["grpc-status"], row.status);
      assert.match(decodeURIComponent(String(reply.headers["grpc-message"])), row.text);
      assert.equal(reply.code, constants.NGHTTP2_NO_ERROR);
      assert.deepEqual(told, ["cancelled"]);
    };
  }
  return guarantees;
}

const CONTENT_TYPES: Readonly<Record<string, number>> = {
  "application/grpc": 200,
  "application/grpc+proto": 200,
  "application/grpc;charset=utf-8": 200,
  "application/grpc+proto; x=y": 200,
  "application/grpc+json": 415,
  "application/grpc-web": 415,
  "application/x-protobuf": 415,
  "application/json": 415,
  "": 415,
};

const TIMEOUTS: Readonly<Record<string, number | "malformed">> = {
  "1H": 3_600_000,
  "2M": 120_000,
  "3S": 3_000,
  "00000004m": 4,
  "5000u": 5,
  "6000000n": 6,
  "99999999S": 99_999_999_000,
  "123456789m": "malformed",
  "5": "malformed",
  m: "malformed",
  "-1S": "malformed",
  "1.5S": "malformed",
  "5s": "malformed",
  "5 S": "malformed",
};

/** Sends raw bytes and reads until the server closes. */
async function rawBytes(port: number, bytes: string | Uint8Array): Promise<Buffer> {
  const socket = net.connect({ host: "127.0.0.1", port });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", () => undefined); // a reset is a way to close, too
  socket.write(bytes);
  await whenClosed(socket);
  return Buffer.concat(chunks);
}

/** What a server says to those who do not speak gRPC as they should. */
export const BAD_INPUT: Guarantees = {
  ...brokenMessages(),
  "END_STREAM on the headers is a call without a message": async (transport) => {
    const { handler, told } = witness();
    await using server = await transport.listen(serverOptions(handler), manualEnv());
    const session = await rawConnect(server.port);
    const reply = await rawStream(session, {}, true).reply;
    session.destroy();
    assert.deepEqual([reply.headers["grpc-status"], told.all], ["13", ["cancelled"]]);
  },
  "compressed, with an encoding that the handler may know, goes to the handler": async (transport) => {
    const { reply, told } = await send(transport, {
      body: framed(utf8("zip"), 1),
      headers: { "grpc-encoding": "gzip" },
    });
    assert.deepEqual([reply.trailers["grpc-status"], told], ["0", ["zip"]]);
  },
  "any method but POST gets HTTP 405": async (transport) => {
    for (const method of ["GET", "PUT", "OPTIONS"]) {
      const { reply, told } = await send(transport, { body: framed(utf8("x")), headers: { ":method": method } });
      assert.deepEqual([reply.headers[":status"], reply.headers["grpc-status"], told], [405, undefined, []]);
    }
  },
  "a content-type that is not gRPC with protobuf gets HTTP 415": async (transport) => {
    for (const [type, status] of Object.entries(CONTENT_TYPES)) {
      const headers = { "content-type": type === "" ? undefined : type };
      const { reply } = await send(transport, { body: framed(utf8("x")), headers });
      assert.equal(reply.headers[":status"], status, type);
    }
  },
  "grpc-timeout is read in all its units, and refused when malformed": async (transport) => {
    const seen = new Happenings<number | undefined>();
    const handler: UnaryHandler = (call) => {
      seen.add(call.timeoutMs);
      call.reply(ok());
      return undefined;
    };
    await using server = await transport.listen(serverOptions(handler), manualEnv());
    for (const [text, want] of Object.entries(TIMEOUTS)) {
      const reply = await rawCall(server.port, framed(utf8("x")), { "grpc-timeout": text });
      if (want === "malformed") assert.equal(reply.headers["grpc-status"], "13", text);
      else assert.ok(Math.abs(((await seen.next()) ?? 0) - want) < 1e-6, text);
    }
    await rawCall(server.port, framed(utf8("x")));
    assert.equal(await seen.next(), undefined);
  },
  "a message may be split into DATA frames at any byte": async (transport) => {
    await using server = await transport.listen(serverOptions(echo), manualEnv());
    const session = await rawConnect(server.port);
    const body = framed(utf8("split me"));
    for (let at = 0; at <= body.length; at++) {
      const { stream, reply } = rawStream(session);
      await new Promise((written) => stream.write(body.subarray(0, at), written));
      await new Promise((pong) => session.ping(pong)); // the first part was read before the second is sent
      stream.end(body.subarray(at));
      assert.deepEqual((await reply).chunks, [body], `split at ${at}`);
    }
    session.destroy();
  },
  "a message may come byte by byte": async (transport) => {
    await using server = await transport.listen(serverOptions(echo), manualEnv());
    const session = await rawConnect(server.port);
    const body = framed(utf8("slow"));
    const { stream, reply } = rawStream(session);
    for (const byte of body) {
      await new Promise((written) => stream.write(Uint8Array.of(byte), written));
    }
    stream.end();
    assert.deepEqual((await reply).chunks, [body]);
    session.destroy();
  },
  "bytes that are not HTTP/2 end their connection and nothing else": async (transport) => {
    await using server = await transport.listen(serverOptions(echo), manualEnv());
    const session = await rawConnect(server.port);
    await rawBytes(server.port, "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await rawBytes(server.port, Buffer.alloc(1_000, 0xff));
    await rawBytes(
      server.port,
      Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.alloc(200, 0xfe)]),
    );
    const { stream, reply } = rawStream(session);
    stream.end(framed(utf8("still here")));
    assert.equal((await reply).trailers["grpc-status"], "0");
    session.destroy();
  },
  "headers above the limit are refused, and the server goes on": async (transport) => {
    await using server = await transport.listen(serverOptions(echo, { maxHeaderBytes: 4_096 }), manualEnv());
    const refused = await rawCall(server.port, framed(utf8("x")), { "x-long": "a".repeat(8_000) });
    assert.notEqual(refused.trailers["grpc-status"], "0");
    assert.equal((await rawCall(server.port, framed(utf8("x")))).trailers["grpc-status"], "0");
  },
  "the settings give room for large messages, and the streams that the options allow": async (transport) => {
    await using server = await transport.listen(serverOptions(echo, { maxConcurrentStreams: 17 }), manualEnv());
    const session = await rawConnect(server.port);
    const { initialWindowSize, maxFrameSize, maxConcurrentStreams, maxHeaderListSize } = session.remoteSettings;
    session.destroy();
    assert.deepEqual([initialWindowSize, maxFrameSize], [4 * 1_048_576, 1_048_576]);
    assert.deepEqual([maxConcurrentStreams, maxHeaderListSize], [17, 16_384]);
  },
  "a connection above maxConnections is closed at once": async (transport) => {
    await using server = await transport.listen(serverOptions(echo, { maxConnections: 2 }), manualEnv());
    const sessions = [await rawConnect(server.port), await rawConnect(server.port)];
    assert.equal(server.connections, 2);
    assert.equal((await rawBytes(server.port, "")).length, 0);
    for (const session of sessions) session.destroy();
  },
};
