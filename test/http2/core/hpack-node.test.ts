import assert from "node:assert/strict";
import http2 from "node:http2";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { openClientConnection, openServerConnection } from "../../../src/http2/own/connection/connection.ts";
import {
  type Connection,
  type ConnectionEvents,
  DEFAULT_LIMITS,
  type HeaderList,
} from "../../../src/http2/own/contract.ts";
import { encodeHeaders } from "../../../src/http2/own/hpack/encoder.ts";
import { RESPONSE, TRAILERS } from "./raw.ts";

const HEAD = encodeHeaders(RESPONSE);
const TAIL = encodeHeaders(TRAILERS);
const NOTHING = (): void => undefined;
const QUIET: ConnectionEvents = {
  headers: NOTHING,
  data: NOTHING,
  reset: NOTHING,
  flushed: NOTHING,
  goaway: NOTHING,
  settings: NOTHING,
  pong: NOTHING,
  failed: (code, reason) => assert.fail(`failed: ${code} ${reason}`),
};

/**
 * Carries bytes between node:http2 and a connection of ours, in pieces of the given sizes in turn.
 */
function wire(connection: () => Connection, sizes: readonly number[]): { socket: Duplex; flush: () => void } {
  let turn = 0;
  const flush = (): void => {
    while (connection().hasOutput) for (const piece of connection().takeOutput(10_000)) socket.push(Buffer.from(piece));
  };
  const socket = new Duplex({
    read: NOTHING,
    write(chunk: Buffer, _encoding, done) {
      for (let at = 0; at < chunk.length; ) {
        const to = Math.min(chunk.length, at + sizes[turn++ % sizes.length]!);
        connection().receive(chunk.subarray(at, to), 0);
        at = to;
      }
      // Not from within the write: Node's session reads what it is given before it has returned
      // from writing.
      setImmediate(() => {
        flush();
        done();
      });
    },
  });
  return { socket, flush };
}

/**
 * Header lists as different clients send them: the same, slightly different, changing, large, never
 * indexed.
 */
function listOf(i: number): Record<string, string> {
  return {
    ":method": "POST",
    ":path": `/opentelemetry.proto.collector.${["trace", "logs", "metrics"][i % 3]!}.v1/Export`,
    "content-type": "application/grpc",
    te: "trailers",
    "grpc-timeout": `${1_000 + i}m`,
    "user-agent": "test/1.0",
    "x-changing": "v".repeat(i * 7),
    "x-bytes": Buffer.from([0x21 + (i % 90), 0x80 + (i % 128), 0xff]).toString("latin1"),
    ...(i % 4 === 0 ? { [`x-name-${i}`]: "z".repeat(900) } : {}),
  };
}

for (const sizes of [[1], [3, 1, 20, 7], [100_000]]) {
  test(`what node:http2 encodes is decoded to what it was given, in pieces of ${sizes.join(", ")}`, async () => {
    const seen: Record<string, string>[] = [];
    let server: Connection;
    const events: ConnectionEvents = {
      ...QUIET,
      headers: (stream, headers) => {
        seen.push(recordOf(headers));
        server.sendReply(stream, HEAD, Buffer.from("\0\0\0\0\0"), TAIL);
      },
    };
    server = openServerConnection(DEFAULT_LIMITS, events, 0);
    const { socket, flush } = wire(() => server, sizes);
    const client = http2.connect("http://node.test", { createConnection: () => socket });
    flush();
    for (let i = 0; i < 40; i++) {
      const status = await unary(client, listOf(i));
      assert.deepEqual(status, ["200", "0", 5]);
      assert.deepEqual(seen.at(-1), { ":authority": "node.test:80", ":scheme": "http", ...listOf(i) });
    }
    client.destroy();
  });
}

test("what we encode node:http2 decodes, also when it has made its table smaller", async () => {
  for (const headerTableSize of [0, 100, 4_096, 65_536]) {
    const seen: Record<string, unknown>[] = [];
    const node = http2.createServer({ settings: { headerTableSize } }, (request, response) => {
      seen.push(Object.fromEntries(Object.entries(request.headers)));
      response.end(`reply ${seen.length}`);
    });
    let whole = NOTHING;
    let text = "";
    const client = openClientConnection(
      DEFAULT_LIMITS,
      {
        ...QUIET,
        data: (stream, bytes, end) => {
          text += Buffer.from(bytes).toString();
          client.credit(stream, bytes.length);
          if (end) whole();
        },
      },
      0,
    );
    const { socket, flush } = wire(() => client, [5, 1_000]);
    node.emit("connection", socket);
    for (let i = 0; i < 12; i++) {
      text = "";
      const list = Object.entries({ ":scheme": "http", ":authority": "own.test", ...listOf(i) }).flat();
      const pseudo = [...list.slice(4, 8), ...list.slice(0, 4), ...list.slice(8)];
      await new Promise<void>((resolve) => {
        whole = resolve;
        assert.notEqual(client.open(encodeHeaders(pseudo), true), 0);
        flush();
      });
      assert.equal(text, `reply ${i + 1}`);
      assert.deepEqual(seen.at(-1), { ":scheme": "http", ":authority": "own.test", ...listOf(i) });
    }
    socket.destroy();
  }
});

function recordOf(headers: HeaderList): Record<string, string> {
  const record: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) record[headers[i]!] = headers[i + 1]!;
  return record;
}

/** Status, grpc-status and body bytes of one call through node:http2. */
function unary(client: http2.ClientHttp2Session, headers: Record<string, string>): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const call = client.request(headers);
    let status: unknown;
    let trailer: unknown;
    let bytes = 0;
    call.on("response", (head) => (status = String(head[":status"])));
    call.on("trailers", (trailers) => (trailer = trailers["grpc-status"]));
    call.on("data", (chunk: Buffer) => (bytes += chunk.length));
    call.on("end", () => resolve([status, trailer, bytes]));
    call.on("error", reject);
    call.end("body");
  });
}
