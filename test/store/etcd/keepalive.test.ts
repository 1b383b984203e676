import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { systemClock } from "../../../src/core/clock.ts";
import { EtcdConnection } from "../../../src/store/etcd/connection.ts";
import { RANGE, WATCH } from "../../../src/store/etcd/methods.ts";

const { signal } = new AbortController();
const LIMITS = { clock: systemClock, deadlineMs: 60_000, signal };
/** Of gRPC: nothing in it. */
const EMPTY_MESSAGE = Buffer.alloc(5);

function answer(stream: ServerHttp2Stream): void {
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
  stream.end(EMPTY_MESSAGE);
}

/** Once its peer has answered: all is here that it had sent before. */
async function untilInStep(session: ServerHttp2Session | undefined): Promise<void> {
  await new Promise((resolve) => session?.ping(resolve));
}

// etcd's own defaults: no ping within 5 s of another, and none at all while nothing is asked. Who
// does it all the same is thrown out with ENHANCE_YOUR_CALM.
test("etcd is pinged while something is asked of it, and never in between", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let pings = 0;
  let session: ServerHttp2Session | undefined;
  const server = createServer().listen(0, "127.0.0.1");
  t.after(() => {
    session?.destroy();
    server.close();
  });
  server.on("session", (opened: ServerHttp2Session) => {
    session = opened;
    opened.on("ping", () => pings++);
  });
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    stream.on("error", () => undefined); // the watch is given up
    if (headers[":path"] === RANGE.path) answer(stream);
  });
  await once(server, "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  using connection = new EtcdConnection(endpoint, undefined, systemClock);
  assert.ok((await connection.unary(RANGE, Buffer.alloc(0), "", LIMITS)).ok);
  t.mock.timers.tick(60_000);
  await untilInStep(session);
  assert.equal(pings, 0);
  const asked = once(server, "stream");
  const stream = connection.stream(WATCH, Buffer.alloc(0), "", { message: () => undefined, ended: () => undefined });
  await asked;
  await untilInStep(session);
  const first = pings; // it finds the connection quiet
  t.mock.timers.tick(10_000);
  await untilInStep(session);
  assert.deepEqual([first, pings], [1, 2]);
  stream.cancel();
});
