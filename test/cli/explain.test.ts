import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openDataPlane } from "../../src/data/assemble.ts";
import type { Explanation } from "../../src/plan/explanation.ts";
import { encodeRequest } from "../support/oracle/oracle.ts";
import { Scene } from "../server/scene.ts";
import { runCli } from "./run-cli.ts";
import { ScriptedAdmin } from "./scripted-admin.ts";

const folder = mkdtempSync(join(tmpdir(), "signalbox-explain-"));
after(() => rmSync(folder, { recursive: true }));

const CONFIG = `node:
  listen: { otlp_grpc: { address: "127.0.0.1:0" }, otlp_http: false, admin: { address: "127.0.0.1:0" } }
targets:
  - { id: a, endpoint: "http://127.0.0.1:14317", weight: 3 }
  - { id: b, endpoint: "http://127.0.0.1:24317" }
rules:
  - { id: errors, mode: copy, conditions: [{ attribute: { key: code, gte: 500 } }], targets: [b] }
  - { id: logs, signals: [logs], conditions: [{ severity: ERROR }], targets: [b] }
  - { id: gold, conditions: [{ service_name: shop }, { attribute: { key: user.tier, equals: gold } }], targets: [a] }
  - { id: tenant, conditions: [{ header: { key: X-Scope-OrgID, equals: gold } }], targets: [b] }
  - { id: signed, conditions: [{ header: { key: authorization } }], targets: [b] }
default_pool: { targets: [a, b], strategy: weighted_random }
`;
writeFileSync(join(folder, "signalbox.yaml"), CONFIG);

const span = { traceId: "0af7651916cd43dd8448eb211c80319c", name: "GET /x", kind: 2, attributes: [] };
const request = { resourceSpans: [{ resource: {}, scopeSpans: [{ spans: [span, span, span] }] }] };

async function explained(argv: readonly string[], stdin?: string | Uint8Array): Promise<Explanation> {
  const ran = await runCli(["explain", ...argv, "-c", "signalbox.yaml", "-o", "json"], {
    cwd: folder,
    ...(stdin !== undefined && { stdin }),
  });
  assert.equal(ran.code, 0, ran.err);
  return JSON.parse(ran.out) as Explanation;
}

test("explain tells rule by rule what becomes of an item that options describe, in 80 columns", async () => {
  const argv = ["explain", "-c", "signalbox.yaml", "--service", "shop", "-a", "user.tier=gold", "-a", "code=503"];
  const { code, out } = await runCli(argv, { cwd: folder });
  assert.equal(code, 0);
  assert.match(out, /=\+ errors \(copy, pool rule:errors\)[^]*yes attribute code >= 500; it is 503/u);
  assert.match(out, /=> gold \(pool rule:gold\)[^]*yes attribute user\.tier is "gold"; it is "gold"/u);
  assert.match(out, /logs: it can match no traces/u);
  assert.match(out, /it goes to pool rule:gold[^]*next pick: a/u);
  for (const line of out.split("\n")) assert.ok(line.length <= 80, line);
});

test("explain takes headers of the sender, and shows no credential", async () => {
  const argv = ["explain", "-c", "signalbox.yaml", "--service", "cart"];
  const gold = await runCli([...argv, "--header", "x-scope-orgid=gold"], { cwd: folder });
  assert.match(gold.out, /=> tenant \(pool rule:tenant\)[^]*yes header x-scope-orgid is "gold"; it is "gold"/u);
  const signed = await runCli([...argv, "--header", "Authorization=Bearer s3cret"], { cwd: folder });
  assert.match(signed.out, /no {2}header x-scope-orgid is "gold"; it is nothing/u);
  assert.match(signed.out, /=> signed \(pool rule:signed\)[^]*yes header authorization is there; it is \[redacted\]/u);
  assert.doesNotMatch(signed.out + signed.err, /s3cret/u);
});

test("explain tells of a header that would refuse the request, and does not repeat it", async () => {
  const { refusal, items } = await explained(["--service", "cart", "--header", `authorization=${"a".repeat(257)}`]);
  const message = "the header authorization has 257 bytes, and the limit is 256";
  assert.deepEqual([refusal, items], [{ reason: "bad_data", message }, []]);
});

test("where chance picks, explain tells the shares", async () => {
  const { items } = await explained(["--service", "other"]);
  const place = items[0]?.place;
  assert.equal(place?.rule, "(default)");
  assert.deepEqual(place.pick, { kind: "chances", chances: { a: 0.75, b: 0.25 } });
});

const inputs: { name: string; argv: readonly string[]; stdin: string | Uint8Array; items: number; signal: string }[] = [
  { name: "a request in JSON", argv: ["-"], stdin: JSON.stringify(request), items: 3, signal: "traces" },
  { name: "one span in JSON", argv: ["-"], stdin: JSON.stringify(span), items: 1, signal: "traces" },
  { name: "one log record", argv: ["-"], stdin: '{"severityNumber":17}', items: 1, signal: "logs" },
  { name: "one metric", argv: ["-"], stdin: '{"name":"m","gauge":{"dataPoints":[]}}', items: 1, signal: "metrics" },
  {
    name: "a request in protobuf that says what it is",
    argv: ["-", "--signal", "logs"],
    stdin: encodeRequest("logs", { resourceLogs: [{ scopeLogs: [{ logRecords: [{ severityNumber: 17 }] }] }] }),
    items: 1,
    signal: "logs",
  },
  {
    name: "a request in protobuf whose signal can be seen",
    argv: ["-"],
    stdin: encodeRequest("logs", { resourceLogs: [{ scopeLogs: [{ logRecords: [{ severityNumber: 17 }] }] }] }),
    items: 1,
    signal: "logs",
  },
];
for (const { name, argv, stdin, items, signal } of inputs) {
  test(`explain takes ${name}`, async () => {
    const told = await explained(argv, stdin);
    assert.deepEqual([told.signal, told.total_items, told.items.length], [signal, items, items]);
  });
}

test("of a request of 10 MB the first items are explained, and it is said how many there are", async () => {
  const spans = Array.from({ length: 30_000 }, (_, i) => ({ ...span, name: `${"x".repeat(300)}${i}` }));
  const text = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
  assert.ok(text.length > 10_000_000);
  const argv = ["explain", "-", "-c", "signalbox.yaml", "-n", "2"];
  const { code, out } = await runCli(argv, { cwd: folder, stdin: text });
  assert.equal(code, 0);
  assert.match(out, /2 of 30000 items are explained; --items tells more/u);
});

const mistakes: { argv: readonly string[]; stdin?: string; code: number; want: RegExp }[] = [
  { argv: [], code: 2, want: /needs a file/u },
  { argv: ["-c", "signalbox.yaml", "--span-kind", "servr"], code: 2, want: /--span-kind: unknown value[^]*server/u },
  { argv: ["-c", "signalbox.yaml", "-a", "x"], code: 2, want: /key=value/u },
  { argv: ["--header", "s3cret"], code: 2, want: /--header takes name=value\n/u },
  { argv: ["-", "-c", "signalbox.yaml"], stdin: '{"a":1}', code: 2, want: /neither an export request/u },
  { argv: ["-", "-c", "signalbox.yaml"], stdin: "", code: 2, want: /nothing in it/u },
  { argv: ["no.json", "-c", "signalbox.yaml"], code: 5, want: /cannot read no\.json/u },
  { argv: ["--service", "x", "-c", "no.yaml"], code: 5, want: /cannot read/u },
  { argv: ["--service", "x", "-c", "a", "--url", "b"], code: 2, want: /exclude each other/u },
];
for (const { argv, stdin = "", code, want } of mistakes) {
  test(`explain ${argv.join(" ")} exits with ${code}`, async () => {
    const ran = await runCli(["explain", ...argv], { cwd: folder, stdin });
    assert.equal(ran.code, code, ran.err);
    assert.match(ran.err, want);
  });
}

test("a running node is asked: what it tells is what its config alone would do, with the state of its targets", async () => {
  await using scene = new Scene();
  const node = await scene.start(CONFIG, openDataPlane);
  await node.dataPlane.operate("a", { state: "drain", untilMs: undefined, note: "" });
  const url = `http://${node.addresses.admin}`;
  const ran = await runCli(["explain", "--service", "other", "--url", url, "-o", "json"], { cwd: folder });
  assert.equal(ran.code, 0, ran.err);
  const { items } = JSON.parse(ran.out) as Explanation;
  const place = items[0]?.place;
  assert.equal(place?.targets[0]?.state, "drain");
  assert.deepEqual(place.pick, { kind: "chances", chances: { b: 1 } });
  const text = await runCli(["explain", "--service", "other", "--url", url], { cwd: folder });
  assert.match(text.out, /by chance: b 100%/u);
  const gold = await runCli(["explain", "--service", "x", "--header", "x-scope-orgid=gold", "--url", url], {
    cwd: folder,
  });
  assert.match(gold.out, /=> tenant /u);
});

test("explain: what a reference in the config stands for is not told", async () => {
  const rule = '{ id: r, conditions: [{ service_name: "${env:SVC}" }, { span_name: "${env:SHORT}" }], pool: p }';
  const text = `targets: [{ id: a, endpoint: "http://a:1" }]\npools: { p: { targets: [a] } }\nrules: [${rule}]\ndefault_pool: p\n`;
  writeFileSync(join(folder, "secret.yaml"), text);
  for (const format of ["table", "json", "yaml"]) {
    const env = { SVC: "hunter2-hunter2", SHORT: "zq" };
    const argv = ["explain", "--service", "shop", "--span-name", "x", "-c", "secret.yaml", "-o", format];
    const ran = await runCli(argv, { cwd: folder, env });
    assert.equal(ran.code, 0, ran.err);
    assert.ok(!/hunter2|zq/u.test(ran.out), ran.out);
    assert.match(ran.out, /\$\{env:SVC\}/u);
  }
});

test("limits explain: which limits a request counts against, what makes them, and what is left", async () => {
  const limited = `${CONFIG}global: { rate_limiting: { max_qps: 50, per_service_limit: 5, keys: { "shop*": 20 } } }\n`;
  writeFileSync(join(folder, "limited.yaml"), limited);
  const ran = await runCli(["limits", "explain", "--service", "shop-eu", "-c", "limited.yaml"], { cwd: folder });
  assert.equal(
    ran.out,
    `limits: 1 item would be let in: each limit that it counts against has something
    left
    COUNTED AS       ITEMS  LIMIT  GRANTED  LEFT  SET BY
    (everything)         1     50       50    50  max_qps
    service shop-eu      1     20       20    20  keys["shop*"]
`,
  );
  const whole = await runCli(["explain", "--service", "x", "-c", "limited.yaml"], { cwd: folder });
  assert.match(
    whole.out,
    /^limits: 1 item would be let in[^]*\n {4}service x +1 +5 +5 +5 {2}per_service_limit\n\nspan: /u,
  );
  const none = await runCli(["limits", "explain", "--service", "x", "-c", "signalbox.yaml"], { cwd: folder });
  assert.equal(none.out, "global.rate_limiting is not set: nothing is limited\n");
});

test("limits set: options are what PATCH takes, and none takes a setting out", async () => {
  await using admin = await ScriptedAdmin.open({ body: { version: 3, changed: ["global"] } });
  const limits = ["--max-qps", "60000", "--burst", "none", "--limit-of", "a=b=7", "--limit-of", "debug=none"];
  const ran = await runCli(["limits", "set", ...limits, "--mixed", "shed", "--url", admin.url]);
  assert.deepEqual([ran.code, ran.out], [0, "limits set; config version 3\n"]);
  const change = { max_qps: 60_000, burst_size: null, keys: { "a=b": 7, debug: null }, mixed: "shed" };
  assert.deepEqual(
    admin.seen.map(({ line, body }) => `${line} ${body}`),
    [`PATCH /api/v1/limits ${JSON.stringify(change)}`],
  );
});
