import assert from "node:assert/strict";
import { test } from "node:test";
import { H2_ERROR as E } from "../../../src/http2/own/contract.ts";
import { FLAG, FRAME, SETTING } from "../../../src/http2/own/frames/frame-types.ts";
import { frame, headers, ping, PREFACE, REQUEST, SETTINGS_ACK, settings, windowUpdate } from "./raw.ts";
import { encodeHeaders } from "../../../src/http2/own/hpack/encoder.ts";
import { connectionError, fine, type Rule, testRules } from "./rules.ts";
import { Scene } from "./scene.ts";

const preface: readonly Rule[] = [
  {
    name: "a client that does not begin with the preface ends its connection",
    role: "server",
    scene: { silent: true },
    send: [Buffer.from("GET / HTTP/1.1\r\nhost: a\r\n\r\n")],
    outcome: connectionError(E.PROTOCOL_ERROR, "bad_preface"),
  },
  {
    name: "a preface that is wrong in its last byte ends the connection",
    role: "server",
    scene: { silent: true },
    send: [PREFACE.subarray(0, 23), Buffer.from("!")],
    outcome: connectionError(E.PROTOCOL_ERROR, "bad_preface"),
  },
  {
    name: "a preface without SETTINGS after it ends the connection",
    role: "server",
    scene: { silent: true },
    send: [PREFACE, headers(1, REQUEST)],
    outcome: connectionError(E.PROTOCOL_ERROR, "bad_preface"),
  },
  {
    name: "an acknowledgement is no preface",
    role: "server",
    scene: { silent: true },
    send: [PREFACE, SETTINGS_ACK],
    outcome: connectionError(E.PROTOCOL_ERROR, "bad_preface"),
  },
  {
    name: "a server that does not begin with SETTINGS ends its connection",
    role: "client",
    scene: { silent: true },
    send: [ping("x")],
    outcome: connectionError(E.PROTOCOL_ERROR, "bad_preface"),
  },
  {
    name: "a preface with empty SETTINGS is acknowledged",
    role: "server",
    scene: { silent: true },
    send: [PREFACE, settings()],
    outcome: fine([FRAME.SETTINGS]),
  },
];

const settingsRules: readonly Rule[] = [
  {
    name: "SETTINGS are acknowledged, and told with what they say of streams",
    role: "client",
    send: [settings(SETTING.MAX_CONCURRENT_STREAMS, 7)],
    outcome: fine([FRAME.SETTINGS], [["settings", 7]]),
  },
  {
    name: "SETTINGS_ENABLE_PUSH above 1 is an error of the connection",
    role: "server",
    send: [settings(SETTING.ENABLE_PUSH, 2)],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
  {
    name: "a server that enables push at its client breaks the protocol",
    role: "client",
    send: [settings(SETTING.ENABLE_PUSH, 1)],
    outcome: connectionError(E.PROTOCOL_ERROR),
  },
  {
    name: "SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1 is an error of flow control",
    role: "server",
    send: [settings(SETTING.INITIAL_WINDOW_SIZE, 0x8000_0000)],
    outcome: connectionError(E.FLOW_CONTROL_ERROR, "flow_control"),
  },
  {
    name: "SETTINGS_INITIAL_WINDOW_SIZE that takes a stream's window above 2^31-1 is an error of flow control",
    role: "server",
    before: (scene) => {
      scene.send(headers(1, REQUEST, 0));
      scene.send(windowUpdate(1, 0x7fff_ffff - 65_535));
    },
    send: [settings(SETTING.INITIAL_WINDOW_SIZE, 65_536)],
    outcome: connectionError(E.FLOW_CONTROL_ERROR, "flow_control"),
  },
  ...[16_383, 16_777_216].map(
    (bytes): Rule => ({
      name: `SETTINGS_MAX_FRAME_SIZE of ${bytes} is an error of the connection`,
      role: "server",
      send: [settings(SETTING.MAX_FRAME_SIZE, bytes)],
      outcome: connectionError(E.PROTOCOL_ERROR),
    }),
  ),
  {
    name: "unknown settings are ignored",
    role: "server",
    send: [settings(0x9, 1, 0xff00, 0xffff_ffff)],
    outcome: fine([FRAME.SETTINGS]),
  },
  {
    name: "an acknowledgement that nobody waits for is ignored",
    role: "server",
    send: [SETTINGS_ACK],
    outcome: fine(),
  },
];

/** A request whose fields are indexed, after `sizes`, size updates as bytes. */
function block(...sizes: readonly number[]): Buffer {
  const payload = Buffer.concat([Buffer.from(sizes), encodeHeaders(REQUEST)]);
  return frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, payload);
}
const told = [["headers", 1, REQUEST.join("|"), true]];
const noTable = { limits: { headerTableBytes: 0 } };

const tables: readonly Rule[] = [
  {
    name: "a header block after the acknowledgement of a smaller table must begin with its size",
    role: "server",
    scene: noTable,
    send: [block()],
    outcome: connectionError(E.COMPRESSION_ERROR, "compression"),
  },
  {
    name: "a header block that begins with the size of the smaller table is taken",
    role: "server",
    scene: noTable,
    send: [block(0x20)],
    outcome: fine([], told),
  },
  {
    name: "a table larger than our setting is an error of the connection",
    role: "server",
    scene: noTable,
    send: [block(0x21)],
    outcome: connectionError(E.COMPRESSION_ERROR, "compression"),
  },
  {
    name: "until it acknowledges our SETTINGS a peer may use a table of 4,096 bytes",
    role: "server",
    scene: { ...noTable, silent: true },
    before: (scene) => scene.send(PREFACE, settings()),
    send: [block()],
    outcome: fine([], told),
  },
  {
    name: "a table above 4,096 bytes may be used when our SETTINGS allow it",
    role: "server",
    scene: { limits: { headerTableBytes: 8_192 } },
    send: [block(0x3f, 0xe1, 0x3f)],
    outcome: fine([], told),
  },
];

testRules([...tables, ...preface, ...settingsRules]);

test("what the peer takes of a header list is known from its SETTINGS, and the last of them holds", () => {
  const scene = new Scene("client");
  const most = (): number => scene.connection.peerMaxHeaderListBytes;
  assert.equal(most(), Number.POSITIVE_INFINITY);
  scene.send(settings(SETTING.MAX_HEADER_LIST_SIZE, 500, SETTING.MAX_HEADER_LIST_SIZE, 700));
  assert.equal(most(), 700);
  scene.send(settings());
  assert.equal(most(), 700);
  scene.send(settings(SETTING.MAX_HEADER_LIST_SIZE, 0xffff_ffff));
  assert.equal(most(), 0xffff_ffff);
});
