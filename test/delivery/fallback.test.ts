import assert from "node:assert/strict";
import { test } from "node:test";
import { ACCEPTED, Rig } from "../scenario/ledger-rig.ts";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { sent, setTargets, spans, failovers } from "./channel-rig.ts";

const TARGETS = ["a", "b", "c", "d"]
  .map((id, i) => `  - { id: ${id}, endpoint: "http://127.0.0.1:${i + 1}", limits: { max_in_flight: 1 } }`)
  .join("\n");
const GONE: SendOutcome = { kind: "retry", reason: "unavailable", message: "gone", unprocessed: false };

function config(pools: string, more = "default_pool: main"): string {
  return `targets:\n${TARGETS}\npools:\n${pools}\n${more}\n`;
}

const span = (name: string): Buffer => spans([{ name }]);

function answerAll(rig: Rig, from = 0): void {
  for (let i = from; i < rig.calls.length; i++) rig.answer(i, ACCEPTED);
}

test("a pool without a usable target fails over what arrives to its fallback, and what it takes is counted for the rule", async () => {
  await using rig = new Rig(config("  main: { targets: [a], fallback: spare }\n  spare: { targets: [b] }"));
  setTargets(rig, "maintenance", "a");
  const { replies } = rig.handle("traces", span("x"));
  assert.equal(sent(rig), "b:x");
  answerAll(rig);
  assert.deepEqual(
    replies.map(({ ok }) => ok),
    [true],
  );
  const rows = rig.env.ledger.snapshot().map(({ rule, pool, delivered }) => `${rule} ${pool} ${delivered}`);
  assert.deepEqual(
    rows.filter((row) => row.startsWith("(default)")),
    ["(default) main 1"],
  );
  assert.equal(failovers(rig), "main>spare arrival:1");
  assert.equal(rig.balanced, true);
});

test("a pool that goes down fails over its backlog, what comes back from its target too, and nothing moves back", async () => {
  await using rig = new Rig(
    config("  main: { targets: [a], fallback: spare, ack: queued }\n  spare: { targets: [b], ack: queued }"),
  );
  for (const name of ["1", "2", "3"]) rig.handle("traces", span(name));
  assert.equal(sent(rig), "a:1");
  setTargets(rig, "maintenance", "a");
  assert.equal(sent(rig, 1), "b:23");
  rig.answer(0, GONE);
  setTargets(rig, "ready", "a");
  rig.advance(60_000);
  answerAll(rig, 1);
  assert.match(sent(rig, 2), /^[ab]:1$/u);
  assert.equal(rig.pools.live.get("main")!.heldItems, 0);
  assert.equal(rig.totals("traces").delivered, 3);
  assert.deepEqual([rig.totals("traces").queued, rig.balanced], [0, true]);
});

test("the chain of fallbacks is followed to the first pool that can take it, whether down or full", async () => {
  await using rig = new Rig(
    config(
      `  main: { targets: [a], fallback: second, ack: queued }
  second: { targets: [b], fallback: third, ack: queued }
  third: { targets: [c], fallback: last, ack: queued, queue: { max_bytes: "${span("x").length}B" } }
  last: { targets: [d], ack: queued }`,
    ),
  );
  setTargets(rig, "maintenance", "a", "b");
  for (const name of ["1", "2", "3"]) rig.handle("traces", span(name));
  assert.equal(sent(rig), "c:1 d:2");
  answerAll(rig);
  assert.deepEqual([rig.totals("traces").delivered, rig.balanced], [3, true]);
  assert.equal(failovers(rig), "main>last arrival:2 main>third arrival:1");
});

test("a full pool fails over what does not fit, and when all are full the sender is told to come again", async () => {
  const bytes = span("x").length;
  const pool = (target: string): string => `{ targets: [${target}], queue: { max_bytes: "${bytes * 2}B" }`;
  await using rig = new Rig(config(`  main: ${pool("a")}, fallback: spare }\n  spare: ${pool("b")} }`));
  const all = ["1", "2", "3", "4", "5"].map((name) => rig.handle("traces", span(name)).replies);
  assert.equal(sent(rig), "a:1 b:3");
  assert.deepEqual(all[4], [{ ok: false, refusal: { reason: "queue_full", message: "pool main: its queue is full" } }]);
  answerAll(rig);
  assert.deepEqual([rig.totals("traces").delivered, rig.totals("traces").shed, rig.balanced], [4, 1, true]);
  assert.equal(failovers(rig), "main>spare arrival:2");
});

const order = [
  { whenDown: "next_rule", fallbackDown: false, want: "b:x" },
  { whenDown: "hold", fallbackDown: false, want: "b:x" },
  { whenDown: "refuse", fallbackDown: false, want: "b:x" },
  { whenDown: "next_rule", fallbackDown: true, want: "c:x" },
  { whenDown: "hold", fallbackDown: true, want: "" },
  { whenDown: "refuse", fallbackDown: true, want: "", reason: "no_target" },
] as const;
for (const { whenDown, fallbackDown, want, ...more } of order) {
  const what = fallbackDown ? "down as well" : "up";
  test(`when_down: ${whenDown}, with a fallback that is ${what}: the fallback comes first`, async () => {
    await using rig = new Rig(
      config(
        `  main: { targets: [a], fallback: spare, when_down: ${whenDown} }\n  spare: { targets: [b] }\n  rest: { targets: [c] }`,
        "rules: [{ id: one, pool: main }]\ndefault_pool: rest",
      ),
    );
    setTargets(rig, "maintenance", "a", ...(fallbackDown ? ["b"] : []));
    const { replies } = rig.handle("traces", span("x"));
    assert.equal(sent(rig), want);
    assert.deepEqual(
      replies.map((reply) => reply.ok || reply.refusal.reason),
      "reason" in more ? [more.reason] : [],
    );
    if (want === "" && !("reason" in more)) assert.equal(rig.pools.live.get("main")!.heldItems, 1);
    setTargets(rig, "ready", "a", "b");
    rig.advance(20_000);
    answerAll(rig);
    assert.equal(rig.balanced, true);
  });
}

test("what a pool that holds keeps moves as soon as its fallback comes up", async () => {
  await using rig = new Rig(
    config("  main: { targets: [a], fallback: spare, when_down: hold }\n  spare: { targets: [b] }"),
  );
  setTargets(rig, "maintenance", "a", "b");
  const { replies } = rig.handle("traces", span("x"), 300_000);
  assert.equal(sent(rig), "");
  setTargets(rig, "ready", "b");
  rig.advance(31_000);
  assert.equal(sent(rig), "b:x");
  answerAll(rig);
  assert.deepEqual([replies.map(({ ok }) => ok), rig.balanced, failovers(rig)], [[true], true, "main>spare backlog:1"]);
});

test("a case whose targets are all down behaves as a pool that is down; the other cases go on", async () => {
  const strategy =
    "{ type: content, cases: [{ conditions: [{ attribute: { key: user.tier, equals: gold } }], targets: [a] }], otherwise: [b] }";
  await using rig = new Rig(
    config(`  main: { targets: [a, b], strategy: ${strategy}, fallback: spare }\n  spare: { targets: [c] }`),
  );
  setTargets(rig, "maintenance", "a");
  rig.handle("traces", spans([{ name: "g", tier: "gold" }, { name: "o" }]));
  assert.deepEqual(sent(rig).split(" ").toSorted(), ["b:o", "c:g"]);
  answerAll(rig);
  assert.deepEqual([rig.totals("traces").delivered, failovers(rig), rig.balanced], [2, "main>spare arrival:1", true]);
});

test("a broadcast pool that goes down fails over each parcel once", async () => {
  await using rig = new Rig(
    config("  main: { targets: [a, b], strategy: broadcast, fallback: spare }\n  spare: { targets: [c] }"),
  );
  const replies = ["1", "2"].map((name) => rig.handle("traces", span(name)).replies);
  assert.equal(sent(rig), "a:1 b:1");
  setTargets(rig, "maintenance", "a", "b");
  assert.equal(sent(rig, 2), "c:2");
  answerAll(rig);
  assert.deepEqual(
    replies.flat().map(({ ok }) => ok),
    [true, true],
  );
  assert.deepEqual([rig.totals("traces").delivered, rig.totals("traces").queued, rig.balanced], [2, 0, true]);
});

test("a fallback that divides by key divides what it takes over, from arrivals and from the backlog", async () => {
  await using rig = new Rig(
    config(
      "  main: { targets: [a], fallback: spare, ack: queued }\n  spare: { targets: [b, c, d], strategy: consistent_hash }",
    ),
  );
  const request = spans(Array.from({ length: 30 }, (_, i) => ({ name: String.fromCharCode(65 + i), trace: i % 10 })));
  rig.handle("traces", spans([{ name: "first" }]));
  rig.handle("traces", request);
  setTargets(rig, "maintenance", "a");
  rig.handle("traces", request);
  for (let i = 1; i < rig.calls.length; i++) rig.answer(i, ACCEPTED);
  rig.answer(0, ACCEPTED);
  const byTarget = new Map<string, Set<string>>();
  for (const call of sent(rig, 1).split(" ")) {
    const [target = "", names = ""] = call.split(":");
    for (const name of names) byTarget.set(name, (byTarget.get(name) ?? new Set()).add(target));
  }
  for (let i = 0; i < 30; i++) {
    assert.equal(byTarget.get(String.fromCharCode(65 + i))?.size, 1, "one target, whichever way it came");
    assert.deepEqual(byTarget.get(String.fromCharCode(65 + i)), byTarget.get(String.fromCharCode(65 + (i % 10))));
  }
  assert.deepEqual([rig.totals("traces").delivered, rig.totals("traces").queued, rig.balanced], [61, 0, true]);
});

test("a pool whose target's calls fail fails over when it is taken out, arrivals and backlog alike, and takes arrivals again when it is back", async () => {
  await using rig = new Rig(
    config("  main: { targets: [a], fallback: spare, ack: queued }\n  spare: { targets: [b], ack: queued }"),
  );
  for (let i = 0; i < 5; i++) {
    rig.handle("traces", span(`n${i}`));
    rig.answer(
      rig.calls.findLastIndex(({ target }) => target === "a"),
      GONE,
    );
    rig.advance(600);
  }
  const failed = rig.calls.findLastIndex(({ target }) => target === "a");
  if (rig.pools.targets.get("a")!.health().state === "ready") rig.answer(failed, GONE);
  assert.equal(rig.pools.targets.get("a")!.health().state, "ejected");
  assert.equal(rig.pools.live.get("main")!.heldItems, 0);
  rig.handle("traces", span("later"));
  for (let i = 0; i < rig.calls.length; i++) if (rig.calls[i]!.target === "b") rig.answer(i, ACCEPTED);
  assert.deepEqual([rig.totals("traces").delivered, rig.totals("traces").queued], [6, 0]);
  rig.advance(40_000);
  const before = rig.calls.length;
  rig.handle("traces", span("probe"));
  assert.equal(sent(rig, before), "a:probe");
  answerAll(rig, before);
  assert.deepEqual([rig.totals("traces").delivered, rig.balanced], [7, true]);
});

test("what waits for a retry waits on when its pool has no fallback that can take it, and goes to one when there is one", async () => {
  const retry = "retry: { initial: 20s, max: 20s }, ack: queued";
  await using rig = new Rig(
    config(`  main: { targets: [a], fallback: spare, ${retry} }\n  spare: { targets: [b], ack: queued }`),
  );
  rig.handle("traces", span("1"));
  rig.answer(0, GONE);
  setTargets(rig, "maintenance", "a", "b");
  rig.handle("traces", span("2"));
  setTargets(rig, "ready", "a");
  assert.equal(sent(rig, 1), "a:2", "only what was not tried yet is sent at once");
  rig.answer(1, ACCEPTED);
  setTargets(rig, "maintenance", "a");
  setTargets(rig, "ready", "b");
  assert.equal(sent(rig, 2), "b:1");
  rig.answer(2, ACCEPTED);
  assert.deepEqual([rig.totals("traces").delivered, rig.totals("traces").queued, rig.balanced], [2, 0, true]);
});
