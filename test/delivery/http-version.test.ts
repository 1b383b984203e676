import assert from "node:assert/strict";
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import type { Socket } from "node:net";
import { test } from "node:test";
import { createAuthority } from "../support/certs.ts";
import { openTo, send, summary } from "./send.ts";

const HTTP = "http/protobuf";

test("HTTP: what takes HTTP/2 as well is sent HTTP/1.1, and what takes nothing else is told of", async () => {
  const authority = await createAuthority();
  const server = await authority.server();
  const tls = { ca: authority.ca, cert: undefined, key: undefined, serverName: undefined, insecureSkipVerify: false };
  const seen: string[] = [];
  const answer = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    seen.push(request.httpVersion);
    request.resume();
    request.on("end", () => response.writeHead(200, { "content-type": "application/x-protobuf" }).end());
  };
  await using both = await listening(createSecureServer({ ...server, allowHTTP1: true }, answer));
  await using client = openTo(both.url, HTTP, { tls });
  assert.deepEqual([summary(await send(client)), summary(await send(client))], ["accepted 0", "accepted 0"]);
  assert.deepEqual(seen, ["1.1", "1.1"]);
  await using only = await listening(createSecureServer(server, answer));
  await using other = openTo(only.url, HTTP, { tls });
  const refused = await send(other);
  assert.equal(summary(refused), "retry connect");
  assert.match(
    refused.message,
    /HTTP\/1\.1 for http\/protobuf and http\/json, HTTP\/2 for grpc \(targets\[\]\.protocol\)/u,
  );
});

/** Of a server of TLS that ends with its sockets. */
async function listening(server: Http2SecureServer): Promise<AsyncDisposable & { url: string }> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => void sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === "object");
  return {
    url: `https://127.0.0.1:${bound.port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
