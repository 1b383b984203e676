import assert from "node:assert/strict";
import { test } from "node:test";
import { generateTraces } from "../../../test/support/generated.ts";
import { Rig } from "../../../test/scenario/ledger-rig.ts";
import type { SendOutcome } from "../send-outcome.ts";

const CONFIG = `
targets:
  - { id: a, endpoint: "http://127.0.0.1:1" }
pools: { p: { targets: [a], ack: queued, queue: { max_age: 10s } } }
rules: [{ id: all, conditions: [{ service_name: "*" }], pool: p }]
`;
const REFUSED: SendOutcome = {
  kind: "rejected",
  code: "PERMISSION_DENIED",
  message: "no quota: https://u:secret@host/?api_key=k",
  badData: false,
};

/** Says nothing of the target. */
const BAD: SendOutcome = { kind: "rejected", code: "INVALID_ARGUMENT", message: "bad", badData: true };

function spans(service: string, items = 4): Buffer {
  return Buffer.from(generateTraces({ items, resources: 1, services: [service], seed: 1, wallMs: 1_750_000_000_000 }));
}

/** Lines of the log about losses. */
function told(rig: Rig): { pool: string; target: string; reason: string; items: number; said: string }[] {
  return rig.lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg.includes("are lost"));
}

function lost(rig: Rig, reason: "target_rejected" | "deadline"): number {
  return rig.env.metrics.lostItems.with(reason).value;
}

test("losses: acknowledged items that a target refuses for good are logged with its words, and counted", async () => {
  await using rig = new Rig(CONFIG);
  rig.handle("traces", spans("s"));
  rig.answer(0, REFUSED);
  const [line] = told(rig);
  assert.ok(line !== undefined);
  assert.deepEqual([line.pool, line.target, line.reason, line.items], ["p", "a", "target_rejected", 4]);
  assert.match(line.said, /^no quota: https:\/\/\[redacted\]@host\/\?api_key=\[redacted\]$/u);
  assert.equal(lost(rig, "target_rejected"), 4);
  assert.equal(rig.losses.ofPool("p")?.items, 4);
  assert.deepEqual(rig.losses.ofTarget("a")?.reason, "target_rejected");
});

test("losses: those that follow are logged together, once in ten seconds, and nothing is left untold", async () => {
  await using rig = new Rig(CONFIG);
  for (let i = 0; i < 5; i++) {
    rig.handle("traces", spans("s"));
    rig.answer(i, REFUSED);
  }
  assert.deepEqual(
    told(rig).map(({ items }) => items),
    [4],
  );
  rig.advance(10_000);
  assert.deepEqual(
    told(rig).map(({ items }) => items),
    [4, 16],
  );
  rig.handle("traces", spans("s"));
  rig.answer(5, REFUSED);
  rig.losses[Symbol.dispose]();
  assert.equal(
    told(rig).reduce((sum, { items }) => sum + items, 0),
    24,
  );
  assert.equal(lost(rig, "target_rejected"), 24);
});

test("losses: what grew too old is told, too, and whose target had it last", async () => {
  await using rig = new Rig(CONFIG);
  rig.handle("traces", spans("s"));
  rig.answer(0, { kind: "retry", reason: "unavailable", message: "later", unprocessed: false });
  for (let second = 0; second < 30; second++) rig.advance(1_000);
  for (let i = 1; i < rig.calls.length; i++)
    rig.answer(i, { kind: "retry", reason: "unavailable", message: "later", unprocessed: false });
  rig.losses[Symbol.dispose]();
  assert.equal(
    told(rig).reduce((sum, { items }) => sum + items, 0),
    4,
  );
  assert.equal(told(rig)[0]?.target, "a");
});

test("losses: what a sender was told of is no loss, but a sample of it is kept", async () => {
  await using rig = new Rig(CONFIG.replace("ack: queued, ", ""));
  rig.handle("traces", spans("checkout"));
  rig.answer(0, REFUSED);
  assert.deepEqual([told(rig).length, lost(rig, "target_rejected"), rig.losses.ofPool("p")], [0, 0, undefined]);
  const [drop] = rig.losses.samples;
  assert.ok(drop !== undefined);
  assert.deepEqual([drop.acknowledged, drop.attributes["service.name"]], [false, "checkout"]);
  assert.deepEqual([drop.rule, drop.pool, drop.target, drop.items], ["all", "p", "a", 4]);
});

function field(number: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([number * 8 + 2, body.length]), body]);
}

test("losses: a sample has attributes of any name, also of one that every object has", async () => {
  await using rig = new Rig(CONFIG);
  const text = (name: string): Buffer => field(1, Buffer.from(name));
  const attribute = (name: string): Buffer => field(1, Buffer.concat([text(name), field(2, text("x"))]));
  const resource = field(1, Buffer.concat(["service.name", "__proto__", "constructor"].map(attribute)));
  rig.handle("traces", field(1, Buffer.concat([resource, field(2, field(2, Buffer.alloc(0)))])));
  rig.answer(0, BAD);
  const [drop] = rig.losses.samples;
  assert.deepEqual(Object.keys(drop?.attributes ?? {}), ["service.name", "__proto__", "constructor"]);
});

test("losses: items that no rule wants and that are dropped are among the samples", async () => {
  await using rig = new Rig(`${CONFIG.replace('service_name: "*"', "service_name: x")}unmatched: drop\n`);
  rig.handle("traces", spans("y"));
  const [drop] = rig.losses.samples;
  assert.ok(drop !== undefined);
  assert.deepEqual([drop.reason, drop.items, drop.acknowledged], ["unrouted", 4, false]);
});

test("losses: of each kind one sample in a second is kept, of all together two hundred", async () => {
  await using rig = new Rig(CONFIG);
  for (let i = 0; i < 300; i++) {
    rig.handle("traces", spans(`s${i}`, 1));
    rig.answer(i, BAD);
    if (i % 2 === 1) rig.advance(1_000);
  }
  const { samples } = rig.losses;
  assert.equal(samples.length, 150);
  for (let i = 300; i < 420; i++) {
    rig.handle("traces", spans(`s${i}`, 1));
    rig.answer(i, BAD);
    rig.advance(1_000);
  }
  assert.equal(rig.losses.samples.length, 200);
  assert.equal(rig.losses.samples[0]?.attributes["service.name"], "s419");
});

test("losses: a partial success of what was acknowledged is a loss of what was rejected", async () => {
  await using rig = new Rig(CONFIG);
  rig.handle("traces", spans("s"));
  rig.answer(0, { kind: "accepted", rejected: 3, message: "three are bad" });
  assert.deepEqual(
    told(rig).map(({ items, said }) => [items, said]),
    [[3, "three are bad"]],
  );
  assert.equal(lost(rig, "target_rejected"), 3);
  assert.equal(rig.balanced, true);
});
