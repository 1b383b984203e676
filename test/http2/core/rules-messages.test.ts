import { test } from "node:test";
import assert from "node:assert/strict";
import { DEFAULT_LIMITS, H2_ERROR as E } from "../../../src/http2/own/contract.ts";
import { FLAG } from "../../../src/http2/own/frames/frame-types.ts";
import { data, headers, REQUEST, RESPONSE, rst, TRAILERS } from "./raw.ts";
import { fine, type Rule, streamError, testRules } from "./rules.ts";
import { Scene } from "./scene.ts";

const END = FLAG.END_STREAM;
const MALFORMED = E.PROTOCOL_ERROR;

/** The request with some fields in place of others: `undefined` leaves one out. */
function request(change: Readonly<Record<string, string | undefined>>, ...more: readonly string[]): string[] {
  const list: string[] = [];
  for (let i = 0; i < REQUEST.length; i += 2) {
    const name = REQUEST[i]!;
    const value = name in change ? change[name] : REQUEST[i + 1];
    if (value !== undefined) list.push(name, value);
  }
  return [...list, ...more];
}

const badRequests: readonly (readonly [string, readonly string[]])[] = [
  ["a request without :method is malformed", request({ ":method": undefined })],
  ["a request without :scheme is malformed", request({ ":scheme": undefined })],
  ["a request without :path is malformed", request({ ":path": undefined })],
  ["a request with an empty :path is malformed", request({ ":path": "" })],
  ["a request with an empty :method is malformed", request({ ":method": "" })],
  ["a request whose :path does not begin with a slash is malformed", request({ ":path": "a" })],
  ["a request with :path * is malformed unless it is OPTIONS", request({ ":path": "*" })],
  ["a request with :method twice is malformed", [":method", "GET", ...REQUEST]],
  ["a request with :path twice is malformed", [":path", "/", ...REQUEST]],
  ["a request with :scheme twice is malformed", [":scheme", "http", ...REQUEST]],
  ["a request with :authority twice is malformed", [":authority", "a", ...REQUEST]],
  ["a request with :status is malformed", [":status", "200", ...REQUEST]],
  ["a request with an unknown pseudo-field is malformed", [":version", "2", ...REQUEST]],
  ["a request with a pseudo-field after another field is malformed", request({ ":path": undefined }, ":path", "/")],
  ["a request with user information in :authority is malformed", request({ ":authority": "me@localhost" })],
  ["a request whose host differs from :authority is malformed", request({}, "host", "other")],
  ["CONNECT with :path is malformed", request({ ":method": "CONNECT", ":scheme": undefined })],
  ["CONNECT without :authority is malformed", [":method", "CONNECT"]],
  ["a field name with a capital is malformed", request({}, "X-a", "1")],
  ["an empty field name is malformed", request({}, "", "1")],
  ["a field name with a space is malformed", request({}, "a b", "1")],
  ["a field name with a colon is malformed", request({}, "a:b", "1")],
  ["a field name with a control character is malformed", request({}, "a\x01", "1")],
  ["a field name beyond ASCII is malformed", request({}, "\xe9", "1")],
  ["a field value with NUL is malformed", request({}, "a", "b\0")],
  ["a field value with a line feed is malformed", request({}, "a", "b\nc")],
  ["a field value with a carriage return is malformed", request({}, "a", "b\rc")],
  ["a field value that begins with a space is malformed", request({}, "a", " b")],
  ["a field value that ends with a tab is malformed", request({}, "a", "b\t")],
  ["a field value with another control character is malformed", request({}, "a", "b\x7fc")],
  ["connection is no field of HTTP/2", request({}, "connection", "close")],
  ["keep-alive is no field of HTTP/2", request({}, "keep-alive", "1")],
  ["proxy-connection is no field of HTTP/2", request({}, "proxy-connection", "close")],
  ["transfer-encoding is no field of HTTP/2", request({}, "transfer-encoding", "chunked")],
  ["upgrade is no field of HTTP/2", request({}, "upgrade", "h2c")],
  ["te says trailers and nothing else", request({ te: "gzip" })],
  ["a content-length that is no number is malformed", request({}, "content-length", "1,1")],
  ["two different content-lengths are malformed", request({}, "content-length", "1", "content-length", "2")],
  ["trailers are no request", TRAILERS],
];

const goodRequests: readonly (readonly [string, readonly string[]])[] = [
  [
    "a request without te, and with unusual fields, is taken",
    request({ te: undefined }, "x-a", "\xfcber  all\t!", "~", ""),
  ],
  ["a request without :authority is taken", request({ ":authority": undefined })],
  ["a request whose host is :authority in other letters is taken", request({}, "host", "LOCALHOST")],
  ["a request whose host says the port that its scheme has anyway is taken", request({}, "host", "localhost:80")],
  ["OPTIONS * is taken", request({ ":method": "OPTIONS", ":path": "*" })],
  ["CONNECT with an authority alone is taken", [":method", "CONNECT", ":authority", "a:1"]],
  ["a content-length of 0 is taken", request({}, "content-length", "0")],
  ["a content-length that is said twice alike is taken", request({}, "content-length", "3", "content-length", "3")],
];

const requests: readonly Rule[] = [
  ...badRequests.map(
    ([name, list]): Rule => ({
      name,
      role: "server",
      send: [headers(1, list, 0)],
      outcome: streamError(1, MALFORMED),
    }),
  ),
  ...goodRequests.map(
    ([name, list]): Rule => ({
      name,
      role: "server",
      send: [headers(1, list, 0)],
      outcome: fine([], [["headers", 1, list.join("|"), false]]),
    }),
  ),
];

const bodies: readonly Rule[] = [
  {
    name: "a body longer than its content-length is malformed before a byte of it is passed on",
    role: "server",
    before: (scene) => scene.send(headers(1, request({}, "content-length", "3"), 0)),
    send: [data(1, 4)],
    outcome: streamError(1, MALFORMED),
  },
  {
    name: "a body shorter than its content-length is malformed",
    role: "server",
    before: (scene) => scene.send(headers(1, request({}, "content-length", "3"), 0)),
    send: [data(1, 2, END)],
    outcome: streamError(1, MALFORMED),
  },
  {
    name: "a body that trailers end before its content-length is malformed",
    role: "server",
    before: (scene) => scene.send(headers(1, request({}, "content-length", "3"), 0), data(1, 2)),
    send: [headers(1, TRAILERS)],
    outcome: streamError(1, MALFORMED),
  },
  {
    name: "a request that ends with its head but has a content-length is malformed",
    role: "server",
    send: [headers(1, request({}, "content-length", "3"), END)],
    outcome: streamError(1, MALFORMED),
  },
  {
    name: "trailers without END_STREAM are malformed",
    role: "server",
    before: (scene) => scene.send(headers(1, REQUEST, 0)),
    send: [headers(1, TRAILERS, 0)],
    outcome: streamError(1, MALFORMED),
  },
  {
    name: "trailers with a pseudo-field are malformed",
    role: "server",
    before: (scene) => scene.send(headers(1, REQUEST, 0)),
    send: [headers(1, [":path", "/"])],
    outcome: streamError(1, MALFORMED),
  },
  {
    name: "a second head is malformed",
    role: "server",
    before: (scene) => scene.send(headers(1, REQUEST, 0)),
    send: [headers(1, REQUEST)],
    outcome: streamError(1, MALFORMED),
  },
  {
    name: "trailers of a request are passed on, and end it",
    role: "server",
    before: (scene) => scene.send(headers(1, REQUEST, 0)),
    send: [headers(1, ["a", "b"])],
    outcome: fine([], [["headers", 1, "a|b", true]]),
  },
];

function reply(name: string, list: readonly string[], flags: number, outcome: Rule["outcome"]): Rule {
  return { name, role: "client", before: (scene) => scene.request(true), send: [headers(1, list, flags)], outcome };
}

const replies: readonly Rule[] = [
  reply("a reply without :status is malformed", TRAILERS, 0, streamError(1, MALFORMED)),
  reply("a reply with :status twice is malformed", [":status", "200", ":status", "200"], 0, streamError(1, MALFORMED)),
  reply("a reply with :path is malformed", [":status", "200", ":path", "/"], 0, streamError(1, MALFORMED)),
  reply(
    "a reply whose :status is no number of three digits is malformed",
    [":status", "2x0"],
    0,
    streamError(1, MALFORMED),
  ),
  reply("a reply of 101 is malformed", [":status", "101"], 0, streamError(1, MALFORMED)),
  reply("an interim reply that ends the stream is malformed", [":status", "100"], END, streamError(1, MALFORMED)),
  reply(
    "a reply with a field of HTTP/1.1 is malformed",
    [...RESPONSE, "connection", "x"],
    0,
    streamError(1, MALFORMED),
  ),
  reply("an interim reply is passed over", [":status", "103", "link", "x"], 0, fine([], [])),
  reply(
    "a reply of one head is whole",
    [...RESPONSE, "grpc-status", "5"],
    END,
    fine([], [["headers", 1, [...RESPONSE, "grpc-status", "5"].join("|"), true]]),
  ),
  reply(
    "304 may have a content-length without a body",
    [":status", "304", "content-length", "9"],
    END,
    fine([], [["headers", 1, ":status|304|content-length|9", true]]),
  ),
  {
    name: "a body before a reply's head is malformed",
    role: "client",
    before: (scene) => scene.request(true),
    send: [data(1, 1)],
    outcome: streamError(1, MALFORMED),
  },
  {
    name: "after interim replies the final one comes",
    role: "client",
    before: (scene) => scene.request(true),
    send: [
      headers(1, [":status", "100"], 0),
      headers(1, [":status", "103"], 0),
      headers(1, RESPONSE, 0),
      headers(1, TRAILERS),
    ],
    outcome: fine(
      [],
      [
        ["headers", 1, RESPONSE.join("|"), false],
        ["headers", 1, TRAILERS.join("|"), true],
      ],
    ),
  },
  {
    name: "an interim reply after the final one is malformed",
    role: "client",
    before: (scene) => {
      scene.request(true);
      scene.send(headers(1, RESPONSE, 0));
    },
    send: [headers(1, [":status", "100"], 0)],
    outcome: streamError(1, MALFORMED),
  },
  {
    name: "a reply may come before the request has ended, and the request be called off with NO_ERROR",
    role: "client",
    before: (scene) => scene.request(false),
    send: [headers(1, RESPONSE), rst(1, E.NO_ERROR)],
    outcome: fine(
      [],
      [
        ["headers", 1, RESPONSE.join("|"), true],
        ["reset", 1, E.NO_ERROR, true],
      ],
    ),
  },
];

const sizes: readonly Rule[] = [
  {
    name: "a header list above SETTINGS_MAX_HEADER_LIST_SIZE costs its stream only",
    role: "server",
    send: [headers(1, request({}, "a", "b".repeat(DEFAULT_LIMITS.maxHeaderListBytes)), 0)],
    outcome: streamError(1, E.ENHANCE_YOUR_CALM),
  },
  {
    name: "more fields than we take cost their stream only",
    role: "server",
    send: [headers(1, request({}, ...Array.from({ length: 200 }, () => "a")), 0)],
    outcome: streamError(1, E.ENHANCE_YOUR_CALM),
  },
  {
    name: "a reply's header list that is too large costs its stream only",
    role: "client",
    before: (scene) => scene.request(true),
    send: [headers(1, [...RESPONSE, "a", "b".repeat(20_000)], 0)],
    outcome: streamError(1, E.ENHANCE_YOUR_CALM),
  },
];

testRules([...requests, ...bodies, ...replies, ...sizes]);

test("nobody is told of a request that is malformed, and the owner is told once of a stream that broke a rule", () => {
  const scene = new Scene("server");
  scene.send(headers(1, request({ ":path": undefined }), 0), headers(3, REQUEST, 0), headers(3, TRAILERS, 0));
  assert.deepEqual(scene.told, [
    ["headers", 3, REQUEST.join("|"), false],
    ["reset", 3, MALFORMED, false],
  ]);
  assert.equal(scene.connection.openStreams, 0);
});
