import assert from "node:assert/strict";
import { test } from "node:test";
import { showConfig } from "../../src/config/taint.ts";
import { literalSecretsIn, redactElement, redactRoot, restoreElement } from "../../src/control/document/secrets.ts";
import { MAX_SELECTIONS } from "../../src/config/schema/discovery.ts";
import type { TargetPlan } from "../../src/plan/plan.ts";
import { boundPlan } from "../support/bound-plan.ts";
import { loadText, outlineOf } from "./load-text.ts";

function planOf(text: string): ReturnType<typeof boundPlan> {
  const { config, problems } = loadText(text);
  assert.ok(config !== undefined, JSON.stringify(problems));
  return boundPlan(config, { env: { INGEST_TOKEN: "from the node" } });
}

function one(text: string): TargetPlan {
  const { targets } = planOf(`pools: { p: { targets: ${text} } }\ndefault_pool: p`);
  assert.equal(targets.size, 1);
  return [...targets.values()][0]!;
}

test("a pool finds its targets by a name: one target with all addresses, which is reached by no proxy", () => {
  const plan = planOf('default_pool: { targets: { dns: "Gateways.test:4317" } }');
  assert.deepEqual(plan.pools.get("default")?.targets, ["dns:gateways.test:4317"]);
  const target = plan.targets.get("dns:gateways.test:4317")!;
  assert.deepEqual(
    [target.url, target.resolve, target.proxy, target.protocol],
    ["http://gateways.test:4317", "all", undefined, "grpc"],
  );
});

test("settings of a target stand beside the name, tls makes it https, and an id is its own", () => {
  const target = one(
    '{ dns: "g.test:4318", id: tier-two, protocol: http/protobuf, tls: { server_name: g }, timeout: 7s, headers: { X-A: b } }',
  );
  assert.deepEqual([target.id, target.url, target.timeoutMs], ["tier-two", "https://g.test:4318", 7_000]);
  assert.deepEqual([target.tls?.serverName, target.headers], ["g", { "x-a": "b" }]);
  assert.equal(one('{ dns: "localhost:4317" }').resolve, "all");
});

test("secrets and certificates beside a name are read where they come from, by each node", () => {
  const target = one(
    '{ dns: "g.test:1", headers: { authorization: "${env:INGEST_TOKEN}" }, health_check: { headers: { b: "x${env:INGEST_TOKEN}" } } }',
  );
  assert.deepEqual(target.headers, { authorization: "from the node" });
  const { config } = loadText(
    'default_pool: { targets: { dns: "g.test:1", tls: { ca: cert.pem } } }\ntargets: [{ id: a, endpoint: "http://a:1" }]',
  );
  assert.match(config?.targets[1]?.tls?.ca ?? "", /^-----BEGIN CERTIFICATE/u);
});

test("secrets beside a name are shown to nobody, stay when they come back redacted, and are not published", () => {
  const set = { dns: "g.test:1", headers: { a: "hunter22" }, health_check: { headers: { b: "hunter23" } } };
  const root = { pools: { p: { targets: set } }, rules: [{ id: "r", targets: set }], default_pool: { targets: set } };
  assert.doesNotMatch(JSON.stringify(redactRoot(root)), /hunter/u);
  assert.equal(literalSecretsIn(root).length, 6);
  for (const section of ["pools", "rules"]) {
    const known = { targets: set };
    assert.deepEqual(restoreElement(section, redactElement(section, known), known), known);
  }
  const { config } = loadText(
    'default_pool: { targets: { dns: "g.test:1", headers: { a: "${env:INGEST_TOKEN}" }, tls: { server_name: "${env:INGEST_TOKEN}" } } }',
  );
  assert.ok(config !== undefined);
  assert.doesNotMatch(JSON.stringify(showConfig(config)), /ingest-secret/u);
});

test("what several pools and rules find by one name is one target, which no selector of others selects", () => {
  const text = `targets: [{ id: a, endpoint: "http://a:1" }]
pools:
  one: { targets: { dns: "g.test:4317" } }
  two: { targets: { dns: "g.test:4317" } }
  all: { targets: { region: "*" } }
rules: [{ id: r, targets: { dns: "g.test:4317" } }]
default_pool: all`;
  const plan = planOf(text);
  assert.deepEqual([...plan.targets.keys()], ["a", "dns:g.test:4317"]);
  assert.deepEqual(plan.pools.get("rule:r")?.targets, ["dns:g.test:4317"]);
  assert.deepEqual(plan.pools.get("all")?.targets, ["a"]);
});

const NAMES: readonly (readonly [dns: string, message: string | undefined])[] = [
  ["g:1", undefined],
  ["gateways.observability.svc.cluster.local.:4317", undefined],
  ["g.test", "is not a name with a port"],
  ["g.test:0", "needs a port that can be connected to"],
  ["g.test:70000", "is not a name with a port"],
  ["http://g.test:4317", "is a name and a port, without a scheme"],
  ["10.0.0.1:4317", "is an address, not a name"],
  ["[::1]:4317", "is an address, not a name"],
  ["0x7f.1:4317", "is an address, not a name"],
];
for (const [dns, message] of NAMES) {
  test(`by a name: "${dns}" ${message ?? "is one"}`, () => {
    const { problems } = loadText(`default_pool: { targets: { dns: "${dns}" } }`);
    assert.deepEqual(
      problems.map((problem) => [problem.path, problem.message]),
      message === undefined ? [] : [["default_pool.targets.dns", message]],
    );
  });
}

const PROBLEMS: { name: string; text: string; want: readonly string[] }[] = [
  {
    name: "the id of a target is taken",
    text: 'targets: [{ id: a, endpoint: "http://a:1" }]\npools: { p: { targets: [a] } }\nrules: [{ id: r, pool: p, conditions: [service_name: x] }]\ndefault_pool: { targets: { dns: "g.test:1", id: a } }',
    want: ["4 error default_pool.targets.id"],
  },
  {
    name: "one name with two settings is two targets, of which one needs an id",
    text: 'pools: { p: { targets: { dns: "g.test:1" } },\n  q: { targets: { dns: "g.test:1", timeout: 2s } } }\nrules: [{ id: r, pool: q, conditions: [service_name: x] }]\ndefault_pool: p',
    want: ["2 error pools.q.targets.dns"],
  },
  {
    name: "with an id of its own it is another",
    text: 'pools: { p: { targets: { dns: "g.test:1" } },\n  q: { targets: { dns: "g.test:1", id: q, timeout: 2s } } }\nrules: [{ id: r, pool: q, conditions: [service_name: x] }]\ndefault_pool: p',
    want: [],
  },
  {
    name: "content has nothing to choose among",
    text: 'default_pool: { targets: { dns: "g.test:1" }, strategy: { type: content, cases: [{ conditions: [], targets: [x] }] } }',
    want: ["1 error default_pool.strategy"],
  },
  {
    name: "failover and broadcast have one target",
    text: 'pools: { p: { targets: { dns: "g.test:1" }, strategy: failover },\n  q: { targets: { dns: "g.test:1" }, strategy: { type: broadcast } } }\nrules: [{ id: r, pool: q, conditions: [service_name: x] }]\ndefault_pool: p',
    want: ["1 warning pools.p.strategy", "2 warning pools.q.strategy"],
  },
  {
    name: "a misspelt setting is told of beside the name, and not as one of a selector",
    text: 'default_pool: { targets: { dns: "g.test:1", protocl: grpc } }',
    want: ["1 error default_pool.targets.protocl"],
  },
  {
    name: "a misspelt selector is still one",
    text: 'targets: [{ id: a, endpoint: "http://a:1" }]\ndefault_pool: { targets: { regin: eu } }',
    want: ["2 error default_pool.targets.regin"],
  },
  {
    name: "settings of a target are checked as any target's are",
    text: 'default_pool: { targets: { dns: "g.test:1", headers: { host: x }, tls: { cert: cert.pem }, forward_headers: [authorization] }, ack: queued }',
    want: ["1 error default_pool.targets.headers.host", "1 error default_pool.targets.tls", "1 error default_pool.ack"],
  },
  {
    name: "a proxy would look the name up itself",
    text: 'default_pool: { targets: { dns: "g.test:1", proxy: none } }',
    want: ["1 error default_pool.targets.proxy"],
  },
  {
    name: "a target that nothing leads to is not selected by a name",
    text: 'targets: [{ id: a, endpoint: "http://a:1" }]\ndefault_pool: { targets: { dns: "g.test:1" } }',
    want: ["1 warning targets[0].id"],
  },
];
for (const { name, text, want } of PROBLEMS) {
  test(`by a name: ${name}`, () => assert.deepEqual(outlineOf(loadText(text)), want));
}

// === Nodes of the fleet ===

function onNode(node: string, text: string): ReturnType<typeof boundPlan> {
  return planOf(`node: ${node}\n${text}`);
}

const TWO_TIERS = `targets: [{ id: tempo, endpoint: "http://t:1" }]
rules: [{ id: up, targets: { collectors: { tags: { tier: "gate*" } } }, when_down: hold, fallback: spare }]
pools: { spare: { targets: [tempo] } }
default_pool: { targets: [tempo] }`;

test("a pool finds its targets in the fleet: one target, which stands for nodes by region and tags", () => {
  const { targets, pools } = onNode("{ region: edge, tags: { tier: small } }", TWO_TIERS);
  assert.deepEqual([...targets.keys()], ["tempo", "collectors:own,tier=gate*"]);
  const { members, url, resolve, proxy } = targets.get("collectors:own,tier=gate*")!;
  assert.deepEqual(members, {
    region: "edge",
    tags: { tier: "gate*" },
    listener: "otlp_grpc",
    isSelf: false,
    node: "",
  });
  assert.deepEqual([url, resolve, proxy], ["http://collectors.invalid", "all", undefined]);
  const { whenDown, fallback } = pools.get("rule:up")!;
  assert.deepEqual([whenDown, fallback], ["hold", "spare"]);
});

test("on a node that is selected itself such a pool leads nowhere, and the next rule takes what is for it", () => {
  const { targets, pools } = onNode("{ region: eu, tags: { tier: gateway } }", TWO_TIERS);
  assert.equal(targets.get("collectors:own,tier=gate*")?.members?.isSelf, true);
  const { whenDown, fallback } = pools.get("rule:up")!;
  assert.deepEqual([whenDown, fallback], ["next_rule", undefined]);
  const elsewhere = onNode(
    "{ region: us, tags: { tier: gateway } }",
    "default_pool: { targets: { collectors: { region: eu, tags: { tier: gateway } } }, when_down: hold }",
  );
  assert.equal(elsewhere.pools.get("default")?.whenDown, "hold");
});

test("settings of a target stand beside nodes of the fleet, tls makes it https, and an id is its own", () => {
  const target = one(
    "{ collectors: { region: eu }, id: up, protocol: http/protobuf, tls: { server_name: g }, timeout: 7s, headers: { X-A: b }, limits: { max_in_flight: 3 } }",
  );
  assert.deepEqual([target.id, target.url, target.timeoutMs], ["up", "https://collectors.invalid", 7_000]);
  assert.deepEqual([target.members?.listener, target.headers, target.maxInFlight], ["otlp_http", { "x-a": "b" }, 3]);
});

test("the same nodes are one target, in whatever order their tags are written", () => {
  const { targets } = planOf(`pools:
  one: { targets: { collectors: { tags: { a: x, b: y } } } }
  two: { targets: { collectors: { tags: { b: y, a: x } } } }
rules: [{ id: r, pool: one, conditions: [service_name: x] }]
default_pool: two`);
  assert.deepEqual([...targets.keys()], ["collectors:own,a=x,b=y"]);
});

test("secrets beside nodes of the fleet are shown to nobody, and are not published", () => {
  const set = { collectors: {}, headers: { a: "hunter22" } };
  const root = { pools: { p: { targets: set } }, rules: [{ id: "r", targets: set }], default_pool: { targets: set } };
  assert.doesNotMatch(JSON.stringify(redactRoot(root)), /hunter/u);
  assert.equal(literalSecretsIn(root).length, 3);
});

/** Each of more than 24 KiB, and a part of what the one before selects. */
function longSelections(): string {
  const long = Array.from({ length: 57 }, (_, i): [string, string] => [`${"é".repeat(100)}${i}`, "v".repeat(250)]);
  const pools = Array.from({ length: 8 }, (_, i) => {
    const more = Array.from({ length: i }, (__, n): [string, string] => [`n${n}`, "x"]);
    const tags = Object.fromEntries([...long, ...more]);
    return [`p${i}`, { targets: { collectors: { tags } } }];
  });
  const rules = pools.map(([pool], i) => ({ id: `r${i}`, pool, conditions: [{ service_name: `s${i}` }] }));
  return JSON.stringify({ pools: Object.fromEntries(pools), rules, default_pool: "p0" });
}

const IN_FLEET: { name: string; text: string; want: readonly string[] }[] = [
  { name: "all nodes of a region", text: "default_pool: { targets: { collectors: {} } }", want: [] },
  {
    name: "a region is a name, and no glob",
    text: 'default_pool: { targets: { collectors: { region: "*" } } }',
    want: ["1 error default_pool.targets.collectors.region"],
  },
  {
    name: "a misspelt key of the selection",
    text: "default_pool: { targets: { collectors: { tag: { a: b } } } }",
    want: ["1 error default_pool.targets.collectors.tag"],
  },
  {
    name: "a misspelt setting is told of beside it",
    text: "default_pool: { targets: { collectors: {}, protocl: grpc } }",
    want: ["1 error default_pool.targets.protocl"],
  },
  {
    name: "each node is asked itself whether it works",
    text: 'default_pool: { targets: { collectors: {}, health_check: { type: http, endpoint: "http://h:1" } } }',
    want: ["1 error default_pool.targets.health_check.endpoint"],
  },
  {
    name: "content has nothing to choose among",
    text: "default_pool: { targets: { collectors: {} }, strategy: { type: content, cases: [{ conditions: [], targets: [x] }] } }",
    want: ["1 error default_pool.strategy"],
  },
  {
    name: "the same nodes with two settings",
    text: "pools: { p: { targets: { collectors: {} } },\n  q: { targets: { collectors: {}, timeout: 2s } } }\nrules: [{ id: r, pool: q, conditions: [service_name: x] }]\ndefault_pool: p",
    want: ["2 error pools.q.targets.collectors"],
  },
  {
    name: "two tiers of one document send to each other",
    text: "rules: [{ id: r, targets: { collectors: { tags: { tier: a } } } }]\ndefault_pool: { targets: { collectors: { tags: { tier: b } } } }",
    want: ["2 warning default_pool.targets.collectors"],
  },
  {
    name: "two regions of one document send to each other",
    text: "pools: { p: { targets: { collectors: { region: eu } } } }\nrules: [{ id: r, pool: p, conditions: [service_name: x] }]\ndefault_pool: { targets: { collectors: { region: us } } }",
    want: ["3 warning default_pool.targets.collectors"],
  },
  {
    name: "a tier that is part of another one ends there",
    text: 'rules: [{ id: r, targets: { collectors: { tags: { tier: "hub*" } } } }]\ndefault_pool: { targets: { collectors: { region: eu, tags: { tier: hub-core, zone: b } } } }',
    want: [],
  },
  {
    name: "what has some of a tag is part of what has any",
    text: 'rules: [{ id: r, targets: { collectors: { tags: { tier: "*" } } } }]\ndefault_pool: { targets: { collectors: { tags: { tier: "hub-*" } } } }',
    want: [],
  },
  {
    name: "of two different tags none is part of the other",
    text: "rules: [{ id: r, targets: { collectors: { tags: { tier: a } } } }]\ndefault_pool: { targets: { collectors: { tags: { zone: b } } } }",
    want: ["2 warning default_pool.targets.collectors"],
  },
  {
    name: "what differs in two ways is no part",
    text: 'rules: [{ id: r, targets: { collectors: { region: us, tags: { tier: "hub*" } } } }]\ndefault_pool: { targets: { collectors: { tags: { tier: hub-core } } } }',
    want: ["2 warning default_pool.targets.collectors"],
  },
  {
    name: "tiers for different signals do not meet",
    text: "rules:\n  - { id: r, signals: [traces], targets: { collectors: { tags: { tier: a } } } }\n  - { id: q, signals: [logs], targets: { collectors: { tags: { tier: b } } } }\nunmatched: drop",
    want: [],
  },
  {
    name: "selections that are too long for one request",
    text: longSelections(),
    want: ["1 error pools.p7.targets.collectors"],
  },
  {
    name: "a node that is alone finds nobody",
    text: "node: { id: a }\ndefault_pool: { targets: { collectors: {} } }",
    want: ["2 warning default_pool.targets.collectors"],
  },
  {
    name: "one that its fleet reaches is not alone",
    text: 'node: { fleet: { listen: { address: "127.0.0.1:4321" } } }\ndefault_pool: { targets: { collectors: {} } }',
    want: [],
  },
  {
    name: "tags of a node are texts",
    text: "node: { tags: { tier: 1 } }\nunmatched: drop",
    want: ["1 error node.tags.tier"],
  },
];
for (const { name, text, want } of IN_FLEET) {
  test(`in the fleet: ${name}`, () => assert.deepEqual(outlineOf(loadText(text)), want));
}

test("in the fleet: more selections than a node asks its controller for are refused, the same one counts once", () => {
  // Each selects a part of those that the one before does.
  const tags = (i: number): string => Array.from({ length: i + 1 }, (_, n) => `n${n}: x`).join(", ");
  const pool = (i: number): string => `  p${i}: { targets: { collectors: { tags: { ${tags(i)} } } } }`;
  const rule = (i: number): string => `  - { id: r${i}, pool: p${i}, conditions: [service_name: s${i}] }`;
  const numbers = Array.from({ length: MAX_SELECTIONS + 1 }, (_, i) => i);
  const text = (count: number): string => {
    const some = numbers.slice(0, count);
    return `pools:\n${some.map(pool).join("\n")}\nrules:\n${some.map(rule).join("\n")}\ndefault_pool: p0`;
  };
  assert.deepEqual(outlineOf(loadText(text(MAX_SELECTIONS))), []);
  const [problem, ...others] = loadText(text(MAX_SELECTIONS + 1)).problems;
  assert.deepEqual([problem?.path, others], [`pools.p${MAX_SELECTIONS}.targets.collectors`, []]);
});
