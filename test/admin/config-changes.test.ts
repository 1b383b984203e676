import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { RunningNode } from "../../src/server/running-node.ts";
import { Scene } from "../server/scene.ts";
import { type ApiAnswer, type ApiOptions, callApi } from "./api-client.ts";

const TEXT = `# The fleet of the north.
node:
  id: n1
  listen: { otlp_grpc: { address: "127.0.0.1:0" }, otlp_http: false, admin: { address: "127.0.0.1:0" } }

targets:
  # In the cellar.
  - id: a # the first
    endpoint: http://127.0.0.1:14317
    weight: 1

  # Upstairs.
  - id: b
    endpoint: http://127.0.0.1:24317
pools:
  main: { targets: [a, b] } # all of them
rules:
  - { id: r, conditions: [{ service_name: checkout }], pool: main }
default_pool: main
`;

function api(node: RunningNode, call: string, options: ApiOptions = {}): Promise<ApiAnswer> {
  const [method = "", path = ""] = call.split(" ");
  return callApi(node.addresses.admin, `/api/v1/${path}`, { method, ...options });
}

const A = { id: "a", endpoint: "http://127.0.0.1:14317" };
const putWeight = (node: RunningNode, weight: number, more: ApiOptions = {}): Promise<ApiAnswer> =>
  api(node, "PUT targets/a", { body: { ...A, weight }, ...more });

async function versionsOf(node: RunningNode): Promise<[number, string, string][]> {
  const list = JSON.parse((await api(node, "GET config/versions")).text) as {
    version: number;
    by: string;
    summary: string;
  }[];
  return list.map(({ version, by, summary }) => [version, by, summary]);
}

test("an edit by the API is in the file at once: one line differs, the mode stays, and the watch does not apply it again", async () => {
  await using scene = new Scene();
  const node = await scene.start(TEXT);
  chmodSync(scene.file, 0o640);
  assert.equal((await putWeight(node, 5)).status, 200);
  assert.equal(readFileSync(scene.file, "utf8"), TEXT.replace("weight: 1", "weight: 5"));
  assert.equal(statSync(scene.file).mode & 0o777, 0o640);
  assert.deepEqual(readdirSync(scene.directory).toSorted(), ["signalbox-data", "signalbox.yaml"]);
  const applied = scene.logged("config applied");
  scene.write(TEXT.replace("weight: 1", "weight: 7")); // when this has been applied, the edit before it would have been, too
  await applied;
  assert.deepEqual([node.walk.status.version, scene.plane.applied.length], [3, 2]);
  assert.deepEqual(
    scene.plane.applied.map(({ targets }) => targets.get("a")?.weight),
    [5, 7],
  );
});

test("adding and removing keeps all comments but those of what goes", async () => {
  await using scene = new Scene();
  const node = await scene.start(TEXT);
  const added = await api(node, "POST targets?before=b", { body: { id: "c", endpoint: "http://127.0.0.1:34317" } });
  assert.deepEqual([added.status, added.json()["changed"]], [200, ["targets.c"]]);
  await api(node, "PUT pools/main", { body: { targets: ["a", "c"] } });
  assert.equal((await api(node, "DELETE targets/b")).status, 200);
  const want = TEXT.replace(
    "  # Upstairs.\n  - id: b\n    endpoint: http://127.0.0.1:24317\n",
    "  - id: c\n    endpoint: http://127.0.0.1:34317\n",
  ).replace("[a, b]", "[a, c]");
  assert.equal(readFileSync(scene.file, "utf8"), want);
});

test("a JSON file stays JSON", async () => {
  await using scene = new Scene();
  const listen = { otlp_grpc: { address: "127.0.0.1:0" }, otlp_http: false, admin: { address: "127.0.0.1:0" } };
  const text = JSON.stringify({ node: { listen }, targets: [A] }, undefined, 4);
  const node = await scene.start(text);
  assert.equal((await putWeight(node, 3)).status, 200);
  const written = readFileSync(scene.file, "utf8");
  assert.deepEqual(JSON.parse(written), { node: { listen }, targets: [{ ...A, weight: 3 }] });
  assert.match(written, /^\{\n {4}"node"/u);
});

test("what would be invalid changes neither the file nor what runs, and tells all problems", async () => {
  await using scene = new Scene();
  const node = await scene.start(TEXT);
  const answer = await api(node, "POST rules", { body: { id: "s", pool: "x", conditions: [{ service_nam: "y" }] } });
  assert.equal(answer.status, 422);
  const problems = answer.json()["problems"] as { path: string; message: string; text: string; hint?: string }[];
  assert.ok(problems.length >= 2, answer.text);
  assert.ok(problems.every(({ path, text }) => path.startsWith("rules[1]") && text.startsWith("error: rules[1]")));
  assert.deepEqual(
    [readFileSync(scene.file, "utf8"), node.walk.status.version, scene.plane.applied.length],
    [TEXT, 1, 0],
  );
  assert.equal(node.env.metrics.configLastApplyFailed.with().value, 0, "the file is what runs");
});

test("a data plane that refuses: the file is as it was", async () => {
  await using scene = new Scene();
  const node = await scene.start(TEXT);
  scene.plane.onPrepare = async () => Promise.reject(new Error("no more sockets"));
  const answer = await putWeight(node, 2);
  assert.deepEqual([answer.status, node.walk.status.version], [422, 1]);
  assert.match(answer.text, /no more sockets/u);
  assert.equal(readFileSync(scene.file, "utf8"), TEXT);
});

test("a data plane that breaks while it takes over: the file is as it was", async () => {
  await using scene = new Scene();
  const node = await scene.start(TEXT);
  scene.plane.onCommit = async () => Promise.reject(new Error("broken"));
  const answer = await putWeight(node, 2);
  assert.deepEqual([answer.status, node.walk.status.version], [422, 1]);
  assert.equal(readFileSync(scene.file, "utf8"), TEXT);
});

test("a file that cannot be replaced: what the data plane had prepared is discarded", async () => {
  await using scene = new Scene();
  const node = await scene.start(TEXT);
  scene.plane.onPrepare = async () => rmSync(scene.file);
  const answer = await putWeight(node, 2);
  assert.deepEqual([answer.status, node.walk.status.version], [409, 1]);
  assert.deepEqual([scene.plane.applied.length, scene.plane.discarded.length], [0, 1]);
});

test("of many writers with the same If-Match exactly one wins, every time", async () => {
  await using scene = new Scene();
  const node = await scene.start(TEXT);
  for (let round = 1; round <= 5; round++) {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => putWeight(node, round * 10 + i + 1, { ifMatch: round })),
    );
    const statuses = answers.map(({ status }) => status).toSorted((x, y) => x - y);
    assert.deepEqual(statuses, [200, ...Array<number>(7).fill(412)]);
    const won = answers.findIndex(({ status }) => status === 200);
    assert.equal(scene.plane.plan.targets.get("a")?.weight, round * 10 + won + 1);
    assert.match(readFileSync(scene.file, "utf8"), new RegExp(`weight: ${round * 10 + won + 1}\\n`, "u"));
  }
});

test("an edit by hand at the same time is never lost: the API says 412, and the edit is applied", async () => {
  await using scene = new Scene();
  const node = await scene.start(TEXT);
  let written = TEXT;
  for (let round = 1; round <= 15; round++) {
    const answering = putWeight(node, round + 1);
    for (let turn = 0; turn < round; turn++) await new Promise(setImmediate);
    const mine = `${readFileSync(scene.file, "utf8").replace(/# by hand \d+\n/u, "")}# by hand ${round}\n`;
    writeFileSync(scene.file, mine);
    const { status, text } = await answering;
    assert.ok(status === 200 || status === 412, text);
    if (status === 412) assert.match(text, /edited by hand[^]*repeat/u);
    assert.equal(readFileSync(scene.file, "utf8"), mine);
    while (node.walk.status.text !== mine) await scene.logged("config applied");
    written = mine;
  }
  assert.equal(readFileSync(scene.file, "utf8"), written);
});

test("while the file holds what could not be applied, the API does not write over it", async () => {
  await using scene = new Scene();
  const node = await scene.start(TEXT);
  const refused = scene.logged("config not applied: it has problems");
  scene.write(`${TEXT}nonsense: true\n`);
  await refused;
  const answer = await putWeight(node, 2);
  assert.equal(answer.status, 412);
  assert.match(String(answer.json()["hint"]), /last_problems of \/api\/v1\/node/u);
  assert.match(readFileSync(scene.file, "utf8"), /nonsense/u);
});

test("a file that cannot be written: nothing changes, and the reason is told", async () => {
  await using scene = new Scene();
  const node = await scene.start(TEXT);
  rmSync(scene.file);
  mkdirSync(scene.file);
  const answer = await putWeight(node, 2);
  assert.deepEqual([answer.status, node.walk.status.version], [409, 1]);
  assert.match(String(answer.json()["detail"]), /cannot be written/u);
  rmSync(scene.file, { recursive: true });
});

test("versions tell who changed what, and their differences; rollback is a new version with the old document", async () => {
  await using scene = new Scene();
  const node = await scene.start(TEXT);
  await putWeight(node, 2);
  const applied = scene.logged("config applied");
  scene.write(TEXT.replace("weight: 1", "weight: 3").replace("[a, b]", "[a]"));
  await applied;
  const diff = (await api(node, "GET config/diff?from=1&to=3")).json();
  const none = { added: [], removed: [], changed: [] };
  assert.deepEqual(
    [diff["rules"], diff["pools"], diff["targets"]],
    [none, { ...none, changed: ["main"] }, { ...none, changed: ["a"] }],
  );
  assert.match(String(diff["text"]), /^-    weight: 1\n\+    weight: 3$/mu);
  const back = await api(node, "POST config/rollback", { body: { to: 1 } });
  assert.deepEqual([back.status, back.json()["version"]], [200, 4]);
  assert.equal(readFileSync(scene.file, "utf8"), TEXT, "comments and all");
  assert.deepEqual(await versionsOf(node), [
    [4, "rollback", "back to version 1"],
    [3, "file", "changed targets.a.weight, pools.main.targets[1]"],
    [2, "api", "changed targets.a.weight"],
    [1, "start", "the first"],
  ]);
  const one = (await api(node, "GET config/versions/2")).json();
  assert.deepEqual([one["version"], one["by"]], [2, "api"]);
});

test("a document read redacted, changed and applied keeps its secrets and its comments", async () => {
  await using scene = new Scene();
  const text = TEXT.replace("    weight: 1\n", "    headers: { authorization: Bearer-very-secret } # ours\n");
  const node = await scene.start(text);
  const read = (await api(node, "GET config?format=yaml")).text;
  assert.ok(!read.includes("very-secret"));
  const answer = await api(node, "PUT config", { body: read.replace("14317", "15317") });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(readFileSync(scene.file, "utf8"), text.replace("14317", "15317"));
  const json = (await api(node, "GET targets/a")).json()["config"] as object;
  assert.equal((await api(node, "PUT targets/a", { body: { ...json, weight: 4 } })).status, 200);
  assert.equal(node.walk.status.running.targets[0]?.headers["authorization"]?.reveal(), "Bearer-very-secret");
});

/** Stops the node and starts it again on the same directory. */
async function restart(scene: Scene, node: RunningNode): Promise<RunningNode> {
  await node.stop();
  return scene.start(readFileSync(scene.file, "utf8"));
}

test("after a restart the history is there, numbers go on, and the same document is the same version", async () => {
  await using scene = new Scene();
  let node = await scene.start(TEXT);
  await putWeight(node, 2);
  node = await restart(scene, node);
  assert.equal(node.walk.status.version, 2);
  assert.equal((await versionsOf(node)).length, 2);
  await node.stop();
  node = await scene.start(TEXT.replace("weight: 1", "weight: 9"));
  assert.equal(node.walk.status.version, 3);
  assert.deepEqual((await versionsOf(node))[0], [3, "start", "found at the start"]);
  assert.equal((await api(node, "POST config/rollback", { body: { to: 1 } })).json()["version"], 4);
  assert.equal(readFileSync(scene.file, "utf8"), TEXT);
});

test("after a restart operator states hold on; what has expired, or was ended, does not", async () => {
  await using scene = new Scene();
  let node = await scene.start(TEXT);
  await api(node, "POST targets/a/maintenance", { body: { for: "1h", note: "new disks" } });
  await api(node, "POST targets/b/drain", { body: {} });
  await api(node, "POST targets/b/ready");
  node = await restart(scene, node);
  const a = (await api(node, "GET targets/a")).json();
  assert.deepEqual([a["state"], a["note"]], ["maintenance", "new disks"]);
  assert.ok(Date.parse(String(a["until"])) > Date.now() + 3_500_000);
  assert.equal((await api(node, "GET targets/b")).json()["state"], "ready");
  const file = join(scene.directory, "signalbox-data", "operator-states.json");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  writeFileSync(file, readFileSync(file, "utf8").replace(/"until_ms": \d+/u, '"until_ms": 1'));
  node = await restart(scene, node);
  assert.equal((await api(node, "GET targets/a")).json()["state"], "ready");
});

for (const content of [
  "{",
  '{"states": [{"id": 5}]}',
  '{"states": [{"id": "a", "state": "ready", "until_ms": null, "note": ""}]}',
]) {
  test(`operator states in a damaged file are left out and told: ${content}`, async () => {
    await using scene = new Scene();
    mkdirSync(join(scene.directory, "signalbox-data"));
    writeFileSync(join(scene.directory, "signalbox-data", "operator-states.json"), content);
    const node = await scene.start(TEXT);
    assert.equal((await api(node, "GET targets/a")).json()["state"], "ready");
    assert.ok(scene.messages.includes("operator states are left out: their file is damaged"));
  });
}

test("without a data directory that can be used the node starts, keeps what it can, and says what it cannot", async () => {
  await using scene = new Scene();
  writeFileSync(join(scene.directory, "signalbox-data"), "no directory");
  const node = await scene.start(TEXT);
  assert.equal((await putWeight(node, 2)).status, 200);
  assert.equal((await api(node, "POST targets/a/drain")).status, 200);
  assert.equal((await versionsOf(node)).length, 2);
  assert.ok(scene.messages.includes("config history is kept in memory only: its directory cannot be used"));
  assert.ok(scene.messages.includes("operator states end with this process: they cannot be written"));
});

// Three times 10,000 rules are read: minutes, on a machine that has much else to do.
const LARGE = { timeout: 600_000 };

test(
  "a document of 10,000 rules: it is read aside, and answers come meanwhile; a rule in it is changed",
  LARGE,
  async () => {
    await using scene = new Scene();
    const rules = Array.from(
      { length: 10_000 },
      (_, i) => `  - { id: r${i}, conditions: [{ service_name: s${i} }], pool: main } # ${i}\n`,
    );
    const text = TEXT.replace(/rules:\n.*\n/u, `rules:\n${rules.join("")}`);
    const node = await scene.start(text);
    const changed = await api(node, "PUT rules/r5000", { body: { priority: "high", pool: "main" } });
    assert.equal(changed.status, 200, changed.text);
    assert.equal(readFileSync(scene.file, "utf8").split("\n").length, text.split("\n").length);
    let answered = 0;
    const writing = api(node, "PUT config", { body: text.replaceAll("service_name: s", "service_name: t") });
    const watching = writing.then(() => true);
    while (!(await Promise.race([watching, api(node, "GET node").then(() => false)]))) {
      answered++;
      await pause(5); // what is asked meanwhile is not to hold the change up
    }
    const written = await writing;
    assert.equal(written.status, 200, written.text);
    assert.ok(answered > 3, `${answered} answers`);
    assert.equal((JSON.parse((await api(node, "GET rules")).text) as unknown[]).length, 10_000);
  },
);

test("the answer to a change says what pools that were removed still hold", async () => {
  await using scene = new Scene();
  const node = await scene.start(TEXT);
  assert.deepEqual((await putWeight(node, 2)).json()["removed_pools"], []);
  scene.plane.left = [{ pool: "old", items: 3, bytes: 120 }];
  const want = [{ name: "old", queued_items: 3, queued_bytes: 120 }];
  assert.deepEqual((await putWeight(node, 3)).json()["removed_pools"], want);
  const whole = await api(node, "PUT config", { body: `${TEXT}\n# again` });
  assert.deepEqual([whole.status, whole.json()["removed_pools"]], [200, want]);
});

test("a change while the node stops is refused with 503, and changes nothing", async () => {
  await using scene = new Scene();
  const node = await scene.start(TEXT);
  const drain = Promise.withResolvers<void>();
  scene.plane.drain = drain.promise;
  const stopped = node.stop();
  const answer = await putWeight(node, 5);
  assert.equal(answer.status, 503);
  assert.match(answer.text, /the node stops; nothing was changed/u);
  assert.deepEqual([readFileSync(scene.file, "utf8"), scene.plane.applied.length], [TEXT, 0]);
  drain.resolve();
  await stopped;
});
