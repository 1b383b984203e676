import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { seededRandom } from "../../src/core/random.ts";
import { openClient } from "../../src/data/export/client.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { planOf } from "../scenario/ledger-rig.ts";
import { Happenings, rawServer } from "../transport/rig.ts";
import { batchOf } from "./send.ts";

const MINUTES_5 = 300_000;

/**
 * What was pinged while one call waits for its answer for so long, and how the connection was found
 * after that.
 */
async function pingsWithin(ms: number, config: object, withCall = true): Promise<number> {
  const streams = new Happenings<object>();
  await using server = await rawServer((stream) => streams.add(stream.resume()));
  const target = { id: "t", endpoint: `http://127.0.0.1:${server.port}`, ...config };
  const plan = planOf(JSON.stringify({ targets: [target] })).targets.get("t")!;
  const env = { clock: new ManualClock(), random: seededRandom(1), metrics: createMetrics() };
  const client = openClient(() => plan, env);
  let pings = 0;
  const cancel = client.send(batchOf(), 100 * MINUTES_5, () => undefined);
  const session = await server.sessions.next();
  session.on("ping", () => pings++);
  await streams.next();
  if (!withCall) cancel();
  const answered = (): Promise<void> => new Promise((resolve) => session.ping(() => resolve()));
  await answered(); // what was sent before is read
  for (let passed = 0; passed < ms; passed += 1_000) {
    env.clock.advance(1_000);
    await turn();
  }
  await answered();
  await client[Symbol.asyncDispose]();
  return pings;
}

for (const transport of ["own", "node"] as const) {
  test(`${transport}: unless configured, a waiting call asks after five minutes at the earliest`, async () => {
    assert.equal(await pingsWithin(MINUTES_5 - 1_000, { transport }), 0);
    assert.equal(await pingsWithin(2 * MINUTES_5 + 1_000, { transport }), 1);
  });

  test(`${transport}: without calls there are none`, async () => {
    assert.equal(await pingsWithin(4 * MINUTES_5, { transport }, false), 0);
  });

  test(`${transport}: the config may ask for more, or for none`, async () => {
    assert.ok((await pingsWithin(60_000, { transport, keepalive_time: "10s" })) >= 2);
    assert.equal(await pingsWithin(4 * MINUTES_5, { transport, keepalive_time: "0s" }), 0);
  });
}
