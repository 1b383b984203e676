import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse } from "yaml";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { fileSource } from "../../src/server/config-source.ts";
import type { RunningNode } from "../../src/server/running-node.ts";
import { startNode } from "../../src/server/start.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { type Ran, runCli } from "./run-cli.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "signalbox-node-cli-"));
after(() => rmSync(FOLDER, { recursive: true }));

/** A node on a file with comments, and the command line that asks it. */
class Scene implements AsyncDisposable {
  readonly file: string;
  readonly #node: RunningNode;

  private constructor(file: string, node: RunningNode) {
    this.file = file;
    this.#node = node;
  }

  static async open(name: string, more = ""): Promise<Scene> {
    const file = join(FOLDER, `${name}.yaml`);
    writeFileSync(file, configText(name, more));
    const source = fileSource(file, {});
    const { config, problems } = source.load(source.text);
    assert.ok(config !== undefined, JSON.stringify(problems));
    const log = createLog({ clock: systemClock, write: () => {}, level: "error", format: "json", colour: false });
    return new Scene(file, await startNode(config, { clock: systemClock, random: seededRandom(1), log, source }));
  }

  run(argv: readonly string[], stdin = "", env: Record<string, string> = {}): Promise<Ran> {
    return runCli(argv, { stdin, env: { SIGNALBOX_URL: this.#node.addresses.admin ?? "", ...env }, cwd: FOLDER });
  }

  /** The results on stdout of a command that must work. */
  async ok(argv: readonly string[], stdin = ""): Promise<string> {
    const { code, out, err } = await this.run(argv, stdin);
    assert.equal(code, 0, `${argv.join(" ")}: ${err}`);
    return out;
  }

  get text(): string {
    return readFileSync(this.file, "utf8");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node.stop();
  }
}

function configText(name: string, more: string): string {
  return `# who runs this
node:
  data_dir: ${join(FOLDER, `${name}-data`)}
  listen:
    otlp_grpc: false
    otlp_http: { address: "127.0.0.1:0" }
    admin: { address: "127.0.0.1:0" }
${more}targets:
  - { id: a, endpoint: "http://127.0.0.1:1" } # the first
  - { id: b, endpoint: "http://127.0.0.1:2" }
pools:
  p: { targets: [a, b] }
rules:
  - { id: pay, conditions: [{ service_name: "pay*" }], pool: p } # money
default_pool: p
`;
}

test("rules, from the first look to the last removal, on a running node and in its file", async () => {
  await using scene = await Scene.open("rules");
  assert.match(
    await scene.ok(["rules", "list"]),
    /^ID +PRIORITY .*\npay +normal +all +first +p +service_name: pay\*\n$/u,
  );
  const added = await scene.run(["rules", "add", "--id", "card", "--service", "payment", "--pool", "p"]);
  assert.equal(added.out, "rule card added; config version 2\n");
  assert.match(added.err, /warning: rules\[1\]: is never reached: rule "pay" matches all that it does first/u);
  await scene.ok(
    ["rules", "add", "-f", "-", "--before", "pay"],
    "id: early\nconditions: [{ service_name: payroll }]\npool: p\n",
  );
  assert.deepEqual(
    parse(scene.text).rules.map(({ id }: { id: string }) => id),
    ["early", "pay", "card"],
  );
  const card = await scene.ok(["rules", "get", "card"]);
  await scene.ok(["rules", "set", "card", "-f", "-"], card.replace("payment", "card"));
  assert.deepEqual(JSON.parse(await scene.ok(["rules", "get", "card", "-o", "json"])).conditions, [
    { service_name: "card" },
  ]);
  await scene.ok(["rules", "remove", "early"]);
  await scene.ok(["rules", "remove", "card"]);
  assert.deepEqual(parse(scene.text), parse(configText("rules", "")));
  for (const comment of ["# who runs this", "# the first", "# money"]) assert.ok(scene.text.includes(comment), comment);
});

test("pools and targets are added, changed and removed", async () => {
  await using scene = await Scene.open("pools");
  await scene.ok([
    "targets",
    "add",
    "--id",
    "c",
    "--endpoint",
    "http://127.0.0.1:3",
    "--region",
    "eu",
    "--weight",
    "2",
  ]);
  await scene.ok(["pools", "add", "--name", "q", "--targets", "b,c", "--strategy", "failover", "--fallback", "p"]);
  const pool = await scene.ok(["pools", "get", "q", "--config"]);
  await scene.ok(["pools", "set", "q", "-f", "-"], pool.replace("failover", "round_robin"));
  await scene.ok(["targets", "set", "c", "-f", "-"], await scene.ok(["targets", "get", "c", "--config"]));
  assert.deepEqual(parse(scene.text).pools.q, { targets: ["b", "c"], strategy: "round_robin", fallback: "p" });
  assert.match(await scene.ok(["pools", "list"]), /^q +round_robin +[12] of 2 +0 +0B +0 +p +b,c$/mu);
  const used = await scene.run(["targets", "remove", "c"]);
  assert.equal(used.code, 3);
  assert.match(used.err, /error: pools\.q\.targets\[1\]: unknown target "c"/u);
  await scene.ok(["pools", "remove", "q"]);
  await scene.ok(["targets", "remove", "c"]);
  assert.deepEqual(parse(scene.text), parse(configText("pools", "")));
});

test("targets are drained, taken into maintenance, and made ready", async () => {
  await using scene = await Scene.open("operate");
  assert.equal(
    await scene.ok(["targets", "drain", "a", "--for", "10m", "--note", "new disk"]),
    "target a: drain for 10m\n",
  );
  assert.match(await scene.ok(["targets", "list"]), /^a +drain +operator: new disk +0s +(?:10m|9m59s) +0 /mu);
  assert.equal(await scene.ok(["targets", "maintenance", "b"]), "target b: maintenance\n");
  const views = JSON.parse(await scene.ok(["targets", "list", "-o", "json"])).map(
    ({ state }: { state: string }) => state,
  );
  assert.deepEqual(views, ["drain", "maintenance"]);
  assert.equal(await scene.ok(["targets", "ready", "a"]), "target a: ready\n");
  assert.match(await scene.ok(["targets", "get", "a"]), /^state: ready$/mu);
});

test("the config is looked at, applied, compared and rolled back, and another's change is not overwritten", async () => {
  await using scene = await Scene.open("config");
  const before = await scene.ok(["config", "get"]);
  assert.equal(before, scene.text);
  const changed = before.replace('"pay*"', '"card*"');
  assert.equal(await scene.ok(["config", "validate", "-f", "-"], changed), "valid: 0 errors, 0 warnings\n");
  assert.equal(
    await scene.ok(["config", "apply", "-f", "-", "--if-match", "1"], changed),
    "config applied; config version 2\n",
  );
  const late = await scene.run(["config", "apply", "-f", "-", "--if-match", "1"], before);
  assert.deepEqual([late.code, late.out], [6, ""]);
  const diff = await scene.ok(["config", "diff"]);
  assert.match(diff, /^-.*"pay\*"/mu);
  assert.match(diff, /^\+.*"card\*"/mu);
  assert.equal(await scene.ok(["config", "rollback", "1"]), "went back to version 1; config version 3\n");
  assert.equal(scene.text, before);
  assert.equal(await scene.ok(["config", "diff", "1", "3"]), "no difference\n");
  assert.match(await scene.ok(["config", "history"]), /^VERSION .*\n +3 .*\n +2 .*\n +1 .*\n$/u);
  assert.equal(await scene.ok(["config", "get", "--version", "2"]), changed);
  assert.equal(JSON.parse(await scene.ok(["config", "get", "-o", "json"])).version, 3);
});

const refused: { argv: string[]; stdin?: string; code: number; err: RegExp }[] = [
  { argv: ["rules", "get", "nope"], code: 5, err: /there is no rule nope/u },
  { argv: ["rules", "remove", "nope"], code: 5, err: /there is no rule nope/u },
  { argv: ["rules", "add", "--id", "x", "--service", "x", "--pool", "p", "--before", "nope"], code: 5, err: /nope/u },
  { argv: ["targets", "drain", "nope"], code: 5, err: /there is no target nope/u },
  { argv: ["config", "rollback", "99"], code: 5, err: /99/u },
  { argv: ["config", "diff", "98", "99"], code: 5, err: /not kept/u },
  {
    argv: ["rules", "add", "--id", "pay", "--service", "x", "--pool", "p"],
    code: 6,
    err: /the rule pay is there already/u,
  },
  { argv: ["rules", "remove", "pay", "--if-match", "99"], code: 6, err: /version 1 runs/u },
  {
    argv: ["rules", "add", "--id", "x", "--service", "x", "--pool", "q"],
    code: 3,
    err: /error: rules\[1\]\.pool: unknown pool "q"/u,
  },
  { argv: ["pools", "remove", "p"], code: 3, err: /unknown pool "p"/u },
  { argv: ["config", "apply", "-f", "-"], stdin: "targets: [", code: 3, err: /signalbox: /u },
  {
    argv: ["config", "apply", "-f", "-"],
    stdin: "targets: [{ id: a }]",
    code: 3,
    err: /error: targets\[0\]\.endpoint: is required/u,
  },
];

test("what a node refuses changes nothing, and exits with what it means", async () => {
  await using scene = await Scene.open("refused");
  for (const { argv, stdin, code, err } of refused) {
    const ran = await scene.run(argv, stdin);
    assert.equal(ran.code, code, `${argv.join(" ")}: ${ran.err}`);
    assert.match(ran.err, err);
    assert.equal(ran.out, "");
  }
  assert.equal(scene.text, configText("refused", ""));
});

test("with tokens: who has none, or too low a role, is told what to give", async () => {
  const tokens = "  admin: { tokens: [{ role: viewer, value: look }, { role: admin, value: all }] }\n";
  await using scene = await Scene.open("tokens", tokens);
  const none = await scene.run(["rules", "list"]);
  assert.equal(none.code, 1);
  assert.match(none.err, /--token.*SIGNALBOX_TOKEN/u);
  const viewer = { SIGNALBOX_TOKEN: "look" };
  assert.equal((await scene.run(["rules", "list"], "", viewer)).code, 0);
  const low = await scene.run(["rules", "remove", "pay"], "", viewer);
  assert.equal(low.code, 1);
  assert.match(low.err, /role admin.*\n {2}.*higher role/u);
  assert.equal((await scene.run(["rules", "remove", "pay", "--token", "all"], "", viewer)).code, 0);
  const shown = await scene.run(["config", "get", "--token", "all"]);
  assert.equal(shown.code, 0);
  assert.ok(!/value: (?:look|all)/u.test(shown.out), "tokens are redacted");
});
