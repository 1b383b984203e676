import assert from "node:assert/strict";
import { test } from "node:test";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";
import { Rig } from "../scenario/ledger-rig.ts";
import { spans } from "./channel-rig.ts";
import { ACCEPTED, ends, failing, PoolRig, targetPlan, TOO_LARGE } from "./pool-rig.ts";

const KIB = 1_024;
const A = "10.0.0.1";
const B = "10.0.0.2";
const AWAY: SendOutcome = { kind: "elsewhere", code: "HTTP 404", message: "HTTP 404: page not found" };
const LARGE = {
  batch: { maxItems: 100_000, maxBytes: 1_024 * KIB, maxWaitMs: 0 },
  queue: { maxBytes: 4_096 * KIB, maxAgeMs: 600_000 },
};

test("what is left of a batch that was too large, when its neighbour has gone, is sent by itself", () => {
  const rig = new PoolRig(["a"], LARGE);
  const gone = rig.give({ bytes: 100 * KIB, items: 100, deadlineMs: 60_000 });
  const left = rig.give({ bytes: 20 * KIB, items: 20, deadlineMs: 60_000 });
  rig.turn();
  gone.receipt.cancelled = true;
  rig.answer(TOO_LARGE);
  assert.equal(ends([gone]), "cancelled");
  rig.answerAll();
  assert.equal(ends([left]), "delivered");
});

test("what waits for the fate of a part goes on at once when the part ends before it leaves", () => {
  const plan = targetPlan("a", { maxInFlight: 2 });
  const rig = new PoolRig([plan], {
    ...LARGE,
    retry: { initialMs: 1, maxMs: 30_000, maxRetries: undefined, budget: 1 },
  });
  const gone = rig.give({ bytes: 40 * KIB, items: 40, deadlineMs: 60_000 });
  const left = rig.give({ bytes: 50 * KIB, items: 50, deadlineMs: 60_000 });
  rig.turn();
  rig.calls[0]!.answer(TOO_LARGE); // and before the part leaves, its sender goes away
  gone.receipt.cancelled = true;
  rig.turn();
  assert.equal(ends([gone]), "cancelled");
  rig.answerAll();
  assert.equal(ends([left]), "delivered");
});

/** A target of two addresses, and one beside it or in the fallback pool. */
function scene(pools: string): { readonly rig: Rig; readonly to: (address: string) => number } {
  const resolver = new ScriptedResolver();
  const targets = `[{ id: t, endpoint: "http://tempo.test:4317" }, { id: o, endpoint: "http://127.0.0.1:1" }]`;
  const rig = new Rig(`targets: ${targets}\npools: ${pools}\ndefault_pool: p`, { resolver });
  resolver.find([A, B], 30_000);
  rig.settle();
  const open = (): number[] => rig.calls.map((_, i) => i).filter((i) => !answered.has(i));
  const answered = new Set<number>();
  const to = (target: string): number => {
    const index = open().find((i) => rig.calls[i]!.target === target);
    assert.ok(index !== undefined, `nothing to ${target} in ${rig.calls.map((call) => call.target).join(" ")}`);
    answered.add(index);
    return index;
  };
  return { rig, to };
}

/** One after the other to both addresses; the first is found to take no traces. */
function refuseAtA(rig: Rig): Set<number> {
  const answered = new Set<number>();
  for (let sent = 0; sent < 40 && rig.pools.targets.get("t")!.parts!.all[0]!.refused() === 0; sent++) {
    rig.handle("traces", spans([{ name: `${sent}` }]));
    for (let i = 0; i < rig.calls.length; i++) {
      if (answered.has(i)) continue;
      answered.add(i);
      rig.answer(i, rig.calls[i]!.target === `t@${A}` ? AWAY : ACCEPTED);
    }
  }
  assert.notEqual(rig.pools.targets.get("t")!.parts!.all[0]!.refused(), 0);
  return answered;
}

test("an address that does not take the signal does not keep from the fallback what waits for one that is out", async () => {
  const { rig } = scene("{ p: { targets: [t], fallback: q, ack: queued }, q: { targets: [o], ack: queued } }");
  await using _ = rig;
  const answered = refuseAtA(rig);
  const from = rig.calls.length;
  for (let n = 0; n < 12; n++) rig.handle("traces", spans([{ name: `later ${n}` }]));
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < rig.calls.length; i++) {
      if (answered.has(i)) continue;
      answered.add(i);
      rig.answer(i, rig.calls[i]!.target === "o" ? ACCEPTED : failing("connect"));
    }
    rig.advance(500);
  }
  assert.equal(rig.totals("traces").queued, 0);
  assert.ok(rig.calls.slice(from).some(({ target }) => target === "o"));
});

test("where only one address takes the signal, what failed there is not tried there again at once", async () => {
  const { rig } = scene("{ p: { targets: [t] }, q: { targets: [o] } }");
  await using _ = rig;
  refuseAtA(rig);
  const from = rig.calls.length;
  rig.handle("traces", spans([{ name: "x" }]));
  assert.equal(rig.calls[from]!.target, `t@${B}`);
  rig.answer(from, failing("connect"));
  assert.equal(rig.calls.length, from + 1, "it waits for its backoff");
});

test("a first attempt at one of several addresses leaves room for a second at another, and takes all where there is none", () => {
  const rig = new PoolRig([
    targetPlan("t", { resolve: "auto", timeoutMs: 5_000 }),
    targetPlan("b", { timeoutMs: 5_000 }),
  ]);
  rig.resolver.find([A, B], 30_000);
  rig.turn();
  rig.update({}, ["t"]);
  rig.offer(1, { deadlineMs: 4_500 });
  assert.equal(rig.calls[0]!.timeoutMs, 2_250);
  rig.answer();
  const [a, b] = rig.target("t").parts!.all;
  a!.operate({ state: "maintenance", untilMs: undefined, note: "" });
  rig.target("b").operate({ state: "maintenance", untilMs: undefined, note: "" });
  rig.update({}, ["t", "b"]);
  rig.offer(1, { deadlineMs: rig.clock.nowMs() + 4_500 });
  assert.deepEqual([rig.calls[0]!.target, rig.calls[0]!.timeoutMs], [`t@${b!.plan.address}`, 4_501]);
});
