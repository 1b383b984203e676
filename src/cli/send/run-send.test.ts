import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import type { SendCommandOptions } from "./options.ts";
import { startSend } from "./run-send.ts";
import type { Sender, SendResult } from "./sender.ts";

const OPTIONS: SendCommandOptions = {
  url: "http://127.0.0.1:4317",
  protocol: "grpc",
  signals: ["traces"],
  itemsPerSecond: 100,
  durationMs: 1_000,
  maxItems: Number.POSITIVE_INFINITY,
  itemsPerRequest: 10,
  services: ["a"],
  concurrency: 2,
  headers: {},
  compression: "none",
  timeoutMs: 1_000,
  retries: 3,
  tls: {},
  userAgent: "test",
};
const TAKEN: SendResult = { kind: "acknowledged", rejected: 0, message: "" };

/** A server that answers after `tookMs`, `result` by the number of the attempt. */
function serverOf(
  clock: ManualClock,
  tookMs: number,
  result: (nth: number) => SendResult,
): Sender & { sentMs: number[] } {
  const sentMs: number[] = [];
  return {
    sentMs,
    send: () => {
      const nth = sentMs.push(clock.nowMs()) - 1;
      return new Promise((resolve) => clock.after(tookMs, () => resolve(result(nth))));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Moves the clock in small steps, so that what waits for a promise comes between. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10) {
    clock.advance(10);
    await new Promise(setImmediate);
  }
}

function start(options: Partial<SendCommandOptions>, clock: ManualClock, sender: Sender): ReturnType<typeof startSend> {
  const stop = new AbortController().signal;
  return startSend({ ...OPTIONS, ...options }, { clock, random: seededRandom(1), sender, stop });
}

test("send: requests leave on schedule, the first at once, none after the duration", async () => {
  const clock = new ManualClock();
  const server = serverOf(clock, 10, () => TAKEN);
  const run = start({}, clock, server);
  await pass(clock, 1_100);
  const report = await run.done;
  assert.deepEqual(server.sentMs, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
  assert.deepEqual(report.acknowledged, { requests: 10, items: 100 });
});

test("send: latency counts from when a request was due, not from when there was room for it", async () => {
  const clock = new ManualClock();
  // Each takes 500 ms and only two fit: the third is due at 200 ms, leaves at 500 ms and is
  // answered at 1000 ms.
  const run = start(
    { durationMs: 300 },
    clock,
    serverOf(clock, 500, () => TAKEN),
  );
  await pass(clock, 1_500);
  const { latency } = await run.done;
  assert.deepEqual([latency.count, latency.maxMs], [3, 800]);
});

test("send: what a server asks to wait holds up everything, and the refused request too", async () => {
  const clock = new ManualClock();
  const busy: SendResult = { kind: "refused", code: "UNAVAILABLE", message: "", retryable: true, retryAfterMs: 450 };
  const server = serverOf(clock, 10, (nth) => (nth === 0 ? busy : TAKEN));
  const run = start({ durationMs: 300 }, clock, server);
  await pass(clock, 1_500);
  const report = await run.done;
  assert.ok(
    server.sentMs.slice(1).every((atMs) => atMs >= 460),
    String(server.sentMs),
  );
  assert.deepEqual([report.acknowledged.requests, report.retries], [3, 1]);
});

test("send: a server that asks to wait for more than a minute is not waited for", async () => {
  const clock = new ManualClock();
  const gone: SendResult = { kind: "refused", code: "HTTP 503", message: "", retryable: true, retryAfterMs: 3_600_000 };
  const run = start(
    { durationMs: 50 },
    clock,
    serverOf(clock, 10, () => gone),
  );
  await pass(clock, 100);
  assert.equal((await run.done).refused[0]?.requests, 1);
});

test("send: never more requests under way than --concurrency", async () => {
  const clock = new ManualClock();
  let underWay = 0;
  let most = 0;
  const sender: Sender = {
    send() {
      most = Math.max(most, ++underWay);
      return new Promise((resolve) =>
        clock.after(30, () => {
          underWay--;
          resolve(TAKEN);
        }),
      );
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const run = start(
    { itemsPerSecond: 0, maxItems: 95, durationMs: Number.POSITIVE_INFINITY, concurrency: 3 },
    clock,
    sender,
  );
  await pass(clock, 500);
  assert.deepEqual((await run.done).sent, { requests: 10, items: 95 });
  assert.equal(most, 3);
});

test("send: a run that is finished sends nothing more, and waits for what is under way", async () => {
  const clock = new ManualClock();
  const server = serverOf(clock, 250, () => TAKEN);
  const run = start({ durationMs: Number.POSITIVE_INFINITY }, clock, server);
  await pass(clock, 150);
  run.finish();
  await pass(clock, 1_000);
  assert.deepEqual((await run.done).acknowledged, { requests: 2, items: 20 });
  assert.deepEqual(server.sentMs, [0, 100]);
});

test("send: whoever asks is told which items were acknowledged, and no others", async () => {
  const clock = new ManualClock();
  const no: SendResult = { kind: "refused", code: "INVALID", message: "", retryable: false, retryAfterMs: undefined };
  const sender = serverOf(clock, 10, (nth) => (nth === 1 ? no : TAKEN));
  const told: [number, number][] = [];
  const stop = new AbortController().signal;
  const acknowledged = (first: number, items: number): void => void told.push([first, items]);
  const env = { clock, random: seededRandom(1), sender, stop, source: 9, acknowledged };
  const run = startSend({ ...OPTIONS, durationMs: 300 }, env);
  await pass(clock, 400);
  await run.done;
  assert.deepEqual(told, [
    [0, 10],
    [20, 10],
  ]);
});
