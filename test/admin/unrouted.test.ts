import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { RunningNode } from "../../src/server/running-node.ts";
import { Scene } from "../server/scene.ts";
import { type ApiAnswer, callApi } from "./api-client.ts";

const NODE = `node:
  listen: { otlp_grpc: { address: "127.0.0.1:0" }, otlp_http: false, admin: { address: "127.0.0.1:0" } }
`;
const TARGETS = `targets: [{ id: a, endpoint: "http://127.0.0.1:14317" }, { id: b, endpoint: "http://127.0.0.1:24317", region: eu }]
`;
const POOL = "pools: { p: { targets: [a] } }\n";

function call(node: RunningNode, at: string, body?: unknown): Promise<ApiAnswer> {
  const [method = "", path = ""] = at.split(" ");
  return callApi(node.addresses.admin, `/api/v1/${path}`, { method, body });
}

const catchAll = "rules: [{ id: all, pool: p }]\n";
const twoRules = `rules:
  - { id: shop, conditions: [{ service_name: shop }], pool: p }
  - { id: logs, signals: [logs], pool: p }
`;
const cases: { name: string; text: string; at: string; body?: unknown; lost: RegExp | undefined }[] = [
  {
    name: "the first pool, where all targets were the default",
    text: TARGETS,
    at: "POST pools",
    body: { name: "p", targets: ["a"] },
    lost: /traces and metrics and logs that the default pool takes now would be refused/u,
  },
  {
    name: "the first rule, where all targets were the default",
    text: TARGETS,
    at: "POST rules",
    body: { id: "r", conditions: [{ service_name: "x" }], targets: ["a"] },
    lost: /that the default pool takes now/u,
  },
  {
    name: "the first rule, for one signal without conditions",
    text: TARGETS,
    at: "POST rules",
    body: { id: "r", signals: ["traces"], targets: ["a"] },
    lost: /^metrics and logs that the default pool takes now/u,
  },
  {
    name: "the first rule, for everything",
    text: TARGETS,
    at: "POST rules",
    body: { id: "r", targets: ["a"] },
    lost: undefined,
  },
  {
    name: "a second pool beside a default pool",
    text: `${TARGETS}${POOL}default_pool: p\n`,
    at: "POST pools",
    body: { name: "q", targets: ["b"] },
    lost: undefined,
  },
  {
    name: "a rule goes, and nothing takes what it took",
    text: TARGETS + POOL + twoRules,
    at: "DELETE rules/shop",
    lost: /^traces and metrics that the rule shop takes now would be refused/u,
  },
  {
    name: "the same where it is dropped",
    text: `${TARGETS}${POOL}${twoRules}unmatched: drop\n`,
    at: "DELETE rules/shop",
    lost: /would be dropped/u,
  },
  {
    name: "a rule goes, and another takes it all",
    text: `${TARGETS}${POOL}rules: [{ id: shop, conditions: [{ service_name: shop }], pool: p }, { id: all, pool: p }]\n`,
    at: "DELETE rules/shop",
    lost: undefined,
  },
  {
    name: "a rule asks for more than before",
    text: TARGETS + POOL + catchAll,
    at: "PUT rules/all",
    body: { pool: "p", conditions: [{ service_name: "shop*" }] },
    lost: /that the rule all takes now/u,
  },
  {
    name: "a rule only copies from now on",
    text: TARGETS + POOL + catchAll,
    at: "PUT rules/all",
    body: { pool: "p", mode: "copy" },
    lost: /that the rule all takes now/u,
  },
  {
    name: "a rule asks for less than before",
    text: TARGETS + POOL + twoRules,
    at: "PUT rules/shop",
    body: { pool: "p", conditions: [{ service_name: "shop*" }] },
    lost: undefined,
  },
  {
    name: "the last target of a region that a short rule sends to",
    text: `${TARGETS}${POOL}rules: [{ id: t, signals: [traces], pool: p }]\nglobal: { routing_rules: [{ service: "x*", target_region: eu }] }\n`,
    at: "DELETE targets/b",
    lost: /^metrics and logs that the rule global:0 takes now/u,
  },
  {
    name: "what has nothing to do with it",
    text: TARGETS + POOL + twoRules,
    at: "PUT targets/a",
    body: { endpoint: "http://127.0.0.1:14318" },
    lost: undefined,
  },
];

for (const { name, text, at, body, lost } of cases) {
  test(`unrouted: ${name}: ${lost === undefined ? "is done" : "is refused unless it is forced"}`, async () => {
    await using scene = new Scene();
    const node = await scene.start(NODE + text);
    const answer = await call(node, at, body);
    assert.equal(answer.status, lost === undefined ? 200 : 409, answer.text);
    if (lost === undefined) return;
    const { problems, hint } = answer.json() as { problems: { message: string }[]; hint: string };
    assert.match(problems[0]?.message ?? "", lost);
    assert.match(hint, /\?force=true/u);
    assert.deepEqual([node.walk.status.version, readFileSync(scene.file, "utf8")], [1, NODE + text]);
    assert.equal((await call(node, `${at}?force=maybe`, body)).status, 400);
    const forced = await call(node, `${at}?force=true`, body);
    assert.equal(forced.status, 200, forced.text);
    assert.ok((forced.json()["warnings"] as { message: string }[]).some(({ message }) => lost.test(message)));
  });
}

test("unrouted: whole documents and the file are taken as they are, and warned of", async () => {
  await using scene = new Scene();
  const node = await scene.start(NODE + TARGETS);
  const checked = await call(node, "POST config/validate", NODE + TARGETS + POOL);
  assert.deepEqual(checked.json()["valid"], true);
  assert.match(
    checked.text,
    /default_pool: traces and metrics and logs that the default pool takes now would be refused/u,
  );
  const applied = await call(node, "PUT config", NODE + TARGETS + POOL);
  assert.equal(applied.status, 200);
  assert.match(applied.text, /that the default pool takes now would be refused/u);
  await call(node, "POST config/rollback", { to: 1 });
  const logged = scene.logged("config applied");
  scene.write(`${NODE}${TARGETS}${POOL}# by hand\n`);
  await logged;
  assert.match(JSON.stringify(scene.lines.at(-1)), /that the default pool takes now would be refused/u);
});
