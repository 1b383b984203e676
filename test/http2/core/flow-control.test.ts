import assert from "node:assert/strict";
import { test } from "node:test";
import { H2_ERROR as E } from "../../../src/http2/own/contract.ts";
import { FixedReply } from "../../../src/http2/own/frames/fixed-reply.ts";
import { FLAG, FRAME, SETTING } from "../../../src/http2/own/frames/frame-types.ts";
import { encodeHeaders } from "../../../src/http2/own/hpack/encoder.ts";
import {
  creditIn,
  data,
  frame,
  headers,
  type RawFrame,
  readFrames,
  REQUEST,
  RESPONSE,
  rst,
  settings,
  TRAILERS,
  windowUpdate,
} from "./raw.ts";
import { Scene } from "./scene.ts";

const HEAD = encodeHeaders(RESPONSE);
const TAIL = encodeHeaders(TRAILERS);
const END = FLAG.END_STREAM;

/** Stream and size of the DATA that waits. */
function sizes(frames: readonly RawFrame[]): number[][] {
  return frames.filter(({ type }) => type === FRAME.DATA).map(({ stream, payload }) => [stream, payload.length]);
}

test("both sides begin with SETTINGS, and raise the connection's window at once", () => {
  for (const role of ["server", "client"] as const) {
    const sent = new Scene(role, { silent: true }).take();
    assert.deepEqual(
      sent.map(({ type, flags, stream }) => [type, flags, stream]),
      [
        [FRAME.SETTINGS, 0, 0],
        [FRAME.WINDOW_UPDATE, 0, 0],
      ],
    );
    assert.deepEqual(creditIn(sent), [[0, 16_777_216 - 65_535]]);
  }
});

test("a stream's window limits what is sent on it", () => {
  const scene = new Scene("server", { settings: [SETTING.INITIAL_WINDOW_SIZE, 10] });
  scene.send(headers(1, REQUEST));
  scene.connection.sendHeaders(1, HEAD, false);
  scene.connection.sendData(1, [Buffer.alloc(25)], true);
  assert.deepEqual(sizes(scene.take()), [[1, 10]]);
  assert.equal(scene.connection.hasOutput, false);
  scene.send(windowUpdate(1, 14));
  assert.deepEqual(sizes(scene.take()), [[1, 14]]);
  scene.send(windowUpdate(1, 100));
  const last = scene.take();
  assert.deepEqual([sizes(last), last[0]?.flags], [[[1, 1]], END]);
});

test("the connection's window limits what is sent on all streams", () => {
  const scene = new Scene("server", { settings: [SETTING.INITIAL_WINDOW_SIZE, 1_000_000] });
  scene.send(headers(1, REQUEST), headers(3, REQUEST));
  for (const stream of [1, 3]) {
    scene.connection.sendHeaders(stream, HEAD, false);
    scene.connection.sendData(stream, [Buffer.alloc(50_000)], false);
  }
  const total = (frames: readonly RawFrame[]): number => sizes(frames).reduce((sum, [, bytes]) => sum + bytes!, 0);
  assert.equal(total(scene.take()), 65_535);
  assert.equal(scene.connection.hasOutput, false);
  scene.send(windowUpdate(0, 100_000));
  assert.equal(total(scene.take()), 100_000 - 65_535);
});

test("streams that send take turns, frame by frame", () => {
  const scene = new Scene("server");
  scene.send(headers(1, REQUEST), headers(3, REQUEST), headers(5, REQUEST));
  for (const stream of [1, 3, 5]) {
    scene.connection.sendHeaders(stream, HEAD, false);
    scene.connection.sendData(stream, [Buffer.alloc(stream === 3 ? 100 : 20_000)], true);
  }
  assert.deepEqual(sizes(scene.take()), [
    [1, 16_384],
    [3, 100],
    [5, 16_384],
    [1, 3_616],
    [5, 3_616],
  ]);
});

test("a smaller initial window makes windows negative, and nothing is sent until they are above 0 again", () => {
  const scene = new Scene("server");
  scene.send(headers(1, REQUEST));
  scene.connection.sendHeaders(1, HEAD, false);
  scene.connection.sendData(1, [Buffer.alloc(10_000)], false);
  assert.deepEqual(sizes(scene.take()), [[1, 10_000]]);
  scene.connection.sendData(1, [Buffer.alloc(500)], false);
  scene.send(settings(SETTING.INITIAL_WINDOW_SIZE, 0));
  assert.deepEqual(sizes(scene.take()), []);
  scene.send(windowUpdate(1, 10_000));
  assert.deepEqual(sizes(scene.take()), []);
  scene.send(windowUpdate(1, 7));
  assert.deepEqual(sizes(scene.take()), [[1, 7]]);
  scene.send(settings(SETTING.INITIAL_WINDOW_SIZE, 65_535));
  assert.deepEqual(sizes(scene.take()), [[1, 493]]);
});

test("of a setting that comes twice the last value holds, and each is applied in its turn", () => {
  const twice = [SETTING.INITIAL_WINDOW_SIZE, 5, SETTING.INITIAL_WINDOW_SIZE, 8];
  const scene = new Scene("server", { settings: twice });
  scene.send(headers(1, REQUEST));
  scene.connection.sendHeaders(1, HEAD, false);
  scene.connection.sendData(1, [Buffer.alloc(20)], true);
  assert.deepEqual(sizes(scene.take()), [[1, 8]]);
  const client = new Scene("client");
  client.connection.open(encodeHeaders(REQUEST), true);
  client.take();
  client.send(settings(SETTING.HEADER_TABLE_SIZE, 0, SETTING.HEADER_TABLE_SIZE, 100));
  client.connection.open(encodeHeaders(REQUEST), true);
  const [block] = client.takeOf(FRAME.HEADERS);
  assert.deepEqual([...(block?.payload.subarray(0, 3) ?? [])], [0x20, 0x3f, 0x45], "the least, then the last");
});

test("frames are as large as the peer's SETTINGS_MAX_FRAME_SIZE allows, header blocks, too", () => {
  const scene = new Scene("server", {
    settings: [SETTING.INITIAL_WINDOW_SIZE, 1 << 20, SETTING.MAX_FRAME_SIZE, 20_000],
  });
  scene.send(headers(1, REQUEST), windowUpdate(0, 1 << 20));
  const block = encodeHeaders([...RESPONSE, "a", "é".repeat(50_000)]);
  scene.connection.sendHeaders(1, block, false);
  scene.connection.sendData(1, [Buffer.alloc(30_000)], true);
  const sent = scene.take();
  assert.ok(sent.every(({ payload }) => payload.length <= 20_000));
  assert.deepEqual(
    sent.map(({ type, flags }) => [type, flags]),
    [
      [FRAME.HEADERS, 0],
      [FRAME.CONTINUATION, 0],
      [FRAME.CONTINUATION, FLAG.END_HEADERS],
      [FRAME.DATA, 0],
      [FRAME.DATA, END],
    ],
  );
  assert.ok(Buffer.concat(sent.slice(0, 3).map(({ payload }) => payload)).equals(block));
});

test("trailers wait for the body, and the owner is told when it has gone", () => {
  const scene = new Scene("server", { settings: [SETTING.INITIAL_WINDOW_SIZE, 3] });
  scene.send(headers(1, REQUEST));
  scene.connection.sendHeaders(1, HEAD, false);
  scene.connection.sendData(1, [Buffer.alloc(2), Buffer.alloc(0), Buffer.alloc(3)], false);
  scene.connection.sendHeaders(1, TAIL, true);
  scene.take();
  assert.deepEqual(scene.toldOf("flushed"), []);
  scene.send(windowUpdate(1, 2));
  assert.deepEqual(
    scene.take().map(({ type, flags }) => [type, flags]),
    [
      [FRAME.DATA, 0],
      [FRAME.HEADERS, END | FLAG.END_HEADERS],
    ],
  );
  assert.deepEqual(scene.toldOf("flushed"), [["flushed", 1]]);
  assert.equal(scene.connection.openStreams, 0);
});

test("a small reply is one piece of output; where a window is in the way it waits, and nothing of it is lost", () => {
  const scene = new Scene("server", { settings: [SETTING.INITIAL_WINDOW_SIZE, 6] });
  scene.send(headers(1, REQUEST), headers(3, REQUEST));
  const body = Buffer.from("123456");
  scene.connection.sendReply(1, HEAD, body, TAIL);
  assert.equal(scene.connection.takeOutput(65_536).length, 1);
  const longer = Buffer.from("1234567");
  scene.connection.sendReply(3, HEAD, longer, TAIL);
  longer.fill(0);
  const first = scene.take();
  scene.send(windowUpdate(3, 1));
  const second = scene.take();
  const text = Buffer.concat(
    [...first, ...second].filter(({ type }) => type === FRAME.DATA).map(({ payload }) => payload),
  );
  assert.equal(text.toString(), "1234567", "the bytes were copied");
  assert.deepEqual(
    second.map(({ type }) => type),
    [FRAME.DATA, FRAME.HEADERS],
  );
  assert.deepEqual(scene.toldOf("flushed"), []);
  assert.equal(scene.connection.openStreams, 0);
});

/**
 * All that a peer with these SETTINGS gets for three replies, and how many PINGs it may send then.
 */
function repliedWith(parameters: readonly number[], send: (scene: Scene, stream: number) => void): unknown[] {
  const limits = { maxIdleFramesPerSecond: 3 };
  const scene = new Scene("server", { settings: parameters, limits });
  const streams = [1, 3, 0x01_02_05];
  scene.send(...streams.map((stream) => headers(stream, REQUEST)));
  for (const stream of streams) send(scene, stream);
  const all = [scene.take()];
  scene.send(...streams.map((stream) => windowUpdate(stream, 9)));
  all.push(scene.take());
  let pings = 0;
  for (; scene.toldOf("failed").length === 0; pings++) scene.send(frame(FRAME.PING, 0, 0, Buffer.alloc(8)));
  return [all, pings];
}

test("a reply that is written once for all streams is what it is when written for each", () => {
  const body = Buffer.from("12345");
  const fixed = new FixedReply(HEAD, body, TAIL);
  const peers = [[], [SETTING.INITIAL_WINDOW_SIZE, 4], [SETTING.HEADER_TABLE_SIZE, 100]];
  for (const parameters of peers) {
    const own = repliedWith(parameters, ({ connection }, stream) => connection.sendReply(stream, HEAD, body, TAIL));
    const known = repliedWith(parameters, ({ connection }, stream) => connection.sendFixedReply(stream, fixed));
    assert.deepEqual(known, own);
  }
  assert.throws(() => new FixedReply(Buffer.alloc(16_385), body, TAIL), RangeError);
});

test("what waits of a stream that is reset never leaves, and its window is not spent", () => {
  const scene = new Scene("server", { settings: [SETTING.INITIAL_WINDOW_SIZE, 100_000] });
  scene.send(headers(1, REQUEST), headers(3, REQUEST));
  scene.connection.sendHeaders(1, HEAD, false);
  scene.connection.sendData(1, [Buffer.alloc(60_000)], true);
  scene.send(rst(1));
  scene.connection.sendHeaders(3, HEAD, false);
  scene.connection.sendData(3, [Buffer.alloc(65_535)], true);
  assert.equal(
    sizes(scene.take()).reduce((sum, [stream, bytes]) => sum + (stream === 3 ? bytes! : 1_000_000), 0),
    65_535,
  );
});

test("the reset of a dismissed request waits for its reply, which waits for a window", () => {
  const scene = new Scene("server", { settings: [SETTING.INITIAL_WINDOW_SIZE, 3] });
  scene.send(headers(1, REQUEST, 0));
  scene.connection.sendReply(1, HEAD, Buffer.alloc(5), TAIL);
  scene.connection.dismiss(1, true);
  const asked = scene.takeOf(FRAME.PING);
  assert.equal(asked.length, 1);
  scene.told.length = 0;
  scene.send(data(1, 100), frame(FRAME.PING, FLAG.ACK, 0, asked[0]!.payload));
  assert.deepEqual(scene.take(), []);
  scene.send(windowUpdate(1, 10));
  assert.deepEqual(
    scene.take().map(({ type }) => type),
    [FRAME.DATA, FRAME.HEADERS, FRAME.RST_STREAM],
  );
  assert.deepEqual(scene.told, []);
  assert.equal(scene.connection.openStreams, 0);
});

test("bytes are passed on as views of the chunk that they came in", () => {
  const scene = new Scene("server", {
    events: () => ({
      data: (_, bytes) => {
        seen.push(bytes);
      },
    }),
  });
  const seen: Uint8Array[] = [];
  scene.send(headers(1, REQUEST, 0));
  const chunk = data(1, 1_000);
  scene.connection.receive(chunk.subarray(0, 300), 0);
  scene.connection.receive(chunk.subarray(300), 0);
  assert.deepEqual(
    seen.map(({ length, buffer }) => [length, buffer === chunk.buffer]),
    [
      [291, true],
      [709, true],
    ],
  );
});

test("no more of a body is made into frames than is asked for, whatever else waits", () => {
  const scene = new Scene("server");
  scene.send(headers(1, REQUEST));
  scene.connection.sendHeaders(1, encodeHeaders([...RESPONSE, "a", "é".repeat(1_000)]), false);
  scene.connection.sendData(1, [Buffer.alloc(30_000)], true);
  const first = Buffer.concat(scene.connection.takeOutput(8_000));
  assert.equal(first.length, 8_000);
  assert.equal(sizes(readFrames(first)).length, 1);
  scene.connection.resetStream(1, E.CANCEL);
  assert.deepEqual(
    scene.take().map(({ type }) => type),
    [FRAME.RST_STREAM],
  );
});

test("takeOutput gives no more than it is asked for, and everything in the end", () => {
  const whole = new Scene("server");
  const parts = new Scene("server");
  const taken: Uint8Array[] = [];
  for (const scene of [whole, parts]) {
    scene.send(headers(1, REQUEST), headers(3, REQUEST));
    scene.connection.sendReply(1, HEAD, Buffer.alloc(500, 1), TAIL);
    scene.connection.sendHeaders(3, HEAD, false);
    scene.connection.sendData(3, [Buffer.alloc(5_000, 2), Buffer.alloc(20, 3)], false);
    scene.connection.sendHeaders(3, TAIL, true);
  }
  for (let size = 1; parts.connection.hasOutput; size = (size % 40) + 1) {
    const pieces = parts.connection.takeOutput(size);
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    assert.ok(bytes > 0 && bytes <= size);
    taken.push(...pieces);
  }
  const body = (bytes: Buffer): Buffer =>
    Buffer.concat(readFrames(bytes).flatMap(({ type, payload }) => (type === FRAME.DATA ? [payload] : [])));
  assert.ok(body(Buffer.concat(taken)).equals(body(whole.takeBytes())));
  assert.deepEqual([parts.connection.openStreams, whole.connection.openStreams], [0, 0]);
});
