import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { RunningNode } from "../../src/server/running-node.ts";
import { Scene } from "../server/scene.ts";
import { callApi } from "./api-client.ts";

/** Each route over real HTTP: who may call it, and what it says to good and bad requests. */
const DOCUMENT = `# the fleet
node:
  id: n1
  listen: { otlp_grpc: { address: "127.0.0.1:0" }, otlp_http: false, admin: { address: "127.0.0.1:0" } }
  admin:
    tokens:
      - { role: viewer, value: viewer-token }
      - { role: operator, value: operator-token }
      - { role: admin, value: admin-token }
targets:
  - { id: a, endpoint: "http://127.0.0.1:14317", headers: { x-key: target-secret } } # a
  - { id: b, endpoint: "http://127.0.0.1:24317" }
pools:
  main: { targets: [a, b] }
rules:
  - { id: r, conditions: [{ service_name: checkout }], pool: main }
default_pool: main
`;

const ROLES = ["viewer", "operator", "admin"] as const;

interface Case {
  readonly call: string;
  readonly role: (typeof ROLES)[number];
  readonly body?: unknown;
  readonly status: number;
  /** What the answer must have in it. */
  readonly want?: RegExp;
}

const RULE = { id: "new", conditions: [{ span_kind: "server" }], pool: "main" };
const STAGED = `${DOCUMENT}# once more\n`;
const cases: Case[] = [
  { call: "GET /api/v1/rules", role: "viewer", status: 200, want: /^\[\s+\{\s+"id": "r"/u },
  { call: "GET /api/v1/rules/r", role: "viewer", status: 200, want: /"service_name": "checkout"/u },
  { call: "GET /api/v1/rules/x", role: "viewer", status: 404, want: /no rule x/u },
  { call: "GET /api/v1/node", role: "viewer", status: 200, want: /"region_settings": "defaults"/u },
  { call: "GET /api/v1/locks", role: "viewer", status: 200, want: /^\[\]/u },
  { call: "GET /api/v1/leader", role: "viewer", status: 200, want: /"global": null,\s+"regions": \{\}/u },
  { call: "POST /api/v1/leader/transfer", role: "operator", status: 404, want: /global: nobody leads there/u },
  { call: "GET /api/v1/config/rollout", role: "viewer", status: 200, want: /"state": "none"/u },
  { call: "POST /api/v1/config/rollout/pause", role: "admin", status: 404, want: /nothing is staged/u },
  { call: "PUT /api/v1/config?staged=true", role: "admin", body: STAGED, status: 409, want: /cannot be staged/u },
  { call: "POST /api/v1/rules", role: "admin", body: RULE, status: 200, want: /"version": 2/u },
  { call: "POST /api/v1/rules?before=r", role: "admin", body: RULE, status: 200, want: /"rules\.new"/u },
  { call: "POST /api/v1/rules?before=x", role: "admin", body: RULE, status: 404, want: /no rule x/u },
  { call: "POST /api/v1/rules", role: "admin", body: { ...RULE, id: "r" }, status: 409, want: /already/u },
  { call: "POST /api/v1/rules", role: "admin", body: { pool: "main" }, status: 422, want: /"path": "id"/u },
  {
    call: "POST /api/v1/rules",
    role: "admin",
    body: { ...RULE, pool: "x" },
    status: 422,
    want: /"path": "rules\[1\]\.pool"/u,
  },
  { call: "POST /api/v1/rules", role: "admin", status: 400, want: /needs a body/u },
  {
    call: "PUT /api/v1/rules/r",
    role: "admin",
    body: { priority: "high", pool: "main" },
    status: 200,
    want: /"rules\.r\.priority"/u,
  },
  { call: "PUT /api/v1/rules/r", role: "admin", body: "{ priority: high, pool: main }", status: 200 },
  { call: "PUT /api/v1/rules/r", role: "admin", body: { id: "s", pool: "main" }, status: 422, want: /"path": "id"/u },
  { call: "PUT /api/v1/rules/x", role: "admin", body: { pool: "main" }, status: 404 },
  { call: "PUT /api/v1/rules/r", role: "admin", body: "[]", status: 422, want: /mapping/u },
  { call: "DELETE /api/v1/rules/r", role: "admin", status: 200, want: /"changed": \[\s+"rules\.r"/u },
  { call: "DELETE /api/v1/rules/x", role: "admin", status: 404 },
  { call: "GET /api/v1/pools", role: "viewer", status: 200, want: /"name": "main"/u },
  { call: "GET /api/v1/pools/main", role: "viewer", status: 200, want: /"config": \{\s+"targets"/u },
  { call: "POST /api/v1/pools", role: "admin", body: { name: "p", targets: ["a"] }, status: 200, want: /"pools\.p"/u },
  { call: "POST /api/v1/pools", role: "admin", body: { targets: ["a"] }, status: 422, want: /"path": "name"/u },
  { call: "POST /api/v1/pools", role: "admin", body: { name: "main", targets: ["a"] }, status: 409 },
  {
    call: "POST /api/v1/pools",
    role: "admin",
    body: { name: "no name", targets: ["a"] },
    status: 422,
    want: /not a valid name/u,
  },
  { call: "POST /api/v1/pools?before=main", role: "admin", body: { name: "p", targets: ["a"] }, status: 400 },
  {
    call: "PUT /api/v1/pools/main",
    role: "admin",
    body: { targets: ["b"] },
    status: 200,
    want: /"pools\.main\.targets/u,
  },
  { call: "PUT /api/v1/pools/x", role: "admin", body: { targets: ["b"] }, status: 404 },
  { call: "DELETE /api/v1/pools/main", role: "admin", status: 422, want: /unknown pool|no pool/iu },
  { call: "GET /api/v1/targets", role: "viewer", status: 200 },
  { call: "GET /api/v1/targets/a", role: "viewer", status: 200, want: /"x-key": "\[redacted\]"/u },
  { call: "GET /api/v1/targets/x", role: "viewer", status: 404 },
  {
    call: "POST /api/v1/targets",
    role: "admin",
    body: { id: "c", endpoint: "http://c:1" },
    status: 200,
    want: /"targets\.c"/u,
  },
  {
    call: "POST /api/v1/targets",
    role: "admin",
    body: { id: "c", endpoint: "nowhere" },
    status: 422,
    want: /"path": "targets\[2\]\.endpoint"/u,
  },
  { call: "PUT /api/v1/targets/a", role: "admin", body: { endpoint: "http://a:1" }, status: 200 },
  { call: "DELETE /api/v1/targets/a", role: "admin", status: 422, want: /"path": "pools\.main\.targets\[0\]"/u },
  {
    call: "POST /api/v1/targets/a/drain",
    role: "operator",
    body: { for: "10m", note: "disk" },
    status: 200,
    want: /"note": "disk"/u,
  },
  { call: "POST /api/v1/targets/a/drain", role: "operator", status: 200 },
  {
    call: "POST /api/v1/targets/a/maintenance",
    role: "operator",
    body: { for: 60_000 },
    status: 200,
    want: /"state": "maintenance"/u,
  },
  { call: "POST /api/v1/targets/a/ready", role: "operator", status: 200, want: /"state": "ready"/u },
  { call: "POST /api/v1/targets/x/drain", role: "operator", status: 404 },
  {
    call: "POST /api/v1/targets/a/drain",
    role: "operator",
    body: { for: "soon" },
    status: 422,
    want: /"path": "for"/u,
  },
  { call: "POST /api/v1/targets/a/drain", role: "operator", body: { why: "x" }, status: 422, want: /unknown key/u },
  { call: "GET /api/v1/config", role: "viewer", status: 200, want: /"x-key": "\[redacted\]"/u },
  {
    call: "GET /api/v1/config?format=yaml",
    role: "viewer",
    status: 200,
    want: /^# the fleet\n[^]*x-key: "\[redacted\]" \} \} # a\n/u,
  },
  { call: "GET /api/v1/config?format=xml", role: "viewer", status: 400 },
  {
    call: "PUT /api/v1/config",
    role: "admin",
    body: DOCUMENT.replace("24317", "34317"),
    status: 200,
    want: /"targets\.b\.endpoint"/u,
  },
  { call: "PUT /api/v1/config", role: "admin", body: "targets: [", status: 400, want: /line 1, column 11/u },
  { call: "PUT /api/v1/config", role: "admin", body: "targetz: []", status: 422, want: /did you mean/u },
  { call: "POST /api/v1/config/validate", role: "viewer", body: DOCUMENT, status: 200, want: /"valid": true/u },
  {
    call: "POST /api/v1/config/validate",
    role: "viewer",
    body: "targets: [",
    status: 200,
    want: /"valid": false[^]*"line": 1/u,
  },
  { call: "GET /api/v1/config/versions", role: "viewer", status: 200, want: /"by": "start"/u },
  { call: "GET /api/v1/config/versions/1", role: "viewer", status: 200, want: /"config"/u },
  { call: "GET /api/v1/config/versions/1?format=yaml", role: "viewer", status: 200, want: /^# the fleet\n/u },
  { call: "GET /api/v1/config/versions/9", role: "viewer", status: 404 },
  { call: "GET /api/v1/config/versions/x", role: "viewer", status: 400 },
  { call: "GET /api/v1/config/diff?from=1&to=1", role: "viewer", status: 200, want: /"text": ""/u },
  { call: "GET /api/v1/config/diff", role: "viewer", status: 404, want: /no version before 1/u },
  { call: "GET /api/v1/config/diff?from=0", role: "viewer", status: 400 },
  { call: "GET /api/v1/config/diff?from=1&to=7", role: "viewer", status: 404, want: /version 7 is not kept/u },
  { call: "POST /api/v1/config/rollback", role: "admin", body: { to: 1 }, status: 200, want: /"version": 2/u },
  { call: "POST /api/v1/config/rollback", role: "admin", body: { to: 9 }, status: 404, want: /no version 9/u },
  { call: "POST /api/v1/config/rollback", role: "admin", body: { to: "1" }, status: 422, want: /"path": "to"/u },
  {
    call: "POST /api/v1/explain",
    role: "viewer",
    body: { item: { service: "checkout" } },
    status: 200,
    want: /"items": \[/u,
  },
  {
    call: "POST /api/v1/explain",
    role: "viewer",
    body: { item: { servise: "x" } },
    status: 422,
    want: /did you mean/u,
  },
  {
    call: "POST /api/v1/explain",
    role: "viewer",
    body: { request: { resourceSpans: 1 } },
    status: 422,
    want: /array/u,
  },
  { call: "POST /api/v1/explain", role: "viewer", body: {}, status: 422, want: /one of request, protobuf and item/u },
  { call: "POST /api/v1/explain", role: "viewer", status: 400, want: /needs a body/u },
];

/** For calls that change nothing: one node is enough for all of them. */
const unchanged = new Scene();
after(() => unchanged[Symbol.asyncDispose]());
let unchangedNode: Promise<RunningNode> | undefined;

for (const { call, role, body, status, want } of cases) {
  const shown = body === undefined ? "" : ` ${typeof body === "string" ? body.split("\n")[0] : JSON.stringify(body)}`;
  const [method = "", path = ""] = call.split(" ");
  test(`contract: ${call}${shown} is ${status}, for the role ${role} and above`, async () => {
    await using owned = new AsyncDisposableStack();
    const changesNothing = method === "GET" || status >= 400;
    const scene = changesNothing ? unchanged : owned.use(new Scene());
    const node = await (changesNothing ? (unchangedNode ??= scene.start(DOCUMENT)) : scene.start(DOCUMENT));
    const at = node.addresses.admin;
    assert.equal((await callApi(at, path, { method, body })).status, 401);
    assert.equal((await callApi(at, path, { method, body, token: "no-token" })).status, 401);
    for (const lower of ROLES.slice(0, ROLES.indexOf(role))) {
      assert.equal((await callApi(at, path, { method, body, token: `${lower}-token` })).status, 403, lower);
    }
    assert.equal(node.walk.status.version, 1, "what was refused changed nothing");
    const answer = await callApi(at, path, { method, body, token: `${role}-token` });
    assert.equal(answer.status, status, answer.text);
    if (want !== undefined) assert.match(answer.text, want);
    if (status >= 400) assert.equal(answer.headers["content-type"], "application/problem+json");
    assert.ok(!/-token|target-secret/u.test(answer.text), "no secret is told");
    const isChange = status === 200 && method !== "GET" && role === "admin";
    assert.equal(node.walk.status.version, isChange ? 2 : 1);
    assert.equal(scene.plane.applied.length, isChange ? 1 : 0);
  });
}

const bodies: { name: string; headers: Record<string, string>; body: string; status: number }[] = [
  { name: "no content type", headers: { "content-type": "" }, body: "{}", status: 415 },
  { name: "a form", headers: { "content-type": "text/plain" }, body: "{}", status: 415 },
  { name: "another charset", headers: { "content-type": "application/json; charset=latin1" }, body: "{}", status: 415 },
  { name: "a compressed body", headers: { "content-encoding": "gzip" }, body: "{}", status: 415 },
  {
    name: "YAML that says it is JSON",
    headers: { "content-type": "application/json" },
    body: "{ id: x }",
    status: 400,
  },
  { name: "half of JSON", headers: { "content-type": "application/json" }, body: '{\n "id":', status: 400 },
  {
    name: "a key given twice",
    headers: { "content-type": "application/json" },
    body: '{"id":"x","id":"y"}',
    status: 400,
  },
  { name: "a tab for indentation", headers: {}, body: "a:\n\tb: 1", status: 400 },
  { name: "more than 1 MiB", headers: {}, body: `id: ${"x".repeat(1_048_577)}`, status: 413 },
  {
    name: "more than 1 MiB in pieces",
    headers: { "transfer-encoding": "chunked" },
    body: `id: ${"x".repeat(1_048_577)}`,
    status: 413,
  },
  { name: "a condition that is none", headers: { "if-match": "five" }, body: "id: x", status: 400 },
];
for (const { name, headers, body, status } of bodies) {
  test(`contract: a body is refused with ${status}: ${name}`, async () => {
    await using scene = new Scene();
    const node = await scene.start(DOCUMENT);
    const answer = await callApi(node.addresses.admin, "/api/v1/rules", { body, headers, token: "admin-token" });
    assert.equal(answer.status, status, answer.text);
    if (status === 400 && name !== "a condition that is none")
      assert.match(answer.text, /"line": \d+,\s+"column": \d+/u);
    assert.equal((await callApi(node.addresses.admin, "/healthz")).status, 200);
    assert.equal(node.walk.status.version, 1);
  });
}

test("contract: a body that is not UTF-8 is refused", async () => {
  await using scene = new Scene();
  const node = await scene.start(DOCUMENT);
  const reply = await fetch(`http://${node.addresses.admin}/api/v1/rules`, {
    method: "POST",
    headers: { "content-type": "application/yaml", authorization: "Bearer admin-token" },
    body: Buffer.from([0x69, 0x64, 0x3a, 0xff]),
  });
  assert.equal(reply.status, 400);
});

test("contract: who may not write is refused before a large body is read", async () => {
  await using scene = new Scene();
  const node = await scene.start(DOCUMENT);
  const at = node.addresses.admin;
  const headers = { "content-length": "1000000", "content-type": "application/yaml", expect: "100-continue" };
  const { status } = await fetchHead(at, "/api/v1/config", { ...headers, authorization: "Bearer viewer-token" });
  assert.equal(status, 403);
  const big = { ...headers, "content-length": "99000000", authorization: "Bearer admin-token" };
  assert.equal((await fetchHead(at, "/api/v1/config", big)).status, 413);
  const wanted = { ...headers, "content-length": "3", authorization: "Bearer admin-token" };
  assert.equal((await fetchHead(at, "/api/v1/config", wanted)).status, 100);
});

test("contract: a sender of far too much is told so, not cut off", async () => {
  await using scene = new Scene();
  const node = await scene.start(DOCUMENT);
  for (const token of ["admin-token", "viewer-token"]) {
    const body = `targets: [] # ${"x".repeat(17 * 1_024 * 1_024)}`;
    const answer = await callApi(node.addresses.admin, "/api/v1/config", { method: "PUT", body, token });
    assert.equal(answer.status, token === "admin-token" ? 413 : 403);
  }
});

/** Sends a head that promises a body, and gives the first status. */
async function fetchHead(
  at: string | undefined,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number }> {
  const { request } = await import("node:http");
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number }>();
  const sent = request(`http://${at}${path}`, { method: "PUT", headers, agent: false });
  sent.on("continue", () => resolve({ status: 100 }));
  sent.on("response", ({ statusCode = 0 }) => resolve({ status: statusCode }));
  sent.on("error", reject);
  sent.flushHeaders();
  const answer = await promise;
  sent.off("error", reject).on("error", () => {});
  sent.destroy();
  return answer;
}

const LOCAL = DOCUMENT.replace(/ {2}admin:\n(?: {4}.*\n)+/u, "");
const origins: { name: string; headers: Record<string, string>; status: number }[] = [
  { name: "this machine", headers: {}, status: 200 },
  { name: "a page of another origin", headers: { origin: "https://evil.example" }, status: 403 },
  { name: "a page without an origin", headers: { origin: "null" }, status: 403 },
  { name: "what a browser says is of another site", headers: { "sec-fetch-site": "cross-site" }, status: 403 },
  { name: "a name of another machine", headers: { host: "evil.example" }, status: 403 },
];
for (const { name, headers, status } of origins) {
  test(`contract: without tokens a write is ${status} from ${name}`, async () => {
    await using scene = new Scene();
    const node = await scene.start(LOCAL);
    const answer = await callApi(node.addresses.admin, "/api/v1/rules/r", { method: "DELETE", headers });
    assert.equal(answer.status, status, answer.text);
  });
}

test("contract: a change is made only to the version that was looked at, and ETags tell it", async () => {
  await using scene = new Scene();
  const node = await scene.start(LOCAL);
  const at = node.addresses.admin;
  for (const path of [
    "rules",
    "rules/r",
    "pools/main",
    "targets/a",
    "config",
    "config?format=yaml",
    "config/versions",
  ]) {
    assert.equal((await callApi(at, `/api/v1/${path}`)).headers["etag"], '"1"', path);
  }
  const put = { method: "PUT", body: { endpoint: "http://c:1" } };
  assert.equal((await callApi(at, "/api/v1/targets/a", { ...put, ifMatch: 1 })).headers["etag"], '"2"');
  const late = await callApi(at, "/api/v1/targets/b", { ...put, ifMatch: 1 });
  assert.equal(late.status, 412);
  assert.match(String(late.json()["hint"]), /read again/u);
  assert.equal((await callApi(at, "/api/v1/targets/b", { ...put, ifMatch: '"1", "2"' })).status, 200);
  assert.equal((await callApi(at, "/api/v1/targets/b", { ...put, ifMatch: "*" })).status, 200, "nothing to change");
  assert.equal(node.walk.status.version, 3);
  const gone = { method: "POST", body: { to: 1 }, ifMatch: 2 };
  assert.equal((await callApi(at, "/api/v1/config/rollback", gone)).status, 412);
});

test("contract: each unknown key of a small body is a problem of its own, with its path", async () => {
  await using scene = new Scene();
  const node = await scene.start(LOCAL);
  const body = { why: "x", who: "y" };
  const answer = await callApi(node.addresses.admin, "/api/v1/targets/a/drain", { method: "POST", body });
  assert.equal(answer.status, 422);
  const problems = answer.json()["problems"] as { path: string; message: string; hint: string }[];
  assert.deepEqual(
    problems.map(({ path, message }) => [path, message]),
    [
      ["why", 'unknown key "why"'],
      ["who", 'unknown key "who"'],
    ],
  );
  assert.ok(problems.every(({ hint }) => !hint.includes("\u0000")));
});
