import { H2_ERROR as E } from "../../../src/http2/own/contract.ts";
import { FLAG, FRAME } from "../../../src/http2/own/frames/frame-types.ts";
import { encodeHeaders } from "../../../src/http2/own/hpack/encoder.ts";
import { data, headers, ping, REQUEST, RESPONSE, rst, TRAILERS, windowUpdate } from "./raw.ts";
import { connectionError, fine, type Rule, streamError, testRules } from "./rules.ts";
import type { Scene } from "./scene.ts";

const END = FLAG.END_STREAM;
const HEAD = encodeHeaders(RESPONSE);
const TAIL = encodeHeaders(TRAILERS);

function openOne(scene: Scene): void {
  scene.send(headers(1, REQUEST, 0));
}
function halfClosed(scene: Scene): void {
  scene.send(headers(1, REQUEST));
}
/** Request and reply are whole. */
function ended(scene: Scene): void {
  scene.send(headers(1, REQUEST));
  scene.connection.sendReply(1, HEAD, Buffer.alloc(5), TAIL);
}
function resetByUs(scene: Scene): void {
  openOne(scene);
  scene.connection.resetStream(1, E.CANCEL);
}
function resetByPeer(scene: Scene): void {
  openOne(scene);
  scene.send(rst(1));
}
function requestOne(scene: Scene): void {
  scene.request();
}

const idle: readonly Rule[] = (
  [
    ["DATA", data(1, 1), data(3, 1)],
    ["RST_STREAM", rst(1), rst(3)],
    ["WINDOW_UPDATE", windowUpdate(1, 1), windowUpdate(3, 1)],
  ] as const
).flatMap(([type, toServer, toClient]): Rule[] => [
  {
    name: `${type} on a stream that a client has not opened is an error of the connection`,
    role: "server",
    send: [toServer],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
  {
    name: `${type} on a stream that we have not opened is an error of the connection`,
    role: "client",
    before: requestOne,
    send: [toClient],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
]);

const identifiers: readonly Rule[] = [
  {
    name: "a client that opens an even stream breaks the protocol",
    role: "server",
    send: [headers(2, REQUEST)],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
  {
    name: "a server that opens a stream breaks the protocol",
    role: "client",
    send: [headers(2, RESPONSE)],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
  {
    name: "HEADERS on a stream that we have not opened are an error of the connection",
    role: "client",
    send: [headers(1, RESPONSE)],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
  {
    name: "a stream below one that was opened cannot be opened any more",
    role: "server",
    send: [headers(5, REQUEST), headers(3, REQUEST)],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
  {
    name: "DATA on a stream that was passed over is an error of the connection",
    role: "server",
    send: [headers(5, REQUEST), data(3, 1)],
    outcome: connectionError(E.STREAM_CLOSED),
  },
  {
    name: "a client may pass over streams",
    role: "server",
    send: [headers(3, REQUEST), headers(9, REQUEST), headers(0x7fff_ffff, REQUEST)],
    outcome: fine(
      [],
      [3, 9, 0x7fff_ffff].map((id) => ["headers", id, REQUEST.join("|"), true]),
    ),
  },
];

const halfClosedRemote: readonly Rule[] = [
  {
    name: "DATA after END_STREAM is an error of the stream",
    role: "server",
    before: halfClosed,
    send: [data(1, 1)],
    outcome: streamError(1, E.STREAM_CLOSED),
  },
  {
    name: "HEADERS after END_STREAM are an error of the stream",
    role: "server",
    before: halfClosed,
    send: [headers(1, TRAILERS)],
    outcome: streamError(1, E.STREAM_CLOSED),
  },
  {
    name: "WINDOW_UPDATE after END_STREAM is taken",
    role: "server",
    before: halfClosed,
    send: [windowUpdate(1, 10)],
    outcome: fine([], []),
  },
  {
    name: "RST_STREAM after END_STREAM is taken",
    role: "server",
    before: halfClosed,
    send: [rst(1, E.CANCEL)],
    outcome: fine([], [["reset", 1, E.CANCEL, true]]),
  },
  {
    name: "DATA of a reply that has ended is an error of the stream",
    role: "client",
    before: (scene) => {
      requestOne(scene);
      scene.send(headers(1, RESPONSE));
    },
    send: [data(1, 1)],
    outcome: streamError(1, E.STREAM_CLOSED),
  },
];

const closed: readonly Rule[] = [
  {
    name: "DATA on a stream that both sides ended is an error of the connection",
    role: "server",
    before: ended,
    send: [data(1, 1)],
    outcome: connectionError(E.STREAM_CLOSED),
  },
  {
    name: "HEADERS on a stream that both sides ended are an error of the connection",
    role: "server",
    before: ended,
    send: [headers(1, REQUEST)],
    outcome: connectionError(E.STREAM_CLOSED),
  },
  {
    name: "WINDOW_UPDATE and RST_STREAM on a stream that has ended are ignored",
    role: "server",
    before: ended,
    send: [windowUpdate(1, 5), windowUpdate(1, 0), rst(1)],
    outcome: fine([], []),
  },
  {
    name: "DATA on a stream that the peer reset is an error of the connection",
    role: "server",
    before: resetByPeer,
    send: [data(1, 1)],
    outcome: connectionError(E.STREAM_CLOSED),
  },
  {
    name: "frames under way to a stream that we reset are dropped",
    role: "server",
    before: resetByUs,
    send: [data(1, 10), windowUpdate(1, 5), headers(1, TRAILERS), rst(1)],
    outcome: fine([], []),
  },
  {
    name: "a reply under way to a request that we gave up is dropped",
    role: "client",
    before: (scene) => {
      requestOne(scene);
      scene.connection.resetStream(1, E.CANCEL);
    },
    send: [headers(1, RESPONSE, 0), data(1, 10), headers(1, TRAILERS)],
    outcome: fine([], []),
  },
];

const limits: readonly Rule[] = [
  {
    name: "a stream above SETTINGS_MAX_CONCURRENT_STREAMS is refused",
    role: "server",
    scene: { limits: { maxConcurrentStreams: 2 } },
    before: (scene) => scene.send(headers(1, REQUEST, 0), headers(3, REQUEST)),
    send: [headers(5, REQUEST)],
    outcome: streamError(5, E.REFUSED_STREAM),
  },
  {
    name: "streams that have ended do not count as concurrent",
    role: "server",
    scene: { limits: { maxConcurrentStreams: 1 } },
    before: ended,
    send: [headers(3, REQUEST)],
    outcome: fine([], [["headers", 3, REQUEST.join("|"), true]]),
  },
  {
    name: "frames of a stream that was refused are dropped",
    role: "server",
    scene: { limits: { maxConcurrentStreams: 1 } },
    before: (scene) => scene.send(headers(1, REQUEST, 0), headers(3, REQUEST, 0)),
    send: [data(3, 10, END), ping("x")],
    outcome: fine([FRAME.PING], []),
  },
];

testRules([...idle, ...identifiers, ...halfClosedRemote, ...closed, ...limits]);
