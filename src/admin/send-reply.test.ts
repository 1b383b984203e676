import assert from "node:assert/strict";
import { once } from "node:events";
import { get, type IncomingMessage, request } from "node:http";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { HIDE_NOTHING } from "../core/hide.ts";
import { createLog } from "../telemetry/log.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { listenAdmin } from "./admin-listener.ts";
import type { AdminReply } from "./route.ts";
import { STALLED_MS } from "./send-reply.ts";

const MIB = 1_048_576;

/** An admin listener with one route, and its clock. */
class Scene implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly lines: string[] = [];
  #server: Awaited<ReturnType<typeof listenAdmin>> | undefined;

  async listen(reply: Omit<AdminReply, "status">): Promise<string> {
    const write = (line: string): void => void this.lines.push(line);
    this.#server = await listenAdmin({
      host: "127.0.0.1",
      port: 0,
      tls: undefined,
      tokens: [],
      routes: [
        { method: "GET", path: "/it", role: "none", summary: "A test.", handle: () => ({ status: 200, ...reply }) },
      ],
      hide: () => HIDE_NOTHING,
      clock: this.clock,
      log: createLog({ clock: this.clock, write, level: "info", format: "json", colour: false }),
      metrics: createMetrics(),
    });
    return `http://127.0.0.1:${this.#server.port}/it`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }
}

/** The reply, of which nothing is read. */
function unread(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (reply) => {
      reply.on("error", () => undefined);
      resolve(reply);
    }).on("error", reject);
  });
}

test("a reply may be bytes: they are sent as they are", async () => {
  await using scene = new Scene();
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const reply = await fetch(await scene.listen({ body: bytes, type: "font/woff2" }));
  assert.deepEqual(new Uint8Array(await reply.arrayBuffer()), bytes);
  assert.deepEqual([reply.headers.get("content-type"), reply.headers.get("content-length")], ["font/woff2", "256"]);
});

test("a reply may be made while it is sent; HEAD makes nothing of it", async () => {
  await using scene = new Scene();
  let begun = 0;
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    begun++;
    for (let i = 0; i < 100; i++) {
      yield new Uint8Array(65_536).fill(i);
      await turn();
    }
  };
  const url = await scene.listen({ body: undefined, chunks });
  const reply = await unread(url);
  const got = await buffer(reply);
  assert.equal(got.length, 6_553_600);
  for (let i = 0; i < 100; i++) assert.equal(got[i * 65_536 + 65_535], i);
  assert.equal(reply.headers["transfer-encoding"], "chunked");
  const [head] = (await once(request(url, { method: "HEAD" }).end(), "response")) as [IncomingMessage];
  head.resume();
  assert.deepEqual([head.statusCode, begun], [200, 1]);
  assert.equal(scene.clock.pending, 0);
});

test("no more of a reply is made than its client reads; who reads nothing is cut off", async () => {
  await using scene = new Scene();
  let made = 0;
  const ended = Promise.withResolvers<void>();
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (; made < 10_000; made++) yield new Uint8Array(65_536);
    } finally {
      ended.resolve();
    }
  };
  const reply = await unread(await scene.listen({ body: undefined, chunks }));
  while (scene.clock.pending === 0) await turn(); // it waits for room
  assert.ok(made * 65_536 < 64 * MIB, `${made} of 10,000 chunks were made for nobody`);
  const cut = new Promise((resolve) => reply.once("close", resolve));
  scene.clock.advance(STALLED_MS);
  await ended.promise;
  reply.resume(); // what it has still, and then the end
  await cut;
  assert.equal(reply.complete, false);
  assert.deepEqual([scene.lines, scene.clock.pending], [[], 0]);
});

test("what makes a reply is told that its client has left, while it waits for something itself", async () => {
  await using scene = new Scene();
  const told = Promise.withResolvers<void>();
  const chunks = async function* (gone: AbortSignal): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1);
    await once(gone, "abort");
    told.resolve();
    yield new Uint8Array(1);
    assert.fail("nobody asks for more");
  };
  const reply = await unread(await scene.listen({ body: undefined, chunks }));
  reply.destroy();
  await told.promise;
  await turn();
  assert.deepEqual(scene.lines, []);
});

test("a fault in the middle of a reply ends the connection, so that it is not taken for whole, and is logged", async () => {
  await using scene = new Scene();
  const heard = Promise.withResolvers<void>();
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1_000);
    await heard.promise;
    throw new Error("the disk is gone");
  };
  const reply = await unread(await scene.listen({ body: undefined, chunks }));
  heard.resolve();
  await assert.rejects(buffer(reply), { code: "ECONNRESET" });
  assert.match(scene.lines.join(""), /admin request failed.*the disk is gone/u);
});
