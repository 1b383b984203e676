import assert from "node:assert/strict";
import { test } from "node:test";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { explain } from "../../src/data/explain/explain.ts";
import { targetStatus } from "../../src/data/status.ts";
import { spans } from "../delivery/channel-rig.ts";
import { planOf, Rig } from "../scenario/ledger-rig.ts";

const SAID = "HTTP 400: no tenant for token=s3cret, Bearer s3cret, api_key: s3cret, password='s3cret'";
const SHOWN = "HTTP 400: no tenant for token=[redacted], Bearer [redacted], api_key: [redacted], password=[redacted]";
const CONFIG = `targets: [{ id: a, endpoint: "http://127.0.0.1:1" }]
pools: { main: { targets: [a], ack: queued }, strict: { targets: [a] } }
rules: [{ id: strict, conditions: [{ service_name: strict }], pool: strict }]
default_pool: main
`;

const REFUSED: SendOutcome = { kind: "rejected", code: "HTTP 400", message: SAID, badData: true };
const PAUSED: SendOutcome = { kind: "retry", reason: "throttled", message: SAID, afterMs: 60_000, unprocessed: false };
const AWAY: SendOutcome = { kind: "elsewhere", code: "HTTP 404", message: SAID };

/** All that is told to people of what has happened in a rig. */
function toldBy(rig: Rig): string {
  const targets = rig.pools.targets;
  const parts = { plan: planOf(CONFIG), pools: rig.pools.live, targets, clock: rig.clock };
  const request = { signal: "traces", bytes: spans([{ name: "x" }]), region: "r", headers: {}, maxItems: 1 } as const;
  const losses = { pool: rig.losses.ofPool("main"), target: rig.losses.ofTarget("a"), samples: rig.losses.samples };
  const status = targetStatus(targets.get("a")!, rig.clock, rig.losses.ofTarget("a"));
  return JSON.stringify([status, losses, explain(parts, request), rig.lines.map((line): unknown => JSON.parse(line))]);
}

const CASES = [
  { name: "a refusal of what was acknowledged", answers: [REFUSED] },
  { name: "a pause", answers: [PAUSED] },
  { name: "a signal that is not taken", answers: [AWAY, AWAY, AWAY] },
];
for (const { name, answers } of CASES) {
  test(`the words of a target are told without secrets, wherever they are told: ${name}`, async () => {
    await using rig = new Rig(CONFIG);
    for (const outcome of answers) {
      rig.handle("traces", spans([{ name: "x" }]));
      rig.answer(rig.calls.length - 1, outcome);
      rig.advance(1_000);
    }
    const told = toldBy(rig);
    assert.ok(told.includes(SHOWN), told);
    assert.ok(!told.includes("s3cret"), told);
  });
}

test("the words of a target are told without secrets to a sender who waits", async () => {
  await using rig = new Rig(CONFIG);
  const { replies } = rig.handle("traces", spans([{ name: "x", service: "strict" }]));
  rig.answer(0, REFUSED);
  const [reply] = replies;
  assert.ok(reply !== undefined && !reply.ok);
  assert.equal(reply.refusal.message, SHOWN);
});

test("the words of a check are told without secrets", async () => {
  await using rig = new Rig(CONFIG, {
    openCheck: () => ({
      run: (_timeoutMs, done) => {
        done({ result: "passed", said: SAID });
        return () => undefined;
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  });
  rig.advance(20_000);
  const told = toldBy(rig);
  assert.ok(told.includes(SHOWN) && !told.includes("s3cret"), told);
});
