import assert from "node:assert/strict";
import { test } from "node:test";
import { generateTraces } from "../../../test/support/generated.ts";
import { spans } from "../../../test/delivery/channel-rig.ts";
import { Rig } from "../../../test/scenario/ledger-rig.ts";

const TARGETS = `
targets:
  - { id: a, endpoint: "http://127.0.0.1:1" }
  - { id: b, endpoint: "http://127.0.0.1:2" }
  - { id: c, endpoint: "http://127.0.0.1:3" }
`;

/** Two services, each with a pool that is too small for it; both pools have the same fallback. */
function config(fallbackBytes: number): string {
  return `${TARGETS}
pools:
  p: { targets: [a], fallback: f, queue: { max_bytes: 10B } }
  q: { targets: [b], fallback: f, queue: { max_bytes: 10B } }
  f: { targets: [c], queue: { max_bytes: "${fallbackBytes}B" } }
rules:
  - { id: one, conditions: [{ service_name: a }], pool: p }
  - { id: two, conditions: [{ service_name: b }], pool: q }
`;
}

const request = Buffer.from(
  generateTraces({ items: 4, resources: 2, services: ["a", "b"], seed: 1, wallMs: 1_750_000_000_000 }),
);

test("place: parts that would fit into a fallback one by one, but not together, enter no queue at all", async () => {
  await using rig = new Rig(config(Math.floor(request.length * 0.75)));
  const { replies } = rig.handle("traces", request);
  assert.deepEqual(
    replies.map((reply) => reply.ok || reply.refusal.reason),
    ["queue_full"],
  );
  assert.equal(rig.calls.length, 0);
  assert.deepEqual([rig.totals("traces").shed, rig.totals("traces").queued, rig.balanced], [4, 0, true]);
  const one = { items: 2, resources: 1, services: ["a"], seed: 1, wallMs: 1_750_000_000_000 };
  assert.deepEqual(rig.handle("traces", Buffer.from(generateTraces(one))).replies, [], "the next one has all the room");
});

test("place: parts that fit into a fallback together, to the byte, enter it together", async () => {
  await using rig = new Rig(config(request.length));
  const { replies } = rig.handle("traces", request);
  assert.deepEqual(replies, []);
  assert.equal(
    rig.calls.reduce((sum, { batch }) => sum + batch.items, 0),
    4,
  );
  assert.equal(rig.totals("traces").queued, 4);
});

test("what is longer than the queue of its pool and of all fallbacks is refused for good, with the queue's name", async () => {
  await using rig = new Rig(`
targets: [{ id: a, endpoint: "http://127.0.0.1:1" }, { id: b, endpoint: "http://127.0.0.1:2" }]
pools:
  p: { targets: [a], fallback: q, queue: { max_bytes: 100B } }
  q: { targets: [b], queue: { max_bytes: 200B } }
default_pool: p
`);
  const replyTo = (length: number): unknown => {
    const { replies } = rig.handle("traces", spans([{ name: "x".repeat(length) }]));
    return replies.map((reply) => (reply.ok ? "ok" : `${reply.refusal.reason} ${reply.refusal.message}`)).join();
  };
  assert.match(String(replyTo(300)), /^too_large pool p: \d+ bytes never fit into its queue of 100;/u);
  assert.equal(replyTo(100), "", "the fallback takes what fits there");
  assert.match(String(replyTo(100)), /^queue_full /u, "what fits only later may come again");
});
