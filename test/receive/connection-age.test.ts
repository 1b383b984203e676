import assert from "node:assert/strict";
import { test } from "node:test";
import { FULL_SUCCESS } from "../../src/data/receive/request.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { openReceiving } from "./harness.ts";
import { RawConnection, rawHead } from "./http-client.ts";

const REQUEST = rawHead("/v1/traces", { "content-length": 0 });

/** Sends one request, and gives what came since. */
async function answer(raw: RawConnection): Promise<string> {
  const before = raw.text.length;
  raw.send(REQUEST);
  await raw.until((text) => text.slice(before).includes("\r\n\r\n"));
  return raw.text.slice(before);
}

test("a connection of HTTP/1.1 is closed with the first reply after its age, +-10 %, not before", async () => {
  const clock = new ManualClock();
  await using receiving = await openReceiving({ clock, http: { maxConnectionAgeMs: 60_000 } });
  await using raw = await RawConnection.open(receiving.httpPort);
  assert.doesNotMatch(await answer(raw), /connection: close/iu);
  clock.advance(53_999);
  assert.doesNotMatch(await answer(raw), /connection: close/iu);
  clock.advance(12_001);
  assert.match(await answer(raw), /200 OK[^]*connection: close/iu);
  await raw.rest();
});

test("connections that were opened together are not closed together", async () => {
  const clock = new ManualClock();
  await using receiving = await openReceiving({ clock, http: { maxConnectionAgeMs: 60_000 } });
  const all = await Promise.all(Array.from({ length: 20 }, () => RawConnection.open(receiving.httpPort)));
  for (const raw of all) await answer(raw);
  clock.advance(60_000);
  let closed = 0;
  for (const raw of all) if (/connection: close/iu.test(await answer(raw))) closed++;
  for (const raw of all) await raw[Symbol.asyncDispose]();
  assert.ok(closed > 0 && closed < 20, `${closed} of 20 at the age itself`);
});

test("an old connection with pipelined requests under way answers all of them before it closes", async () => {
  const clock = new ManualClock();
  await using receiving = await openReceiving({ clock, http: { maxConnectionAgeMs: 1_000 }, answer: () => "hold" });
  await using raw = await RawConnection.open(receiving.httpPort);
  raw.send(REQUEST, REQUEST, REQUEST);
  const held = [await receiving.nextHeld(), await receiving.nextHeld(), await receiving.nextHeld()];
  clock.advance(2_000);
  for (const one of held) one.finish(FULL_SUCCESS);
  const text = await raw.rest();
  assert.equal(text.split("200 OK").length - 1, 3);
  assert.equal(text.split(/connection: close/iu).length - 1, 1);
});
