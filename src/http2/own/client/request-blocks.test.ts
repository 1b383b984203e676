import assert from "node:assert/strict";
import { test } from "node:test";
import type { UnaryRequest } from "../../port.ts";
import { DEFAULT_LIMITS, type HeaderList } from "../contract.ts";
import { openClientConnection, openServerConnection } from "../connection/connection.ts";
import { headerListBytes } from "../header-list.ts";
import { BadMetadata, RequestBlocks } from "./request-blocks.ts";

function requestOf(metadata: Record<string, string>, more: Partial<UnaryRequest> = {}): UnaryRequest {
  return { path: "/a.B/C", metadata, pieces: [], messageBytes: 0, encoding: "identity", timeoutMs: 1_000, ...more };
}

function blocks(): RequestBlocks {
  return new RequestBlocks(new URL("https://peer:4317"), "agent/1");
}

/** What a server reads of a block. */
function decode(block: Uint8Array): HeaderList {
  const read: HeaderList[] = [];
  const none = (): void => undefined;
  const events = { data: none, reset: none, flushed: none, goaway: none, settings: none, pong: none, failed: none };
  const client = openClientConnection(DEFAULT_LIMITS, { ...events, headers: none }, 0);
  const server = openServerConnection(
    DEFAULT_LIMITS,
    { ...events, headers: (_stream, headers) => void read.push(headers) },
    0,
  );
  client.open(block, true);
  for (const bytes of client.takeOutput(100_000)) server.receive(bytes, 0);
  return read[0] ?? [];
}

test("a head has the pseudo headers first, then gRPC's own, the metadata and the time left", () => {
  const metadata = { "x-tenant": "a", te: "x", "grpc-timeout": "1S", ":path": "/evil" };
  const headers = decode(blocks().head(requestOf(metadata, { encoding: "gzip" }), 2_499.2).block);
  assert.deepEqual(
    Array.from({ length: headers.length / 2 }, (_, at) => headers.slice(2 * at, 2 * at + 2).join(" ")),
    [
      ":method POST",
      ":scheme https",
      ":authority peer:4317",
      ":path /a.B/C",
      "te trailers",
      "content-type application/grpc",
      "user-agent agent/1",
      "grpc-accept-encoding identity,gzip,deflate,zstd",
      "grpc-encoding gzip",
      "x-tenant a",
      "grpc-timeout 2500m",
    ],
  );
});

test("metadata is never put into a table", () => {
  const block = blocks().head(requestOf({ authorization: "Bearer 7" }), 1_000).block;
  const at = Buffer.from(block).indexOf(Buffer.from([0x1f, 0x08])); // never indexed, with the name of static entry 23
  assert.ok(at > 0);
});

test("the same head is encoded once, and a block that was given out stays as it is", () => {
  const heads = blocks();
  const request = requestOf({});
  const first = heads.head(request, 1_000).block;
  assert.equal(heads.head(request, 999.5).block, first);
  const before = Buffer.from(first);
  assert.notDeepEqual(heads.head(request, 2_000).block, first);
  assert.deepEqual(Buffer.from(first), before);
});

test("the size of a head is told as its receiver counts it, with the longest timeout", () => {
  const request = requestOf({ "x-tenant": "a".repeat(100), "user-agent": "b" });
  const { block, listBytes } = blocks().head(request, 99_999_999);
  assert.equal(headerListBytes(decode(block)), listBytes);
  assert.equal(blocks().head(request, 1).listBytes, listBytes);
});

const BAD: Readonly<Record<string, UnaryRequest>> = {
  "a name with a space": requestOf({ "bad name": "x" }),
  "a name in upper case": requestOf({ "X-A": "x" }),
  "no name": requestOf({ "": "x" }),
  "a header of a connection": requestOf({ connection: "close" }),
  "a line break": requestOf({ "x-a": "a\nb" }),
  "a character that is no byte": requestOf({ "x-a": "€" }),
  "a path with a space": requestOf({}, { path: "/a b" }),
};
for (const [name, request] of Object.entries(BAD)) {
  test(`${name} is no head, each time`, () => {
    const heads = blocks();
    for (let times = 0; times < 2; times++) assert.throws(() => heads.head(request, 1_000).block, BadMetadata);
  });
}
