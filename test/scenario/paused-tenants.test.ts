import { headerIn } from "../../src/plan/sender-headers.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { generateTraces } from "../support/generated.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { ACCEPTED, type Carried, Rig } from "./ledger-rig.ts";

const TRACES = Buffer.from(generateTraces({ items: 1, resources: 1, services: ["s"], seed: 1, wallMs: 0 }));
const QUOTA = { kind: "retry", reason: "throttled", message: "HTTP 429", unprocessed: false, quota: true } as const;

function carry(rig: Rig, tenant: string | undefined, deadlineMs = 60_000): Carried {
  return rig.handle("traces", TRACES, deadlineMs, tenant === undefined ? {} : { "x-scope-orgid": tenant });
}

/** `target:tenant` of each call from the n-th on. */
function calls(rig: Rig, from = 0): string[] {
  return rig.calls
    .slice(from)
    .map(({ target, batch }) => `${target}:${headerIn(batch.headers, "x-scope-orgid") ?? "-"}`);
}

function config(pools: string, more = ""): string {
  const target = (id: string): string =>
    `  - { id: ${id}, endpoint: "http://${id}:1", forward_headers: [x-scope-orgid] }`;
  return `targets:\n${["a", "b"].map(target).join("\n")}\npools:\n${pools}\ndefault_pool: main\n${more}`;
}
const ONE = config("  main: { targets: [a] }\n  other: { targets: [b] }");
const TWO = config("  main: { targets: [a, b], strategy: round_robin }");

test("a 429 pauses the target for its sender only: others go on, and the target is well", async () => {
  await using rig = new Rig(ONE);
  carry(rig, "greedy");
  rig.answer(0, { ...QUOTA, afterMs: 30_000 });
  carry(rig, "greedy");
  carry(rig, "other");
  carry(rig, undefined);
  assert.deepEqual(calls(rig, 1), ["a:other", "a:-"]);
  const a = rig.pools.targets.get("a")!;
  assert.equal(a.usable(rig.clock.nowMs()), true);
  rig.answer(1, ACCEPTED);
  rig.answer(2, ACCEPTED);
  rig.advance(29_000);
  assert.equal(rig.calls.length, 3);
  rig.advance(1_001);
  assert.deepEqual(calls(rig, 3), ["a:greedy"]);
});

test("while one target is paused for a sender, another one of the pool takes its data", async () => {
  await using rig = new Rig(TWO);
  carry(rig, "greedy");
  assert.deepEqual(calls(rig), ["a:greedy"]);
  rig.answer(0, { ...QUOTA, afterMs: 30_000 });
  rig.advance(1_000);
  for (let i = 0; i < 3; i++) carry(rig, "greedy");
  for (let i = 0; i < 4; i++) carry(rig, "other");
  assert.deepEqual(new Set(calls(rig, 1).filter((one) => one.endsWith("greedy"))), new Set(["b:greedy"]));
  assert.ok(calls(rig, 1).includes("a:other"));
});

test("a sender whom all targets asked to wait beyond its deadline is told so at once, with the time left", async () => {
  await using rig = new Rig(ONE);
  const first = carry(rig, "greedy", 5_000);
  rig.answer(0, { ...QUOTA, afterMs: 30_000 });
  rig.advance(10_000);
  const { replies } = carry(rig, "greedy", 5_000);
  const [reply] = replies;
  assert.ok(reply !== undefined && !reply.ok);
  assert.deepEqual(
    [reply.refusal.reason, reply.refusal.retryAfterMs, reply.refusal.message],
    ["no_target", 20_000, "pool main: its targets asked to be left alone, for 20000 ms from now"],
  );
  assert.equal(rig.pools.live.get("main")!.heldItems, 0);
  assert.ok(first.replies[0]?.ok === false);
  carry(rig, "other", 5_000);
  assert.deepEqual(calls(rig, 1), ["a:other"]);
});

test("what waits already when its sender is asked to wait beyond its deadline is told so at once, too", async () => {
  await using rig = new Rig(ONE.replaceAll("forward_headers", "limits: { max_in_flight: 1 }, forward_headers"));
  carry(rig, "greedy", 60_000);
  const { replies } = carry(rig, "greedy", 5_000);
  assert.equal(rig.calls.length, 1);
  rig.answer(0, { ...QUOTA, afterMs: 30_000 });
  const [reply] = replies;
  assert.ok(reply !== undefined && !reply.ok);
  assert.deepEqual(
    [reply.refusal.reason, reply.refusal.retryAfterMs, reply.refusal.message],
    ["target_failed", 30_000, "a: requests with these headers are to come later"],
  );
});

test("what waits for a target that asked everybody for a short pause is not told of the longer one of another target", async () => {
  await using rig = new Rig(TWO);
  const { replies } = carry(rig, "greedy", 5_000);
  rig.answer(0, { ...QUOTA, afterMs: 30_000 });
  rig.advance(500);
  assert.deepEqual(calls(rig), ["a:greedy", "b:greedy"]);
  rig.answer(1, { ...QUOTA, quota: false, afterMs: 1_500 });
  rig.advance(500);
  assert.deepEqual([calls(rig, 2), replies], [[], []]);
  rig.advance(1_001);
  assert.deepEqual(calls(rig, 2), ["b:greedy"]);
  rig.answer(2, ACCEPTED);
  assert.equal(replies[0]?.ok, true);
});

test("what waits for one address that asked its sender for a pause is told of it where the other takes no such signal", async () => {
  const resolver = new ScriptedResolver();
  const t =
    '{ id: t, endpoint: "http://tempo.test:1", limits: { max_in_flight: 1 }, forward_headers: [x-scope-orgid] }';
  await using rig = new Rig(`targets: [${t}]\npools: { main: { targets: [t] } }\ndefault_pool: main\n`, { resolver });
  resolver.find(["10.0.0.1", "10.0.0.2"], 3_600_000);
  rig.settle();
  const away: SendOutcome = { kind: "elsewhere", code: "HTTP 404", message: "HTTP 404" };
  for (let i = 0, asked = 0; asked < 3; i++) {
    if (i === rig.calls.length) carry(rig, "other");
    const isUnwilling = rig.calls[i]!.target === "t@10.0.0.2";
    asked += Number(isUnwilling);
    rig.answer(i, isUnwilling ? away : ACCEPTED);
  }
  for (let i = 0; i < rig.calls.length; i++) rig.answer(i, ACCEPTED);
  const before = rig.calls.length;
  carry(rig, "greedy", 60_000);
  const { replies } = carry(rig, "greedy", 5_000);
  assert.deepEqual(calls(rig, before), ["t@10.0.0.1:greedy"]);
  rig.answer(before, { ...QUOTA, afterMs: 20_000 });
  const [reply] = replies;
  assert.ok(reply !== undefined && !reply.ok);
  assert.deepEqual([reply.refusal.reason, reply.refusal.retryAfterMs], ["target_failed", 20_000]);
});

test("what a target does not take of one sender goes to the fallback, with its header; others stay", async () => {
  await using rig = new Rig(
    config("  main: { targets: [a], fallback: spare, ack: queued }\n  spare: { targets: [b], ack: queued }"),
  );
  carry(rig, "greedy");
  rig.answer(0, { ...QUOTA, afterMs: 30_000 });
  rig.advance(1_000);
  carry(rig, "greedy");
  carry(rig, "other");
  assert.deepEqual(calls(rig, 1).toSorted(), ["a:other", "b:greedy"]);
  for (let i = 1; i < rig.calls.length; i++) rig.answer(i, ACCEPTED);
  rig.advance(30_000);
  for (let i = 1; i < rig.calls.length; i++) rig.answer(i, ACCEPTED);
  assert.deepEqual(rig.totals("traces").queued, 0);
  assert.ok(rig.balanced);
});

const REFUSALS: readonly SendOutcome[] = ["UNAUTHENTICATED", "PERMISSION_DENIED", "HTTP 401", "HTTP 403"].map(
  (code) => {
    return { kind: "rejected", code, message: code, badData: false };
  },
);
for (const refusal of REFUSALS) {
  test(`${refusal.message} to one sender is no fault of the target, where it is passed headers of senders`, async () => {
    await using rig = new Rig(ONE);
    for (let i = 0; i < 40; i++) {
      const { replies } = carry(rig, "unknown");
      rig.answer(i, refusal);
      assert.equal(replies[0]?.ok === false && replies[0].refusal.reason, "target_rejected");
    }
    const a = rig.pools.targets.get("a")!;
    assert.deepEqual([a.health().state, a.errorRate], ["ready", 0]);
    await using bare = new Rig(ONE.replaceAll(", forward_headers: [x-scope-orgid]", ""));
    for (let i = 0; bare.calls.length === i && i < 40; i++) {
      carry(bare, "unknown");
      if (bare.calls.length > i) bare.answer(i, refusal);
    }
    assert.equal(bare.pools.targets.get("a")!.health().state, "ejected");
  });
}

test("503 with Retry-After is about the target, whoever sent it", async () => {
  await using rig = new Rig(ONE);
  carry(rig, "one");
  const { quota: _quota, ...unavailable } = QUOTA;
  rig.answer(0, { ...unavailable, message: "HTTP 503", afterMs: 30_000 });
  carry(rig, "other");
  assert.equal(rig.calls.length, 1);
  assert.equal(rig.pools.targets.get("a")!.usable(rig.clock.nowMs()), false);
});

test("RESOURCE_EXHAUSTED without a delay, which shows to be a quota, holds for its sender only", async () => {
  await using rig = new Rig(ONE);
  carry(rig, "greedy");
  rig.answer(0, { kind: "too_large", message: "RESOURCE_EXHAUSTED", doubt: "quota" });
  carry(rig, "greedy");
  carry(rig, "other");
  assert.deepEqual(calls(rig, 1), ["a:other"]);
  const a = rig.pools.targets.get("a")!;
  assert.deepEqual([a.usable(rig.clock.nowMs()), a.pausedTenants], [true, 1]);
  rig.answer(1, ACCEPTED);
  rig.advance(2_000);
  const later = calls(rig, 2);
  assert.ok(later.length > 0 && later.every((one) => one === "a:greedy"), later.join());
});

test("an explanation knows whose target is paused: it says so, why, and where that sender's data goes instead", async () => {
  for (const strategy of ["round_robin", "weighted_random", "least_connections", "latency"]) {
    await using rig = new Rig(TWO.replace("round_robin", strategy));
    const told = (tenant: string) => {
      const { targets = [], pick } = rig.explain("traces", TRACES, { "X-Scope-OrgID": tenant }).place ?? {};
      const [a, b] = targets.map(({ usable, eligible, reason }) => ({ usable, eligible, reason }));
      return { a, b, pick };
    };
    while (calls(rig).at(-1) !== "a:greedy") carry(rig, "greedy");
    rig.answer(rig.calls.length - 1, { ...QUOTA, afterMs: 30_000 });
    rig.advance(1_000);
    const greedy = told("greedy");
    assert.deepEqual(greedy.a, { usable: false, eligible: false, reason: "throttled for this sender: HTTP 429" });
    assert.deepEqual([greedy.b?.usable, greedy.b?.eligible], [true, true]);
    const picks = [
      { kind: "target", target: "b" },
      { kind: "chances", chances: { b: 1 } },
    ];
    assert.ok(
      picks.some((pick) => JSON.stringify(pick) === JSON.stringify(greedy.pick)),
      JSON.stringify(greedy.pick),
    );
    assert.deepEqual([told("other").a?.usable, told("other").a?.eligible], [true, true]);
    assert.doesNotMatch(told("other").a?.reason ?? "", /throttled/u);
    rig.advance(30_000);
    assert.deepEqual([told("greedy").a?.usable, told("greedy").a?.eligible], [true, true]);
  }
});

test("an explanation says that a sender whom all targets asked to wait waits, and that others do not", async () => {
  await using rig = new Rig(ONE);
  carry(rig, "greedy");
  rig.answer(0, { ...QUOTA, afterMs: 30_000 });
  const pick = (tenant: string) => rig.explain("traces", TRACES, { "x-scope-orgid": tenant }).place?.pick;
  assert.deepEqual([pick("greedy"), pick("other")], [{ kind: "waits" }, { kind: "target", target: "a" }]);
});

test("an explanation of a target of several addresses knows a pause of one sender once all of them asked for it", async () => {
  const resolver = new ScriptedResolver();
  await using rig = new Rig(ONE.replace("http://a:1", "http://tempo.test:1"), { resolver });
  resolver.find(["10.0.0.1", "10.0.0.2"], 3_600_000);
  rig.settle();
  const told = (): unknown[] => {
    const { targets = [], pick } = rig.explain("traces", TRACES, { "x-scope-orgid": "greedy" }).place ?? {};
    return [targets[0]?.reason.startsWith("throttled for this sender"), pick?.kind];
  };
  for (const want of [
    [false, "target"],
    [true, "waits"],
  ]) {
    carry(rig, "greedy");
    rig.answer(rig.calls.length - 1, { ...QUOTA, afterMs: 30_000 });
    assert.deepEqual(told(), want);
  }
});
