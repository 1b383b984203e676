import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { sleep, systemClock } from "../../src/core/clock.ts";
import { lastGoodFile } from "../../src/control/truth/last-good.ts";
import { EventStream } from "../../src/core/event-stream.ts";
import { seededRandom } from "../../src/core/random.ts";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { fileSource } from "../../src/server/config-source.ts";
import type { RunningNode } from "../../src/server/running-node.ts";
import { startNode } from "../../src/server/start.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { callApi } from "../admin/api-client.ts";
import { type Ran, runCli } from "../cli/run-cli.ts";
import { EtcdServer } from "../support/etcd-server.ts";
import { requestOf } from "../support/items.ts";
import { OtlpSender } from "../support/otlp-sender.ts";

let etcd: EtcdServer;
const folder = mkdtempSync(join(tmpdir(), "signalbox-fleet-"));
before(async () => {
  etcd = await EtcdServer.open();
});
after(async () => {
  await etcd[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const FLEET =
  'targets:\n  - { id: a, endpoint: "http://127.0.0.1:1" } # the first\npools: { p: { targets: [a] } }\ndefault_pool: p\n';

/** Nodes of one fleet, below a prefix of their own. */
class Scene implements AsyncDisposable {
  readonly prefix: string;
  readonly lines: Record<string, unknown>[] = [];
  readonly #nodes: RunningNode[] = [];
  #waiting: { readonly isIt: (line: Record<string, unknown>) => boolean; readonly resolve: () => void }[] = [];

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** The config file of a node; what stands beside `node` is `more`. */
  file(name: string, more = "", node = ""): string {
    const file = join(folder, `${this.prefix.slice(1)}-${name}.yaml`);
    const free = '{ address: "127.0.0.1:0" }';
    const listen = `otlp_grpc: ${free}, otlp_http: ${free}, admin: ${free}`;
    const store = `type: etcd, endpoints: ["${etcd.only.endpoint}"], prefix: ${this.prefix}`;
    const own = `node:\n  id: ${name}\n  data_dir: ${join(folder, `${this.prefix.slice(1)}-${name}`)}\n`;
    const rest = `  shutdown_grace: 1s\n  listen: { ${listen} }\n  coordination: { ${store} }\n${node}`;
    writeFileSync(file, `${own}${rest}${more}`);
    return file;
  }

  async start(file: string, env: Readonly<Record<string, string>> = {}): Promise<RunningNode> {
    const source = fileSource(file, env);
    const { config, problems } = source.load(source.text);
    assert.ok(config !== undefined, JSON.stringify(problems));
    const write = (line: string): void => this.#logged(JSON.parse(line) as Record<string, unknown>);
    const log = createLog({ clock: systemClock, write, level: "info", format: "json", colour: false });
    const node = await startNode(config, { clock: systemClock, random: seededRandom(1), log, source });
    this.#nodes.push(node);
    return node;
  }

  async stop(node: RunningNode): Promise<void> {
    this.#nodes.splice(this.#nodes.indexOf(node), 1);
    await node.stop();
  }

  /** Resolves with the next line of any node's log that fits. */
  logged(isIt: (line: Record<string, unknown>) => boolean): Promise<void> {
    return new Promise((resolve) => void this.#waiting.push({ isIt, resolve }));
  }

  /** Resolves once the nodes run a version of the fleet, and say so. */
  async run(nodes: readonly RunningNode[], version: number): Promise<void> {
    for (const node of nodes) while ((await acknowledged(node)) !== version) await pause();
  }

  #logged(line: Record<string, unknown>): void {
    this.lines.push(line);
    for (const one of this.#waiting) if (one.isIt(line)) one.resolve();
    this.#waiting = this.#waiting.filter(({ isIt }) => !isIt(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#nodes) await node.stop();
  }
}

function cli(argv: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  return runCli(argv, { cwd: folder, env: { USER: "ann", ...env } });
}

/** Between two looks at what tells nobody that it changes. */
function pause(): Promise<void> {
  return sleep(systemClock, 20, new AbortController().signal);
}

/** The version of the fleet that the node said of itself that it runs. */
async function acknowledged(node: RunningNode): Promise<unknown> {
  const { text } = await callApi(node.addresses.admin, "/api/v1/node");
  const { config } = JSON.parse(text) as { config: { fleet: { acknowledged: Record<string, unknown> | null } } };
  return config.fleet.acknowledged?.["version"];
}

async function readiness(node: RunningNode): Promise<{ readonly status: number; readonly text: string }> {
  return callApi(node.addresses.admin, "/readyz");
}

test("a node of a fleet that has no config yet is not ready and says why, and applies what is published", async () => {
  await using scene = new Scene("/first");
  const one = await scene.start(scene.file("one"));
  const two = await scene.start(scene.file("two"));
  const not = await readiness(one);
  assert.equal(not.status, 503);
  assert.match(not.text, /\/first.*signalbox config apply --init/u);

  await using sender = new OtlpSender({ grpc: one.addresses.otlpGrpc ?? "", http: one.addresses.otlpHttp ?? "" });
  const body = requestOf("logs", [{ name: "kept", service: "any" }]);
  for (const [way, code] of [
    ["grpc", GRPC.UNAVAILABLE],
    ["http", 503],
  ] as const) {
    const answer = await sender.send(way, "logs", body);
    assert.deepEqual([answer.ok, answer.code, answer.retryMs], [false, code, 5_000]);
    assert.match(answer.message, /no config yet.*\/first.*signalbox config apply --init/u);
  }
  // Its own file is read again: it has none all the same.
  await one.walk.again();
  assert.equal((await sender.send("http", "logs", body)).retryMs, 5_000);
  const { metrics } = await one.dataPlane.snapshot();
  const counted = JSON.stringify(metrics);
  assert.match(counted, /no_config/u);

  const fleet = scene.file("fleet", FLEET);
  const refused = await cli(["config", "apply", fleet, "-o", "json"]);
  assert.equal(refused.code, 6, refused.err);
  assert.match(refused.err, /\/first.*\n.*--init/u);
  assert.match(refused.out, /"code": "CONFLICT"[^]*"hint": ".*--init[^]*"exit_code": 6/u);

  const done = await cli(["config", "apply", fleet, "--init", "--note", "the first"]);
  assert.equal(done.code, 0, done.err);
  assert.match(done.out, /config version 1/u);
  await scene.run([one, two], 1);
  assert.equal((await readiness(one)).status, 200);
  const taken = await sender.send("grpc", "logs", body, { timeoutMs: 100 });
  assert.doesNotMatch(taken.message, /no config/u);
  assert.ok(!one.walk.status.text.includes("node:") && one.walk.status.text.includes("# the first"));

  const url = { SIGNALBOX_URL: two.addresses.admin ?? "" };
  const added = await cli(["rules", "add", "--id", "pay", "--service", "pay*", "--pool", "p"], url);
  assert.equal(added.code, 0, `${added.err}${added.out}`);
  await scene.run([one, two], 2);
  assert.match(one.walk.status.text, /pay/u);
  const back = await cli(["config", "rollback", "1"], url);
  assert.equal(back.code, 0, back.err);
  await scene.run([one, two], 3);
  const history = await cli(["config", "history", "-o", "json"], { SIGNALBOX_URL: one.addresses.admin ?? "" });
  const versions = JSON.parse(history.out) as Record<string, unknown>[];
  assert.deepEqual(
    versions.map(({ version }) => version),
    [3, 2, 1],
  );
  assert.match(String(versions[2]?.["author"]), /^ann@/u);
  assert.match(String(versions[0]?.["author"]), /via two$/u);
  assert.equal(versions[2]?.["summary"], "the first");
});

test("a config is staged from a file and by a node, shown, ended by hand, and then needs to be asked for again", async () => {
  await using scene = new Scene("/staged");
  const node = await scene.start(scene.file("one"));
  const fleet = scene.file("fleet", FLEET);
  assert.equal((await cli(["config", "apply", fleet, "--init"])).code, 0);
  await scene.run([node], 1);
  const url = { SIGNALBOX_URL: node.addresses.admin ?? "" };
  assert.equal((await cli(["config", "rollout"], url)).out, "no config was ever staged\n");
  assert.equal((await cli(["config", "rollout", "abort", "-c", fleet])).code, 5);
  const next = scene.file("fleet", `${FLEET}# tried\n`);
  const staged = await cli(["config", "apply", next, "--staged", "--note", "try it"]);
  assert.equal(staged.code, 0, staged.err);
  assert.match(staged.out, /staged in the fleet at \/staged; config version 2/u);
  const shown = await cli(["config", "rollout"], url);
  assert.match(shown.out, /^version 2: running\nstage node, .*; others run version 1\nby ann@.*: try it\n/u);
  const other = join(folder, "staged.yaml");
  writeFileSync(other, `${FLEET}# another\n`);
  const refused = await cli(["config", "apply", other, "--staged"], url);
  assert.equal(refused.code, 6, refused.err);
  assert.match(refused.err, /version 2 is being tried/u);
  const paused = await cli(["config", "rollout", "pause", "--by", "eve", "-c", next]);
  assert.match(paused.out, /^version 2: paused\n[^]*paused by eve, /u, paused.err);
  const ended = await cli(["config", "rollout", "abort", "--by", "bob"], url);
  assert.match(ended.out, /^version 2: aborted\n[^]*bob via one has ended it/u);
  const late = await cli(["config", "rollout", "resume", "-c", next]);
  assert.deepEqual([late.code, late.err.includes("version 2 is tried no more: aborted")], [6, true], late.err);
  const status = ["config", "rollout", "-o", "json"];
  const [ofNode, ofStore] = [await cli(status, url), await cli([...status, "-c", next])];
  assert.equal(ofStore.out, ofNode.out, ofStore.err);
  for (const more of [[], ["--staged"]]) {
    const again = await cli(["config", "apply", next, ...more]);
    assert.equal(again.code, 6);
    assert.match(again.err, /the same document was tried and taken back as version 2/u);
  }
  for (const [argv, env] of [[["-c", next]], [[], url]] as const) {
    const back = await cli(["config", "rollback", "2", ...argv], env);
    assert.deepEqual([back.code, back.err.includes("version 2 was only tried")], [6, true], back.err);
  }
  const by = await cli(["config", "apply", other, "--staged"], url);
  assert.equal(by.code, 0, by.err);
  assert.match(by.out, /^config staged: .*; config version 3\n/u);
  assert.equal(node.walk.status.version, 1);
  assert.equal((await cli(["config", "rollout", "abort"], url)).code, 0);
  assert.equal((await cli(["config", "apply", next, "--again"])).code, 0);
  await scene.run([node], 4);
  for (const [argv, env] of [
    [["-c", next], {}],
    [[], url],
  ] as const) {
    const diff = await cli(["config", "diff", "-o", "json", ...argv], env);
    const { from, to } = JSON.parse(diff.out) as Record<string, unknown>;
    assert.deepEqual([from, to], [1, 4], "2 and 3 were only tried");
  }
});

test("a version with which all workers of a node end is refused by it, and is not what it starts with", async () => {
  await using scene = new Scene("/ended");
  const node = await scene.start(scene.file("one"));
  const fleet = scene.file("fleet", FLEET);
  assert.equal((await cli(["config", "apply", fleet, "--init"])).code, 0);
  await scene.run([node], 1);
  scene.file("fleet", `${FLEET}# ends workers\n`);
  assert.equal((await cli(["config", "apply", fleet])).code, 0);
  await scene.run([node], 2);
  const { events } = node.dataPlane;
  assert.ok(events instanceof EventStream, "as a data plane with workers tells it");
  const refused = scene.logged((line) => line["why"] === "bad");
  events.add({ kind: "taken_back", version: 2, runs: 1 });
  await refused;
  const { text } = await callApi(node.addresses.admin, "/api/v1/node");
  assert.match(text, /"result": "failed",\s+"reason": "all workers ended with version 2: 1 runs again"/u);
  const { good } = await lastGoodFile(join(folder, "ended-one", "fleet-config.json")).read();
  assert.equal(good?.version, 1);
});

test("a collector in a fleet without controllers applies what is published all the same", async () => {
  await using scene = new Scene("/alone-with-it");
  const node = await scene.start(scene.file("one", "", "  roles: [collector]\n"));
  assert.equal((await readiness(node)).status, 503);
  assert.equal((await cli(["config", "apply", scene.file("fleet", FLEET), "--init"])).code, 0);
  await scene.run([node], 1);
  assert.equal((await readiness(node)).status, 200);
});

test("without any node the store tells the versions and what differs, and takes a way back", async () => {
  await using scene = new Scene("/stored");
  const file = scene.file("shared", FLEET);
  const none = await cli(["config", "history", "-c", file]);
  assert.deepEqual([none.code, none.out.split("\n").length], [0, 2], "titles alone");
  await cli(["config", "apply", file, "--init", "--note", "one"]);
  scene.file("shared", FLEET.replace("# the first", "# the only one"));
  await cli(["config", "apply", file, "--by", "bob", "--note", "two"]);

  const history = JSON.parse((await cli(["config", "history", "-c", file, "-o", "json"])).out) as object[];
  const seen = history.map((one) => ({ ...one, applied: "", digest: "" }));
  const common = { applied: "", digest: "", by: "store", state: "published" };
  assert.deepEqual(seen[0], { version: 2, ...common, summary: "two", author: "bob" });
  assert.equal(seen.length, 2);
  const diff = await cli(["config", "diff", "-c", file]);
  assert.match(diff.out, /^--- version 1\n\+\+\+ version 2\n[^]*\n\+ .*# the only one\n/u);
  const both = JSON.parse((await cli(["config", "diff", "1", "1", "-c", file, "-o", "json"])).out) as object;
  assert.deepEqual(both, { ...both, from: 1, to: 1, paths: [], text: "" });

  const conflict = await cli(["config", "rollback", "1", "-c", file, "--if-match", "1"]);
  assert.deepEqual([conflict.code, conflict.err.includes("version 2 runs")], [6, true]);
  const back = await cli(["config", "rollback", "1", "-c", file]);
  assert.equal(back.out, "published to the fleet at /stored; config version 3\n", back.err);
  assert.match((await cli(["config", "history", "-c", file])).out, /\n +3 .* ann@\S+ .* back to version 1\n/u);
  assert.equal((await cli(["config", "diff", "1", "3", "-c", file])).out, "no difference\n");

  const missing = await cli(["config", "rollback", "9", "-c", file]);
  assert.deepEqual([missing.code, missing.err.includes("version 9 is not kept")], [5, true]);
  assert.equal((await cli(["config", "diff", "1", "9", "-c", file])).code, 5);
  const node = ["--url", "http://127.0.0.1:1"];
  assert.equal((await cli(["config", "history", "-c", file, ...node])).code, 2, "one of both");
  const nobody = await cli(["config", "history", ...node]);
  assert.deepEqual([nobody.code, nobody.err.includes("-c <file> asks the store")], [7, true]);
  writeFileSync(join(folder, "alone.yaml"), FLEET);
  const alone = await cli(["config", "history", "-c", join(folder, "alone.yaml")]);
  assert.deepEqual([alone.code, alone.err.includes("names no store that nodes share")], [2, true]);
});

test("a literal secret is refused with its path, and a reference is read only where the node allows it", async () => {
  await using scene = new Scene("/secrets");
  const own = "  secrets: { env: [FLEET_*] }\n";
  const node = await scene.start(scene.file("one", "", own), { FLEET_TOKEN: "s3cret", HOME_TOKEN: "mine" });
  const withHeader = (value: string): string =>
    `targets: [{ id: a, endpoint: "http://127.0.0.1:1", headers: { authorization: "${value}" } }]\n`;
  const literal = await cli(["config", "apply", scene.file("literal", withHeader("s3cret")), "--init", "-o", "json"]);
  assert.equal(literal.code, 3);
  assert.match(literal.out, /"code": "CONFIG_INVALID"[^]*"path": "targets\[0\]\.headers\.authorization"/u);
  assert.match(literal.err, /targets\[0\]\.headers\.authorization/u);
  const good = await cli(["config", "apply", scene.file("good", withHeader("${env:FLEET_TOKEN}")), "--init"]);
  assert.equal(good.code, 0, good.err);
  await scene.run([node], 1);
  const told = scene.logged(({ msg }) => String(msg).startsWith("config not applied"));
  const greedy = await cli(["config", "apply", scene.file("greedy", withHeader("${env:HOME_TOKEN}"))]);
  assert.equal(greedy.code, 0, greedy.err);
  await told;
  assert.equal(node.walk.status.version, 1);
  assert.equal((await readiness(node)).status, 200);
});

test("without the store a node starts with what ran last, and follows by itself when the store is back", async () => {
  await using scene = new Scene("/away");
  const file = scene.file("one");
  const fleet = scene.file("fleet", FLEET);
  assert.equal((await cli(["config", "apply", fleet, "--init"])).code, 0);
  const node = await scene.start(file);
  assert.equal(node.walk.status.version, 1);
  await scene.stop(node);
  await etcd.only.kill();
  const again = await scene.start(file);
  assert.equal(again.walk.status.version, 1);
  assert.equal((await readiness(again)).status, 200);
  const view = JSON.parse((await callApi(again.addresses.admin, "/api/v1/node")).text) as Record<string, never>;
  assert.equal(view["config"]?.["fleet"]?.["from"], "disk");
  await etcd.only.start();
  writeFileSync(fleet, readFileSync(fleet, "utf8").replace("# the first", "# changed"));
  assert.equal((await cli(["config", "apply", fleet])).code, 0);
  await scene.run([again], 2);
});

test("a store that was wiped isolates its nodes, which run on, until somebody says that it is right", async () => {
  await using scene = new Scene("/wiped");
  const file = scene.file("one");
  assert.equal((await cli(["config", "apply", scene.file("fleet", FLEET), "--init"])).code, 0);
  const node = await scene.start(file);
  const isolated = scene.logged(({ why }) => why === "isolated");
  await etcd.wipe();
  await isolated;
  assert.equal(node.walk.status.version, 1);
  assert.equal((await readiness(node)).status, 200);
  const refused = await cli(["config", "apply", file.replace("one", "fleet")], {
    SIGNALBOX_URL: node.addresses.admin ?? "",
  });
  assert.equal(refused.code, 6, refused.err);
  assert.equal((await cli(["fleet", "adopt", "-c", file])).code, 0);
  await scene.stop(node);
  const again = await scene.start(file);
  assert.equal(again.walk.status.version, 1);
  const put = await cli(["config", "apply", "-f", scene.file("fleet", FLEET)], {
    SIGNALBOX_URL: again.addresses.admin ?? "",
  });
  assert.equal(put.code, 0, put.err);
  assert.equal(again.walk.status.version, 1);
});

test("where there is neither store nor disk, a node starts with its own file if that says so, else with nothing", async () => {
  await using scene = new Scene("/alone");
  await etcd.only.kill();
  const bootstrapped = await scene.start(scene.file("one", FLEET, "  fleet: { bootstrap: true }\n"));
  assert.equal((await readiness(bootstrapped)).status, 200);
  const nothing = await scene.start(scene.file("two", FLEET));
  assert.equal((await readiness(nothing)).status, 503);
  await etcd.only.start();
  assert.equal((await cli(["config", "apply", scene.file("fleet", FLEET), "--init"])).code, 0);
  await scene.run([bootstrapped, nothing], 1);
  assert.equal((await readiness(nothing)).status, 200);
});
