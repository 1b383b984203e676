import assert from "node:assert/strict";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import type { HeaderSource } from "../../src/plan/sender-headers.ts";
import { FULL_SUCCESS } from "../../src/data/receive/request.ts";
import { GrpcConnection } from "./grpc-client.ts";
import { openReceiving } from "./harness.ts";

const NAMES = ["x-scope-orgid", "x-twice", "authorization", "cookie", "x-none", "x-empty", "constructor", "__proto__"];

function read(headers: HeaderSource): Record<string, string | undefined> {
  return Object.fromEntries(NAMES.map((name) => [name.replaceAll("_", ""), headers.header(name)]));
}

const WANTED = {
  "x-scope-orgid": "team a",
  "x-twice": "a, b",
  authorization: "Bearer one",
  cookie: "a=1; b=2",
  "x-none": undefined,
  "x-empty": "",
  constructor: undefined,
  proto: undefined,
};

test("receive grpc: the next stage reads headers by name, those that come twice as one", async () => {
  const seen: Record<string, string | undefined>[] = [];
  const answer = ({ head }: { head: { headers: HeaderSource } }) => {
    seen.push(read(head.headers));
    return FULL_SUCCESS;
  };
  await using receiving = await openReceiving({ answer });
  await using connection = new GrpcConnection(receiving.grpcPort);
  await connection.call("/opentelemetry.proto.collector.trace.v1.TraceService/Export", new Uint8Array(0), {
    headers: {
      "x-scope-orgid": "team a",
      "x-twice": ["a", "b"],
      authorization: "Bearer one",
      cookie: ["a=1", "b=2"],
      "x-empty": "",
    },
  });
  assert.deepEqual(seen, [WANTED]);
});

test("receive http: the next stage reads headers by name in any case, those that come twice as one", async () => {
  const seen: Record<string, string | undefined>[] = [];
  const answer = ({ head }: { head: { headers: HeaderSource } }) => {
    seen.push(read(head.headers));
    return FULL_SUCCESS;
  };
  await using receiving = await openReceiving({ answer });
  const socket = connect(receiving.httpPort, "127.0.0.1");
  const lines = [
    "POST /v1/traces HTTP/1.1",
    "Host: a",
    "Content-Type: application/x-protobuf",
    "Content-Length: 0",
    "Connection: close",
    "X-Scope-OrgID:  team a ",
    "X-Twice: a",
    "x-twice: b",
    "Authorization: Bearer one",
    "Cookie: a=1",
    "cookie: b=2",
    "X-Empty:",
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n`);
  assert.match(await text(socket), /^HTTP\/1\.1 200 /u);
  assert.deepEqual(seen, [WANTED]);
});
