import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { flapping, hung, OK, refusing, slow, type SinkScript } from "../support/sinks/sink-script.ts";
import { ITEMS, type Protocol, Stage, UNDER_WAY } from "./fault-stage.ts";

const PROTOCOLS = ["grpc", "http"] as const;
/** Requests of each sender while a target fails: two or three hundred in all. */
const LOAD = 80;
const SLOW_MS = 300;
const HALF_UNAVAILABLE: Readonly<Record<Protocol, SinkScript>> = {
  grpc: flapping(1, 1, { kind: "status", code: GRPC.UNAVAILABLE }),
  http: flapping(1, 1, { kind: "status", code: 503 }),
};

const REFUSALS: { name: string; protocol: Protocol; script: SinkScript }[] = [
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

// Most of their time they wait until a target has rested: several of them together.
describe("a target that fails", { concurrency: 3 }, () => {
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

    test(`${protocol}: a target that hangs holds up neither its neighbours nor the other pool, and makes no duplicates`, async () => {
      await using stage = await Stage.open(protocol, { timeout: "2s" });
      await stage.begin();
      stage.bad.script = hung;
      await stage.proceed(LOAD);
      assert.equal(stage.duplicates, 0);
      stage.bad.script = () => OK;
      await stage.recovered();
      await stage.conclude(UNDER_WAY * ITEMS); // it is given 2 s for a call, of which a busy machine may take all
      for (const sender of stage.senders) assert.deepEqual(sender.failures, []);
    });

    test(`${protocol}: a target that has become slow loses nothing, makes no duplicates, and nothing fails`, async () => {
      await using stage = await Stage.open(protocol);
      await stage.begin();
      stage.bad.script = slow(SLOW_MS);
      await stage.proceed(LOAD / 2);
      stage.bad.script = () => OK;
      await stage.recovered();
      await stage.conclude(0);
      for (const sender of stage.senders) assert.deepEqual(sender.failures, []);
    });

    test(`${protocol}: a target that is killed and started over and over loses nothing`, async () => {
      await using stage = await Stage.open(protocol);
      await stage.begin();
      const kills = 5;
      for (let i = 0; i < kills; i++) {
        await stage.bad.kill();
        await stage.proceed(20);
        await stage.bad.start();
        await stage.proceed(20);
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
      await using stage = await Stage.open(protocol, { maxInFlight: 1 }); // so that requests share batches
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
});

describe("a target that refuses", { concurrency: 3 }, () => {
  for (const { name, protocol, script } of REFUSALS) {
    test(`${protocol}: a target that refuses with ${name} holds up nobody, and is used again afterwards`, async () => {
      await using stage = await Stage.open(protocol);
      await stage.begin();
      stage.bad.script = script;
      await stage.proceed(LOAD);
      stage.bad.script = () => OK;
      await stage.recovered();
      await stage.conclude(0);
      for (const sender of stage.senders) assert.deepEqual(sender.failures, []);
    });
  }
});
