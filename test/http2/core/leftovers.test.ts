import assert from "node:assert/strict";
import { test } from "node:test";
import { H2_ERROR as E } from "../../../src/http2/own/contract.ts";
import { FLAG, FRAME } from "../../../src/http2/own/frames/frame-types.ts";
import { encodeHeaders } from "../../../src/http2/own/hpack/encoder.ts";
import { data, frame, headers, ping, type RawFrame, REQUEST, RESPONSE, rst, TRAILERS } from "./raw.ts";
import { assertAlive, assertFailed, Scene, type SceneOptions } from "./scene.ts";

const HEAD = encodeHeaders(RESPONSE);
const END = FLAG.END_STREAM;
const SMALL = { initialWindowBytes: 65_535, connectionWindowBytes: 131_070, droppedBytesPerSecond: 200_000 };

/** A request whose body is under way was answered and dismissed. */
function dismissed(waits: boolean, more: SceneOptions = {}): { scene: Scene; sent: RawFrame[] } {
  const scene = new Scene("server", { limits: SMALL, ...more });
  scene.send(headers(1, REQUEST, 0));
  scene.connection.sendHeaders(1, HEAD, true);
  scene.connection.dismiss(1, waits);
  scene.told.length = 0;
  return { scene, sent: scene.take() };
}

function types(frames: readonly RawFrame[]): number[] {
  return frames.map(({ type }) => type);
}

/** The peer's answer to the PING that is among the frames. */
function answer(frames: readonly RawFrame[]): Buffer {
  const asked = frames.find(({ type }) => type === FRAME.PING);
  assert.ok(asked !== undefined, "no PING");
  return frame(FRAME.PING, FLAG.ACK, 0, asked.payload);
}

function resets(frames: readonly RawFrame[]): number[] {
  return frames.filter(({ type }) => type === FRAME.RST_STREAM).map(({ payload }) => payload.readUInt32BE(0));
}

test("a client that waits is reset when it has read its reply, which its answer to a PING says", () => {
  const { scene, sent } = dismissed(true);
  assert.deepEqual(types(sent), [FRAME.HEADERS, FRAME.PING]);
  scene.send(ping("", FLAG.ACK), ping("other", FLAG.ACK));
  assert.deepEqual(scene.take(), []);
  scene.send(answer(sent), answer(sent));
  assert.deepEqual(resets(scene.take()), [E.NO_ERROR]);
  assert.deepEqual(scene.toldOf("reset"), []);
  assert.equal(scene.connection.openStreams, 0);
  assertAlive(scene);
});

test("a client that goes on gets credit to the end of its request, and something that it can notice the end by", () => {
  const { scene, sent } = dismissed(false);
  assert.deepEqual(types(sent), [FRAME.HEADERS]);
  const came: RawFrame[] = [];
  for (let bytes = 0; bytes < 190_000; bytes += 10_000) {
    scene.send(data(1, 10_000));
    came.push(...scene.take());
  }
  assert.deepEqual(new Set(types(came)), new Set([FRAME.WINDOW_UPDATE]));
  assert.ok(came.some(({ stream }) => stream === 1));
  scene.send(data(1, 10, END));
  assert.deepEqual(types(scene.take()), [FRAME.PING]);
  assert.equal(scene.connection.openStreams, 0);
  assert.deepEqual(scene.told, []);
});

test("credit for what is dropped has a bound for all streams together, and who is out of it is reset", () => {
  const scene = new Scene("server", { limits: { ...SMALL, connectionWindowBytes: 1_000_000 } });
  for (const id of [1, 3, 5, 7]) {
    scene.send(headers(id, REQUEST, 0));
    scene.connection.sendHeaders(id, HEAD, true);
    scene.connection.dismiss(id, false);
  }
  scene.take();
  const left = new Map([1, 3, 5, 7].map((id) => [id, SMALL.initialWindowBytes]));
  const pings: RawFrame[] = [];
  let dropped = 0;
  while (pings.length < 4) {
    for (const [id, window] of left) {
      if (window === 0) continue;
      const bytes = Math.min(window, 10_000);
      dropped += bytes;
      left.set(id, window - bytes);
      scene.send(data(id, bytes));
    }
    for (const sent of scene.take()) {
      if (sent.type === FRAME.PING) pings.push(sent);
      else if (sent.stream > 0) left.set(sent.stream, left.get(sent.stream)! + sent.payload.readUInt32BE(0));
    }
  }
  assert.ok(dropped > SMALL.droppedBytesPerSecond, `${dropped}`);
  assert.ok(dropped <= SMALL.droppedBytesPerSecond + 4 * SMALL.initialWindowBytes, `${dropped}`);
  for (const asked of pings) scene.send(answer([asked]));
  assert.deepEqual(resets(scene.take()), [0, 0, 0, 0]);
  assertAlive(scene);
});

test("credit for what is dropped comes back with the time", () => {
  const { scene } = dismissed(false, { limits: { ...SMALL, droppedBytesPerSecond: 40_000 } });
  scene.send(data(1, 40_000));
  assert.deepEqual(
    scene.takeOf(FRAME.WINDOW_UPDATE).map(({ stream }) => stream),
    [1],
  );
  scene.send(data(1, 35_000));
  assert.deepEqual(
    scene.take().filter(({ stream }) => stream === 1),
    [],
  );
  scene.nowMs += 1_000;
  scene.send(data(1, 30_000));
  assert.deepEqual(scene.take().filter(({ stream }) => stream === 1).length, 1);
});

test("a client that neither ends, nor waits, nor answers a PING is reset when its time is up", () => {
  for (const waits of [false, true]) {
    const { scene } = dismissed(waits);
    scene.connection.tick(scene.nowMs + 999);
    assert.deepEqual(scene.take(), []);
    scene.connection.tick(scene.nowMs + 1_000);
    assert.deepEqual(resets(scene.take()), [E.NO_ERROR]);
    assert.equal(scene.connection.openStreams, 0);
    assert.deepEqual(scene.told, []);
  }
});

test("a client that goes on slowly is reset after five seconds", () => {
  const { scene } = dismissed(false);
  for (let second = 0; second < 5; second++) {
    scene.nowMs += 999;
    scene.connection.tick(scene.nowMs);
    scene.send(data(1, 100));
    assert.deepEqual(scene.take(), []);
  }
  scene.nowMs += 5;
  scene.connection.tick(scene.nowMs);
  assert.deepEqual(resets(scene.take()), [E.NO_ERROR]);
});

test("what the owner still holds of a dismissed request does not hold up the rest of it", () => {
  const scene = new Scene("server", { limits: SMALL });
  scene.send(headers(1, REQUEST, 0), data(1, 65_535));
  assert.deepEqual(scene.take(), []);
  scene.connection.sendHeaders(1, HEAD, true);
  scene.connection.dismiss(1, false);
  const sent = scene.take();
  assert.deepEqual(types(sent), [FRAME.HEADERS, FRAME.WINDOW_UPDATE]);
  assert.deepEqual([sent[1]!.stream, sent[1]!.payload.readUInt32BE(0)], [1, 65_535]);
  scene.connection.credit(1, 65_535);
  assert.deepEqual(
    scene.take().map(({ type, stream }) => [type, stream]),
    [[FRAME.WINDOW_UPDATE, 0]],
  );
  scene.send(data(1, 65_535));
  assertAlive(scene);
});

test("a dismissed request may end before its content-length, as curl's does, or be reset", () => {
  for (const end of [data(1, 10, END), data(1, 0, END), headers(1, TRAILERS), rst(1)]) {
    const scene = new Scene("server");
    scene.send(headers(1, [...REQUEST, "content-length", "100"], 0), data(1, 10));
    scene.connection.sendHeaders(1, HEAD, true);
    scene.connection.dismiss(1, false);
    scene.told.length = 0;
    scene.send(end);
    assert.deepEqual(resets(scene.take()), []);
    assert.equal(scene.connection.openStreams, 0);
    assert.deepEqual(scene.told, []);
  }
});

test("a window is kept to, and small frames are counted, after a request was dismissed, too", () => {
  const late = dismissed(false, { limits: { ...SMALL, droppedBytesPerSecond: 1 } }).scene;
  late.send(data(1, 65_535));
  late.take();
  late.send(data(1, 1));
  assert.deepEqual(resets(late.take()), [E.FLOW_CONTROL_ERROR]);
  assert.deepEqual(late.told, []);
  const small = dismissed(false).scene;
  for (let at = 0; at < 2_000; at++) small.send(data(1, 1));
  assertFailed(small, E.ENHANCE_YOUR_CALM, "small_frame_flood");
});

test("a dismissed request holds its place among the concurrent ones until it ends", () => {
  const { scene, sent } = dismissed(true, { limits: { ...SMALL, maxConcurrentStreams: 1 } });
  scene.send(headers(3, REQUEST, 0));
  assert.deepEqual(resets(scene.take()), [E.REFUSED_STREAM]);
  scene.send(answer(sent), headers(5, REQUEST, 0));
  assert.equal(scene.toldOf("headers").length, 1);
});

test("the rest of a dismissed request holds up no end of the connection", () => {
  const { scene } = dismissed(false);
  scene.connection.goaway(E.NO_ERROR, "");
  scene.send(answer(scene.take()));
  assert.deepEqual(types(scene.take()), [FRAME.GOAWAY, FRAME.RST_STREAM]);
  assert.equal(scene.connection.done, true);
});

test("a request that has ended needs no dismissal", () => {
  const scene = new Scene("server");
  scene.send(headers(1, REQUEST));
  scene.connection.sendHeaders(1, HEAD, true);
  scene.connection.dismiss(1, true);
  scene.connection.dismiss(99, true);
  assert.deepEqual(types(scene.take()), [FRAME.HEADERS]);
});
