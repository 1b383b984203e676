import assert from "node:assert/strict";
import { type IncomingMessage, request, type RequestOptions } from "node:http";
import { connect } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { test } from "node:test";
import { configText, Scene } from "./scene.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  json(): Record<string, unknown>;
}

async function call(
  address: string | undefined,
  path: string,
  options: RequestOptions & { body?: string } = {},
): Promise<Answer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(`http://${address}${path}`, { agent: false, ...options }, resolve);
    sent.on("error", reject);
    sent.end(options.body);
  });
  const body = await textOf(response);
  return { status: response.statusCode ?? 0, headers: response.headers, text: body, json: () => JSON.parse(body) };
}

/** What a raw request gets back, to the end of the connection. */
async function callRaw(address: string | undefined, bytes: string): Promise<string> {
  const { hostname, port } = new URL(`http://${address}`);
  const socket = connect(Number(port), hostname);
  socket.write(bytes);
  return textOf(socket);
}

test("GET /api/v1/node tells who it is, where it listens and which config runs", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  const view = (await call(node.addresses.admin, "/api/v1/node")).json();
  const { id, region, roles, pid, addresses, version } = view;
  assert.deepEqual(
    { id, region, roles, pid },
    { id: "n1", region: "eu", roles: ["collector", "controller"], pid: process.pid },
  );
  assert.deepEqual(addresses, {
    otlp_grpc: "127.0.0.1:1111",
    otlp_http: null,
    admin: node.addresses.admin,
    sampling_http: null,
    sampling_grpc: null,
    fleet: null,
  });
  assert.match(String(version), /^\d+\.\d+\.\d+/u);
  assert.ok(!Number.isNaN(Date.parse(String(view["started"]))));
  const { digest } = node.walk.status;
  const config: unknown = view["config"];
  assert.ok(typeof config === "object" && config !== null && "applied" in config);
  const wanted = { file: scene.file, version: 1, digest, applied: config.applied, fleet: null, restart_required: [] };
  assert.deepEqual(config, { ...wanted, last_result: "applied", last_problems: [] });
});

test("the problems of a config that was not applied are in GET /api/v1/node", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  await node.walk.apply(configText("targets: [{ id: a, endpoint: nowhere }]"));
  const { text: body } = await call(node.addresses.admin, "/api/v1/node");
  assert.match(body, /"last_result": "invalid"/u);
  assert.match(body, /signalbox\.yaml:\d+:\d+: error: targets\[0\]\.endpoint: /u);
});

test("GET /api/v1/config shows no secret", async () => {
  await using scene = new Scene();
  scene.env["TOKEN"] = "s3cret";
  const target = '{ id: a, endpoint: "http://127.0.0.1:1", headers: { authorization: "Bearer ${env:TOKEN}" } }';
  const node = await scene.start(configText(`targets: [${target}]`));
  const { status, text: body } = await call(node.addresses.admin, "/api/v1/config");
  assert.equal(status, 200);
  assert.match(body, /"authorization": "\[redacted\]"/u);
  assert.ok(!body.includes("s3cret"));
});

test("targets, pools and one of each", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  const at = node.addresses.admin;
  const { config, ...target } = (await call(at, "/api/v1/targets/a")).json();
  assert.deepEqual(config, { id: "a", endpoint: "http://127.0.0.1:14317" });
  assert.deepEqual(target, {
    id: "a",
    endpoint: "http://127.0.0.1:14317",
    region: "default",
    weight: 1,
    state: "ready",
    reason: "start",
    since: "2023-11-14T22:13:20.000Z",
    next_try: null,
    in_flight: 1,
    window: 16,
    latency_ms: null,
    paused: null,
    refuses: [],
    error_rate: 0,
    learned_max_bytes: null,
    addresses: [],
    losses: null,
    share: 1,
    score: 0,
    note: "",
    until: null,
    check: null,
  });
  assert.deepEqual((await call(at, "/api/v1/targets")).json(), [target]);
  const pools: unknown = (await call(at, "/api/v1/pools")).json();
  const { config: written, ...pool } = (await call(at, "/api/v1/pools/default")).json();
  assert.equal(written, null, "a pool in place is not one of the document's");
  assert.deepEqual(pools, [pool]);
  assert.deepEqual(pool, {
    name: "default",
    strategy: "weighted_round_robin",
    targets: ["a"],
    fallback: null,
    queued_bytes: 10,
    queued_items: 2,
    in_flight: 1,
    usable: 1,
    losses: null,
  });
  assert.equal((await call(at, "/api/v1/targets/b")).status, 404);
});

test("the ledger, and the same numbers as metrics", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  const entry = node.env.ledger.entry("logs", "r", "p");
  entry.received += 7;
  entry.delivered += 7;
  const view = (await call(node.addresses.admin, "/api/v1/ledger")).json();
  assert.equal(view["balanced"], true);
  assert.deepEqual(view["signals"], [{ signal: "logs", taken: 7, accounted: 7, balanced: true }]);
  const metrics = await call(node.addresses.admin, "/metrics");
  assert.match(String(metrics.headers["content-type"]), /^text\/plain; version=0\.0\.4/u);
  assert.ok(
    metrics.text.includes('signalbox_ledger_items_total{signal="logs",rule="r",pool="p",outcome="delivered"} 7\n'),
  );
  assert.ok(metrics.text.includes("signalbox_config_version 1\n"));
});

test("/readyz says why nothing is accepted, and /healthz what cannot be delivered, with 200 all the same", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  assert.deepEqual((await call(node.addresses.admin, "/readyz")).json(), { ready: true, reasons: [] });
  scene.plane.down = [{ pool: "p", signal: "logs" }];
  assert.deepEqual((await call(node.addresses.admin, "/readyz")).json(), { ready: true, reasons: [] });
  const health = await call(node.addresses.admin, "/healthz");
  assert.deepEqual(
    [health.status, health.json()],
    [200, { status: "ok", undeliverable: [{ pool: "p", signal: "logs" }] }],
  );
  scene.plane.readiness = { ready: false, reason: "no pool is configured" };
  const answer = await call(node.addresses.admin, "/readyz");
  assert.equal(answer.status, 503);
  assert.deepEqual(answer.json()["reasons"], ["no pool is configured"]);
  assert.equal((await call(node.addresses.admin, "/healthz")).status, 200);
});

test("while it drains, /readyz is 503 and the API answers; afterwards nothing listens", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText(undefined, "  shutdown_grace: 7s"));
  const at = node.addresses.admin;
  const drain = Promise.withResolvers<void>();
  scene.plane.drain = drain.promise;
  const stopped = node.stop();
  const answer = await call(at, "/readyz");
  assert.deepEqual([answer.status, answer.json()["reasons"]], [503, ["shutting down"]]);
  drain.resolve();
  assert.equal((await stopped).drained, true);
  assert.deepEqual([scene.plane.graces, scene.plane.disposed], [[7_000], true]);
  await assert.rejects(call(at, "/healthz"), /ECONNREFUSED/u);
});

test("HEAD has the headers of GET and no body", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  const [head, get] = [
    await call(node.addresses.admin, "/healthz", { method: "HEAD" }),
    await call(node.addresses.admin, "/healthz"),
  ];
  assert.deepEqual([head.status, head.text, head.headers["content-length"]], [200, "", String(get.text.length)]);
});

const refused: {
  name: string;
  path: string;
  options: RequestOptions & { body?: string };
  status: number;
  allow?: string;
}[] = [
  { name: "a path that is not there", path: "/api/v1/nothing", options: {}, status: 404 },
  { name: "another method", path: "/api/v1/node", options: { method: "DELETE" }, status: 405, allow: "GET, HEAD" },
  {
    name: "a method with a body",
    path: "/metrics",
    options: { method: "POST", body: "x" },
    status: 405,
    allow: "GET, HEAD",
  },
  {
    name: "a name of another machine",
    path: "/metrics",
    options: { headers: { host: "evil.example:4320" } },
    status: 403,
  },
  {
    name: "a page of another origin",
    path: "/metrics",
    options: { headers: { origin: "https://evil.example" } },
    status: 403,
  },
  { name: "a parameter that is not UTF-8", path: "/api/v1/targets/%ff", options: {}, status: 404 },
];
for (const { name, path, options, status, allow } of refused) {
  test(`refused with ${status} and problem details: ${name}`, async () => {
    await using scene = new Scene();
    const node = await scene.start(configText());
    const answer = await call(node.addresses.admin, path, options);
    assert.deepEqual([answer.status, answer.headers["content-type"]], [status, "application/problem+json"]);
    assert.equal(answer.headers["allow"], allow);
    const problem = answer.json();
    assert.deepEqual(Object.keys(problem), ["type", "title", "status", "detail"]);
    assert.equal(problem["status"], status);
  });
}

test("what is not HTTP, and headers without end, are refused without harm", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  const at = node.addresses.admin;
  assert.match(await callRaw(at, "NONSENSE\r\n\r\n"), /^HTTP\/1\.1 400 /u);
  assert.match(
    await callRaw(at, `GET / HTTP/1.1\r\nhost: ${at}\r\nx: ${"y".repeat(20_000)}\r\n\r\n`),
    /^HTTP\/1\.1 431 /u,
  );
  assert.match(
    await callRaw(at, `OPTIONS * HTTP/1.1\r\nhost: ${at}\r\nconnection: close\r\n\r\n`),
    /^HTTP\/1\.1 400 /u,
  );
  assert.equal((await call(at, "/healthz")).status, 200);
});

function withToken(token: string): RequestOptions {
  return { headers: { authorization: `Bearer ${token}`, host: "any.example" } };
}

test("tokens: each role may do what those below it may, and health needs none", async () => {
  await using scene = new Scene();
  const tokens = "  admin: { tokens: [{ role: viewer, value: view-1 }, { role: admin, value: all-2 }] }";
  const node = await scene.start(configText(undefined, tokens));
  const at = node.addresses.admin;
  const cases: [RequestOptions, number][] = [
    [{}, 401],
    [{ headers: { authorization: "Basic dmlldy0x" } }, 401],
    [withToken("view-2"), 401],
    [withToken("view-1"), 200],
    [withToken("all-2"), 200],
  ];
  for (const [options, status] of cases) {
    const answer = await call(at, "/api/v1/node", options);
    assert.equal(answer.status, status, JSON.stringify(options));
    if (status === 401) assert.match(String(answer.headers["www-authenticate"]), /^Bearer /u);
  }
  for (const path of ["/healthz", "/readyz", "/openapi.json"]) assert.equal((await call(at, path)).status, 200);
  assert.equal((await call(at, "/api/v1/nothing")).status, 401, "who may not look is not told which paths there are");
});

test("openapi.json lists exactly what answers", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  const at = node.addresses.admin;
  const { paths } = (await call(at, "/openapi.json")).json();
  assert.ok(typeof paths === "object" && paths !== null);
  const known = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [method, path]),
  );
  assert.ok(known.length >= 30);
  const values: Record<string, string> = { "{id}": "a", "{name}": "default", "{version}": "1" };
  for (const [method = "", path = ""] of known) {
    const at1 = path.replaceAll(/\{\w+\}/gu, (name) => (path.includes("rules") ? "none" : (values[name] ?? name)));
    const { status } = await call(at, at1, { method: method.toUpperCase() });
    assert.ok(status !== 405 && status < 500, `${method} ${path}: ${status}`);
    // There are no rules, no regions and no collector of this name, and there is no second version.
    if (method === "get" && !/rules\/|regions\/|collectors\/|diff/u.test(path)) assert.equal(status, 200, path);
  }
});

test("a port that is taken is a fault with a hint, and nothing stays open", async () => {
  await using first = new Scene();
  const { addresses } = await first.start(configText());
  await using second = new Scene();
  const text = configText().replace('admin: { address: "127.0.0.1:0" }', `admin: { address: "${addresses.admin}" }`);
  await assert.rejects(second.start(text), {
    code: "LISTEN_FAILED",
    message: /EADDRINUSE/u,
    hint: /node\.listen\.admin/u,
  });
  assert.equal(second.plane.disposed, true);
});
