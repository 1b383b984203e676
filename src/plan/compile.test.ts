import assert from "node:assert/strict";
import { test } from "node:test";
import { planOf } from "../../test/scenario/ledger-rig.ts";
import type { StrategyPlan, TargetPlan } from "./plan.ts";

function targetOf(text: string): TargetPlan {
  return planOf(`targets: [{ id: a, ${text} }]`).targets.get("a")!;
}

const HERE = 'endpoint: "http://127.0.0.1:1"';

test("a target: the defaults, a base path without a slash at the end, headers in lower case and revealed", () => {
  const plain = targetOf(HERE);
  assert.deepEqual(
    [plain.url, plain.protocol, plain.weight, plain.region, plain.compression, plain.timeoutMs, plain.maxInFlight],
    ["http://127.0.0.1:1", "grpc", 1, "default", "none", 5_000, 16],
  );
  const web = targetOf('endpoint: "http://h:1/base/", protocol: http/protobuf, headers: { X-Token: secret }');
  assert.deepEqual([web.url, web.headers], ["http://h:1/base", { "x-token": "secret" }]);
});

test("a target: PINGs after five minutes unless configured, or never, and not without end", () => {
  const keepaliveOf = (text: string): number | undefined => {
    const target = targetOf(`${HERE}${text}`);
    return target.protocol === "grpc" ? target.keepaliveMs : undefined;
  };
  assert.deepEqual(
    [keepaliveOf(""), keepaliveOf(", keepalive_time: 0s"), keepaliveOf(", keepalive_time: 1s")],
    [300_000, 0, 1_000],
  );
  assert.throws(() => keepaliveOf(", keepalive_time: 999ms"), /0 or at least 1s/u);
});

const changes: { text: string; same: boolean }[] = [
  { text: `${HERE}, weight: 7, timeout: 1s, headers: { a: b }, compression: gzip`, same: true },
  { text: `${HERE}, region: elsewhere, tags: { a: b }, limits: { max_in_flight: 3 }`, same: true },
  { text: 'endpoint: "http://127.0.0.1:1/"', same: true },
  { text: 'endpoint: "http://127.0.0.1:2"', same: false },
  { text: 'endpoint: "https://127.0.0.1:1"', same: false },
  { text: `${HERE}, protocol: http/protobuf`, same: false },
  { text: `${HERE}, keepalive_time: 1m`, same: false },
  { text: `${HERE}, transport: node`, same: false },
];
for (const { text, same } of changes) {
  test(`connections are ${same ? "kept" : "made anew"} when a target becomes ${text}`, () => {
    assert.equal(targetOf(text).connectionIdentity === targetOf(HERE).connectionIdentity, same);
  });
}

const strategies: { text: string; want: StrategyPlan }[] = [
  { text: "round_robin", want: { type: "round_robin" } },
  { text: "weighted_round_robin", want: { type: "weighted_round_robin" } },
  { text: "weighted_random", want: { type: "weighted_random" } },
  { text: "broadcast", want: { type: "broadcast" } },
  { text: "failover", want: { type: "failover", returnAfterMs: 10_000 } },
  { text: "{ type: failover, return_after: 1m }", want: { type: "failover", returnAfterMs: 60_000 } },
];
for (const { text, want } of strategies) {
  test(`strategy ${text}`, () => {
    const plan = planOf(
      `targets: [{ id: a, ${HERE} }]\npools: { p: { targets: [a], strategy: ${text} } }\ndefault_pool: p`,
    );
    assert.deepEqual(plan.pools.get("p")?.strategy, want);
  });
}

test("a pool: durations in milliseconds, sizes in bytes, no bound on retries unless one is given", () => {
  const pool = `{ targets: [a], ack: queued, when_down: hold, queue: { max_bytes: 2MiB, max_age: 1m }, batch: { max_wait: 20ms }, retry: { initial: 1s } }`;
  const plan = planOf(`targets: [{ id: a, ${HERE} }]\npools: { p: ${pool} }\ndefault_pool: p`).pools.get("p")!;
  assert.deepEqual([plan.name, plan.ack, plan.whenDown], ["p", "queued", "hold"]);
  assert.deepEqual(plan.queue, { maxBytes: 2_097_152, maxAgeMs: 60_000 });
  assert.deepEqual(plan.batch, { maxItems: 8_192, maxBytes: 4_194_304, maxWaitMs: 20 });
  assert.deepEqual(plan.retry, { initialMs: 1_000, maxMs: 30_000, budget: 0.2 });
});

test("pools in place: of a rule under its id, of the default under `default`; a selector gives targets in file order", () => {
  const plan = planOf(`
targets: [{ id: a, ${HERE}, region: eu }, { id: b, ${HERE} }, { id: c, ${HERE}, region: eu }]
rules: [{ id: r, conditions: [{ service_name: s }], targets: { region: "e*" } }]
default_pool: { targets: [b] }`);
  assert.deepEqual(
    [...plan.pools].map(([name, { targets }]) => [name, targets]),
    [
      ["rule:r", ["a", "c"]],
      ["default", ["b"]],
    ],
  );
  assert.deepEqual(
    plan.routes.logs.rules.map(({ id, pool }) => [id, pool]),
    [
      ["r", "rule:r"],
      ["(default)", "default"],
    ],
  );
});

function over(tls: string): string {
  return targetOf(`endpoint: "https://h:1", tls: ${tls}`).connectionIdentity;
}

test("connections over TLS are made anew when what they are made with changes", () => {
  const all = ["{}", "{ server_name: other }", "{ insecure_skip_verify: true }"].map(over);
  assert.equal(new Set(all).size, 3);
  assert.equal(over("{ server_name: other }"), all[1]);
});

test("a target whose certificates are renewed is the same target", () => {
  const pem = (text: string): string => `"-----BEGIN CERTIFICATE-----\\n${text}"`;
  assert.equal(over(`{ ca: ${pem("one")} }`), over(`{ ca: ${pem("two")} }`));
  assert.equal(over(`{ ca: ${pem("one")} }`), over("{}"));
});

test("the digest tells two texts apart, the version is the caller's", () => {
  const [one, same, other] = [
    planOf("unmatched: drop", 4),
    planOf("unmatched: drop", 5),
    planOf("unmatched: drop ", 6),
  ];
  assert.deepEqual([one.version, same.version, one.digest === same.digest], [4, 5, true]);
  assert.match(one.digest, /^[0-9a-f]{12}$/u);
  assert.notEqual(one.digest, other.digest);
});

const resolved: { text: string; want: TargetPlan["resolve"] }[] = [
  { text: 'endpoint: "http://tempo.local:1"', want: "auto" },
  { text: 'endpoint: "http://tempo.local:1", resolve: all', want: "all" },
  { text: 'endpoint: "http://tempo.local:1", resolve: one', want: "one" },
  { text: HERE, want: "one" },
  { text: `${HERE}, resolve: all`, want: "one" },
  { text: 'endpoint: "http://[::1]:1", resolve: all', want: "one" },
  { text: 'endpoint: "http://localhost:1"', want: "one" },
  { text: 'endpoint: "http://a.localhost:1"', want: "one" },
  { text: 'endpoint: "http://localhost:1", resolve: all', want: "all" },
];
for (const { text, want } of resolved) {
  test(`a name is resolved (${want}): ${text}`, () => assert.equal(targetOf(text).resolve, want));
}

test("connections stay while it is only said otherwise which addresses of a name are used; not when its name was dialled", () => {
  const identity = (resolve: string): string =>
    targetOf(`endpoint: "http://tempo.local:1", resolve: ${resolve}`).connectionIdentity;
  assert.equal(identity("auto"), identity("all"));
  assert.notEqual(identity("auto"), identity("one"));
});
