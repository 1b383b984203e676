import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { ACCEPTED, Rig } from "../../test/scenario/ledger-rig.ts";
import type { SendOutcome } from "./send-outcome.ts";

const TARGETS = ["a", "b", "c"].map(
  (id, i) => `{ id: ${id}, endpoint: "http://127.0.0.1:${i + 1}", limits: { max_in_flight: 1 } }`,
);
const UNAVAILABLE: SendOutcome = { kind: "retry", reason: "unavailable", message: "no", unprocessed: false };
const QUEUED = "ack: queued, queue: { max_age: 24h }";
const P = `p: { targets: [a], ${QUEUED} }`;

function config(pools: string, more: string): string {
  return `targets: [${TARGETS.join(", ")}]\npools: { ${pools} }\n${more}`;
}

/** Three log records of each of these services, each a resource of its own. */
function logs(...services: readonly string[]): Buffer {
  return Buffer.concat(services.map(resourceOf));
}

/** It names no region: that of the listener counts. */
function resourceOf(service: string): Buffer {
  const attribute = field(
    1,
    Buffer.concat([field(1, Buffer.from("service.name")), field(2, field(1, Buffer.from(service)))]),
  );
  const record = field(2, field(2, Buffer.from([0x10, 0x09])));
  return field(1, Buffer.concat([field(1, attribute), record, record, record]));
}

/** One of less than 128 bytes. */
function field(number: number, bytes: Uint8Array): Buffer {
  return Buffer.from([(number << 3) | 2, bytes.length, ...bytes]);
}

/** The five minutes of what was removed have passed. */
async function later(rig: Rig): Promise<void> {
  rig.advance(300_000);
  for (let i = 0; i < 5; i++) await new Promise(setImmediate).then(() => rig.settle());
}

function itemsAt(rig: Rig, id: string): number {
  return rig.calls.reduce((sum, { target, batch }) => sum + (target === id ? batch.items : 0), 0);
}

test("what a removed pool could not send goes to the pool that took over from it, and what comes back late, too", async () => {
  const q = `q: { targets: [b], ${QUEUED} }`;
  await using rig = new Rig(config(`p: { targets: [a], fallback: q, ${QUEUED} }, ${q}`, "default_pool: p"));
  for (let i = 0; i < 2; i++) rig.handle("logs", logs("s"));
  rig.apply(config(`${q}, r: { targets: [c] }`, "default_pool: r"));
  await later(rig);
  assert.deepEqual([itemsAt(rig, "b"), itemsAt(rig, "c"), rig.pools.retiring.length], [3, 0, 1]);
  rig.answer(0, UNAVAILABLE);
  rig.answer(1, ACCEPTED);
  assert.equal(itemsAt(rig, "b"), 6);
  rig.answer(2, ACCEPTED);
  await later(rig);
  assert.equal(rig.pools.retiring.length, 0);
  const { delivered, lost, queued } = rig.totals("logs");
  assert.deepEqual([delivered, lost, queued, rig.balanced], [6, 0, 0, true]);
  const row = rig.env.ledger.snapshot().find(({ pool }) => pool === "p");
  assert.equal(row?.delivered, 6, "it counts where it was received");
});

test("without one it goes to where the running rules want it, by its headers and region, and nothing is copied", async () => {
  await using rig = new Rig(
    config(
      P,
      "rules: [{ id: gone, conditions: [{ header: { key: x-org, equals: none } }], pool: p }]\ndefault_pool: p",
    ),
  );
  rig.handle("logs", logs("s"));
  rig.handle("logs", logs("east", "other", "nobody"), 10_000, { "x-org": "gold" });
  const rules = [
    "{ id: copy, mode: copy, pool: c }",
    "{ id: nobody, conditions: [{ service_name: nobody }, { region: elsewhere }], pool: c }",
    "{ id: east, conditions: [{ service_name: east }, { region: here }], pool: b }",
    "{ id: gold, conditions: [{ header: { key: x-org, equals: gold } }, { service_name: other }], pool: c }",
  ];
  rig.apply(config(`b: { targets: [b] }, c: { targets: [c] }`, `rules: [${rules.join(", ")}]`));
  await later(rig);
  assert.deepEqual([itemsAt(rig, "b"), itemsAt(rig, "c"), rig.totals("logs").lost], [3, 3, 3]);
  for (const call of rig.calls.slice(0)) call.answer(ACCEPTED);
  await later(rig);
  const { delivered, lost, queued, copied } = rig.totals("logs");
  assert.deepEqual([delivered, lost, queued, copied, rig.balanced], [9, 3, 0, 0, true]);
});

test("what nobody takes is lost under a name of its own, which the log tells; who still waits is told to come again", async () => {
  await using rig = new Rig(config(`${P}, q: { targets: [b] }`, "default_pool: p"));
  for (let i = 0; i < 2; i++) rig.handle("logs", logs("s"));
  const none = "rules: [{ id: r, conditions: [{ service_name: x }], pool: q }]";
  rig.apply(config("q: { targets: [b] }", none));
  await later(rig);
  const row = rig.env.ledger.snapshot().find(({ pool }) => pool === "p");
  assert.deepEqual(row?.lost, { pool_removed: 3 });
  assert.match(rig.lines.join("\n"), /"pool":"p".*"reason":"pool_removed"/u);
  rig.apply(config("q: { targets: [b] }, w: { targets: [c], queue: { max_age: 1h } }", "default_pool: w"));
  for (let i = 0; i < 2; i++) rig.handle("logs", logs("s"), 900_000);
  const { replies } = rig.handle("logs", logs("s"), 900_000);
  rig.apply(config("q: { targets: [b] }", none));
  await later(rig);
  assert.deepEqual(
    replies.map((reply) => reply.ok || reply.refusal.reason),
    ["pool_removed"],
  );
  assert.equal(rig.balanced, true);
});

test("a copy has no other place than its pool; of several copies of one thing one is enough", async () => {
  const copies = "rules: [{ id: twice, mode: copy, pool: p }]\ndefault_pool: q";
  await using rig = new Rig(config(`${P}, q: { targets: [b], ${QUEUED} }`, copies));
  for (let i = 0; i < 2; i++) rig.handle("logs", logs("s"));
  rig.apply(config(`q: { targets: [b], ${QUEUED} }`, "default_pool: q"));
  await later(rig);
  const row = rig.env.ledger.snapshot().find(({ rule }) => rule === "twice");
  assert.deepEqual([itemsAt(rig, "b"), row?.lost], [3, { pool_removed: 3 }], "b has one call at a time");

  const wide = `p: { targets: [a, b], strategy: broadcast, ${QUEUED} }`;
  await using other = new Rig(config(wide, "default_pool: p"));
  for (let i = 0; i < 2; i++) other.handle("logs", logs("s"));
  other.apply(config("q: { targets: [c] }", "default_pool: q"));
  await later(other);
  assert.equal(itemsAt(other, "c"), 3);
  for (let i = 0; i < 2; i++) other.answer(i, UNAVAILABLE);
  assert.equal(other.calls.length, 3);
  other.answer(2, ACCEPTED);
  other.answer(3, ACCEPTED);
  assert.deepEqual([itemsAt(other, "c"), other.totals("logs").delivered, other.balanced], [6, 6, true]);
});

test("a pool that is wanted again while its last call is under way goes on", async () => {
  await using rig = new Rig(config(P, "default_pool: p"));
  rig.handle("logs", logs("s"));
  rig.apply(config("q: { targets: [b] }", "default_pool: q"));
  await later(rig);
  rig.apply(config(P, "default_pool: p"));
  rig.answer(0, UNAVAILABLE);
  rig.advance(60_000);
  rig.answer(1, ACCEPTED);
  assert.deepEqual([rig.calls[1]?.target, rig.totals("logs").delivered], ["a", 3]);
});

const aPool = fc.record({
  targets: fc.subarray(["a", "b", "c"], { minLength: 1 }),
  strategy: fc.constantFrom("round_robin", "broadcast", "{ type: consistent_hash, key: { attribute: service.name } }"),
  fallback: fc.boolean(),
});
const aConfig = fc
  .tuple(fc.subarray(["p", "q", "r"], { minLength: 1 }), fc.array(aPool, { minLength: 3, maxLength: 3 }), fc.nat(2))
  .map(([names, pools, nth]) => {
    const texts = names.map((name, i) => {
      const { targets, strategy, fallback } = pools[i]!;
      const next = fallback && i + 1 < names.length ? `fallback: ${names[i + 1]}, ` : "";
      return `${name}: { targets: [${targets.join(", ")}], strategy: ${strategy}, ${next}${QUEUED} }`;
    });
    const home = names[nth % names.length]!;
    const rule = `rules: [{ id: t, conditions: [{ service_name: t }], pool: ${names[0]} }]`;
    return config(texts.join(", "), `${rule}\ndefault_pool: ${home}`);
  });
const aStep = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("send" as const), services: fc.subarray(["s", "t"], { minLength: 1 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("apply" as const), text: aConfig }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("answer" as const), outcome: fc.constantFrom(ACCEPTED, UNAVAILABLE) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const) }) },
);

test("whatever pools come and go, all that was acknowledged arrives or is still there, while some pool takes it", async () => {
  await fc.assert(
    fc.asyncProperty(aConfig, fc.array(aStep, { maxLength: 20 }), async (first, steps) => {
      await using rig = new Rig(first);
      let answered = 0;
      for (const step of steps) {
        if (step.kind === "send") rig.handle("logs", logs(...step.services));
        else if (step.kind === "apply") rig.apply(step.text);
        else if (step.kind === "wait") await later(rig);
        else if (answered < rig.calls.length) rig.answer(answered++, step.outcome);
        assert.equal(rig.balanced, true);
        assert.ok(rig.totals("logs").queued >= 0);
      }
      const deadline = rig.clock.nowMs() + 1_500_000; // within max_age
      while (rig.totals("logs").queued > 0 && rig.clock.nowMs() < deadline) {
        await later(rig); // what hangs in pools that are gone is given to others before it comes back
        while (answered < rig.calls.length) rig.answer(answered++, ACCEPTED);
      }
      const { received, delivered, lost, queued, shed } = rig.totals("logs");
      const lostFor = rig.env.ledger.snapshot().flatMap((row) => Object.keys(row.lost));
      assert.deepEqual({ lost, queued, lostFor }, { lost: 0, queued: 0, lostFor: [] });
      assert.equal(delivered + shed, received);
    }),
    { numRuns: 60 },
  );
});

test("what waited in it unread is given back, to be read and go where the running rules want it", async () => {
  const targets = TARGETS.map((target) => target.replace("{", "{ compression: gzip,")).join(", ");
  const passing = "pools: { p: { targets: [a], compressed: pass_through, queue: { max_age: 24h } } }\ndefault_pool: p";
  await using rig = new Rig(`targets: [${targets}]\n${passing}`);
  const told = [0, 1].map(() => rig.pass("logs", gzipSync(logs("s")), 900_000));
  rig.apply(`targets: [${targets}]\npools: { q: { targets: [b] } }\ndefault_pool: q`);
  await later(rig);
  assert.deepEqual([told, rig.calls.length, rig.totals("logs").lost], [[[], ["sent back"]], 1, 0]);
  rig.answer(0, ACCEPTED);
  await later(rig);
  assert.deepEqual([told[0]!.length, rig.balanced], [1, true]);
});
