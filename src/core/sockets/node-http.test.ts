import assert from "node:assert/strict";
import type { Server } from "node:http";
import { test } from "node:test";
import { listenNodeHttp } from "./node-http.ts";

test("node's HTTP: where no connection can be accepted for the moment, it listens on", async () => {
  const created: Server[] = [];
  const options = { title: "listener", setting: "node.listen.x", address: { host: "127.0.0.1", port: 0 } };
  const usual = { tls: undefined, maxConnections: 8, limits: {}, refused: () => undefined };
  await using server = await listenNodeHttp(
    { ...options, ...usual },
    (_request, response) => response.end("there"),
    (its) => void created.push(its),
  );
  created[0]?.emit("error", new Error("accept EMFILE"));
  const answer = await fetch(`http://127.0.0.1:${server.port}`, { headers: { connection: "close" } });
  assert.equal(await answer.text(), "there");
});
