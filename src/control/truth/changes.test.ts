import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { ChangeSignal } from "./changes.ts";

test("a watch that a store refuses is tried again, and whoever looks is told both times", async () => {
  const clock = new ManualClock();
  const ending = new AbortController();
  const changes = new ChangeSignal(ending.signal);
  let watches = 0;
  async function* watch(): AsyncGenerator<number> {
    if (++watches === 1) throw new Error("permission denied");
    yield 1;
    await new Promise<void>((resolve) => ending.signal.addEventListener("abort", () => resolve(), { once: true }));
  }
  const ended = changes.follow(clock, watch);
  await changes.next();
  changes.seen();
  while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(5_000);
  await changes.next();
  assert.equal(watches, 2);
  ending.abort();
  await ended;
});
