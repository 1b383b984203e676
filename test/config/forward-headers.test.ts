import assert from "node:assert/strict";
import { test } from "node:test";
import { loadText } from "./load-text.ts";
import { boundPlan } from "../support/bound-plan.ts";

const A = '{ id: a, endpoint: "http://a:1", forward_headers: [X-Scope-OrgID, authorization] }';
const B = '{ id: b, endpoint: "http://b:1" }';

function told(text: string, more = ""): string[] {
  const { problems } = loadText(`targets: [${A}, ${B}${more}]\n${text}`);
  return problems.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
}

const NEVER: readonly (readonly [name: string, why: string])[] = [
  ["Connection", "it holds for one connection only"],
  ["TE", "it holds for one connection only"],
  ["Transfer-Encoding", "it holds for one connection only"],
  ["Proxy-Authorization", "it is meant for the next proxy only"],
  ["Host", "it names the address that was called, and the target has another"],
  ["Content-Type", "it tells of the sender's body, and what is sent on is another one"],
  ["Content-Encoding", "it tells of the sender's body, and what is sent on is another one"],
  ["Accept-Encoding", "it says what this router can read, not what the sender can"],
  ["Expect", "it is settled between two neighbours"],
  ["Signalbox-Hops", "it is counted anew by each node of a fleet"],
  ["grpc-timeout", "it is set by the protocol"],
  ["x-trace-bin", "its value is binary, and only printable ASCII is passed on"],
  ["User-Agent", "targets are told who calls them: this router"],
];
for (const [name, why] of NEVER) {
  test(`forward_headers: ${name} is never passed on, in any case, and it is said why`, () => {
    for (const written of [name, name.toLowerCase(), name.toUpperCase()]) {
      const { config, problems } = loadText(
        `targets: [{ id: c, endpoint: "http://c:1", forward_headers: [x-a, ${written}] }]`,
      );
      assert.equal(config, undefined);
      const message = `the header ${name.toLowerCase()} is never passed on: ${why}`;
      assert.deepEqual(
        problems.map((one) => [one.severity, one.path, one.message]),
        [["error", "targets[0].forward_headers[1]", message]],
      );
    }
  });
}

test("forward_headers: pseudo-headers, and what is no name of a header, are refused", () => {
  for (const name of [":path", "a b", "", "\u00e4"]) {
    const { config } = loadText(`targets: [{ id: c, endpoint: "http://c:1", forward_headers: ["${name}"] }]`);
    assert.equal(config, undefined, name);
  }
});

test("forward_headers: a name twice, and one that the target has of its own, have no effect; its own wins", () => {
  const { config, problems } = loadText(
    'targets: [{ id: c, endpoint: "http://c:1", headers: { X-Own: of the target }, forward_headers: [x-own, X-B, x-b, X-A, constructor] }]',
  );
  assert.deepEqual(
    problems.map(({ severity, path }) => `${severity} ${path}`),
    ["warning targets[0].forward_headers[0]", "warning targets[0].forward_headers[2]"],
  );
  assert.ok(config !== undefined);
  const plan = boundPlan(config);
  assert.deepEqual(plan.targets.get("c")?.forwardHeaders, ["constructor", "x-a", "x-b"]);
  assert.deepEqual(plan.headers.read, ["constructor", "x-a", "x-b"]);
});

const WAITS = "authorization may wait here, and a credential is kept no longer than its sender waits";

test("credentials: a pool whose target is passed them acknowledges on delivery", () => {
  assert.deepEqual(told("default_pool: { targets: [a, b] }"), []);
  assert.deepEqual(told("default_pool: { targets: [a, b], ack: queued }"), [`error default_pool.ack: ${WAITS}`]);
  assert.deepEqual(told('default_pool: { targets: { region: "def*" }, ack: queued }'), [
    `error default_pool.ack: ${WAITS}`,
  ]);
  const inPlace = "rules: [{ id: r, targets: [a], ack: queued }]\ndefault_pool: { targets: [b], ack: queued }";
  assert.deepEqual(told(inPlace), [`error rules[0].ack: ${WAITS}`]);
});

test("credentials: so does each pool that passes on to it, and each that takes over from it", () => {
  const pools = (before: string, own: string, after: string): string => `pools:
  before: { targets: [b], fallback: own, ack: ${before} }
  own: { targets: [a], fallback: after, ack: ${own} }
  after: { targets: [b], ack: ${after} }
  other: { targets: [b], ack: queued }
rules: [{ id: r, conditions: [service_name: x], pool: before }]
default_pool: other`;
  assert.deepEqual(told(pools("delivered", "delivered", "delivered")), []);
  assert.deepEqual(told(pools("queued", "delivered", "delivered")), [`error pools.before.ack: ${WAITS}`]);
  assert.deepEqual(told(pools("delivered", "queued", "delivered")), [`error pools.own.ack: ${WAITS}`]);
  assert.deepEqual(told(pools("delivered", "delivered", "queued")), [`error pools.after.ack: ${WAITS}`]);
});

test("credentials: so does a pool whose cases ask whether they are there", () => {
  const pool = `default_pool:
  targets: [b]
  ack: queued
  strategy: { type: content, cases: [{ conditions: [{ any: [{ header: { key: Cookie } }] }], targets: [b] }] }
rules: [{ id: a, conditions: [service_name: x], targets: [a] }]`;
  assert.deepEqual(told(pool), [`error default_pool.ack: ${WAITS.replace("authorization", "cookie")}`]);
});

test("credentials: they go along only into the pools of a chain that needs them", () => {
  const { config } = loadText(`targets: [${A}, ${B}]
pools:
  before: { targets: [b], fallback: own }
  own: { targets: [a], fallback: after }
  after: { targets: [b] }
  other: { targets: [b], ack: queued }
rules: [{ id: r, conditions: [service_name: x], pool: before }]
default_pool: other`);
  assert.ok(config !== undefined);
  const { headers } = boundPlan(config);
  assert.deepEqual(headers.read, ["authorization", "x-scope-orgid"]);
  assert.deepEqual(headers.plain, ["x-scope-orgid"]);
  assert.deepEqual([...headers.trusted], ["before", "own"]);
});
