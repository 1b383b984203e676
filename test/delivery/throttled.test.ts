import assert from "node:assert/strict";
import { test } from "node:test";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { ACCEPTED, Rig } from "../scenario/ledger-rig.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";
import { setTargets, spans } from "./channel-rig.ts";

const TARGETS = ["a", "b"].map((id, i) => `  - { id: ${id}, endpoint: "http://127.0.0.1:${i + 1}" }`).join("\n");

function config(pools: string, more = "default_pool: main"): string {
  return `targets:\n${TARGETS}\npools:\n${pools}\n${more}\n`;
}

function pauseFor(afterMs: number): SendOutcome {
  return { kind: "retry", reason: "throttled", message: "busy", afterMs, unprocessed: false };
}

/**
 * Sends one request, which the target refuses for so long: all of its later senders have to hear of
 * it.
 */
function throttle(rig: Rig, afterMs = 30_000): void {
  rig.handle("traces", spans([{ name: "first" }]));
  rig.answer(rig.calls.length - 1, pauseFor(afterMs));
}

const REFUSED = { reason: "no_target", retryAfterMs: 30_000 };

test("who comes while a target is to be left alone beyond its deadline is told at once, with the time that is left", async () => {
  await using rig = new Rig(config("  main: { targets: [a] }"));
  throttle(rig);
  rig.advance(5_000);
  const { replies } = rig.handle("traces", spans([{ name: "x" }]));
  const [reply] = replies;
  assert.ok(reply !== undefined && !reply.ok);
  const { reason, retryAfterMs, message } = reply.refusal;
  assert.deepEqual({ reason, retryAfterMs }, { ...REFUSED, retryAfterMs: 25_000 });
  assert.match(message, /pool main: its targets asked to be left alone/u);
  assert.deepEqual([rig.totals("traces").queued, rig.balanced], [0, true]);
});

const WAITS = [
  { name: "the pause ends before the deadline", pools: "  main: { targets: [a] }", afterMs: 9_000 },
  { name: "nobody waits", pools: "  main: { targets: [a], ack: queued }", afterMs: 30_000 },
];
for (const { name, pools, afterMs } of WAITS) {
  test(`nothing is refused for a pause where ${name}`, async () => {
    await using rig = new Rig(config(pools));
    throttle(rig, afterMs);
    const { replies } = rig.handle("traces", spans([{ name: "x" }]));
    assert.ok(replies.every(({ ok }) => ok));
    assert.ok(rig.totals("traces").queued > 0);
  });
}

test("a target beside it that may be back at any time is waited for: an ejection is no pause", async () => {
  await using rig = new Rig(config("  main: { targets: [a, b], strategy: failover }"));
  setTargets(rig, "maintenance", "a");
  for (let i = 0; i < 5; i++) {
    rig.handle("traces", spans([{ name: "x" }]), 100);
    rig.answer(rig.calls.length - 1, { kind: "retry", reason: "reset", message: "", unprocessed: false });
  }
  rig.advance(200);
  setTargets(rig, "ready", "a");
  throttle(rig);
  const { replies } = rig.handle("traces", spans([{ name: "x" }]));
  assert.deepEqual(replies, []);
});

test("a fallback that can be used takes it, and one that is paused for less is waited for", async () => {
  await using rig = new Rig(config("  main: { targets: [a], fallback: spare }\n  spare: { targets: [b] }"));
  throttle(rig);
  const { replies } = rig.handle("traces", spans([{ name: "x" }]));
  const at = rig.calls.length - 1;
  assert.equal(rig.calls[at]!.target, "b");
  rig.answer(at, pauseFor(5_000));
  const second = rig.handle("traces", spans([{ name: "y" }]));
  assert.deepEqual([replies, second.replies], [[], []]);
  const third = rig.handle("traces", spans([{ name: "z" }]), 4_000);
  assert.deepEqual(
    third.replies.map((reply) => reply.ok || reply.refusal.retryAfterMs),
    [5_000],
  );
});

test("the next rule comes first, and of several parts none is queued when one of them would wait in vain", async () => {
  const rules = `rules:
  - { id: one, conditions: [{ service_name: one }], pool: main }
  - { id: both, mode: copy, conditions: [{ service_name: two }], pool: main }
  - { id: all, targets: [b] }`;
  await using rig = new Rig(config("  main: { targets: [a] }", rules));
  rig.handle("traces", spans([{ name: "x", service: "one" }]));
  rig.answer(0, pauseFor(30_000));
  const first = rig.handle("traces", spans([{ name: "x", service: "one" }]));
  assert.equal(rig.calls.at(-1)!.target, "b");
  rig.answer(rig.calls.length - 1, ACCEPTED);
  assert.deepEqual(first.replies, [{ ok: true, rejected: 0, message: "" }]);
  const calls = rig.calls.length;
  const second = rig.handle("traces", spans([{ name: "x", service: "two" }]));
  assert.equal(second.replies[0]?.ok, false);
  assert.deepEqual([rig.calls.length, rig.totals("traces").queued], [calls, 0]);
});

test("a pool that refuses while it is down tells how long a pause lasts", async () => {
  await using rig = new Rig(config("  main: { targets: [a], when_down: refuse }"));
  throttle(rig, 3_000);
  const { replies } = rig.handle("traces", spans([{ name: "x" }]));
  assert.deepEqual(
    replies.map((reply) => reply.ok || reply.refusal.retryAfterMs),
    [3_000],
  );
});

const AWAY: SendOutcome = { kind: "elsewhere", code: "HTTP 404", message: "HTTP 404" };

/** Until `unwilling` is asked for no more traces; others take them. */
function refuse(rig: Rig, unwilling: string): void {
  for (let i = 0, asked = 0; asked < 3; i++) {
    if (i === rig.calls.length) rig.handle("traces", spans([{ name: "asked" }]));
    const isUnwilling = rig.calls[i]!.target === unwilling;
    asked += Number(isUnwilling);
    rig.answer(i, isUnwilling ? AWAY : ACCEPTED);
  }
  for (let i = 0; i < rig.calls.length; i++) rig.answer(i, ACCEPTED);
}

/** The second of them takes no traces, and the first one is then paused. */
function openHalf(text: string, [first, second]: readonly string[], afterMs: number): Rig {
  const resolver = new ScriptedResolver();
  const rig = new Rig(text, { resolver });
  if (second!.startsWith("t@")) resolver.find(["10.0.0.1", "10.0.0.2"], 3_600_000);
  rig.settle();
  refuse(rig, second!);
  throttle(rig, afterMs);
  assert.equal(rig.calls.at(-1)!.target, first);
  return rig;
}

function named(main: string, more = ""): string {
  const targets = `[{ id: t, endpoint: "http://tempo.test:4317" }, { id: s, endpoint: "http://127.0.0.1:9" }]`;
  return `targets: ${targets}\npools: { main: ${main}, spare: { targets: [s] } }\n${more}default_pool: main\n`;
}

/** Two targets in one pool, and two addresses behind the name of one target. */
const PAIRS = [
  { name: "target", others: ["a", "b"], text: config("  main: { targets: [a, b], strategy: round_robin }") },
  {
    name: "address",
    others: ["t@10.0.0.1", "t@10.0.0.2"],
    text: named("{ targets: [t] }"),
  },
];
for (const { name, others, text } of PAIRS) {
  test(`a pause is told at once where the other ${name} does not take the signal, until that is asked again`, async () => {
    await using rig = openHalf(text, others, 60_000);
    const { replies } = rig.handle("traces", spans([{ name: "x" }]));
    const [reply] = replies;
    assert.ok(reply !== undefined && !reply.ok);
    const { reason, retryAfterMs = 0 } = reply.refusal;
    assert.equal(reason, "no_target");
    // The other one rests for 30 s, or less by up to a fifth.
    assert.ok(retryAfterMs >= 24_000 && retryAfterMs <= 30_000, String(retryAfterMs));
    rig.advance(retryAfterMs);
    const calls = rig.calls.length;
    rig.handle("traces", spans([{ name: "asks" }]));
    assert.deepEqual([rig.calls.length, rig.calls.at(-1)!.target], [calls + 1, others[1]]);
    const behind = rig.handle("traces", spans([{ name: "waits for what the other one says" }]));
    assert.deepEqual(behind.replies, []);
    rig.answer(calls, AWAY);
    const last = rig.handle("traces", spans([{ name: "y" }]));
    assert.equal(last.replies[0]?.ok, false);
  });

  test(`a pause that ends before the deadline is waited for, whatever signals the other ${name} takes`, async () => {
    await using rig = openHalf(text, others, 5_000);
    const { replies } = rig.handle("traces", spans([{ name: "x" }]));
    assert.deepEqual(replies, []);
    rig.advance(5_001);
    rig.answer(rig.calls.length - 1, ACCEPTED);
  });
}

test("what neither address takes now goes to the next rule's pool, or to a fallback, and back when a pause is over", async () => {
  const rule = "rules: [{ id: one, pool: main }, { id: two, pool: spare }]\n";
  for (const text of [named("{ targets: [t] }", rule), named("{ targets: [t], fallback: spare }")]) {
    await using rig = openHalf(text, ["t@10.0.0.1", "t@10.0.0.2"], 20_000);
    rig.handle("traces", spans([{ name: "x" }]));
    assert.equal(rig.calls.at(-1)!.target, "s");
    rig.answer(rig.calls.length - 1, ACCEPTED);
    rig.advance(20_001);
    rig.handle("traces", spans([{ name: "y" }]));
    assert.equal(rig.calls.at(-1)!.target, "t@10.0.0.1");
  }
});
