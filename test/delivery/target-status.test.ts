import assert from "node:assert/strict";
import { test } from "node:test";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import type { TargetStatus } from "../../src/plan/data-plane.ts";
import { targetStatus } from "../../src/data/status.ts";
import { Rig } from "../scenario/ledger-rig.ts";
import { spans } from "./channel-rig.ts";

const CONFIG = `targets: [{ id: a, endpoint: "http://127.0.0.1:1" }]\ndefault_pool: { targets: [a], ack: queued }`;
const BUSY: SendOutcome = {
  kind: "retry",
  reason: "throttled",
  message: "HTTP 503: come back in a minute",
  afterMs: 60_000,
  unprocessed: false,
};
const AWAY: SendOutcome = { kind: "elsewhere", code: "HTTP 404", message: "HTTP 404: no such page" };

test("status: a target that asked for a pause shows until when and in which words, and gets no share, until it is over", async () => {
  await using rig = new Rig(CONFIG);
  const status = (): TargetStatus => targetStatus(rig.pools.targets.get("a")!, rig.clock);
  assert.deepEqual([status().paused, status().share, status().nextTryMs], [undefined, 1, undefined]);
  rig.handle("traces", spans([{ name: "x" }]));
  rig.answer(0, BUSY);
  const untilMs = rig.clock.wallMs() + 60_000;
  const { state, paused, share, nextTryMs } = status();
  assert.deepEqual([state, paused], ["ready", { untilMs, said: "HTTP 503: come back in a minute" }]);
  assert.deepEqual([share, nextTryMs], [0, untilMs]);
  const metric = rig.env.metrics.targetPausedUntil.with("a");
  assert.equal(metric.value, untilMs / 1_000);
  rig.advance(60_001);
  assert.deepEqual([status().paused, status().share, metric.value], [undefined, 1, 0]);
});

test("status: of each signal that a target does not take: since when, when it asks again, in which words", async () => {
  await using rig = new Rig(CONFIG);
  for (let i = 0; i < 40 && rig.calls.length < 4; i++) {
    if (i === 0) rig.handle("traces", spans([{ name: "x" }]));
    rig.calls.at(-1)!.answer(AWAY);
    rig.advance(1_000);
  }
  const { state, refuses } = targetStatus(rig.pools.targets.get("a")!, rig.clock);
  assert.deepEqual([state, refuses.length], ["ready", 1]);
  const [{ signal, said, sinceMs, nextTryMs }] = [refuses[0]!];
  assert.deepEqual([signal, said], ["traces", "HTTP 404: no such page"]);
  assert.ok(nextTryMs > sinceMs + 20_000 && sinceMs <= rig.clock.wallMs());
  assert.equal(rig.env.metrics.targetRefuses.with("a", "traces").value, 1);
  assert.equal(rig.env.metrics.targetRefuses.with("a", "logs").value, 0);
});
