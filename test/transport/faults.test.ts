import assert from "node:assert/strict";
import { once } from "node:events";
import { get } from "node:http";
import net from "node:net";
import { test } from "node:test";
import { CONNECTION_FAULTS } from "../../src/http2/own/contract.ts";
import { openTo, send, summary } from "../delivery/send.ts";
import { openReceiving } from "../receive/harness.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { FRAME, frame } from "./frames.ts";

test("faults of HTTP/2 are counted by side and reason, and all reasons are there from zero", async () => {
  await using receiving = await openReceiving({ grpc: { transport: "own" } });
  const { http2Faults } = receiving.metrics;
  for (const reason of CONNECTION_FAULTS) assert.equal(http2Faults.with("server", reason).value, 0);
  const [reply] = await once(get(`http://127.0.0.1:${receiving.grpcPort}/v1/traces`), "response");
  reply.resume();
  assert.equal(http2Faults.with("server", "bad_preface").value, 1);
});

test("a target that breaks the protocol is counted, and its calls may be tried again", async () => {
  const metrics = createMetrics();
  const target = net.createServer((socket) => {
    socket.on("error", () => undefined);
    socket.resume().write(Buffer.concat([frame(FRAME.SETTINGS), frame(FRAME.PING, 0, Buffer.alloc(7))]));
  });
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  const address = target.address();
  assert.ok(address !== null && typeof address === "object");
  {
    await using client = openTo(`http://127.0.0.1:${address.port}`, "grpc", { transport: "own" }, metrics);
    assert.match(summary(await send(client)), /^retry (?:reset|connect)$/u);
  }
  assert.equal(metrics.http2Faults.with("client", "frame_size").value, 1);
  target.close();
  await once(target, "close");
});
