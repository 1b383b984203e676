import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse } from "yaml";
import { createAuthority } from "../support/certs.ts";
import { PROBLEMS, REFUSALS } from "./refusals.ts";
import { type Ran, runCli } from "./run-cli.ts";
import { ScriptedAdmin } from "./scripted-admin.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "signalbox-admin-cli-"));
after(() => rmSync(FOLDER, { recursive: true }));

function file(name: string, content: string): string {
  writeFileSync(join(FOLDER, name), content);
  return join(FOLDER, name);
}

const RULE = file("rule.yaml", "id: r # the rule\nconditions: [service_name: x]\npool: p\n");
const DONE = { version: 8, digest: "d", changed: ["rules.r"], warnings: [] };

const requests: { argv: string[]; stdin?: string; answer?: unknown; line: string; body?: unknown; out: string }[] = [
  {
    argv: ["rules", "list"],
    answer: [],
    line: "GET /api/v1/rules",
    out: "ID  PRIORITY  SIGNALS  MODE  POOL  CONDITIONS\n",
  },
  { argv: ["rules", "get", "a b/c"], answer: { id: "a" }, line: "GET /api/v1/rules/a%20b%2Fc", out: "id: a\n" },
  {
    argv: ["rules", "add", "--id", "r", "--service", "pay*", "--pool", "p", "--priority", "200", "--before", "all"],
    line: "POST /api/v1/rules?before=all",
    body: { id: "r", priority: 200, conditions: [{ service_name: "pay*" }], pool: "p" },
    out: "rule r added; config version 8\n",
  },
  {
    argv: ["rules", "add", "--id", "r", "--service", "x", "--service", "y", "--pool", "p", "--priority", "high"],
    line: "POST /api/v1/rules",
    body: {
      id: "r",
      priority: "high",
      conditions: [{ any: [{ service_name: "x" }, { service_name: "y" }] }],
      pool: "p",
    },
    out: "rule r added; config version 8\n",
  },
  {
    argv: ["rules", "add", "-f", RULE],
    line: "POST /api/v1/rules",
    body: { id: "r", conditions: [{ service_name: "x" }], pool: "p" },
    out: "rule r added; config version 8\n",
  },
  {
    argv: ["rules", "set", "r", "-f", "-"],
    stdin: '{ "pool": "q" }',
    line: "PUT /api/v1/rules/r",
    body: { pool: "q" },
    out: "rule r set; config version 8\n",
  },
  { argv: ["rules", "remove", "r"], line: "DELETE /api/v1/rules/r", out: "rule r removed; config version 8\n" },
  {
    argv: ["pools", "add", "--name", "v", "--targets", "a, b", "--strategy", "failover"],
    line: "POST /api/v1/pools",
    body: { name: "v", targets: ["a", "b"], strategy: "failover" },
    out: "pool v added; config version 8\n",
  },
  {
    argv: ["pools", "set", "v", "-f", "-"],
    stdin: "targets: [a]",
    line: "PUT /api/v1/pools/v",
    body: { targets: ["a"] },
    out: "pool v set; config version 8\n",
  },
  { argv: ["pools", "remove", "v"], line: "DELETE /api/v1/pools/v", out: "pool v removed; config version 8\n" },
  {
    argv: ["targets", "add", "--id", "t", "--endpoint", "http://h:1", "--weight", "0"],
    line: "POST /api/v1/targets",
    body: { id: "t", endpoint: "http://h:1", weight: 0 },
    out: "target t added; config version 8\n",
  },
  { argv: ["targets", "remove", "t"], line: "DELETE /api/v1/targets/t", out: "target t removed; config version 8\n" },
  {
    argv: ["targets", "drain", "t", "--for", "10m", "--note", "new disk"],
    answer: { id: "t", state: "drain" },
    line: "POST /api/v1/targets/t/drain",
    body: { for: "10m", note: "new disk" },
    out: "target t: drain for 10m\n",
  },
  {
    argv: ["targets", "maintenance", "t"],
    answer: {},
    line: "POST /api/v1/targets/t/maintenance",
    body: {},
    out: "target t: maintenance\n",
  },
  {
    argv: ["targets", "ready", "t"],
    answer: { state: "ready" },
    line: "POST /api/v1/targets/t/ready",
    body: {},
    out: "target t: ready\n",
  },
  {
    argv: ["config", "apply", "-f", RULE],
    line: "PUT /api/v1/config",
    body: { id: "r", conditions: [{ service_name: "x" }], pool: "p" },
    out: "config applied; config version 8\n",
  },
  {
    argv: ["config", "apply", "-f", RULE, "--force", "--staged"],
    line: "PUT /api/v1/config?force=true&staged=true",
    body: { id: "r", conditions: [{ service_name: "x" }], pool: "p" },
    out: "config staged: config rollout shows how far it is; config version 8\n",
  },
  { argv: ["config", "diff"], answer: { text: "" }, line: "GET /api/v1/config/diff", out: "no difference\n" },
  {
    argv: ["config", "diff", "3", "5"],
    answer: { text: "- a\n+ b\n" },
    line: "GET /api/v1/config/diff?from=3&to=5",
    out: "- a\n+ b\n",
  },
  {
    argv: ["config", "rollback", "3"],
    line: "POST /api/v1/config/rollback",
    body: { to: 3 },
    out: "went back to version 3; config version 8\n",
  },
  {
    argv: ["config", "validate", "-f", RULE],
    answer: { valid: true, problems: [] },
    line: "POST /api/v1/config/validate",
    body: { id: "r", conditions: [{ service_name: "x" }], pool: "p" },
    out: "valid: 0 errors, 0 warnings\n",
  },
];
for (const { argv, stdin, answer = DONE, line, body, out } of requests) {
  test(`signalbox ${argv.join(" ").replace(RULE, "rule.yaml")} asks ${line}`, async () => {
    await using admin = await ScriptedAdmin.open({ body: answer });
    const ran = await runCli([...argv, "--url", admin.url], stdin === undefined ? {} : { stdin });
    assert.deepEqual(ran, { code: 0, out, err: "" });
    assert.deepEqual(
      admin.seen.map((one) => one.line),
      [line],
    );
    assert.deepEqual(body === undefined ? admin.seen[0]?.body : parse(admin.seen[0]?.body ?? ""), body ?? "");
  });
}

test("a file is sent as it is, so that its comments are kept", async () => {
  await using admin = await ScriptedAdmin.open({ body: DONE });
  await runCli(["rules", "add", "-f", RULE, "--url", admin.url]);
  const [seen] = admin.seen;
  assert.match(seen?.body ?? "", /# the rule/u);
  assert.equal(seen?.headers["content-type"], "application/yaml");
});

test("warnings of a change go to stderr, each in one line", async () => {
  const warnings = [
    {
      severity: "warning",
      path: "rules[1]",
      message: "is never reached",
      hint: "h",
      file: "f.yaml",
      position: { line: 3, column: 5 },
    },
  ];
  await using admin = await ScriptedAdmin.open({ body: { ...DONE, warnings } });
  const ran = await runCli(["rules", "remove", "r", "--url", admin.url]);
  assert.equal(ran.err, "f.yaml:3:5: warning: rules[1]: is never reached (h)\n");
  assert.equal(ran.out, "rule r removed; config version 8\n");
});

test("what takes effect only after a restart, and what changes nothing, is told", async () => {
  const body = { version: 8, changed: [], warnings: [], restart_required: ["node.workers"] };
  await using admin = await ScriptedAdmin.open({ body });
  const ran = await runCli(["config", "apply", "-f", RULE, "--url", admin.url]);
  assert.equal(ran.out, "config applied; config version 8 (nothing is different)\n");
  assert.equal(ran.err, "takes effect only after a restart of the node: node.workers\n");
});

test("what removed pools still hold is told", async () => {
  const removed = [{ name: "p", queued_items: 3, queued_bytes: 120 }];
  await using admin = await ScriptedAdmin.open({ body: { ...DONE, removed_pools: removed } });
  const ran = await runCli(["pools", "remove", "p", "--url", admin.url]);
  assert.equal(ran.err, "removed pool p still holds 3 items (120 bytes): it goes on for at most five minutes\n");
});

test("pools get --config prints what can be set again", async () => {
  await using admin = await ScriptedAdmin.open({ body: { name: "p", usable: 2, config: { targets: ["a"] } } });
  assert.equal((await runCli(["pools", "get", "p", "--config", "--url", admin.url])).out, "targets:\n  - a\n");
  const json = await runCli(["pools", "get", "p", "--config", "-o", "json", "--url", admin.url]);
  assert.deepEqual(JSON.parse(json.out), { targets: ["a"] });
});

test("-o json is what the node said, to the letter; -o yaml says the same", async () => {
  const body = '{"version":  8, "warnings": [ {"message":"w"} ]}';
  await using admin = await ScriptedAdmin.open({ body });
  const json = await runCli(["rules", "remove", "r", "-o", "json", "--url", admin.url]);
  assert.deepEqual(json, { code: 0, out: `${body}\n`, err: "" });
  const yaml = await runCli(["rules", "remove", "r", "-o", "yaml", "--url", admin.url]);
  assert.deepEqual(parse(yaml.out), JSON.parse(body));
});

test("config get prints the document as it is written, and with -o json as it is meant", async () => {
  await using admin = await ScriptedAdmin.open({
    type: "application/yaml; charset=utf-8",
    body: "# mine\ntargets: []\n",
  });
  for (const more of [[], ["-o", "yaml"]]) {
    assert.equal((await runCli(["config", "get", ...more, "--url", admin.url])).out, "# mine\ntargets: []\n");
  }
  await runCli(["config", "get", "-o", "json", "--url", admin.url]);
  await runCli(["config", "get", "--version", "4", "--url", admin.url]);
  assert.deepEqual(
    admin.seen.map(({ line }) => line),
    [
      "GET /api/v1/config?format=yaml",
      "GET /api/v1/config?format=yaml",
      "GET /api/v1/config",
      "GET /api/v1/config/versions/4?format=yaml",
    ],
  );
});

test("the token and the version to match go with the request; neither is printed", async () => {
  await using admin = await ScriptedAdmin.open({ body: DONE });
  const env = { SIGNALBOX_URL: `${admin.url}/`, SIGNALBOX_TOKEN: "s3cret\n" };
  for (const version of ["7", '"7"', 'W/"7"']) await runCli(["rules", "remove", "r", "--if-match", version], { env });
  const ran = await runCli(["rules", "remove", "r", "--token", "other"], { env });
  assert.deepEqual(
    admin.seen.map(({ headers }) => [headers.authorization, headers["if-match"]]),
    [...Array.from({ length: 3 }, () => ["Bearer s3cret", '"7"']), ["Bearer other", undefined]],
  );
  assert.ok(!JSON.stringify(ran).includes("other"));
});

for (const { script, code, err } of REFUSALS) {
  const about = `${script.status} ${JSON.stringify(script.body).slice(0, 40)}`;
  test(`an answer of ${about} exits with ${code}, and is told to people on stderr, and to programs as JSON`, async () => {
    await using admin = await ScriptedAdmin.open(script);
    for (const format of ["table", "json"]) {
      const ran = await runCli(["rules", "remove", "r", "-o", format, "--url", admin.url]);
      assert.equal(ran.code, code);
      assert.match(ran.err, err);
      if (format === "table") assert.equal(ran.out, "");
      else assertError(ran, code);
    }
  });
}

/** One document, of the same shape as that of all other commands. */
function assertError({ out, err }: Ran, code: number): void {
  const { error } = JSON.parse(out) as { error: Record<string, unknown> };
  const isOther = code === 7;
  assert.equal(error["code"], isOther ? "ADMIN_UNREACHABLE" : "ADMIN_REFUSED");
  assert.equal(error["exit_code"], code);
  assert.equal(typeof error["status"], "number");
  assert.ok(err.includes(`signalbox: ${String(error["detail"])}\n`), "the same as on stderr");
}

test("config validate prints problems as its result, and exits with 3", async () => {
  await using admin = await ScriptedAdmin.open({ body: { valid: false, problems: PROBLEMS } });
  const ran = await runCli(["config", "validate", "-f", RULE, "--url", admin.url]);
  assert.equal(ran.code, 3);
  assert.match(ran.out, /^a\.yaml:4:9: error: .*\nnot valid: 1 error, 0 warnings\n$/u);
  assert.equal(ran.err, "");
});

test("nobody listens: exit code 7, what was tried, and how to mend it", async () => {
  const admin = await ScriptedAdmin.open({});
  const { url } = admin;
  await admin[Symbol.asyncDispose]();
  const ran = await runCli(["rules", "list", "--url", url, "--token", "s3cret"]);
  assert.equal(ran.code, 7);
  assert.ok(ran.err.startsWith(`signalbox: cannot reach the admin API at ${url}: connect ECONNREFUSED`), ran.err);
  assert.match(ran.err, /signalbox run.*--url.*SIGNALBOX_URL/u);
  assert.ok(!ran.err.includes("s3cret"));
});

test("no answer in time: exit code 7", async () => {
  await using admin = await ScriptedAdmin.open("silent");
  const ran = await runCli(["rules", "list", "--url", admin.url, "--timeout", "50ms"]);
  assert.equal(ran.code, 7);
  assert.match(ran.err, /no answer within 50ms\n {2}.*--timeout/u);
});

test("what does not speak HTTP: exit code 7", async () => {
  const server = createServer((socket) => void socket.resume().end("SSH-2.0-hello\r\n"));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const ran = await runCli(["rules", "list", "--url", `127.0.0.1:${address.port}`]);
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  assert.equal(ran.code, 7);
  assert.match(ran.err, /does not speak HTTP/u);
});

test("over TLS: only with the authority of the certificate", async () => {
  const authority = await createAuthority();
  await using admin = await ScriptedAdmin.open({ body: [] }, await authority.server());
  const ca = file("ca.pem", authority.ca);
  assert.equal((await runCli(["rules", "list", "--url", admin.url, "--ca", ca])).code, 0);
  const unknown = await runCli(["rules", "list", "--url", admin.url]);
  assert.equal(unknown.code, 7);
  assert.match(unknown.err, /--ca <file>/u);
  const plain = await runCli(["rules", "list", "--url", admin.url.replace("https", "http")]);
  assert.equal(plain.code, 7);
  assert.match(plain.err, /write https:/u);
});

test("over TLS: a certificate for other names is no matter of its authority", async () => {
  const authority = await createAuthority();
  await using admin = await ScriptedAdmin.open({ body: [] }, await authority.server(["other.test"]));
  const ca = file("ca-of-others.pem", authority.ca);
  const ran = await runCli(["rules", "list", "--url", admin.url, "--ca", ca]);
  assert.equal(ran.code, 7);
  assert.match(ran.err, /its certificate is for other names\n {2}call it by a name that its certificate has/u);
});

test("a file that cannot be read: exit code 5", async () => {
  const ran = await runCli(["config", "apply", "-f", "nowhere.yaml"], { env: { SIGNALBOX_URL: "http://127.0.0.1:1" } });
  assert.equal(ran.code, 5);
  assert.match(ran.err, /cannot read nowhere\.yaml: ENOENT/u);
});
