import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { generateTraces } from "../support/generated.ts";
import { TARGETS } from "../../src/cli/demo/cast.ts";
import { DemoTarget, openTallies } from "../../src/cli/demo/target.ts";
import { openSender, type SendResult } from "../../src/cli/send/sender.ts";
import { systemClock as clock } from "../../src/core/clock.ts";
import { systemRandom as random } from "../../src/core/random.ts";

const REQUEST = generateTraces({ items: 10, resources: 1, services: ["checkout"], seed: 1, wallMs: 0 });
const ENDPOINT = {
  concurrency: 1,
  headers: {},
  compression: "none",
  timeoutMs: 10_000,
  tls: {},
  userAgent: "test",
} as const;

async function send(target: DemoTarget, body: Uint8Array): Promise<SendResult> {
  const url = `http://127.0.0.1:${target.port}`;
  const protocol = target.facts.protocol === "grpc" ? "grpc" : "http";
  await using sender = openSender({ ...ENDPOINT, url, protocol }, { clock, random });
  return await sender.send("traces", body, new AbortController().signal);
}

for (const facts of [TARGETS[0], TARGETS[2]]) {
  test(`a target by ${facts.protocol}: counts what it acknowledges, and refuses what is malformed`, async () => {
    await using target = new DemoTarget(facts, 0, openTallies(), { clock, random });
    await target.start();
    assert.equal((await send(target, REQUEST)).kind, "acknowledged");
    assert.equal((await send(target, REQUEST.subarray(0, 900))).kind, "refused");
    assert.equal(target.arrivals.items, 10);
  });

  test(`a target by ${facts.protocol}: stopping cuts its connections, and it comes back on its port`, async () => {
    await using target = new DemoTarget(facts, 0, openTallies(), { clock, random });
    await target.start();
    const { port } = target;
    const socket = connect({ host: "127.0.0.1", port });
    await once(socket, "connect");
    socket.resume();
    const closed = once(
      socket.on("error", () => {}),
      "close",
    );
    await target.stop();
    await closed;
    assert.equal(target.running, false);
    const refused = await send(target, REQUEST);
    assert.ok(refused.kind === "failed" && refused.reason === "connect", JSON.stringify(refused));
    await target.start();
    assert.equal(target.port, port);
    assert.equal((await send(target, REQUEST)).kind, "acknowledged");
  });
}
