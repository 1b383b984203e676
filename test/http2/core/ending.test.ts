import assert from "node:assert/strict";
import { test } from "node:test";
import { H2_ERROR as E } from "../../../src/http2/own/contract.ts";
import { FLAG, FRAME, SETTING } from "../../../src/http2/own/frames/frame-types.ts";
import { encodeHeaders } from "../../../src/http2/own/hpack/encoder.ts";
import {
  data,
  frame,
  goaway,
  headers,
  ping,
  type RawFrame,
  REQUEST,
  RESPONSE,
  SETTINGS_ACK,
  settings,
  TRAILERS,
} from "./raw.ts";
import { assertAlive, assertFailed, Scene } from "./scene.ts";

const HEAD = encodeHeaders(RESPONSE);
const TAIL = encodeHeaders(TRAILERS);
const HIGHEST = 0x7fff_ffff;

/** Last stream and code of each GOAWAY. */
function goaways(frames: readonly RawFrame[]): number[][] {
  return frames
    .filter(({ type }) => type === FRAME.GOAWAY)
    .map(({ payload }) => [payload.readUInt32BE(0), payload.readUInt32BE(4)]);
}
/** The PING of a server that gives notice, answered. */
function answer(frames: readonly RawFrame[]): Buffer {
  const notice = frames.find(({ type, flags }) => type === FRAME.PING && flags === 0);
  assert.ok(notice !== undefined);
  return frame(FRAME.PING, FLAG.ACK, 0, notice.payload);
}

test("a server that goes gives notice, takes what was under way, says what it took, and is done when that has ended", () => {
  const scene = new Scene("server");
  scene.send(headers(1, REQUEST));
  scene.connection.goaway(E.NO_ERROR, "bye");
  const notice = scene.take();
  assert.deepEqual(goaways(notice), [[HIGHEST, 0]]);
  assert.equal(notice[0]?.payload.subarray(8).toString(), "bye");
  scene.send(headers(3, REQUEST), answer(notice));
  assert.deepEqual(goaways(scene.take()), [[3, 0]]);
  assert.deepEqual(scene.toldOf("pong"), []);
  for (const stream of [1, 3]) {
    assert.equal(scene.connection.done, false);
    scene.connection.sendReply(stream, HEAD, Buffer.alloc(5), TAIL);
  }
  assert.equal(scene.connection.done, true);
  assert.equal(scene.take().length, 6);
});

test("a request after the last word of a server is refused, and its header block decoded all the same", () => {
  const scene = new Scene("server");
  scene.send(headers(1, REQUEST));
  scene.connection.goaway(E.NO_ERROR, "");
  scene.send(answer(scene.take()));
  scene.take();
  const indexing = Buffer.from([0x40, 1, 0x61, 1, 0x62]);
  scene.send(
    frame(FRAME.HEADERS, FLAG.END_HEADERS, 3, Buffer.concat([encodeHeaders(REQUEST), indexing])),
    data(3, 100),
  );
  assert.deepEqual(
    scene.takeOf(FRAME.RST_STREAM).map(({ stream, payload }) => [stream, payload.readUInt32BE(0)]),
    [[3, E.REFUSED_STREAM]],
  );
  assert.deepEqual(scene.toldOf("headers").length, 1);
  scene.send(frame(FRAME.HEADERS, FLAG.END_HEADERS, 5, Uint8Array.of(0x80 | 62)));
  assertAlive(scene);
});

test("a client that does not answer the notice is told the last word after a second", () => {
  const scene = new Scene("server");
  scene.connection.goaway(E.NO_ERROR, "");
  scene.take();
  scene.connection.tick(scene.nowMs + 999);
  assert.deepEqual([scene.take().length, scene.connection.done], [0, false]);
  scene.connection.tick(scene.nowMs + 1_000);
  assert.deepEqual(goaways(scene.take()), [[0, 0]]);
  assert.equal(scene.connection.done, true);
});

test("going twice says nothing twice; with an error it is over at once", () => {
  const scene = new Scene("server");
  scene.send(headers(1, REQUEST));
  scene.connection.goaway(E.NO_ERROR, "");
  scene.connection.goaway(E.NO_ERROR, "");
  assert.equal(goaways(scene.take()).length, 1);
  scene.connection.goaway(E.INTERNAL_ERROR, "x".repeat(1_000));
  assert.deepEqual([scene.connection.done, scene.connection.openStreams], [true, 0]);
  const last = scene.take();
  assert.deepEqual(goaways(last), [[1, E.INTERNAL_ERROR]]);
  assert.equal(last[0]?.payload.length, 8 + 256);
  scene.connection.goaway(E.CANCEL, "");
  scene.connection.sendReply(1, HEAD, Buffer.alloc(5), TAIL);
  scene.send(ping("x"));
  assert.equal(scene.connection.hasOutput, false);
  assert.deepEqual(scene.toldOf("failed"), []);
});

test("the last stream of GOAWAY never grows", () => {
  const scene = new Scene("server");
  scene.connection.goaway(E.NO_ERROR, "");
  scene.send(headers(1, REQUEST), answer(scene.take()));
  scene.send(headers(3, REQUEST), frame(FRAME.WINDOW_UPDATE, 0, 0, Buffer.alloc(4)));
  assert.deepEqual(goaways(scene.take()), [
    [1, 0],
    [1, E.PROTOCOL_ERROR],
  ]);
});

test("a client that goes opens nothing more, and is done when its requests have ended", () => {
  const scene = new Scene("client");
  scene.request(true);
  scene.connection.goaway(E.NO_ERROR, "");
  assert.deepEqual(goaways(scene.take()), [[0, 0]]);
  assert.deepEqual([scene.connection.mayOpen, scene.request(), scene.connection.done], [false, 0, false]);
  scene.send(headers(1, RESPONSE));
  assert.equal(scene.connection.done, true);
});

test("a client that is told to go opens nothing more; what was not taken is refused, the rest goes on", () => {
  const scene = new Scene("client");
  for (let i = 0; i < 3; i++) scene.request(true);
  scene.take();
  scene.send(goaway(HIGHEST, 0, "soon"), goaway(3, 0, "now"));
  assert.deepEqual(scene.told, [
    ["goaway", HIGHEST, 0, "soon"],
    ["goaway", 3, 0, "now"],
    ["reset", 5, E.REFUSED_STREAM, true],
  ]);
  assert.deepEqual([scene.connection.mayOpen, scene.connection.openStreams, scene.connection.done], [false, 2, false]);
  assert.deepEqual(goaways(scene.take()), [[0, 0]]);
  scene.send(headers(1, RESPONSE), headers(3, RESPONSE));
  assert.equal(scene.connection.done, true);
});

test("a server whose client goes answers what was asked, says its last word, and is done", () => {
  const scene = new Scene("server");
  scene.send(headers(1, REQUEST), goaway(0, 0, ""));
  assert.deepEqual(scene.told.at(-1), ["goaway", 0, 0, ""]);
  assert.equal(scene.connection.done, false);
  scene.connection.sendReply(1, HEAD, Buffer.alloc(5), TAIL);
  assert.equal(scene.connection.done, true);
  assert.deepEqual(goaways(scene.take()), [[1, 0]]);
});

test("GOAWAY with an error, and with long debug data, is told; the connection lives until it is closed", () => {
  const scene = new Scene("client");
  scene.request(true);
  scene.sendSplit(goaway(1, E.ENHANCE_YOUR_CALM, "é".repeat(5_000)));
  const told = scene.told.at(-1);
  assert.deepEqual(told?.slice(0, 3), ["goaway", 1, E.ENHANCE_YOUR_CALM]);
  assert.equal(told[3], "é".repeat(128));
  scene.send(headers(1, RESPONSE));
  assert.equal(scene.connection.done, true);
});

test("a client may open as many streams as the peer allows, 100 before it says so, and none when it allows none", () => {
  const silent = new Scene("client", { silent: true });
  for (let i = 0; i < 100; i++) assert.equal(silent.request(true), i * 2 + 1);
  assert.deepEqual([silent.connection.mayOpen, silent.request(true)], [false, 0]);
  silent.send(settings(SETTING.MAX_CONCURRENT_STREAMS, 101));
  assert.deepEqual([silent.request(true), silent.request(true)], [201, 0]);
  silent.send(headers(1, RESPONSE));
  assert.equal(silent.request(true), 203);
  silent.send(settings(SETTING.MAX_CONCURRENT_STREAMS, 0));
  silent.send(headers(3, RESPONSE));
  assert.equal(silent.connection.mayOpen, false);
});

test("a server opens nothing", () => {
  const scene = new Scene("server");
  assert.deepEqual([scene.connection.mayOpen, scene.request()], [false, 0]);
});

test("PING is answered with its payload, and ours comes back as the number that it was", () => {
  const scene = new Scene("client");
  scene.send(ping("12345678"));
  assert.deepEqual(
    scene.take().map(({ flags, payload }) => [flags, payload.toString()]),
    [[FLAG.ACK, "12345678"]],
  );
  for (const payload of [0, 1, 0xffff_ffff, 2 ** 53 - 1]) {
    scene.connection.ping(payload);
    const [sent] = scene.take();
    scene.send(frame(FRAME.PING, FLAG.ACK, 0, sent?.payload));
    assert.deepEqual(scene.told.at(-1), ["pong", payload]);
  }
  assert.equal(scene.connection.hasOutput, false, "an answer is not answered");
});

test("a peer that does not acknowledge our SETTINGS within ten seconds has ended its connection", () => {
  const scene = new Scene("client", { silent: true });
  scene.send(settings());
  scene.connection.tick(scene.nowMs + 9_999);
  assertAlive(scene);
  scene.connection.tick(scene.nowMs + 10_000);
  assertFailed(scene, E.SETTINGS_TIMEOUT, "settings_timeout");
});

test("a peer that says nothing at all is given up after ten seconds", () => {
  const scene = new Scene("server", { silent: true });
  scene.connection.tick(scene.nowMs + 10_000);
  assertFailed(scene, E.SETTINGS_TIMEOUT, "settings_timeout");
});

test("an acknowledgement in time is the end of the wait", () => {
  const scene = new Scene("client", { silent: true });
  scene.send(settings(), SETTINGS_ACK);
  scene.connection.tick(scene.nowMs + 100_000);
  assertAlive(scene);
});

test("limits that cannot be said in HTTP/2 are refused at the start", () => {
  for (const limits of [
    { maxFrameBytes: 16_383 },
    { maxFrameBytes: 16_777_216 },
    { initialWindowBytes: 0x8000_0000 },
    { connectionWindowBytes: 65_534 },
    { initialWindowBytes: Number.NaN },
  ]) {
    assert.throws(() => new Scene("server", { limits }), RangeError);
  }
});

test("commands of an owner from within an event are taken, the end of the connection, too", () => {
  const scene = new Scene("server", {
    events: (connection) => ({
      headers: (stream) => {
        if (stream === 1) connection.sendReply(1, HEAD, Buffer.alloc(5), TAIL);
        if (stream === 3) connection.resetStream(3, E.CANCEL);
        if (stream === 5) connection.goaway(E.INTERNAL_ERROR, "");
      },
    }),
  });
  scene.send(
    headers(1, REQUEST),
    headers(3, REQUEST, 0),
    data(3, 10),
    headers(5, REQUEST),
    headers(7, REQUEST),
    ping("x"),
  );
  assert.deepEqual(
    scene.told.map(([name, stream]) => [name, stream]),
    [
      ["headers", 1],
      ["headers", 3],
      ["headers", 5],
    ],
  );
  assert.deepEqual(
    scene.take().map(({ type }) => type),
    [FRAME.HEADERS, FRAME.DATA, FRAME.HEADERS, FRAME.RST_STREAM, FRAME.GOAWAY],
  );
});

test("a stream reset by its owner in the middle of a DATA frame gets nothing more of it", () => {
  const scene = new Scene("server", {
    limits: { initialWindowBytes: 65_535, connectionWindowBytes: 65_535 },
    events: (connection) => ({ data: (stream) => connection.resetStream(stream, E.CANCEL) }),
  });
  scene.send(headers(1, REQUEST, 0));
  scene.sendSplit(data(1, 60_000));
  assert.deepEqual(scene.toldOf("data"), [["data", 1, 1, false]]);
  scene.connection.credit(1, 1);
  scene.send(headers(3, REQUEST, 0), data(3, 40_000));
  assertAlive(scene);
});
