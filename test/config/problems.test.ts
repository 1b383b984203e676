import assert from "node:assert/strict";
import { test } from "node:test";
import { loadText, outlineOf } from "./load-text.ts";

const TARGETS = `targets: [{ id: a, endpoint: "http://a:1", region: eu }, { id: b, endpoint: "http://b:1", tags: { t: x } }]`;
const POOL = "pools: { p: { targets: [a] } }";

const UNUSED = /^no pool has the target|^no rule uses the pool/u;

/** Each is added to two targets, a and b, on line 1, and the pool p on line 2. */
const cases: readonly { readonly name: string; readonly text: string; readonly want: readonly string[] }[] = [
  { name: "a rule has a pool or targets", text: "rules: [{ id: r }]", want: ["3 error rules[0]"] },
  {
    name: "a rule does not have both",
    text: "rules:\n  - id: r\n    pool: p\n    targets: [a]",
    want: ["6 error rules[0].targets"],
  },
  {
    name: "options of a pool stand beside its targets",
    text: "rules: [{ id: r, pool: p, ack: queued,\n  strategy: failover }]",
    want: ["3 error rules[0].ack", "4 error rules[0].strategy"],
  },
  {
    name: "rule ids are unique",
    text: "rules: [{ id: r, pool: p, signals: [logs] },\n  { id: r, pool: p }]\nunmatched: drop",
    want: ["4 error rules[1].id"],
  },
  {
    name: "controllers listen off this machine only with TLS",
    text: 'node: { fleet: { token: t, listen:\n  { address: "10.0.0.7:4321" } } }\ndefault_pool: p',
    want: ["4 error node.fleet.listen.address"],
  },
  {
    name: "others cannot dial all addresses of a machine",
    text: 'node: { fleet: { token: t, listen: { tls: { cert: cert.pem, key: key.pem },\n  address: "0.0.0.0:4321" } } }\ndefault_pool: p',
    want: ["4 error node.fleet.listen.address"],
  },
  {
    name: "what is dialled in the place of all addresses may be told",
    text: 'node: { fleet: { token: t, advertise: "a:1", listen: { tls: { cert: cert.pem, key: key.pem }, address: "0.0.0.0:4321" } } }\ndefault_pool: p',
    want: [],
  },
  {
    name: "others are not told to dial without TLS off this machine",
    text: 'node: { fleet: { token: t, listen: { address: "127.0.0.1:4321" },\n  advertise: "10.0.0.7:4321" } }\ndefault_pool: p',
    want: ["4 error node.fleet.advertise"],
  },
  {
    name: "and only for those who say who they are",
    text: 'node: { fleet: { listen: { tls: { cert: cert.pem, key: key.pem },\n  address: "10.0.0.7:4321" } } }\ndefault_pool: p',
    want: ["4 error node.fleet.listen.address"],
  },
  {
    name: "controllers listen with TLS and a token, with TLS and certificates, or on this machine",
    text: 'node: { fleet: { token: t, listen: { address: "10.0.0.7:4321", tls: { cert: cert.pem, key: key.pem } } } }\ndefault_pool: p',
    want: [],
  },
  {
    name: "the listener of controllers has an address of its own",
    text: 'node: { fleet: { listen: { address: "127.0.0.1:4317" } } }\ndefault_pool: p',
    want: ["3 error node.fleet.listen.address"],
  },
  {
    name: "other tokens of a fleet are believed beside the node's own",
    text: "node: { fleet: { accept_tokens: [t] } }\ndefault_pool: p",
    want: ["3 error node.fleet.accept_tokens"],
  },
  {
    name: "a certificate of a node has a key",
    text: "node: { fleet: { tls: { cert: cert.pem } } }\ndefault_pool: p",
    want: ["3 error node.fleet.tls.cert"],
  },
  { name: "the default pool is known", text: "default_pool: pp", want: ["3 error default_pool"] },
  {
    name: "a selector selects something",
    text: 'default_pool: { targets: { region: "us-*" } }',
    want: ["3 error default_pool.targets"],
  },
  { name: "a selector on tags", text: 'default_pool: { targets: { tags: { t: "*" } } }', want: [] },
  { name: "a selector says something", text: "default_pool: { targets: {} }", want: ["3 error default_pool.targets"] },
  { name: "no target twice", text: "default_pool: { targets: [a, b, a] }", want: ["3 error default_pool.targets[2]"] },
  {
    name: "cases of content stay inside the pool",
    text: "default_pool: { targets: [a], strategy: { type: content,\n  cases: [{ conditions: [service_name: x], targets: [b] }],\n  otherwise: [c] } }",
    want: ["4 error default_pool.strategy.cases[0].targets[0]", "5 error default_pool.strategy.otherwise[0]"],
  },
  {
    name: "a rule after one that matches everything is never reached",
    text: "rules: [{ id: all, pool: p },\n  { id: late, pool: p, conditions: [service_name: x] },\n  { id: early, pool: p, priority: high, conditions: [service_name: x] }]",
    want: ["4 warning rules[1]"],
  },
  {
    name: "two rules together match everything",
    text: "rules: [{ id: t, pool: p, signals: [traces] }, { id: l, pool: p, signals: [logs] },\n  { id: both, pool: p, signals: [logs, traces] },\n  { id: more, pool: p }]",
    want: ["4 warning rules[2]"],
  },
  {
    name: "a copy keeps nothing from those after it",
    text: "rules: [{ id: all, pool: p, mode: copy },\n  { id: late, pool: p }]",
    want: [],
  },
  {
    name: "what nothing matches is refused, and that is said",
    text: "rules: [{ id: r, pool: p, conditions: [service_name: x] }]",
    want: ["3 warning rules"],
  },
  {
    name: "no warning where it was chosen",
    text: "rules: [{ id: r, pool: p, conditions: [service_name: x] }]\nunmatched: refuse",
    want: [],
  },
  {
    name: "two listeners on one address",
    text: 'node: { listen: { otlp_http: { address: "0.0.0.0:4317" } } }\ndefault_pool: p',
    want: ["3 error node.listen.otlp_http.address"],
  },
  {
    name: "port 0 is never taken, and a listener that is off takes none",
    text: 'node: { listen: { otlp_grpc: false, admin: { address: "127.0.0.1:0" }, otlp_http: { address: "[::1]:4317" } } }\ndefault_pool: p',
    want: [],
  },
  {
    name: "the admin API is not open to the network",
    text: 'node: { listen: { admin: { address: "0.0.0.0:4320" } } }\ndefault_pool: p',
    want: ["3 error node.listen.admin.address"],
  },
  {
    name: "the admin API may be open with a token",
    text: 'node: { listen: { admin: { address: "[::]:4320" } }, admin: { tokens: [{ role: admin, value: x }] } }\ndefault_pool: p',
    want: [],
  },
  {
    name: "limits fit together",
    text: "node: { limits: { max_request_bytes: 128MiB,\n  max_in_flight_bytes: 1MiB,\n  max_timeout: 5s } }\ndefault_pool: p",
    want: [
      "3 warning node.limits.max_request_bytes",
      "4 error node.limits.max_in_flight_bytes",
      "5 error node.limits.max_timeout",
    ],
  },
  {
    name: "a store needs endpoints",
    text: "node: { coordination: { type: consul } }\ndefault_pool: p",
    want: ["1 warning targets", "3 error node.coordination"],
  },
  {
    name: "the embedded store has no endpoints, no user, no token, and nothing to compact",
    text: 'node: { coordination: { endpoints: ["http://a:1"],\n  username: u,\n  password: p,\n  token: t,\n  compact: true } }\ndefault_pool: p',
    want: [
      "3 error node.coordination.endpoints",
      "4 error node.coordination.username",
      "5 error node.coordination.password",
      "6 error node.coordination.token",
      "7 error node.coordination.compact",
    ],
  },
  {
    name: "consul has a token, and no users",
    text: 'node: { coordination: { type: consul, endpoints: ["http://a:1"], token: t,\n  username: u,\n  compact: false } }\ndefault_pool: p',
    want: ["1 warning targets", "4 error node.coordination.username"],
  },
  {
    name: "a user of etcd has a password, and its store is no file",
    text: 'node: { coordination: { type: etcd, endpoints: ["http://a:1"],\n  username: u,\n  token: t,\n  file: f } }\ndefault_pool: p',
    want: [
      "1 warning targets",
      "4 error node.coordination.username",
      "5 error node.coordination.token",
      "6 error node.coordination.file",
    ],
  },
  {
    name: "endpoints of a store are all of one scheme, without a path, and TLS is for https",
    text: `node: { coordination: { type: etcd,\n  endpoints: ["http://a:1",\n  "http://b:1/v3"],\n  tls: { server_name: x } } }\ndefault_pool: p`,
    want: ["1 warning targets", "5 error node.coordination.endpoints[1]", "6 error node.coordination.tls"],
  },
  {
    name: "a store's endpoints are all https or none is, and a certificate has a key",
    text: `node: { coordination: { type: etcd,\n  endpoints: ["http://a:1", "https://b:1"],\n  tls: { cert: "-----BEGIN CERTIFICATE-----" } } }\ndefault_pool: p`,
    want: ["1 warning targets", "4 error node.coordination.endpoints", "5 error node.coordination.tls.cert"],
  },
  ...["signalbox", "/", "/a/", "/a//b", "/ä", "/a b"].map((prefix) => ({
    name: `keys have a prefix, and not ${prefix}`,
    text: `node: { coordination: { prefix: "${prefix}" } }\ndefault_pool: p`,
    want: ["3 error node.coordination.prefix"],
  })),
  {
    name: "retry.max is not below retry.initial",
    text: "default_pool: { targets: [a], retry: { initial: 1s, max: 500ms } }",
    want: ["3 error default_pool.retry.max"],
  },
  {
    name: "stored needs a disk queue",
    text: "default_pool: { targets: [a], ack: stored }",
    want: ["3 error default_pool.ack"],
  },
  {
    name: "within needs a threshold",
    text: "default_pool: { targets: [a], strategy: { type: latency, pick: within } }",
    want: ["3 error default_pool.strategy"],
  },
  {
    name: "a request that no queue can take is refused for ever, unless another pool takes over",
    text: `node: { limits: { max_request_bytes: 16MiB, max_in_flight_bytes: 64MiB } }
default_pool: { targets: [a], queue: { max_bytes: 1MiB } }
rules:
  - { id: r, conditions: [{ service_name: s }], targets: [a], queue: { max_bytes: 15MiB }, fallback: p }`,
    want: ["4 warning default_pool.queue.max_bytes"],
  },
  {
    name: "what has no effect is said once for each place",
    text: "default_pool: { targets: [a],\n  queue: { when_full: drop_oldest } }",
    want: ["4 warning default_pool.queue.when_full"],
  },
];
for (const { name, text, want } of cases) {
  test(`problems: ${name}`, () => {
    const { config, problems } = loadText(`${TARGETS}\n${POOL}\n${text}\n`);
    // Not all cases use both targets and the pool.
    const result = { config, problems: problems.filter(({ message }) => !UNUSED.test(message)) };
    assert.deepEqual(outlineOf(result), want, JSON.stringify(result.problems, null, 1));
    assert.equal(
      result.config === undefined,
      want.some((line) => line.includes(" error ")),
    );
  });
}

/** Each is one target, and the path is below it. */
const targets: readonly { readonly name: string; readonly target: string; readonly want: readonly string[] }[] = [
  { name: "gRPC has no path", target: 'endpoint: "http://a:1/x"', want: ["error endpoint"] },
  { name: "HTTP has one", target: 'endpoint: "https://a/otlp/", protocol: http/protobuf', want: [] },
  {
    name: "the path of the signal is added",
    target: 'endpoint: "http://a:1/v1/traces", protocol: http/protobuf',
    want: ["warning endpoint"],
  },
  { name: "a level of gzip", target: 'endpoint: "http://a:1", compression: gzip, compression_level: 9', want: [] },
  {
    name: "a level that only zstd has",
    target: 'endpoint: "http://a:1", compression: gzip, compression_level: 10',
    want: ["error compression_level"],
  },
  { name: "a level of zstd", target: 'endpoint: "http://a:1", compression: zstd, compression_level: 11', want: [] },
  {
    name: "a level that nothing has",
    target: 'endpoint: "http://a:1", compression: zstd, compression_level: 12',
    want: ["error compression_level"],
  },
  {
    name: "a level of no compression",
    target: 'endpoint: "http://a:1", compression_level: 3',
    want: ["warning compression_level"],
  },
  { name: "another scheme", target: 'endpoint: "grpc://a:1"', want: ["error endpoint"] },
  { name: "no host", target: 'endpoint: "http://"', want: ["error endpoint"] },
  { name: "a password in the URL", target: 'endpoint: "http://me:hunter2@a:1"', want: ["error endpoint"] },
  { name: "a weight of 0 is a standby", target: 'endpoint: "http://a:1", weight: 0', want: [] },
  { name: "a weight below 0", target: 'endpoint: "http://a:1", weight: -1', want: ["error weight"] },
  {
    name: "headers of the protocol",
    target: 'endpoint: "http://a:1", headers: { Content-Type: x, grpc-timeout: x, x-ok: y }',
    want: ["error headers.Content-Type", "error headers.grpc-timeout"],
  },
  {
    name: "a header twice, and one that is none",
    target: 'endpoint: "http://a:1", headers: { x-a: x, X-A: y, "a b": z, x-b: "1\\n2" }',
    want: ["error headers.X-A", 'error headers["a b"]', "error headers.x-b"],
  },
  { name: "TLS on http", target: 'endpoint: "http://a:1", tls: { server_name: a }', want: ["error tls"] },
  {
    name: "a certificate needs its key",
    target: 'endpoint: "https://a:1", tls: { cert: cert.pem }',
    want: ["error tls"],
  },
  { name: "files of TLS", target: 'endpoint: "https://a:1", tls: { cert: cert.pem, key: key.pem }', want: [] },
  {
    name: "files that are missing or no PEM",
    target: 'endpoint: "https://a:1", tls: { cert: missing.pem, key: not.pem }',
    want: ["error tls.cert", "error tls.key"],
  },
  {
    name: "health checks may be written, and switched off",
    target: 'endpoint: "http://a:1", health_check: {} }, { id: b, endpoint: "http://b:1", health_check: false',
    want: [],
  },
  {
    name: "what a type of health check does not read has no effect",
    target: 'endpoint: "http://a:1", health_check: { endpoint: "http://a:2", path: "/x", service: s }',
    want: ["warning health_check.endpoint", "warning health_check.path", "warning health_check.service"],
  },
  {
    name: "an interval of a health check is a duration",
    target: 'endpoint: "http://a:1", health_check: { interval: often }',
    want: ["error health_check.interval"],
  },
];
for (const { name, target, want } of targets) {
  test(`problems of targets: ${name}`, () => {
    const { config, problems } = loadText(`targets: [{ id: a, ${target} }]`);
    const found = problems.map(({ severity, path }) => `${severity} ${path.replace("targets[0].", "")}`);
    assert.deepEqual(found, want, JSON.stringify(problems, null, 1));
    assert.equal(
      config === undefined,
      want.some((line) => line.startsWith("error")),
    );
    assert.ok(!JSON.stringify(problems).includes("hunter2"));
  });
}

test("problems: fallbacks that go in a circle are told once for each circle", () => {
  const pools = ["a: b", "b: c", "c: b", "d: d", "e: unknown"].map((pair) => {
    const [name, fallback] = pair.split(": ");
    return `  ${name}: { targets: [a], fallback: ${fallback} }`;
  });
  const { problems } = loadText(`${TARGETS}\npools:\n${pools.join("\n")}\ndefault_pool: a\n`);
  const errors = problems.filter(({ severity }) => severity === "error");
  assert.deepEqual(
    errors.map(({ path, message }) => [path, message]),
    [
      ["pools.b.fallback", "fallbacks go round in a circle: b -> c -> b"],
      ["pools.d.fallback", "fallbacks go round in a circle: d -> d"],
      ["pools.e.fallback", 'unknown pool "unknown"'],
    ],
  );
});

test("problems: the default pool in place and a pool named default exclude each other", () => {
  const { problems } = loadText(`${TARGETS}\npools: { default: { targets: [a] } }\ndefault_pool: { targets: [b] }`);
  assert.deepEqual(
    problems.map(({ path }) => path),
    ["pools.default"],
  );
});

test("problems: a section that cannot be read causes no unknown ids elsewhere", () => {
  const result = loadText(
    "targets: nonsense\npools: 5\ndefault_pool: p\nrules: [{ id: r, targets: [a], strategy: nonsense }]",
  );
  assert.deepEqual(outlineOf(result), ["1 error targets", "2 error pools", "4 error rules[0].strategy"]);
});

test("problems: PEM files are read into the config", () => {
  const { config } = loadText('targets: [{ id: a, endpoint: "https://a:1", tls: { cert: cert.pem, key: key.pem } }]');
  assert.match(config?.targets[0]?.tls?.cert ?? "", /BEGIN CERTIFICATE/u);
  assert.match(config?.targets[0]?.tls?.key?.reveal() ?? "", /BEGIN PRIVATE KEY/u);
});

const lengths = [
  [
    "node.limits.max_request_bytes",
    (size: string) => `node: { limits: { max_request_bytes: ${size}, max_in_flight_bytes: 16GiB } }`,
  ],
  [
    "targets[0].limits.max_request_bytes",
    (size: string) => `targets: [{ id: a, endpoint: "http://a:1", limits: { max_request_bytes: ${size} } }]`,
  ],
  ["default_pool.batch.max_bytes", (size: string) => `default_pool: { targets: "*", batch: { max_bytes: ${size} } }`],
] as const;
for (const [path, text] of lengths) {
  test(`problems: ${path} is at most what places within a request can count, and the problem says so`, () => {
    const said = (size: string): readonly string[] =>
      loadText(text(size)).problems.flatMap((one) => (one.path === path ? [`${one.severity}: ${one.message}`] : []));
    const message = "error: must be 1GiB or less: places within a request are counted in 32 bits";
    for (const size of ["8GiB", "1073741825", "100TiB"]) assert.deepEqual(said(size), [message], size);
    assert.ok(!said("1GiB").includes(message));
  });
}

const STATUSES: readonly { readonly statuses: string; readonly protocol?: string; readonly want: readonly string[] }[] =
  [
    { statuses: '{ "403": retry, "404": final, UNIMPLEMENTED: elsewhere }', want: [] },
    { statuses: '{ "200": retry }', want: ["error targets[0].statuses.200"] },
    {
      statuses: '{ "413": final, "429": final, RESOURCE_EXHAUSTED: retry, OK: final }',
      want: ["413", "429", "RESOURCE_EXHAUSTED", "OK"].map((key) => `error targets[0].statuses.${key}`),
    },
    {
      statuses: '{ "99": final, NOT_A_CODE: retry }',
      want: ["99", "NOT_A_CODE"].map((key) => `error targets[0].statuses.${key}`),
    },
    { statuses: '{ "404": again }', want: ["error targets[0].statuses.404"] },
    {
      statuses: "{ UNIMPLEMENTED: final }",
      protocol: "http/protobuf",
      want: ["warning targets[0].statuses.UNIMPLEMENTED"],
    },
  ];
for (const { statuses, protocol = "grpc", want } of STATUSES) {
  test(`statuses of a target over ${protocol}: ${statuses}`, () => {
    const text = `targets: [{ id: a, endpoint: "http://a:1", protocol: ${protocol}, statuses: ${statuses} }]\ndefault_pool: { targets: [a] }`;
    const found = outlineOf(loadText(text)).map((line) =>
      line
        .replace(/^\d+ /u, "")
        .replaceAll(/\["?([^"\]]+)"?\]/gu, (all, key: string) => (/^\d$/u.test(key) ? all : `.${key}`)),
    );
    assert.deepEqual(found.toSorted(), [...want].toSorted());
  });
}
