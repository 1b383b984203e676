import assert from "node:assert/strict";
import { test } from "node:test";
import { CONNECTION_FAULTS, type ConnectionFault, H2_ERROR as E } from "../../../src/http2/own/contract.ts";
import { FLAG, FRAME } from "../../../src/http2/own/frames/frame-types.ts";
import { encodeHeaders } from "../../../src/http2/own/hpack/encoder.ts";
import {
  data,
  frame,
  goaway,
  headers,
  ping,
  REQUEST,
  RESPONSE,
  rst,
  SETTINGS_ACK,
  settings,
  TRAILERS,
  windowUpdate,
} from "./raw.ts";
import { assertAlive, assertFailed, Scene, type SceneOptions } from "./scene.ts";

const HEAD = encodeHeaders(RESPONSE);
const TAIL = encodeHeaders(TRAILERS);
const CALM = E.ENHANCE_YOUR_CALM;

/** Something that may be done now and then, but not all the time. */
interface Flood {
  readonly name: string;
  readonly fault: ConnectionFault;
  readonly scene?: SceneOptions;
  readonly before?: (scene: Scene) => void;
  /** The i-th time. */
  readonly once: (i: number) => Uint8Array;
  /** How often it is fine within one second, at the default limits; once more is too much. */
  readonly fine: number;
  /** How much more often it may be, for what came before it or comes with it. */
  readonly earned?: number;
}

const id = (i: number): number => i * 2 + 1;

const floods: readonly Flood[] = [
  { name: "PING without end", fault: "ping_flood", once: () => ping("x"), fine: 1_000 },
  { name: "answers to no PING of ours without end", fault: "ping_flood", once: () => ping("x", FLAG.ACK), fine: 1_000 },
  { name: "SETTINGS without end", fault: "settings_flood", once: () => settings(), fine: 1_000 },
  { name: "acknowledgements without end", fault: "settings_flood", once: () => SETTINGS_ACK, fine: 1_000 },
  {
    name: "PRIORITY without end",
    fault: "priority_flood",
    once: () => frame(FRAME.PRIORITY, 0, 1, Buffer.alloc(5)),
    fine: 1_000,
  },
  {
    name: "unknown frames without end",
    fault: "unknown_frame_flood",
    once: (i) => frame(0x10 + (i % 200)),
    fine: 1_000,
  },
  {
    name: "GOAWAY without end",
    fault: "unknown_frame_flood",
    before: (scene) => scene.send(headers(1, REQUEST, 0)),
    once: () => goaway(0),
    fine: 1_000,
  },
  { name: "WINDOW_UPDATE without end", fault: "window_update_flood", once: () => windowUpdate(0, 1), fine: 1_000 },
  {
    name: "empty DATA without end",
    fault: "empty_frame_flood",
    before: (scene) => scene.send(headers(1, REQUEST, 0)),
    once: () => data(1, 0),
    fine: 1_000,
  },
  {
    name: "empty DATA to a stream that we reset without end",
    fault: "empty_frame_flood",
    before: (scene) => {
      scene.send(headers(1, REQUEST, 0));
      scene.connection.resetStream(1, E.CANCEL);
    },
    once: () => data(1, 0),
    fine: 1_000,
  },
  {
    name: "DATA of nothing but padding without end",
    fault: "empty_frame_flood",
    before: (scene) => scene.send(headers(1, REQUEST, 0)),
    once: () => data(1, Buffer.concat([Uint8Array.of(9), Buffer.alloc(9)]), FLAG.PADDED),
    fine: 1_000,
  },
  {
    name: "DATA of one byte without end",
    fault: "small_frame_flood",
    before: (scene) => scene.send(headers(1, REQUEST, 0)),
    once: () => data(1, 1),
    fine: 1_000,
    earned: 4 + Math.floor(1_504 / 64),
  },
  {
    name: "DATA of one byte and much padding without end",
    fault: "small_frame_flood",
    before: (scene) => scene.send(headers(1, REQUEST, 0)),
    once: () => data(1, Buffer.concat([Uint8Array.of(255), Buffer.alloc(256)]), FLAG.PADDED),
    fine: 1_000,
    earned: 4 + Math.floor(1_504 / 64),
  },
  {
    name: "DATA of one byte to a stream that we reset without end",
    fault: "small_frame_flood",
    before: (scene) => {
      scene.send(headers(1, REQUEST, 0));
      scene.connection.resetStream(1, E.CANCEL);
    },
    once: () => data(1, 1, FLAG.END_STREAM),
    fine: 1_000,
    earned: 4 + Math.floor(1_504 / 64),
  },
  {
    name: "RST_STREAM of a stream that has ended without end",
    fault: "rapid_reset",
    before: (scene) => scene.send(headers(1, REQUEST), rst(1)),
    once: () => rst(1),
    fine: 1_000,
    earned: 0,
  },
  {
    name: "requests that are reset before an answer without end",
    fault: "rapid_reset",
    once: (i) => Buffer.concat([headers(id(i), REQUEST), rst(id(i))]),
    fine: 200,
  },
  {
    name: "requests that make us reset them without end",
    fault: "stream_errors",
    once: (i) => Buffer.concat([headers(id(i), REQUEST, 0), windowUpdate(id(i), 0)]),
    fine: 200,
  },
  { name: "malformed requests without end", fault: "stream_errors", once: (i) => headers(id(i), TRAILERS), fine: 200 },
  {
    name: "requests above our limit without end",
    fault: "stream_errors",
    scene: { limits: { maxConcurrentStreams: 0 } },
    once: (i) => headers(id(i), REQUEST),
    fine: 200,
  },
  {
    name: "header blocks to a stream that we reset without end",
    fault: "empty_frame_flood",
    before: (scene) => {
      scene.send(headers(1, REQUEST, 0));
      scene.connection.resetStream(1, E.CANCEL);
    },
    once: () => headers(1, TRAILERS),
    fine: 1_000,
  },
];

for (const flood of floods) {
  test(`${flood.name} are ${flood.fault}`, () => {
    const scene = new Scene("server", flood.scene);
    flood.before?.(scene);
    let i = 0;
    // What a request before it earned is used up first.
    const earned = flood.earned ?? (flood.before === undefined ? 0 : 8);
    for (; i < flood.fine; i++) scene.send(flood.once(i));
    assertAlive(scene);
    scene.nowMs += 500;
    for (const half = i + flood.fine / 2; i < half; i++) scene.send(flood.once(i));
    assertAlive(scene);
    for (const most = i + 1 + earned; i < most; i++) scene.send(flood.once(i));
    assertFailed(scene, CALM, flood.fault);
  });
}

test("DATA in small frames is no flood: a few for each message, any number in which there are 64 bytes on the average", () => {
  const scene = new Scene("server");
  for (let i = 0; i < 5_000; i++) {
    scene.send(headers(id(i), REQUEST, 0), data(id(i), 5), data(id(i), 1), data(id(i), 2), data(id(i), 3));
    scene.send(data(id(i), 1, FLAG.END_STREAM));
    scene.connection.sendReply(id(i), HEAD, Buffer.alloc(5), TAIL);
    scene.take();
  }
  scene.send(headers(20_001, REQUEST, 0));
  for (let i = 0; i < 20_000; i++) scene.send(data(20_001, i % 4 === 0 ? 200 : 20));
  assertAlive(scene);
  const client = new Scene("client");
  for (let i = 0; i < 5_000; i++) {
    client.request(true);
    client.send(headers(id(i), RESPONSE, 0), data(id(i), 5), headers(id(i), TRAILERS));
  }
  assertAlive(client);
});

test("a client that calls off what takes long, thousands of times a second, is no attacker", () => {
  const scene = new Scene("server");
  for (let i = 0; i < 40; i++) {
    const streams = Array.from({ length: 1_000 }, (_, k) => id(i * 1_000 + k));
    scene.send(...streams.map((stream) => headers(stream, REQUEST)));
    scene.nowMs += 100;
    scene.send(...streams.map((stream) => rst(stream)));
    scene.take();
  }
  assertAlive(scene);
});

test("a client that calls off at once no more than it lets be answered is no attacker", () => {
  const scene = new Scene("server");
  for (let i = 0; i < 10_000; i++) {
    scene.send(headers(id(i), REQUEST));
    if (i % 2 === 0) scene.connection.sendReply(id(i), HEAD, Buffer.alloc(5), TAIL);
    else scene.send(rst(id(i)));
    scene.take();
  }
  assertAlive(scene);
});

test("streams that were answered excuse a thousand resets and no more", () => {
  const scene = new Scene("server");
  for (let i = 0; i < 20_000; i++) {
    scene.send(headers(id(i), REQUEST));
    scene.connection.sendHeaders(id(i), TAIL, true);
    scene.take();
  }
  for (let i = 20_000; i < 21_200; i++) scene.send(headers(id(i), REQUEST), rst(id(i)));
  assertAlive(scene);
  scene.send(headers(50_001, REQUEST), rst(50_001));
  assertFailed(scene, CALM, "rapid_reset");
});

test("requests that are reset a little later, below a tenth of a second, are rapid_reset", () => {
  const scene = new Scene("server");
  for (let i = 0; scene.toldOf("failed").length === 0 && i < 100; i++) {
    const streams = Array.from({ length: 50 }, (_, k) => id(i * 50 + k));
    scene.send(...streams.map((stream) => headers(stream, REQUEST)));
    scene.nowMs += 99;
    scene.send(...streams.map((stream) => rst(stream)));
  }
  assertFailed(scene, CALM, "rapid_reset");
});

test("interim replies without end are empty_frame_flood", () => {
  const scene = new Scene("client");
  scene.request(true);
  for (let i = 0; i < 1_100; i++) scene.send(headers(1, [":status", "103"], 0));
  assertFailed(scene, CALM, "empty_frame_flood");
});

test("CONTINUATION without end is continuation_flood", () => {
  const scene = new Scene("server");
  scene.send(frame(FRAME.HEADERS, 0, 1));
  for (let i = 0; i < 16; i++) scene.send(frame(FRAME.CONTINUATION, 0, 1, Uint8Array.of(0x82)));
  assertAlive(scene);
  scene.send(frame(FRAME.CONTINUATION, 0, 1).subarray(0, 9));
  assertFailed(scene, CALM, "continuation_flood");
});

test("a header block far above our limit is header_list_too_large before it is there", () => {
  const scene = new Scene("server");
  scene.send(frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, Buffer.alloc(65_537)).subarray(0, 9));
  assertFailed(scene, CALM, "header_list_too_large");
  const split = new Scene("server");
  split.send(
    frame(FRAME.HEADERS, 0, 1, Buffer.alloc(40_000)),
    frame(FRAME.CONTINUATION, 0, 1, Buffer.alloc(40_000)).subarray(0, 9),
  );
  assertFailed(split, CALM, "header_list_too_large");
});

test("a small header block that stands for far more than our limit is header_list_too_large", () => {
  const scene = new Scene("server");
  scene.send(frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, Buffer.alloc(12_000, 0x82)));
  assertFailed(scene, CALM, "header_list_too_large");
});

test("a SETTINGS frame of more than 64 parameters is settings_flood before it is there", () => {
  const scene = new Scene("server");
  scene.send(frame(FRAME.SETTINGS, 0, 0, Buffer.alloc(65 * 6)).subarray(0, 9));
  assertFailed(scene, CALM, "settings_flood");
});

test("a peer that gives no credit while too much waits is stalled after ten seconds", () => {
  const scene = new Scene("client", { limits: { maxOutputBytes: 100_000 } });
  scene.request();
  scene.connection.sendData(1, [Buffer.alloc(200_000)], true);
  scene.take();
  for (let ms = 0; ms < 10_000; ms += 1_000) scene.connection.tick(scene.nowMs + ms);
  assertAlive(scene);
  scene.send(windowUpdate(0, 1), windowUpdate(1, 1), ping("x"));
  scene.take();
  scene.connection.tick(scene.nowMs + 10_000);
  assertFailed(scene, CALM, "stalled");
});

test("what waited of streams that are over does not stall a connection", () => {
  const scene = new Scene("client", { limits: { maxOutputBytes: 100_000 } });
  for (let i = 0; i < 5; i++) {
    scene.request();
    scene.connection.sendData(id(i), [Buffer.alloc(90_000)], true);
    scene.connection.resetStream(id(i), E.CANCEL);
  }
  for (let ms = 0; ms < 60_000; ms += 1_000) scene.connection.tick(scene.nowMs + ms);
  assertAlive(scene);
});

test("a peer that reads slowly is not stalled", () => {
  const scene = new Scene("client", { limits: { maxOutputBytes: 100_000 } });
  scene.request();
  scene.connection.sendData(1, [Buffer.alloc(1_000_000)], true);
  for (let i = 1; i < 10; i++) {
    scene.take();
    scene.connection.tick(scene.nowMs + i * 10_000);
    scene.send(windowUpdate(0, 70_000), windowUpdate(1, 70_000));
  }
  assertAlive(scene);
});

test("a peer that asks for answers and does not read them is stalled at once", () => {
  const scene = new Scene("server", { limits: { maxOutputBytes: 20_000 } });
  for (let i = 0; scene.toldOf("failed").length === 0 && i < 100_000; i++) {
    scene.send(headers(id(i), REQUEST));
    scene.connection.sendHeaders(id(i), TAIL, true);
  }
  assertFailed(scene, CALM, "stalled");
});

test("a busy peer has a reason for PING and WINDOW_UPDATE", () => {
  const scene = new Scene("server");
  for (let i = 0; i < 20_000; i++) {
    scene.send(headers(id(i), REQUEST));
    scene.connection.sendReply(id(i), HEAD, Buffer.alloc(5), TAIL);
    scene.send(ping("bdp"), windowUpdate(0, 5), windowUpdate(id(i), 5));
    scene.connection.takeOutput(65_536);
  }
  assertAlive(scene);
  const client = new Scene("client", { settings: [4, 0x7fff_ffff] });
  client.request();
  client.send(windowUpdate(0, 0x7000_0000));
  client.connection.sendData(1, [Buffer.alloc(10_000_000)], true);
  client.take();
  for (let i = 0; i < 5_000; i++) client.send(windowUpdate(0, 2_048), windowUpdate(1, 2_048));
  assertAlive(client);
});

/**
 * Faults whose tests are rules: see the names there. `internal` is for drivers: nothing here has
 * it.
 */
const ELSEWHERE: readonly ConnectionFault[] = [
  ...([
    "bad_preface",
    "protocol_error",
    "frame_size",
    "flow_control",
    "compression",
    "settings_timeout",
    "internal",
  ] as const),
];

test("every fault of a connection has its test", () => {
  const here = ["continuation_flood", "header_list_too_large", "stalled", ...floods.map(({ fault }) => fault)];
  assert.deepEqual([...new Set([...here, ...ELSEWHERE])].toSorted(), [...CONNECTION_FAULTS].toSorted());
});
