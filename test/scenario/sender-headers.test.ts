import assert from "node:assert/strict";
import { test } from "node:test";
import { generateTraces } from "../support/generated.ts";
import { Rig } from "./ledger-rig.ts";

const TRACES = Buffer.from(generateTraces({ items: 2, resources: 1, services: ["s"], seed: 1, wallMs: 0 }));

const BY_TENANT = `
targets: [{ id: gold, endpoint: "http://a:1" }, { id: rest, endpoint: "http://b:1" }]
pools: { gold: { targets: [gold] }, rest: { targets: [rest] } }
rules: [{ id: gold, conditions: [{ header: { key: x-scope-orgid, equals: gold } }], pool: gold }]
default_pool: rest
`;

test("rules see the headers of each request, whatever came before with the same resource", async () => {
  await using rig = new Rig(BY_TENANT);
  for (const tenant of ["gold", "silver", undefined, "gold", undefined]) {
    rig.handle("traces", TRACES, 60_000, tenant === undefined ? {} : { "x-scope-orgid": tenant });
  }
  assert.deepEqual(
    rig.calls.map(({ target }) => target),
    ["gold", "rest", "rest", "gold", "rest"],
  );
});

test("a header that is asked about and too long refuses the request; one that nobody asks about does not", async () => {
  await using rig = new Rig(BY_TENANT);
  const { replies } = rig.handle("traces", TRACES, 60_000, { "x-scope-orgid": "a".repeat(257) });
  const message = "the header x-scope-orgid has 257 bytes, and the limit is 256";
  const refusal = { reason: "bad_data", message, field: "headers.x-scope-orgid" };
  assert.deepEqual(replies, [{ ok: false, refusal }]);
  const empty = rig.handle("traces", Buffer.alloc(0), 60_000, { "x-scope-orgid": "a".repeat(257) });
  assert.deepEqual(empty.replies, [{ ok: false, refusal }]);
  rig.handle("traces", TRACES, 60_000, { "x-other": "a".repeat(257) });
  assert.equal(rig.calls.length, 1);
});

test("a changed config asks about other headers from the next request on", async () => {
  await using rig = new Rig(BY_TENANT);
  rig.apply(BY_TENANT.replace("x-scope-orgid", "x-tenant"));
  rig.handle("traces", TRACES, 60_000, { "x-tenant": "gold", "x-scope-orgid": "\u00e4" });
  assert.deepEqual(
    rig.calls.map(({ target }) => target),
    ["gold"],
  );
});

test("cases of a fallback pool see the headers of the request, also out of the queue", async () => {
  await using rig = new Rig(`
targets:
  - { id: near, endpoint: "http://a:1", ejection: { failures: 1 } }
  - { id: gold, endpoint: "http://b:1" }
  - { id: rest, endpoint: "http://c:1" }
pools:
  near: { targets: [near], fallback: far }
  far:
    targets: [gold, rest]
    strategy:
      type: content
      cases: [{ conditions: [{ header: { key: x-scope-orgid, equals: gold } }], targets: [gold] }]
      otherwise: [rest]
default_pool: near
`);
  for (const tenant of ["gold", "silver"]) rig.handle("traces", TRACES, 60_000, { "x-scope-orgid": tenant });
  assert.deepEqual(
    rig.calls.map(({ target }) => target),
    ["near", "near"],
  );
  const down = { kind: "retry", reason: "connect", message: "no", unprocessed: true } as const;
  rig.answer(0, down);
  rig.answer(1, down);
  rig.advance(1_000);
  assert.deepEqual(
    rig.calls.slice(2).map(({ target }) => target),
    ["gold", "rest"],
  );
});
