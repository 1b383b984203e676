import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { resetSocket } from "../../src/core/reset-socket.ts";
import { TunnelStream } from "../../src/http2/tunnel-stream.ts";
import { TestProxy } from "../support/proxy.ts";

const MIB = 1_048_576;

/** A stream through a proxy to a server that does with its end what it is told. */
class Scene implements AsyncDisposable {
  readonly stream: TunnelStream;
  readonly proxy: TestProxy;
  readonly #close: () => void;

  constructor(stream: TunnelStream, proxy: TestProxy, close: () => void) {
    this.stream = stream;
    this.proxy = proxy;
    this.#close = close;
  }

  static async open(serve: (socket: Socket) => void): Promise<Scene> {
    const server = createServer((socket) => serve(socket.on("error", () => undefined)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo; // oxlint-disable-line typescript/no-unsafe-type-assertion -- no pipe
    const proxy = await TestProxy.open();
    const way = { host: "127.0.0.1", port: proxy.port, tls: false };
    const stream = new TunnelStream(way, { host: "peer.invalid", port }, (socket) => socket);
    return new Scene(stream, proxy, () => server.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stream.destroy();
    await this.proxy[Symbol.asyncDispose]();
    this.#close();
  }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

async function lengthOf(stream: TunnelStream): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += (chunk as Buffer).length; // oxlint-disable-line typescript/no-unsafe-type-assertion -- no encoding is set
  return bytes;
}

test("tunnel: what nobody reads is not taken from the socket, and comes when it is wanted", async () => {
  await using scene = await Scene.open((socket) => socket.end(Buffer.alloc(16 * MIB)));
  await once(scene.stream, "readable");
  await turns(500);
  assert.ok(scene.stream.readableLength < MIB, `${scene.stream.readableLength} bytes are held`);
  assert.equal(await lengthOf(scene.stream), 16 * MIB);
  assert.equal(scene.stream.bytesRead, 16 * MIB);
});

test("tunnel: what came before the end is read after it", async () => {
  await using scene = await Scene.open((socket) => socket.end("last words"));
  await once(scene.stream, "readable");
  await turns(500);
  assert.equal(await lengthOf(scene.stream), 10);
});

test("tunnel: what is written before it is there goes out in order, and the end after it", async () => {
  const got = Promise.withResolvers<string>();
  await using scene = await Scene.open((socket) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString())).on("end", () => got.resolve(text));
  });
  const { stream } = scene;
  stream.write("one ");
  stream.cork();
  for (const word of ["two ", "three "]) stream.write(word);
  stream.uncork();
  stream.end("four");
  assert.equal(await got.promise, "one two three four");
});

test("tunnel: destroyed before it is there, it lets go of the proxy", async () => {
  await using scene = await Scene.open(() => undefined);
  const { stream, proxy } = scene;
  proxy.answer = { kind: "hang" };
  await proxy.untilAsked(1);
  stream.destroy();
  await once(stream, "close");
  await proxy.untilEmpty();
});

test("tunnel: what breaks it off is its error", async () => {
  await using scene = await Scene.open((socket) => void socket.once("data", () => resetSocket(socket)));
  const { stream, proxy } = scene;
  stream.resume().write("x");
  await once(stream, "close");
  await proxy.untilEmpty();
});
