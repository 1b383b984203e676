import { headerIn } from "../../src/plan/sender-headers.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { generateTraces } from "../support/generated.ts";
import * as fc from "fast-check";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import type { TargetPlan } from "../../src/plan/plan.ts";
import { setTargets } from "../delivery/channel-rig.ts";
import { decodeRequest } from "../support/oracle/oracle.ts";
import { attributesOf, resourcesOf } from "../support/oracle/walk.ts";
import { ACCEPTED, type Call, planOf, Rig } from "./ledger-rig.ts";

type Headers = Record<string, string>;

/** Two spans whose service says what the headers of their request say. */
function traces(headers: Headers): Buffer {
  const service = JSON.stringify(headers);
  return Buffer.from(generateTraces({ items: 2, resources: 1, services: [service], seed: 1, wallMs: 0 }));
}

/** What the senders of all that is in a call said. */
function senders({ batch }: Call): Headers[] {
  const resources = resourcesOf(batch.signal, decodeRequest(batch.signal, Buffer.concat(batch.pieces)));
  return resources.map((one) => {
    const service = attributesOf(one["resource"]).get("service.name");
    return JSON.parse(String(service)) as Headers;
  });
}

const NAMES = ["x-scope-orgid", "x-tier", "authorization"];

/** What the target of the call is passed, by name. */
function passed({ batch }: Call): Headers {
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const value = headerIn(batch.headers, name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/**
 * Each call carries the headers of each of those whose data it has, as far as its target forwards
 * them, and no others.
 */
function assertOwn(calls: readonly Call[], targets: ReadonlyMap<string, TargetPlan>): void {
  for (const call of calls) {
    const { forwardHeaders } = targets.get(call.target)!;
    for (const sender of senders(call)) {
      const wanted = Object.entries(sender).filter(([name]) => forwardHeaders.includes(name));
      assert.deepEqual(passed(call), Object.fromEntries(wanted));
    }
  }
}

const SCENE = `
targets:
  - { id: one, endpoint: "http://a:1", forward_headers: [X-Scope-OrgID], limits: { max_in_flight: 2 }, ejection: { failures: 2 } }
  - { id: two, endpoint: "http://b:1", forward_headers: [x-scope-orgid, x-tier], limits: { max_in_flight: 1 }, ejection: { failures: 2 } }
  - { id: none, endpoint: "http://c:1", limits: { max_in_flight: 1 } }
  - { id: secret, endpoint: "http://d:1", forward_headers: [authorization], limits: { max_in_flight: 1 } }
pools:
  mixed: { targets: [one, two, none], fallback: last }
  copies: { targets: [one, none], strategy: broadcast, fallback: last }
  keyed: { targets: [two, one], strategy: { type: consistent_hash, key: service_name }, fallback: last, ack: queued }
  last: { targets: [two], batch: { max_wait: 50ms }, ack: queued }
  secret: { targets: [secret] }
rules:
  - { id: copies, mode: copy, conditions: [{ header: { key: x-tier, equals: gold } }], pool: copies }
  - { id: keyed, conditions: [{ header: { key: x-tier, exists: true } }], pool: keyed }
  - { id: secret, conditions: [{ header: { key: authorization } }], pool: secret }
default_pool: mixed
`;

const aSender = fc.record(
  {
    "x-scope-orgid": fc.constantFrom("a", "b", ""),
    "x-tier": fc.constantFrom("gold", "silver"),
    authorization: fc.constantFrom("Bearer 1", "Bearer 2"),
  },
  { requiredKeys: [] },
);
const FAILED = { kind: "retry", reason: "unavailable", message: "no", unprocessed: false } as const;
const outcomes: readonly SendOutcome[] = [
  ACCEPTED,
  ACCEPTED,
  FAILED,
  { ...FAILED, reason: "connect", unprocessed: true },
  { kind: "too_large", message: "" },
  { kind: "rejected", code: "INVALID_ARGUMENT", message: "", badData: true },
];
type Step =
  | { readonly kind: "send"; readonly headers: Headers }
  | { readonly kind: "answer"; readonly nth: number; readonly outcome: number }
  | { readonly kind: "target"; readonly id: string; readonly state: "ready" | "maintenance" }
  | { readonly kind: "wait"; readonly ms: number };
const aStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: aSender.map((headers): Step => ({ kind: "send", headers })) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("answer"), nth: fc.nat(9), outcome: fc.nat(5) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("target"),
      id: fc.constantFrom("one", "two", "none"),
      state: fc.constantFrom("ready", "maintenance"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait"), ms: fc.constantFrom(1, 60, 700) }) },
);

test("no sender's data leaves with another one's headers: in batches, retries, halves, copies, fallbacks, out of queues", async () => {
  const { targets } = planOf(SCENE);
  let batched = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(aStep, { maxLength: 60, size: "max" }), async (steps) => {
      await using rig = new Rig(SCENE);
      const open: number[] = [];
      let seen = 0;
      for (const step of steps) {
        for (; seen < rig.calls.length; seen++) open.push(seen);
        if (step.kind === "send") rig.handle("traces", traces(step.headers), 60_000, step.headers);
        else if (step.kind === "wait") rig.advance(step.ms);
        else if (step.kind === "target") setTargets(rig, step.state, step.id);
        else {
          const [index] = open.splice(step.nth % Math.max(1, open.length), 1);
          if (index !== undefined) rig.answer(index, outcomes[step.outcome]!);
        }
      }
      batched += rig.calls.filter((call) => Object.keys(passed(call)).length > 0 && senders(call).length > 1).length;
      assertOwn(rig.calls, targets);
      assert.ok(rig.balanced);
    }),
    { numRuns: 80 },
  );
  assert.ok(batched > 20, `only ${batched} batches of several requests`);
});

test("pools whose targets are passed nothing gather requests of all senders, and are passed nothing", async () => {
  await using rig = new Rig(`
targets: [{ id: a, endpoint: "http://a:1", limits: { max_in_flight: 1 } }]
rules: [{ id: r, conditions: [{ header: { key: x-scope-orgid } }], targets: [a] }]
unmatched: drop
`);
  for (const tenant of ["a", "b", "c"]) {
    rig.handle("traces", traces({ "x-scope-orgid": tenant }), 60_000, { "x-scope-orgid": tenant });
  }
  rig.answer(0, ACCEPTED);
  assert.deepEqual(
    rig.calls.map((call) => [senders(call).length, passed(call)]),
    [
      [1, {}],
      [2, {}],
    ],
  );
});

test("a config that begins to forward a header does so for what was queued before, if it was asked about", async () => {
  const before = `
targets: [{ id: a, endpoint: "http://a:1", limits: { max_in_flight: 1 } }]
rules: [{ id: r, conditions: [{ header: { key: x-scope-orgid } }], targets: [a] }]
unmatched: drop
`;
  await using rig = new Rig(before);
  for (const tenant of ["z", "a", "b", "a"]) {
    rig.handle("traces", traces({ "x-scope-orgid": tenant }), 60_000, { "x-scope-orgid": tenant });
    rig.settle();
  }
  const after = before.replace('"http://a:1"', '"http://a:1", forward_headers: [x-scope-orgid]');
  rig.apply(after);
  for (let i = 0; i < rig.calls.length; i++) rig.answer(i, ACCEPTED);
  assertOwn(rig.calls.slice(1), planOf(after).targets);
  assert.equal(rig.calls.flatMap(senders).length, 4);
});
