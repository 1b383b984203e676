import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { flapping, hung, OK, refusing, slow, type SinkScript } from "../support/sinks/sink-script.ts";
import { medianMs } from "./fault-sender.ts";
import { ITEMS, type Protocol, Stage, TARGET_TIMEOUT_MS, UNDER_WAY } from "./fault-stage.ts";

const PROTOCOLS = ["grpc", "http"] as const;
/** Requests of each sender while a target fails: two or three hundred in all. */
const LOAD = 80;
const SLOW_MS = 300;
const HALF_UNAVAILABLE: Readonly<Record<Protocol, SinkScript>> = {
  grpc: flapping(1, 1, { kind: "status", code: GRPC.UNAVAILABLE }),
  http: flapping(1, 1, { kind: "status", code: 503 }),
};

for (const protocol of PROTOCOLS) {
  test(`${protocol}: a target that is killed and started again loses nothing; only what was under way may come twice`, async () => {
    await using stage = await Stage.open(protocol);
    await stage.begin();
    await stage.bad.kill();
    await stage.proceed(LOAD);
    await stage.bad.start();
    await stage.recovered();
    await stage.conclude(UNDER_WAY * ITEMS);
    for (const sender of stage.senders) assert.deepEqual(sender.failures, []);
  });

  test(`${protocol}: a target that hangs slows neither its neighbours nor the other pool, and makes no duplicates`, async () => {
    await using stage = await Stage.open(protocol);
    await stage.begin();
    stage.bad.script = hung;
    const sinceMs = performance.now();
    await stage.proceed(LOAD);
    for (const sender of [...stage.senders, stage.other]) {
      assert.ok(medianMs(sender.sent, sinceMs) < TARGET_TIMEOUT_MS / 2, "half of the requests wait for it");
    }
    stage.bad.script = () => OK;
    await stage.recovered();
    await stage.conclude(0);
    for (const sender of stage.senders) assert.deepEqual(sender.failures, []);
  });

  test(`${protocol}: a target that has become slow slows only what goes to it, and nothing fails`, async () => {
    await using stage = await Stage.open(protocol);
    await stage.begin();
    stage.bad.script = slow(SLOW_MS);
    const sinceMs = performance.now();
    await stage.proceed(LOAD / 2);
    for (const sender of [...stage.senders, stage.other]) {
      assert.ok(medianMs(sender.sent, sinceMs) < SLOW_MS / 2, "half of the requests wait for it");
    }
    stage.bad.script = () => OK;
    await stage.recovered();
    await stage.conclude(0);
    for (const sender of stage.senders) assert.deepEqual(sender.failures, []);
  });

  test(`${protocol}: a target that is killed and started every 200 ms loses nothing`, async () => {
    await using stage = await Stage.open(protocol);
    await stage.begin();
    const kills = 5;
    for (let i = 0; i < kills; i++) {
      await stage.bad.kill();
      await new Promise((resolve) => setTimeout(resolve, 200));
      await stage.bad.start();
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await stage.recovered();
    await stage.conclude(kills * UNDER_WAY * ITEMS);
  });

  test(`${protocol}: a target that fails every other request loses nothing and makes no duplicates`, async () => {
    await using stage = await Stage.open(protocol);
    await stage.begin();
    stage.bad.script = HALF_UNAVAILABLE[protocol];
    await stage.proceed(LOAD);
    stage.bad.script = () => OK;
    await stage.recovered();
    await stage.conclude(0);
    for (const sender of stage.senders) assert.deepEqual(sender.failures, []);
  });

  test(`${protocol}: a target that finds one service's data bad refuses that alone`, async () => {
    await using stage = await Stage.open(protocol, "limits: { max_in_flight: 1 }"); // so that requests share batches
    const poison = stage.sender({ service: "shared-poison", source: 9 });
    const code = protocol === "grpc" ? GRPC.INVALID_ARGUMENT : 400;
    stage.bad.script = ({ body }) =>
      Buffer.from(body).includes("shared-poison") ? { kind: "status", code, message: "poison" } : OK;
    await stage.begin();
    poison.start();
    await stage.proceed(LOAD);
    await poison.progress(10);
    await poison.stop();
    await stage.conclude(0, [poison]);
    for (const sender of stage.senders) assert.deepEqual(sender.failures, []);
    assert.ok(poison.failures.length > 0);
    for (const failure of poison.failures) assert.match(failure, /^3: .*poison/u);
  });
}

const refusals: { name: string; protocol: Protocol; script: SinkScript }[] = [
  { name: "429 and Retry-After", protocol: "http", script: refusing(429, { retryAfterMs: 1_000 }) },
  { name: "503 and Retry-After", protocol: "http", script: refusing(503, { retryAfterMs: 1_000 }) },
  { name: "503 alone", protocol: "http", script: refusing(503) },
  {
    name: "RESOURCE_EXHAUSTED and RetryInfo",
    protocol: "grpc",
    script: refusing(GRPC.RESOURCE_EXHAUSTED, { retryAfterMs: 500 }),
  },
  { name: "UNAVAILABLE and RetryInfo", protocol: "grpc", script: refusing(GRPC.UNAVAILABLE, { retryAfterMs: 500 }) },
  { name: "UNAVAILABLE alone", protocol: "grpc", script: refusing(GRPC.UNAVAILABLE) },
];
for (const { name, protocol, script } of refusals) {
  test(`${protocol}: a target that refuses with ${name} is left alone, and used again afterwards`, async () => {
    await using stage = await Stage.open(protocol);
    await stage.begin();
    stage.bad.script = script;
    const before = stage.sinks.map((sink) => sink.counts().requests);
    await stage.proceed(LOAD);
    const [bad, ...good] = stage.sinks.map((sink, i) => sink.counts().requests - before[i]!);
    for (const count of good) assert.ok(bad! * 2 < count, `${bad} requests to it, ${count} to another`);
    stage.bad.script = () => OK;
    await stage.recovered();
    await stage.conclude(0);
    for (const sender of stage.senders) assert.deepEqual(sender.failures, []);
  });
}
