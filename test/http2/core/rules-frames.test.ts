import { H2_ERROR as E } from "../../../src/http2/own/contract.ts";
import { FLAG, FRAME } from "../../../src/http2/own/frames/frame-types.ts";
import { encodeHeaders } from "../../../src/http2/own/hpack/encoder.ts";
import { data, frame, goaway, headers, ping, REQUEST, RESPONSE, rst, uint32, windowUpdate } from "./raw.ts";
import { connectionError, fine, type Rule, streamError, testRules } from "./rules.ts";
import type { Scene } from "./scene.ts";

const BLOCK = encodeHeaders(REQUEST);
const END = FLAG.END_STREAM;
const END_HEADERS = FLAG.END_HEADERS;

function openOne(scene: Scene): void {
  scene.send(headers(1, REQUEST, 0));
}
function requestOne(scene: Scene): void {
  scene.request();
}
function padded(length: number, ...payload: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Uint8Array.of(length), ...payload, Buffer.alloc(length)]);
}

const sizes: readonly Rule[] = [
  ...(
    [
      ["DATA", FRAME.DATA, 1],
      ["a header block", FRAME.HEADERS, 1],
      ["PING", FRAME.PING, 0],
      ["an unknown frame", 0xaa, 0],
    ] as const
  ).map(
    ([what, type, stream]): Rule => ({
      name: `${what} above SETTINGS_MAX_FRAME_SIZE is an error of the connection by its head alone`,
      role: "server",
      scene: { limits: { maxFrameBytes: 16_384 } },
      before: openOne,
      send: [frame(type, 0, stream, Buffer.alloc(16_385)).subarray(0, 9)],
      outcome: connectionError(E.FRAME_SIZE_ERROR, "frame_size"),
    }),
  ),
  {
    name: "a frame of 2^14 bytes is taken whatever its type",
    role: "server",
    scene: { limits: { maxFrameBytes: 16_384 } },
    before: openOne,
    send: [data(1, 16_384), frame(0xaa, 0xff, 7, Buffer.alloc(16_384))],
    outcome: fine(),
  },
  {
    name: "padded DATA without a pad length is an error of its size",
    role: "server",
    before: openOne,
    send: [data(1, 0, FLAG.PADDED)],
    outcome: connectionError(E.FRAME_SIZE_ERROR, "frame_size"),
  },
  {
    name: "HEADERS too short for their priority fields are an error of their size",
    role: "server",
    send: [frame(FRAME.HEADERS, FLAG.PRIORITY | END_HEADERS, 1, Buffer.alloc(4))],
    outcome: connectionError(E.FRAME_SIZE_ERROR, "frame_size"),
  },
  {
    name: "RST_STREAM of another size than 4 is an error of the connection",
    role: "server",
    before: openOne,
    send: [frame(FRAME.RST_STREAM, 0, 1, Buffer.alloc(5))],
    outcome: connectionError(E.FRAME_SIZE_ERROR, "frame_size"),
  },
  {
    name: "SETTINGS of a size that is no multiple of 6 are an error of the connection",
    role: "server",
    send: [frame(FRAME.SETTINGS, 0, 0, Buffer.alloc(7))],
    outcome: connectionError(E.FRAME_SIZE_ERROR, "frame_size"),
  },
  {
    name: "an acknowledgement of SETTINGS with a payload is an error of its size",
    role: "server",
    send: [frame(FRAME.SETTINGS, FLAG.ACK, 0, Buffer.alloc(6))],
    outcome: connectionError(E.FRAME_SIZE_ERROR, "frame_size"),
  },
  {
    name: "PING of another size than 8 is an error of the connection",
    role: "server",
    send: [frame(FRAME.PING, 0, 0, Buffer.alloc(7))],
    outcome: connectionError(E.FRAME_SIZE_ERROR, "frame_size"),
  },
  {
    name: "GOAWAY shorter than 8 is an error of its size",
    role: "server",
    send: [frame(FRAME.GOAWAY, 0, 0, Buffer.alloc(7))],
    outcome: connectionError(E.FRAME_SIZE_ERROR, "frame_size"),
  },
  {
    name: "WINDOW_UPDATE of another size than 4 is an error of the connection",
    role: "server",
    send: [frame(FRAME.WINDOW_UPDATE, 0, 0, Buffer.alloc(3))],
    outcome: connectionError(E.FRAME_SIZE_ERROR, "frame_size"),
  },
  {
    name: "PRIORITY of another size than 5 is an error of its stream",
    role: "server",
    before: openOne,
    send: [frame(FRAME.PRIORITY, 0, 1, Buffer.alloc(4))],
    outcome: streamError(1, E.FRAME_SIZE_ERROR),
  },
  {
    name: "PRIORITY of another size on an idle stream, which cannot be reset, ends the connection",
    role: "server",
    send: [frame(FRAME.PRIORITY, 0, 1, Buffer.alloc(6))],
    outcome: connectionError(E.FRAME_SIZE_ERROR, "frame_size"),
  },
];

const onStreamZero: readonly Rule[] = (
  [
    ["DATA", data(0, 1)],
    ["HEADERS", headers(0, REQUEST)],
    ["PRIORITY", frame(FRAME.PRIORITY, 0, 0, Buffer.alloc(5))],
    ["RST_STREAM", rst(0)],
    ["CONTINUATION", frame(FRAME.CONTINUATION, END_HEADERS, 0)],
  ] as const
).map(([type, bytes]) => ({
  name: `${type} on stream 0 is an error of the connection`,
  role: "server",
  send: [bytes],
  outcome: connectionError(E.PROTOCOL_ERROR),
}));

const offStreamZero: readonly Rule[] = (
  [
    ["SETTINGS", frame(FRAME.SETTINGS, 0, 1)],
    ["PING", frame(FRAME.PING, 0, 1, Buffer.alloc(8))],
    ["GOAWAY", frame(FRAME.GOAWAY, 0, 1, Buffer.alloc(8))],
  ] as const
).map(([type, bytes]) => ({
  name: `${type} on a stream is an error of the connection`,
  role: "server",
  before: openOne,
  send: [bytes],
  outcome: connectionError(E.PROTOCOL_ERROR),
}));

const padding: readonly Rule[] = [
  {
    name: "padding as long as the rest of DATA is accepted",
    role: "server",
    before: openOne,
    send: [data(1, padded(5), FLAG.PADDED | END)],
    outcome: fine([], [["data", 1, 0, true]]),
  },
  {
    name: "padding longer than the payload of DATA is an error of the connection",
    role: "server",
    before: openOne,
    send: [data(1, Buffer.concat([Uint8Array.of(6), Buffer.alloc(5)]), FLAG.PADDED)],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
  {
    name: "padding longer than the payload of HEADERS is an error of the connection",
    role: "server",
    send: [frame(FRAME.HEADERS, FLAG.PADDED | END_HEADERS, 1, Buffer.concat([Uint8Array.of(BLOCK.length + 1), BLOCK]))],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
  {
    name: "padding longer than what priority fields leave of HEADERS is an error of the connection",
    role: "server",
    send: [
      frame(
        FRAME.HEADERS,
        FLAG.PADDED | FLAG.PRIORITY | END_HEADERS,
        1,
        Buffer.concat([Uint8Array.of(BLOCK.length + 1, 0, 0, 0, 1, 9), BLOCK]),
      ),
    ],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
  {
    name: "padding and priority fields of HEADERS are skipped",
    role: "server",
    send: [
      frame(
        FRAME.HEADERS,
        FLAG.PADDED | FLAG.PRIORITY | END_HEADERS | END,
        1,
        padded(9, uint32(0x8000_0001), Uint8Array.of(9), BLOCK),
      ),
    ],
    outcome: fine([], [["headers", 1, REQUEST.join("|"), true]]),
  },
];

const blocks: readonly Rule[] = [
  {
    name: "a header block in HEADERS and CONTINUATION is one block",
    role: "server",
    send: [
      frame(FRAME.HEADERS, END, 1, BLOCK.subarray(0, 3)),
      frame(FRAME.CONTINUATION, 0, 1, BLOCK.subarray(3, 4)),
      frame(FRAME.CONTINUATION, 0, 1),
      frame(FRAME.CONTINUATION, END_HEADERS, 1, BLOCK.subarray(4)),
    ],
    outcome: fine([], [["headers", 1, REQUEST.join("|"), true]]),
  },
  ...(
    [
      ["a frame of another stream", headers(3, REQUEST)],
      ["DATA of the same stream", data(1, 1)],
      ["PING", ping("x")],
      ["an unknown frame", frame(0xaa, 0, 1)],
      ["HEADERS of the same stream", headers(1, REQUEST)],
      ["CONTINUATION of another stream", frame(FRAME.CONTINUATION, END_HEADERS, 3, BLOCK)],
    ] as const
  ).map(
    ([what, bytes]): Rule => ({
      name: `${what} within a header block is an error of the connection`,
      role: "server",
      send: [frame(FRAME.HEADERS, 0, 1, BLOCK.subarray(0, 5)), bytes],
      outcome: connectionError(E.PROTOCOL_ERROR),
    }),
  ),
  {
    name: "CONTINUATION without HEADERS before it is an error of the connection",
    role: "server",
    before: openOne,
    send: [frame(FRAME.CONTINUATION, END_HEADERS, 1)],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
  {
    name: "CONTINUATION after a block that has ended is an error of the connection",
    role: "server",
    send: [headers(1, REQUEST), frame(FRAME.CONTINUATION, END_HEADERS, 1, BLOCK)],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
  {
    name: "a header block that cannot be decoded is an error of the connection",
    role: "server",
    send: [frame(FRAME.HEADERS, END_HEADERS | END, 1, Uint8Array.of(0x80))],
    outcome: connectionError(E.COMPRESSION_ERROR, "compression"),
  },
];

const others: readonly Rule[] = [
  {
    name: "frames of unknown types are ignored, wherever they come",
    role: "server",
    before: openOne,
    send: [frame(0xaa, 0xff, 0, Buffer.alloc(3)), frame(0xbb, 0, 1), frame(0xcc, 0, 99, Buffer.alloc(300))],
    outcome: fine([], []),
  },
  {
    name: "unused flags and the reserved bit of the stream are ignored",
    role: "server",
    send: [
      headers((0x8000_0000 | 1) >>> 0, REQUEST, FLAG.END_STREAM | 0x40 | 0x80),
      frame(FRAME.PING, 0xfe, 0, Buffer.alloc(8)),
    ],
    outcome: fine([FRAME.PING], [["headers", 1, REQUEST.join("|"), true]]),
  },
  {
    name: "PRIORITY is ignored on streams in any state",
    role: "server",
    before: (scene) => scene.send(headers(3, REQUEST), rst(3)),
    send: [frame(FRAME.PRIORITY, 0, 3, Buffer.alloc(5)), frame(FRAME.PRIORITY, 0, 99, Buffer.alloc(5))],
    outcome: fine([], []),
  },
  {
    name: "PUSH_PROMISE from a client is an error of the connection",
    role: "server",
    before: openOne,
    send: [frame(FRAME.PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([uint32(2), BLOCK]))],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
  {
    name: "PUSH_PROMISE to a client that forbade it is an error of the connection",
    role: "client",
    before: requestOne,
    send: [frame(FRAME.PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([uint32(2), BLOCK]))],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
  {
    name: "WINDOW_UPDATE of 0 on the connection is an error of the connection",
    role: "server",
    send: [windowUpdate(0, 0)],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
  {
    name: "WINDOW_UPDATE of 0 on a stream is an error of the stream",
    role: "server",
    before: openOne,
    send: [windowUpdate(1, 0)],
    outcome: streamError(1, E.PROTOCOL_ERROR),
  },
  {
    name: "WINDOW_UPDATE that takes the connection's window above 2^31-1 is an error of flow control",
    role: "server",
    send: [windowUpdate(0, 0x7fff_ffff)],
    outcome: connectionError(E.FLOW_CONTROL_ERROR, "flow_control"),
  },
  {
    name: "WINDOW_UPDATE that takes a stream's window above 2^31-1 resets the stream",
    role: "server",
    before: openOne,
    send: [windowUpdate(1, 0x7fff_ffff)],
    outcome: streamError(1, E.FLOW_CONTROL_ERROR),
  },
  {
    name: "unknown error codes of RST_STREAM and GOAWAY are passed on and do nothing more",
    role: "server",
    before: openOne,
    send: [rst(1, 0xdead_beef)],
    outcome: fine([], [["reset", 1, 0xdead_beef, true]]),
  },
  {
    name: "RST_STREAM is not answered with RST_STREAM",
    role: "client",
    before: requestOne,
    send: [rst(1), rst(1)],
    outcome: fine([], [["reset", 1, 8, true]]),
  },
  {
    name: "a reply's head comes whole from a server",
    role: "client",
    before: requestOne,
    send: [headers(1, RESPONSE, 0)],
    outcome: fine([], [["headers", 1, RESPONSE.join("|"), false]]),
  },
  {
    name: "GOAWAY whose last stream grows is an error of the connection",
    role: "client",
    before: requestOne,
    send: [goaway(1), goaway(3)],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
];

testRules([...sizes, ...onStreamZero, ...offStreamZero, ...padding, ...blocks, ...others]);
