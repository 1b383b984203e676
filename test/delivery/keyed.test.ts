import assert from "node:assert/strict";
import { test } from "node:test";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { ACCEPTED, Rig } from "../scenario/ledger-rig.ts";
import { sent, setTargets, spans, targetsByName, type TestSpan } from "./channel-rig.ts";

const REFUSED: SendOutcome = { kind: "retry", reason: "connect", message: "nobody listens", unprocessed: true };

function config(ids: readonly string[], more = "", key = "trace_id"): string {
  const targets = ids.map((id) => `{ id: ${id}, endpoint: "http://${id}.test:4317" }`);
  const strategy = `{ type: consistent_hash, key: ${key} }`;
  return `targets: [${targets.join()}]\npools: { p: { targets: [${ids.join()}], strategy: ${strategy}${more} } }\ndefault_pool: p`;
}

/** Spans of so many traces, mixed, in two services; a span's name is `trace.number`. */
function mixed(traces: number, each = 3): TestSpan[] {
  const all: TestSpan[] = [];
  for (let n = 0; n < each; n++) {
    for (let trace = 0; trace < traces; trace++) {
      all.push({ name: `${trace}.${n} `, trace, service: n % 2 === 0 ? "one" : "two" });
    }
  }
  return all;
}

/** The targets of each trace. */
function targetsByTrace(rig: Rig): Map<string, string> {
  const traces = new Map<string, Set<string>>();
  for (const call of sent(rig).split(/ (?=\w+:)/u)) {
    const [target = "", names = ""] = call.split(":");
    for (const name of names.trim().split(/\s+/u)) {
      const trace = name.split(".")[0]!;
      traces.set(trace, (traces.get(trace) ?? new Set()).add(target));
    }
  }
  return new Map([...traces].map(([trace, targets]) => [trace, [...targets].join("+")]));
}

function answerAll(rig: Rig): void {
  for (let i = 0; i < rig.calls.length; i++) rig.answer(i, ACCEPTED);
}

test("the spans of one trace reach one target, in whichever requests and resources they come", async () => {
  await using rig = new Rig(config(["a", "b", "c"]));
  const all = mixed(40);
  for (let at = 0; at < all.length; at += 17) {
    rig.handle("traces", spans(all.slice(at, at + 17)));
    answerAll(rig);
  }
  const found = targetsByTrace(rig);
  assert.equal(found.size, 40);
  for (const targets of found.values()) assert.match(targets, /^[abc]$/u);
  assert.deepEqual([...new Set(found.values())].toSorted(), ["a", "b", "c"]);
  assert.deepEqual([rig.totals("traces").delivered, rig.balanced], [120, true]);
});

test("two nodes agree, whatever the order of their targets", async () => {
  await using one = new Rig(config(["a", "b", "c", "d"]));
  await using two = new Rig(config(["d", "b", "a", "c"]));
  for (const rig of [one, two]) {
    rig.handle("traces", spans(mixed(50)));
    answerAll(rig);
  }
  assert.deepEqual(targetsByTrace(one), targetsByTrace(two));
});

test("when a target goes, only its own traces move, also those that wait for it", async () => {
  await using rig = new Rig(
    config(["a", "b", "c"], ", ack: queued").replaceAll(':4317"', ':4317", limits: { max_in_flight: 1 }'),
  );
  rig.handle("traces", spans(mixed(30)));
  const before = targetsByTrace(rig);
  rig.handle("traces", spans(mixed(30)));
  setTargets(rig, "maintenance", "b");
  const calls = rig.calls.length;
  for (let i = 0; i < calls; i++) if (rig.calls[i]!.target !== "b") rig.answer(i, ACCEPTED);
  for (let i = calls; i < rig.calls.length; i++) rig.answer(i, ACCEPTED);
  const after = targetsByTrace(rig);
  for (const [trace, target] of before) {
    if (target === "b") assert.match(after.get(trace)!, /^b\+[ac]$/u);
    else assert.equal(after.get(trace), target);
  }
  for (let i = 0; i < rig.calls.length; i++) rig.answer(i, ACCEPTED);
  assert.deepEqual([rig.totals("traces").delivered, rig.totals("traces").queued, rig.balanced], [180, 0, true]);
});

test("a target that joins takes over at most its share of what waits, and its traces go nowhere else", async () => {
  const limited = (ids: readonly string[]): string =>
    config(ids, ", ack: queued").replaceAll(':4317"', ':4317", limits: { max_in_flight: 1 }');
  await using rig = new Rig(limited(["a", "b"]));
  rig.handle("traces", spans(mixed(60, 1)));
  const before = targetsByTrace(rig);
  rig.handle("traces", spans(mixed(60, 1)));
  rig.apply(limited(["a", "b", "c"]));
  answerAll(rig);
  const moved = [...targetsByTrace(rig)].filter(([trace, targets]) => targets !== before.get(trace));
  for (const [trace, targets] of moved) assert.equal(targets, `${before.get(trace)!}+c`);
  assert.ok(moved.length > 5 && moved.length < 40, `${moved.length} of 60 moved`);
  assert.deepEqual([rig.totals("traces").delivered, rig.totals("traces").queued, rig.balanced], [120, 0, true]);
});

test("what a target certainly did not get goes to the next owners; what it may have got waits for it", async () => {
  await using rig = new Rig(config(["a", "b", "c"]));
  rig.handle("traces", spans(mixed(30, 1)));
  const calls = rig.calls.length;
  assert.equal(calls, 3);
  const refused = rig.calls.findIndex(({ target }) => target === "a");
  const reset = rig.calls.findIndex(({ target }) => target === "b");
  rig.answer(refused, REFUSED);
  assert.deepEqual([...new Set(rig.calls.slice(calls).map(({ target }) => target))].toSorted(), ["b", "c"]);
  rig.answer(reset, { kind: "retry", reason: "reset", message: "reset", unprocessed: false });
  rig.advance(600);
  assert.equal(rig.calls.at(-1)!.target, "b");
  answerAll(rig);
  assert.deepEqual([rig.totals("traces").delivered, rig.balanced], [30, true]);
});

test("keys other than the trace: the service, an attribute of the resource, an attribute of the item", async () => {
  const all = mixed(24).map((span, i) => ({ ...span, region: `r${i % 5}`, tier: `t${i % 7}` }));
  const keys = [
    { key: "service_name", of: (span: TestSpan) => span.service },
    { key: "{ resource: region }", of: (span: TestSpan) => span.region },
    { key: "{ attribute: user.tier }", of: (span: TestSpan) => span.tier },
  ];
  for (const { key, of } of keys) {
    await using rig = new Rig(config(["a", "b", "c"], "", key));
    rig.handle("traces", spans(all));
    const found = targetsByName(rig);
    const byKey = new Map<string | undefined, string>();
    for (const span of all) {
      const target = [...found.get(span.name)!].join("+");
      assert.equal(byKey.get(of(span)) ?? target, target, `${key} ${of(span)}`);
      byKey.set(of(span), target);
    }
    assert.ok(key === "service_name" || new Set(byKey.values()).size > 1);
    answerAll(rig);
    assert.equal(rig.balanced, true);
  }
});

test("a change from a shared queue to one by key, and back, loses nothing of what waits", async () => {
  const one = `targets: [{ id: a, endpoint: "http://a.test:1", limits: { max_in_flight: 1 } }, { id: b, endpoint: "http://b.test:1" }]`;
  const pool = (strategy: string): string =>
    `${one}\npools: { p: { targets: [a, b], ack: queued, strategy: ${strategy} } }\ndefault_pool: p`;
  const content =
    "{ type: content, cases: [{ conditions: [{ attribute: { key: user.tier, equals: t1 } }], targets: [a] }] }";
  await using rig = new Rig(pool("{ type: failover }"));
  const all = mixed(20).map((span, i) => ({ ...span, tier: `t${i % 3}` }));
  for (const strategy of [
    "consistent_hash",
    content,
    "{ type: geography }",
    "round_robin",
    "consistent_hash",
    "broadcast",
    content,
  ]) {
    setTargets(rig, "maintenance", "a", "b");
    rig.handle("traces", spans(all));
    rig.apply(pool(strategy));
  }
  setTargets(rig, "ready", "a", "b");
  rig.advance(40_000);
  answerAll(rig);
  rig.advance(40_000);
  answerAll(rig);
  assert.deepEqual([rig.totals("traces").queued, rig.totals("traces").delivered, rig.balanced], [0, 7 * 60, true]);
});
