import assert from "node:assert/strict";
import { once } from "node:events";
import { constants } from "node:http2";
import {
  ask,
  clientOptions,
  echo,
  exchange,
  framed,
  type Guarantees,
  Happenings,
  manualEnv,
  ok,
  PATH,
  rawCall,
  rawConnect,
  rawStream,
  request,
  serverOptions,
  type UnaryTransport,
  utf8,
} from "./rig.ts";
import type { UnaryCall, UnaryHandler, UnaryRequest, UnaryResult } from "../../src/http2/port.ts";

const MIB = 1_048_576;

/** One call of the transport's own client to its own server. */
async function between(
  transport: UnaryTransport,
  handler: UnaryHandler,
  asked: UnaryRequest,
  maxResponseBytes = 64 * MIB,
): Promise<UnaryResult> {
  const env = manualEnv();
  await using server = await transport.listen(serverOptions(handler), env);
  await using client = transport.connect(clientOptions(server.port, { maxResponseBytes }), env);
  return await ask(client, asked);
}

function pattern(bytes: number, seed: number): Uint8Array {
  const filled = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at++) filled[at] = at * 31 + seed;
  return filled;
}

const refuse = (call: UnaryCall): undefined => {
  call.reply({ status: 16, text: "who are you" });
};

const replyAtLength: UnaryHandler = (call) =>
  exchange({
    length() {
      call.reply(ok(utf8("known already")));
      return undefined;
    },
  });

const replyTwice: UnaryHandler = (call) =>
  exchange({
    message(bytes) {
      call.reply(ok(bytes));
      call.reply({ status: 13, text: "too late" });
    },
  });

const talkative: UnaryHandler = (call) =>
  exchange({ message: () => call.reply({ status: 3, text: "é".repeat(50_000) }) });

/** Client and server of the transport, and the shape of what they put on the wire. */
export const EXCHANGE: Guarantees = {
  "a message arrives as it was sent, and so does its reply": async (transport) => {
    const result = await between(transport, echo, request([utf8("hello")]));
    assert.deepEqual(result.kind === "answer" && [result.status, Buffer.from(result.message).toString()], [0, "hello"]);
  },
  "an empty message is a message": async (transport) => {
    const result = await between(transport, echo, request([]));
    assert.deepEqual(result.kind === "answer" && [result.status, result.message.length], [0, 0]);
  },
  "pieces of every size arrive in their order as one message": async (transport) => {
    const sizes = [10, 100_000, 0, 3, 20_000, 16_384, 16_383, 5];
    const pieces = sizes.map((bytes, seed) => pattern(bytes, seed));
    const result = await between(transport, echo, request(pieces));
    assert.ok(result.kind === "answer" && Buffer.concat(pieces).equals(result.message));
  },
  "a message of 16 MiB goes both ways": async (transport) => {
    const piece = pattern(16 * MIB, 1);
    const result = await between(transport, echo, request([piece]));
    assert.ok(result.kind === "answer" && Buffer.from(piece).equals(result.message));
  },
  "a handler sees path, peer, encoding, timeout and headers, and whether the message is compressed": async (
    transport,
  ) => {
    const seen = new Happenings<unknown>();
    const handler: UnaryHandler = (call) =>
      exchange({
        message(_, compressed) {
          const { path, encoding, timeoutMs } = call;
          const named = [
            call.header("x-tenant"),
            call.header("user-agent"),
            call.header("grpc-encoding"),
            call.header("no"),
          ];
          seen.add({ path, encoding, timeoutMs, compressed, named });
          assert.match(call.peer, /^127\.0\.0\.1:\d+$/u);
          call.reply(ok());
        },
      });
    const asked = request([utf8("x")], { metadata: { "x-tenant": "a" }, encoding: "gzip", timeoutMs: 1_500 });
    const result = await between(transport, handler, asked);
    assert.equal(result.kind, "answer");
    const named = ["a", "rig/1", "gzip", undefined];
    assert.deepEqual(await seen.next(), { path: PATH, encoding: "gzip", timeoutMs: 1_500, compressed: true, named });
  },
  "a status, its text in any script and its details arrive, without a message": async (transport) => {
    const details = new Uint8Array([0, 255, 3, 4, 5, 6, 7]);
    const texts = ["queue full", "100 % voll: grün 🚦", " spaced ", "line\nbreak", ""];
    for (const text of texts) {
      const handler: UnaryHandler = (call) => exchange({ message: () => call.reply({ status: 8, text, details }) });
      const result = await between(transport, handler, request([utf8("x")]));
      assert.ok(result.kind === "answer");
      assert.deepEqual([result.status, result.text, result.message.length], [8, text, 0]);
      assert.deepEqual(Buffer.from(result.details ?? []), Buffer.from(details));
    }
  },
  "a very long status text is cut, so that the reply still fits into headers": async (transport) => {
    const result = await between(transport, talkative, request([utf8("x")]));
    assert.ok(
      result.kind === "answer" && result.status === 3 && result.text.startsWith("ééé") && result.text.endsWith("..."),
    );
  },
  "a reply from within begin refuses the call, whatever begin returns": async (transport) => {
    const cancelled = new Happenings<string>();
    const handlers: UnaryHandler[] = [
      refuse,
      (call) => {
        refuse(call);
        return exchange({ message: () => cancelled.add("message"), cancelled: () => cancelled.add("cancelled") });
      },
    ];
    for (const handler of handlers) {
      const result = await between(transport, handler, request([utf8("secret")]));
      assert.deepEqual(result.kind === "answer" && [result.status, result.text], [16, "who are you"]);
    }
    assert.deepEqual(cancelled.all, []);
  },
  "a large message that is refused by its length is not read, and the client sees the status": async (transport) => {
    const read = new Happenings<number>();
    const handler: UnaryHandler = () =>
      exchange({
        length: (bytes) => ({ status: 8, text: `${bytes} is too much for now` }),
        message: (bytes) => read.add(bytes.length),
      });
    const result = await between(transport, handler, request([pattern(16 * MIB, 1), pattern(16 * MIB, 2)]));
    assert.deepEqual(result.kind === "answer" && [result.status, result.text], [8, `${32 * MIB} is too much for now`]);
    assert.deepEqual(read.all, []);
  },
  "what comes after the first reply is ignored": async (transport) => {
    const result = await between(transport, replyTwice, request([utf8("once")]));
    assert.equal(result.kind === "answer" && result.status, 0);
  },
  "a reply before the message was read ends the call": async (transport) => {
    const result = await between(transport, replyAtLength, request([pattern(8 * MIB, 3)]));
    assert.equal(result.kind === "answer" && Buffer.from(result.message).toString(), "known already");
  },
  "a hundred calls at once each get their own reply": async (transport) => {
    const env = manualEnv();
    await using server = await transport.listen(serverOptions(echo), env);
    await using client = transport.connect(clientOptions(server.port, { connections: 3 }), env);
    const texts = Array.from({ length: 100 }, (_, at) => `call ${at}`);
    const results = await Promise.all(texts.map((text) => ask(client, request([utf8(text)]))));
    assert.deepEqual(
      results.map((result) => result.kind === "answer" && Buffer.from(result.message).toString()),
      texts,
    );
  },
  "on the wire a success is HEADERS, one DATA and trailers": async (transport) => {
    await using server = await transport.listen(serverOptions(echo), manualEnv());
    const reply = await rawCall(server.port, framed(utf8("hello")));
    assert.equal(reply.headers[":status"], 200);
    assert.equal(reply.headers["content-type"], "application/grpc");
    assert.equal(reply.headers["grpc-accept-encoding"], "identity,gzip,deflate,zstd");
    assert.deepEqual(reply.chunks, [framed(utf8("hello"))]);
    assert.equal(reply.trailers["grpc-status"], "0");
    assert.equal(reply.code, constants.NGHTTP2_NO_ERROR);
  },
  "on the wire an error is one HEADERS with END_STREAM, its text percent-encoded, its details unpadded": async (
    transport,
  ) => {
    const details = new Uint8Array([255, 255, 255, 255]);
    const handler: UnaryHandler = (call) =>
      exchange({ message: () => call.reply({ status: 3, text: "50% ü", details }) });
    await using server = await transport.listen(serverOptions(handler), manualEnv());
    const reply = await rawCall(server.port, framed(utf8("x")));
    assert.equal(reply.flags & constants.NGHTTP2_FLAG_END_STREAM, constants.NGHTTP2_FLAG_END_STREAM);
    assert.equal(reply.headers[":status"], 200);
    assert.equal(reply.headers["grpc-status"], "3");
    assert.equal(reply.headers["grpc-message"], "50%25 %C3%BC");
    assert.equal(reply.headers["grpc-status-details-bin"], "/////w");
    assert.deepEqual([reply.chunks, reply.trailers], [[], {}]);
  },
  "a client that expects a word before it sends its body gets one, and none when it is refused": async (transport) => {
    const handler: UnaryHandler = (call) => {
      if (call.header("x-bad") === undefined) return exchange({ message: (bytes) => call.reply(ok(bytes)) });
      call.reply({ status: 7, text: "no" });
      return undefined;
    };
    await using server = await transport.listen(serverOptions(handler), manualEnv());
    const session = await rawConnect(server.port);
    const { stream, reply } = rawStream(session, { expect: "100-Continue" });
    await once(stream, "continue");
    stream.end(framed(utf8("hello")));
    assert.deepEqual((await reply).chunks, [framed(utf8("hello"))]);
    const refused = rawStream(session, { expect: "100-continue", "x-bad": "1" });
    const words: unknown[] = [];
    refused.stream.on("headers", (headers) => words.push(headers[":status"]));
    assert.equal((await refused.reply).headers["grpc-status"], "7");
    assert.deepEqual(words, []);
    session.destroy();
  },
};
