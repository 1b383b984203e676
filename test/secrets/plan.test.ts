import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { inspect } from "node:util";
import { type LoadResult, loadConfig } from "../../src/config/load.ts";
import { RouterError } from "../../src/core/errors.ts";
import { literal } from "../../src/core/secret-source.ts";
import { bindPlan } from "../../src/plan/bind.ts";
import { compile } from "../../src/plan/compile.ts";
import type { PlanData } from "../../src/plan/plan-data.ts";
import { checkPlanData } from "../../src/plan/read-plan-data.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { loadDocument } from "../../src/control/document/prepare.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** What is from elsewhere, and what stands in the config itself. */
const FOREIGN = "Mk7q3zz9";
const OWN = "Qp4wLL28";
const PEM = `-----BEGIN CERTIFICATE-----\n${FOREIGN}\n-----END CERTIFICATE-----\n`;

const folder = mkdtempSync(join(tmpdir(), "signalbox-plan-secrets-"));
after(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "token.txt"), `${FOREIGN}\r\n`);
writeFileSync(join(folder, "ca.pem"), PEM);

const ENV = { TOKEN: FOREIGN, PROXY: `http://ann:${FOREIGN}@proxy.example.com:3128`, CERT: join(folder, "ca.pem") };
const TEXT = JSON.stringify({
  targets: [
    {
      id: "a",
      endpoint: "https://far.example.com",
      headers: {
        Authorization: "Bearer ${env:TOKEN}",
        "x-file": "${file:token.txt}",
        "x-own": OWN,
        "x-mixed": `$\${\${env:NONE:-${OWN}}\${env:TOKEN}`,
        "x-absent": `\${env:NONE:-${OWN}}`,
      },
      tls: { ca: "ca.pem", cert: "${env:CERT}", key: "${file:ca.pem}" },
      proxy: "${env:PROXY}",
      health_check: { headers: { "x-check": "${env:TOKEN}", "x-own": OWN } },
    },
    { id: "b", endpoint: "http://10.0.0.1:1", proxy: `http://ann:${OWN}@proxy.example.com:3128` },
  ],
  default_pool: { targets: ["a", "b"] },
});

function load(text: string, env: Readonly<Record<string, string>> = ENV): LoadResult & { readonly data: PlanData } {
  const { config, problems } = loadDocument(text, { name: "test.yaml", folder, env });
  assert.ok(config !== undefined, JSON.stringify(problems));
  return { config, problems: [...problems], data: compile(config, config.node, { version: 1, text }) };
}

test("secrets of a plan: what comes from elsewhere is in it as a reference by which anybody on this machine finds it", () => {
  const { data } = load(TEXT);
  const text = JSON.stringify(data);
  assert.ok(!text.includes(FOREIGN), text);
  const a = data.targets[0]!;
  const b = data.targets[1]!;
  assert.deepEqual(a.headers["authorization"], { parts: [{ literal: "Bearer " }, { ref: "env:TOKEN" }] });
  assert.deepEqual(a.headers["x-file"], { ref: `file:${join(folder, "token.txt")}` });
  assert.deepEqual(a.headers["x-mixed"], {
    parts: [{ literal: "${" }, { ref: "env:NONE", otherwise: OWN }, { ref: "env:TOKEN" }],
  });
  const pem = { ref: `file:${join(folder, "ca.pem")}` };
  assert.deepEqual([a.tls?.ca, a.tls?.cert, a.tls?.key], [pem, pem, pem]);
  assert.deepEqual([a.proxy, a.health.check?.headers["x-check"]], [{ ref: "env:PROXY" }, { ref: "env:TOKEN" }]);
  assert.deepEqual([a.headers["x-own"], a.headers["x-absent"]], [{ literal: OWN }, { literal: OWN }]);
  assert.deepEqual(b.proxy, { literal: `http://ann:${OWN}@proxy.example.com:3128` });
});

test("secrets of a plan: where it is bound they are what the config was checked with", async () => {
  const { data } = load(TEXT);
  const { targets } = await bindPlan(checkPlanData(JSON.parse(JSON.stringify(data))), { env: ENV });
  const { headers, tls, proxy, health } = targets.get("a")!;
  assert.deepEqual(headers, {
    authorization: `Bearer ${FOREIGN}`,
    "x-file": FOREIGN,
    "x-own": OWN,
    "x-mixed": `\${${OWN}${FOREIGN}`,
    "x-absent": OWN,
  });
  assert.deepEqual([tls?.ca?.trim(), tls?.cert?.trim(), tls?.key?.trim()], Array<string>(3).fill(PEM.trim()));
  assert.equal(proxy?.authorization, `Basic ${Buffer.from(`ann:${FOREIGN}`).toString("base64")}`);
  assert.deepEqual(health.check?.headers, { "x-check": FOREIGN, "x-own": OWN });
});

const ways: { name: string; of: (data: PlanData) => PlanData }[] = [
  { name: "as compiled", of: (data) => data },
  { name: "read back from its text", of: (data) => checkPlanData(JSON.parse(JSON.stringify(data))) },
  { name: "sent to another thread", of: (data) => checkPlanData(structuredClone(data)) },
];
for (const { name, of } of ways) {
  test(`secrets of a plan ${name}: nothing that prints it shows them`, () => {
    const data = of({ ...load(TEXT).data, linkKeys: [literal(OWN)] });
    assert.ok(JSON.stringify(data).includes(OWN), "there is something to hide");
    const lines: string[] = [];
    const clock = new ManualClock();
    for (const format of ["json", "text"] as const) {
      const log = createLog({ clock, write: (line) => void lines.push(line), level: "debug", format, colour: false });
      const broken = new Error(`of ${JSON.stringify(data)}`, { cause: data });
      log.error("plan", {
        plan: data,
        target: data.targets[0],
        header: data.targets[0]?.headers,
        links: data.linkKeys,
        text: JSON.stringify(data),
        broken,
      });
      lines.push(...log.events.after(0).map(({ json }) => json));
    }
    lines.push(
      inspect(data, { depth: 20 }),
      inspect(new Error("no", { cause: data }), { depth: 20, showHidden: true }),
    );
    lines.push(inspect(new RouterError("INTERNAL", "no", { cause: data.targets }), { depth: 20 }), String(data));
    for (const line of lines) assert.ok(!line.includes(OWN) && !line.includes(FOREIGN), line);
  });
}

test("what is no plan is an error that repeats nothing of it", () => {
  const { rules: _, ...torn } = load(TEXT).data;
  for (const other of [torn, { ...torn, rules: OWN }, OWN, null, [], {}, { schema: 1 }, { schema: OWN }]) {
    assert.throws(
      () => checkPlanData(other),
      (error) => {
        assert.ok(error instanceof RouterError && error.code === "CONFIG_INVALID", String(error));
        assert.ok(!inspect(error).includes(OWN), inspect(error));
        return true;
      },
    );
  }
});

test("a plan of another schema is a clear error", () => {
  const { data } = load(TEXT);
  assert.throws(() => checkPlanData({ ...data, schema: 2 }), {
    code: "CONFIG_INVALID",
    message: "the plan is of schema 2, and schema 1 can be read here",
  });
  assert.throws(() => checkPlanData({ ...data, schema: OWN }), /of schema no number/u);
});

const TARGET = { id: "a", endpoint: "https://far.example.com" };
const gone: { name: string; target: object }[] = [
  { name: "a variable", target: { headers: { "x-key": "${env:TOKEN}" } } },
  { name: "a variable in a check", target: { health_check: { headers: { "x-key": "x${env:TOKEN}" } } } },
  { name: "a file", target: { headers: { "x-key": `\${file:${join(folder, "late.txt")}}` } } },
  { name: "a certificate", target: { tls: { ca: join(folder, "late.pem") } } },
  { name: "a key", target: { tls: { cert: join(folder, "ca.pem"), key: join(folder, "late.pem") } } },
  { name: "a proxy", target: { proxy: "${env:PROXY}" } },
];
for (const { name, target } of gone) {
  test(`a reference to ${name} that is gone when the plan is bound is told in the words of a config that has it`, async () => {
    writeFileSync(join(folder, "late.txt"), FOREIGN);
    writeFileSync(join(folder, "late.pem"), PEM);
    const text = JSON.stringify({ targets: [{ ...TARGET, ...target }], default_pool: { targets: ["a"] } });
    const { data } = load(text);
    rmSync(join(folder, "late.txt"));
    rmSync(join(folder, "late.pem"));
    const [problem] = loadDocument(text, { name: "test.yaml", folder, env: {} }).problems;
    assert.ok(problem !== undefined);
    await assert.rejects(bindPlan(data, { env: {} }), {
      code: "CONFIG_INVALID",
      message: `${problem.path}: ${problem.message}`,
      hint: problem.hint,
    });
  });
}

const wrong: { name: string; target: object; value: string }[] = [
  { name: "a header", target: { headers: { "x-key": "${file:late.txt}" } }, value: `${FOREIGN}\n${FOREIGN}` },
  { name: "a certificate", target: { tls: { ca: "late.txt" } }, value: FOREIGN },
  { name: "a proxy", target: { proxy: "${file:late.txt}" }, value: `socks5://ann:${FOREIGN}@proxy:1` },
];
for (const { name, target, value } of wrong) {
  test(`what a file holds when the plan is bound, and is no ${name}, is told without it`, async () => {
    const file = join(folder, "late.txt");
    writeFileSync(file, name === "a proxy" ? "http://proxy:1" : PEM.replaceAll("\n", name === "a header" ? "" : "\n"));
    const text = JSON.stringify({ targets: [{ ...TARGET, ...target }], default_pool: { targets: ["a"] } });
    const { data } = load(text);
    writeFileSync(file, value);
    const [problem] = loadDocument(text, { name: "test.yaml", folder, env: {} }).problems;
    assert.ok(problem !== undefined);
    await assert.rejects(bindPlan(data, { env: {} }), (error) => {
      assert.ok(error instanceof RouterError && !inspect(error).includes(FOREIGN), inspect(error));
      assert.ok(error.message.startsWith(problem.path), error.message);
      return true;
    });
  });
}

test("all references that are gone are told at once, and each file is read once", async () => {
  const headers = {
    "x-a": "${file:token.txt}",
    "x-b": "${file:token.txt}x",
    "x-c": "${env:TOKEN}",
    "x-d": "${env:OTHER}",
  };
  const text = JSON.stringify({ targets: [{ ...TARGET, headers }], default_pool: { targets: ["a"] } });
  const { data } = load(text, { TOKEN: FOREIGN, OTHER: FOREIGN });
  const asked: string[] = [];
  const readFile = async (path: string): Promise<string> => {
    asked.push(path);
    return FOREIGN;
  };
  await assert.rejects(bindPlan(data, { env: {}, readFile }), (error) => {
    assert.ok(error instanceof RouterError);
    assert.deepEqual(
      error.message.split("\n").map((line) => line.split(":")[0]),
      ["targets[0].headers.x-c", "targets[0].headers.x-d"],
    );
    return true;
  });
  assert.deepEqual(asked, [join(folder, "token.txt")]);
});

test("a file that is renewed is read anew with each plan", async () => {
  const text = JSON.stringify({
    targets: [{ ...TARGET, tls: { ca: "renewed.pem" } }],
    default_pool: { targets: ["a"] },
  });
  const file = join(folder, "renewed.pem");
  writeFileSync(file, PEM);
  const { data } = load(text);
  const before = await bindPlan(data, { env: {} });
  writeFileSync(`${file}.new`, PEM.replace(FOREIGN, OWN));
  renameSync(`${file}.new`, file);
  const renewed = await bindPlan(data, { env: {} });
  assert.ok(renewed.targets.get("a")?.tls?.ca?.includes(OWN));
  assert.equal(renewed.targets.get("a")?.connectionIdentity, before.targets.get("a")?.connectionIdentity);
});

test("configs without a folder: files are found from where the process runs", () => {
  const text = JSON.stringify({
    targets: [{ ...TARGET, headers: { "x-key": "${file:some/token.txt}" } }],
    default_pool: { targets: ["a"] },
  });
  const { config } = loadConfig(text, { file: "x.yaml", env: {}, readFile: () => FOREIGN });
  assert.ok(config !== undefined);
  const { targets } = compile(config, config.node, { version: 1, text });
  assert.deepEqual(targets[0]?.headers["x-key"], { ref: `file:${join(process.cwd(), "some/token.txt")}` });
});
