import assert from "node:assert/strict";
import test from "node:test";
import type { LimitGrant } from "../../plan/limits/limit-lease.ts";
import { LimitHolder } from "./limit-holder.ts";

const LIMIT = { perSecond: 1_000, burst: 100 };

function grant(epoch: string, seq: number, amount: number): LimitGrant {
  const safe = { amount: 10, validForMs: 60_000, seq };
  return { epoch, lease: { amount, validForMs: 15_000, seq }, safe };
}

test("holder: an answer that was overtaken, or is of a leader before, is not used", () => {
  const holder = new LimitHolder();
  holder.answered(grant("1.5", 6, 40), 0);
  holder.answered(grant("1.5", 5, 700), 0);
  holder.answered(grant("1.4", 9, 800), 0);
  assert.equal(holder.amountAt(0), 50);
  // The new one has granted nothing yet, and has been told what there is.
  holder.answered({ epoch: "1.6", lease: undefined, safe: undefined }, 1_000);
  holder.answered(grant("1.5", 7, 900), 0);
  assert.equal(holder.amountAt(1_000), 50);
  assert.equal(holder.ask(0, 1_000).to, "1.6");
  assert.deepEqual(holder.ask(0, 5_000).lease, { epoch: "1.5", amount: 40, validForMs: 10_000, seq: 6 });
  assert.equal(holder.ask(0, 15_000).lease, undefined);
});

test("holder: its bucket has the lease and the safe share, then the safe share, then nothing", () => {
  const holder = new LimitHolder();
  holder.answered(grant("1.5", 1, 90), 0);
  assert.deepEqual(holder.shares(LIMIT, 1_000), [
    { perSecond: 100, burst: 10, untilMs: 15_000 },
    { perSecond: 10, burst: 1, untilMs: 60_000 },
  ]);
  assert.deepEqual(holder.shares(LIMIT, 20_000), [{ perSecond: 10, burst: 1, untilMs: 60_000 }]);
  assert.deepEqual(holder.shares(LIMIT, 60_000), []);
});
