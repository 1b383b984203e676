import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { type ApiAnswer, callApi } from "../admin/api-client.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { positionsOfSchema, withValueAt } from "./positions.ts";

const MARK = "Mk7q3zz9";
const folder = mkdtempSync(join(tmpdir(), "signalbox-secrets-"));
after(() => rmSync(folder, { recursive: true, force: true }));
for (const name of ["allowed.txt", "other.txt", "main.txt"]) writeFileSync(join(folder, name), `${MARK}\n`);
writeFileSync(join(folder, "other.pem"), `-----BEGIN CERTIFICATE-----\n${MARK}\n-----END CERTIFICATE-----\n`);

const ENV = { HELD: MARK, SIGNALBOX_ALLOWED: MARK, OTHER: MARK, ADMIN_TOKEN: `admin-${MARK}` };
const TOKENS = { viewer: "v", operator: "o", admin: `admin-${MARK}` };
const BASE = {
  node: {
    admin: {
      tokens: [
        { role: "viewer", value: "v" },
        { role: "operator", value: "o" },
        { role: "admin", value: "${env:ADMIN_TOKEN}" },
      ],
    },
    secrets: { env: ["SIGNALBOX_*"], files: [`${folder}/allowed*`] },
  },
  targets: [
    { id: "a", endpoint: "http://127.0.0.1:9", headers: { "x-key": "${env:HELD}" } },
    { id: "b", endpoint: "http://127.0.0.1:10", protocol: "http/protobuf", tags: { t: "${file:main.txt}" } },
  ],
  pools: { main: { targets: ["a", "b"] } },
  rules: [{ id: "r", conditions: [{ service_name: "checkout" }], pool: "main" }],
  default_pool: "main",
};

/** Followed for an admin, for nobody, and what is no secret but never followed either. */
const ALLOWED = ["${env:HELD}", "x${env:SIGNALBOX_ALLOWED}", "${file:allowed.txt}", "${file:main.txt}"];
const REFUSED = ["${env:OTHER}", "${file:other.txt}", "${env:ADMIN_TOKEN}x${env:OTHER}"];
const READ = [
  "node",
  "ledger",
  "config",
  "config?format=yaml",
  "rules",
  "rules/r",
  "pools",
  "pools/main",
  "targets",
  "targets/a",
  "targets/b",
  "config/versions",
  "config/diff",
];

/** Places that take any text: most others take only what is right there. */
const FREE_TEXTS: readonly (readonly (string | number)[])[] = [
  ["targets", 0, "tags", "t"],
  ["targets", 1, "headers", "x-y"],
  ["targets", 0, "health_check", "service"],
  ["rules", 0, "conditions", 0, "service_name"],
  ["rules", 0, "conditions", 0, "span_name", "regex"],
  ["rules", 0, "conditions", 1, "any", 0, "resource", "key"],
  ["rules", 0, "conditions", 1, "any", 0, "resource", "contains"],
  ["rules", 0, "conditions", 0, "not", "region"],
  ["global", "metadata", "m"],
];

class Scene {
  readonly node: TestNode;
  constructor(node: TestNode) {
    this.node = node;
  }

  async call(role: keyof typeof TOKENS, call: string, body?: unknown): Promise<ApiAnswer> {
    const [method = "", path = ""] = call.split(" ");
    const at = path.startsWith("/") ? path : `/api/v1/${path}`;
    const answer = await callApi(this.node.admin, at, { method, body, token: TOKENS[role] });
    assertUnmarked(answer.text + JSON.stringify(answer.headers), `${role} ${call} ${JSON.stringify(body ?? "")}`);
    return answer;
  }

  /** Everything that can be read, by everybody. */
  async readAll(): Promise<void> {
    for (const path of READ) await this.call("viewer", `GET ${path}`);
    await this.call("viewer", "GET /metrics");
    for (const item of [{ service: "checkout" }, { severity: "ERROR" }, { metric_name: "m" }]) {
      await this.call("viewer", "POST explain", { item });
    }
    await this.call("operator", "POST targets/a/drain", { note: "n" });
    await this.call("operator", "POST targets/a/ready");
    for (const line of this.node.lines) assertUnmarked(JSON.stringify(line), "the log");
  }
}

function assertUnmarked(text: string, what: string): void {
  assert.ok(!text.toLowerCase().includes(MARK.toLowerCase()), `${what}: ${text.slice(0, 3_000)}`);
}

async function start(): Promise<Scene> {
  const file = join(folder, "signalbox.yaml");
  return new Scene(await startTestNode(BASE, { file, env: ENV }));
}

test("whatever an API call puts anywhere, no answer, metric or log line tells what a reference stands for", async () => {
  const scene = await start();
  await using node = scene.node;
  const anywhere = fc.tuple(fc.constantFrom(...positionsOfSchema()), fc.constantFrom(...ALLOWED, ...REFUSED));
  const place = fc.oneof(anywhere, fc.tuple(fc.constantFrom(...FREE_TEXTS), fc.constantFrom(...ALLOWED)));
  const first = node.running.walk.status.version;
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(place, { minLength: 1, maxLength: 2 }), async (places) => {
      const base: unknown = JSON.parse(node.running.walk.status.text);
      const document = places.reduce((left, [path, written]) => withValueAt(left, path, written), base);
      for (const role of ["viewer", "operator", "admin"] as const) {
        const { status } = await scene.call(role, "POST config/validate", document);
        assert.equal(status, 200);
      }
      assert.equal((await scene.call("operator", "PUT config", document)).status, 403);
      const before = node.running.walk.status.version;
      const answer = await scene.call("admin", "PUT config", document);
      assert.ok([200, 409, 422].includes(answer.status), answer.text);
      await scene.readAll();
      if (node.running.walk.status.version === before) return;
      taken++;
      await scene.call("viewer", `GET config/versions/${node.running.walk.status.version}`);
      const back = await scene.call("admin", "POST config/rollback", { to: first });
      assert.equal(back.status, 200, back.text);
    }),
    { numRuns: 60, seed: 7 },
  );
  assert.ok(taken >= 5, `${taken} documents were applied`);
});

const targets = (headers: object): object => ({ ...BASE, targets: [{ ...BASE.targets[0], headers }, BASE.targets[1]] });
const cases: { name: string; document: unknown; want: Record<keyof typeof TOKENS, boolean>; path?: string }[] = [
  {
    name: "a variable that the file has",
    document: targets({ authorization: "Bearer ${env:HELD}" }),
    want: { viewer: true, operator: true, admin: true },
  },
  {
    name: "a variable that node.secrets allows",
    document: targets({ authorization: "${env:SIGNALBOX_ALLOWED}" }),
    want: { viewer: true, operator: true, admin: true },
  },
  {
    name: "a file that node.secrets allows",
    document: targets({ authorization: "${file:allowed.txt}" }),
    want: { viewer: true, operator: true, admin: true },
  },
  {
    name: "any other variable",
    document: targets({ authorization: "${env:OTHER}" }),
    want: { viewer: true, operator: true, admin: false },
    path: "targets[0].headers.authorization",
  },
  {
    name: "any other file",
    document: targets({ authorization: "${file:/etc/passwd}" }),
    want: { viewer: true, operator: true, admin: false },
    path: "targets[0].headers.authorization",
  },
  {
    name: "a way round to a file",
    document: targets({ authorization: `\${file:${folder}/allowed/../other.txt}` }),
    want: { viewer: true, operator: true, admin: false },
    path: "targets[0].headers.authorization",
  },
  {
    name: "a file as a certificate",
    document: {
      ...BASE,
      targets: [{ ...BASE.targets[0], endpoint: "https://a:1", tls: { ca: "other.pem" } }, BASE.targets[1]],
    },
    want: { viewer: true, operator: true, admin: false },
    path: "targets[0].tls.ca",
  },
  {
    name: "a name that is shown everywhere",
    document: { ...BASE, rules: [{ ...BASE.rules[0], id: "${env:HELD}" }] },
    want: { viewer: true, operator: true, admin: false },
    path: "rules[0].id",
  },
  {
    name: "a fault beside a reference",
    document: { ...BASE, default_pool: "none", rules: [{ ...BASE.rules[0], pool: "${env:HELD}" }] },
    want: { viewer: false, operator: false, admin: false },
    path: "default_pool",
  },
  {
    name: "code",
    document: { ...BASE, node: { ...BASE.node, plugins: ["./x.js"] } },
    want: { viewer: false, operator: false, admin: false },
    path: "node.plugins",
  },
  {
    name: "what it may read",
    document: { ...BASE, node: { ...BASE.node, secrets: { env: ["*"] } } },
    want: { viewer: false, operator: false, admin: false },
    path: "node.secrets",
  },
];

test("what a document that comes by the API may refer to, and what it cannot change", async (t) => {
  const scene = await start();
  await using _ = scene.node;
  const listen = (JSON.parse(scene.node.running.walk.status.text) as { node: { listen: unknown } }).node;
  for (const { name, document, want, path } of cases) {
    await t.test(name, async () => {
      const { version } = scene.node.running.walk.status;
      const { node, ...rest } = document as { node: object };
      const whole = { ...rest, node: { ...listen, ...node } };
      for (const role of ["viewer", "operator", "admin"] as const) {
        const { text } = await scene.call(role, "POST config/validate", whole);
        const { valid, problems } = JSON.parse(text) as {
          valid: boolean;
          problems: { path: string; severity: string }[];
        };
        const errors = problems.filter(({ severity }) => severity === "error").map((problem) => problem.path);
        assert.equal(valid, want[role], text);
        if (role === "admin" && path !== undefined) assert.ok(errors.includes(path), text);
      }
      const refused = want.admin ? undefined : await scene.call("admin", "PUT config", whole);
      assert.equal(refused?.status ?? 422, 422);
      assert.equal(scene.node.running.walk.status.version, version);
    });
  }
});

test("a viewer learns nothing of what a reference stands for by asking what fits it", async () => {
  const scene = await start();
  await using _ = scene.node;
  const answers = new Set<string>();
  for (const glob of ["M*", "x*", "Mk7q3zz9", "y"]) {
    const tagged = [{ ...BASE.targets[0], tags: { t: "${env:HELD}" } }, BASE.targets[1]];
    const document = { ...BASE, targets: tagged, pools: { main: { targets: { tags: { t: glob } } } } };
    answers.add((await callApi(scene.node.admin, "/api/v1/config/validate", { body: document, token: "v" })).text);
  }
  assert.equal(answers.size, 1);
});

test("an edit of one element, and a way back to what ran before", async () => {
  const scene = await start();
  await using _ = scene.node;
  const first = scene.node.running.walk.status.version;
  const A = { endpoint: "http://127.0.0.1:9" };
  const put = async (headers: object): Promise<number> =>
    (await scene.call("admin", "PUT targets/a", { ...A, headers })).status;
  assert.equal(await put({ x: "${env:OTHER}" }), 422);
  assert.equal(await put({ x: "${env:SIGNALBOX_ALLOWED}" }), 200);
  assert.equal(await put({ x: "plain" }), 200);
  assert.equal(await put({ x: "${env:HELD}" }), 422, "the document that runs does not have it any more");
  const back = await scene.call("admin", "POST config/rollback", { to: first });
  assert.equal(back.status, 200, "it ran here");
  assert.equal(await put({ x: "${env:HELD}" }), 200);
  await scene.readAll();
});
