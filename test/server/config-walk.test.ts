import assert from "node:assert/strict";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { changeReply } from "../../src/admin/reply.ts";
import { ConfigWalk, type Proposal } from "../../src/control/apply.ts";
import { type Prepared, prepareText } from "../../src/control/document/prepare.ts";
import { openHistory } from "../../src/control/history/history.ts";
import { RouterError } from "../../src/core/errors.ts";
import { compile } from "../../src/plan/compile.ts";
import { fileSource } from "../../src/server/config-source.ts";
import type { OpenDataPlane, RunningNode } from "../../src/server/running-node.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { configText, Scene } from "./scene.ts";

const PLACE = { name: "signalbox.yaml", folder: ".", env: {} };
const TWO = "targets: [{ id: a, endpoint: http://127.0.0.1:14317 }, { id: b, endpoint: http://127.0.0.1:24317 }]";

test("an edit of the file is applied as the next version, while nothing is opened anew", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  assert.deepEqual([node.walk.status.version, scene.plane.plan.targets.size], [1, 1]);
  const before = node.addresses;
  const applied = scene.logged("config applied");
  scene.write(configText(TWO));
  await applied;
  assert.deepEqual([node.walk.status.version, scene.plane.plan.targets.size, scene.plane.applied.length], [2, 2, 1]);
  assert.deepEqual([node.addresses, scene.planes.length], [before, 1]);
  assert.equal(node.walk.status.digest, scene.plane.plan.digest);
  assert.deepEqual(node.env.metrics.configApplies.with("applied").value, 1);
  assert.equal(node.env.metrics.configVersion.with().value, 2);
});

test("a node tries a change of a long document before its data plane opens, of which nothing can be seen", async () => {
  const rules = Array.from(
    { length: 600 },
    (_, i) => `  - { id: r${i}, conditions: [{ service_name: ${"x".repeat(100)}-${i} }], pool: p }\n`,
  );
  const told: unknown[] = [];
  for (const count of [10, 600]) {
    await using scene = new Scene();
    let reads = 0;
    Object.defineProperty(scene.env, "ENDPOINT", {
      enumerable: true,
      get: () => {
        reads++;
        return "http://127.0.0.1:1";
      },
    });
    const targets = `targets: [{ id: a, endpoint: "\${env:ENDPOINT}", health_check: false }]\npools: { p: { targets: [a] } }`;
    const text = configText(`${targets}\ndefault_pool: p\nrules:\n${rules.slice(0, count).join("")}`);
    scene.write(text);
    fileSource(scene.file, scene.env).load(text);
    const once = reads;
    let atOpen = 0;
    const open: OpenDataPlane = (...opening) => {
      atOpen = reads - 2 * once; // here, and for the start
      return scene.openScripted(...opening);
    };
    const { walk, table } = await scene.start(text, open);
    assert.equal(atOpen > 0, count === 600);
    told.push([walk.status.version, walk.status.last, (await table.versions()).length, scene.messages]);
  }
  assert.deepEqual(told[1], told[0]);
});

/**
 * A node whose clock is moved by hand, and what `settled` was told: the version that ran, and how
 * long nothing had followed.
 */
async function startUnmoved(scene: Scene): Promise<{ node: RunningNode; clock: ManualClock; settled: string[] }> {
  const clock = new ManualClock();
  const node = await scene.start(configText(), scene.openScripted, clock);
  const settled: string[] = [];
  scene.settled = (rest) => void settled.push(`${node.walk.status.version} ${rest}`);
  return { node, clock, settled };
}

test("the process is told to tidy up with a change, 1 s after it, after 5 s without another, and after 33, when nothing goes back to the plan of before", async () => {
  await using scene = new Scene();
  const { node, clock, settled } = await startUnmoved(scene);
  clock.advance(40_000);
  assert.equal((await node.walk.apply("targets: [")).kind, "invalid");
  clock.advance(40_000);
  assert.deepEqual(settled, [], "nothing has changed");
  await node.walk.apply(configText(TWO));
  clock.advance(999);
  assert.deepEqual(settled, ["2 none"]);
  clock.advance(1);
  assert.deepEqual(settled, ["2 none", "2 short"]);
  clock.advance(4_000);
  assert.deepEqual(settled, ["2 none", "2 short", "2 long"]);
  clock.advance(27_999);
  assert.equal(settled.length, 3);
  clock.advance(1);
  assert.deepEqual(settled, ["2 none", "2 short", "2 long", "2 long"]);
  clock.advance(600_000);
  assert.equal(settled.length, 4, "and not again");
});

test("what one change is to tidy up is left to the next one, which comes before that, and to nobody at the end", async () => {
  await using scene = new Scene();
  const { node, clock, settled } = await startUnmoved(scene);
  for (const [text, waitMs] of [
    [configText(TWO), 900],
    [configText(), 4_000],
    [configText(TWO), 0],
  ] as const) {
    await node.walk.apply(text);
    clock.advance(waitMs);
  }
  const first = ["2 none", "3 none", "3 short", "4 none"];
  assert.deepEqual(settled, first, "the second was followed by nothing for a second");
  clock.advance(5_000);
  clock.advance(27_999);
  assert.deepEqual(settled, [...first, "4 short", "4 long"], "all is counted from the last change");
  await node.stop();
  clock.advance(1);
  assert.equal(settled.length, 6);
});

test("whoever changes the config is told when it is safe on disk, and not before, though it runs", async () => {
  await using scene = new Scene();
  const { walk: own, env } = await scene.start(configText());
  const { running: config, text, version, digest } = own.status;
  const safe = Promise.withResolvers<void>();
  const taken = { kind: "taken", version: undefined, safe: safe.promise, withdraw: async () => {} } as const;
  const prepare = async (next: string): Promise<Prepared> => prepareText(next, { running: text, follow: "all" }, PLACE);
  const walk = new ConfigWalk(
    { config, text, version, digest },
    {
      ...env,
      prepare,
      compile: (next, number, body) => compile(next, next.node, { version: number, text: body }),
      dataPlane: scene.plane,
      onApplied: () => {},
      truth: { propose: async () => taken },
      counts: "node",
      history: await openHistory({ ...env, directory: undefined }),
    },
  );
  let told = false;
  const make = async (): Promise<Proposal> => ({
    kind: "proposal",
    prepared: await prepare(configText(TWO)),
    by: "api",
  });
  const changed = walk.change(make).finally(() => (told = true));
  while (walk.status.version === version) await new Promise(setImmediate);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  assert.ok(!told);
  safe.resolve();
  assert.equal((await changed).kind, "applied");
});

const bad: { name: string; text: string; result: "invalid" | "failed"; told: string; tells: RegExp }[] = [
  {
    name: "broken syntax",
    text: "targets: [",
    result: "invalid",
    told: "config not applied: it has problems",
    tells: /signalbox\.yaml:1:/u,
  },
  { name: "an empty file", text: "", result: "invalid", told: "config not applied: it has problems", tells: /empty/u },
  {
    name: "two problems, both told with their places",
    text: configText("targets: [{ id: a, endpoint: nowhere }]\nrules: [{ id: r, conditions: [], pool: q }]"),
    result: "invalid",
    told: "config not applied: it has problems",
    tells: /targets\[0\]\.endpoint.*rules\[0\]\.pool/su,
  },
];
for (const { name, text, result, told, tells } of bad) {
  test(`a file with ${name} changes nothing, and the next good one is applied`, async () => {
    await using scene = new Scene();
    const node = await scene.start(configText());
    const running = node.walk.status;
    const refused = scene.logged(told);
    scene.write(text);
    await refused;
    assert.equal(scene.plane.applied.length, 0);
    assert.deepEqual({ ...node.walk.status, last: undefined }, running);
    assert.equal(node.walk.status.last?.kind, result);
    assert.match(JSON.stringify(scene.lines.at(-1)), tells);
    assert.equal(node.env.metrics.configApplies.with(result).value, 1);
    assert.equal(node.env.metrics.configLastApplyFailed.with().value, 1);
    const applied = scene.logged("config applied");
    scene.write(configText(TWO));
    await applied;
    assert.deepEqual([node.walk.status.version, scene.plane.applied.length], [2, 1]);
    assert.equal(node.env.metrics.configLastApplyFailed.with().value, 0);
  });
}

test("a data plane that refuses the plan leaves the running config, its version too", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  scene.plane.onPrepare = async () => Promise.reject(new Error("no more sockets"));
  const refused = scene.logged("config not applied: it could not be applied");
  scene.write(configText(TWO));
  await refused;
  assert.deepEqual([node.walk.status.version, node.walk.status.running.targets.length], [1, 1]);
  assert.deepEqual(node.walk.status.last, { kind: "failed", reason: "no more sockets" });
  scene.plane.onPrepare = async () => {};
  await node.reload();
  assert.deepEqual(
    [node.walk.status.version, node.walk.status.running.targets.length],
    [2, 2],
    "the same bytes, by force",
  );
});

test("a file that was removed is told, and counts again when it is back", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  const gone = scene.logged("config not applied: it cannot be read");
  rmSync(scene.file);
  await gone;
  assert.equal(node.walk.status.version, 1);
  const applied = scene.logged("config applied");
  writeFileSync(`${scene.file}.new`, configText(TWO));
  renameSync(`${scene.file}.new`, scene.file);
  await applied;
  assert.equal(node.walk.status.version, 2);
});

test("changes of node that need a restart are named, not applied in silence; those that do not count at once", async () => {
  await using scene = new Scene();
  scene.env["TOKEN"] = "one";
  const tokens = '  admin: { tokens: [{ role: viewer, value: "${env:TOKEN}" }] }\n';
  const node = await scene.start(configText(TWO, `${tokens}  log: { level: info }`));
  const applied = scene.logged("config changes that take effect only after a restart");
  scene.env["TOKEN"] = "two";
  scene.write(configText(TWO, `${tokens}  log: { level: warn }\n  data_dir: elsewhere`).replace("id: n1", "id: n2"));
  await applied;
  const wanted = ["node.admin.tokens[0].value", "node.data_dir", "node.id"];
  assert.deepEqual(node.walk.status.restartRequired.toSorted(), wanted);
  assert.ok(!JSON.stringify(scene.lines).includes("two"));
  const before = scene.lines.length;
  node.env.log.info("not told any more");
  assert.equal(scene.lines.length, before);
});

test("what the data plane takes back is not what runs, and its number is not used again", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  assert.equal((await node.walk.apply(configText(TWO))).kind, "applied");
  const told = scene.logged("config not applied: it could not be applied");
  scene.plane.events.add({ kind: "taken_back", version: 2, runs: 1 });
  await told;
  assert.deepEqual([node.walk.status.version, node.walk.status.running.targets.length], [1, 1]);
  assert.equal(node.env.metrics.configLastApplyFailed.with().value, 1);
  const next = await node.walk.apply(configText(TWO));
  assert.deepEqual([next.kind, node.walk.status.version], ["applied", 3]);
  scene.plane.events.add({ kind: "taken_back", version: 2, runs: 1 });
  await new Promise(setImmediate);
  assert.equal(node.walk.status.version, 3, "an event of before changes nothing");
});

test("a change that was interrupted is tried again by itself, and refused for now where somebody waits", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  let refusals = 2;
  scene.plane.onPrepare = async () => {
    if (refusals-- > 0) throw new RouterError("INTERRUPTED", "a worker ended before it answered");
  };
  const outcome = await node.table.replace({ text: configText(TWO), type: "yaml" }, undefined);
  assert.deepEqual([outcome.kind, outcome.kind === "failed" && outcome.passing], ["failed", true]);
  const { status, headers } = changeReply(outcome, "config");
  assert.deepEqual([status, headers?.["retry-after"]], [503, "1"]);
  const applied = scene.logged("config applied");
  scene.write(configText(TWO));
  await applied;
  assert.deepEqual([refusals, node.walk.status.version], [-1, 2]);
});

test("the data plane may take back several changes at once: what runs is what it says", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  for (const port of [1, 2, 3]) await node.walk.apply(configText(TWO.replace("24317", `2431${port}`)));
  const told = scene.logged("config not applied: it could not be applied");
  scene.plane.events.add({ kind: "taken_back", version: 4, runs: 1 });
  await told;
  const { version, text, digest, running } = node.walk.status;
  assert.deepEqual([version, text, running.targets.length], [1, configText(), 1]);
  assert.equal(digest, (await node.table.versions()).at(-1)?.digest);
});

test("what ran before is not held: what is taken back is read from the history", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  const first = node.walk.status.running;
  await node.walk.apply(configText(TWO));
  const told = scene.logged("config not applied: it could not be applied");
  scene.plane.events.add({ kind: "taken_back", version: 2, runs: 1 });
  await told;
  const { version, text, running } = node.walk.status;
  assert.deepEqual([version, text, running.targets], [1, configText(), first.targets]);
  assert.notEqual(running, first);
});

test("the changes of one moment are walked one after the other, and the newest is what runs", async () => {
  await using scene = new Scene();
  const node = await scene.start(configText());
  let running = 0;
  scene.plane.onPrepare = async () => {
    assert.equal(++running, 1);
    await new Promise(setImmediate);
    running--;
  };
  const texts = [TWO, "targets: [", TWO.replace("24317", "34317")].map((text) => configText(text));
  const outcomes = await Promise.all(texts.map((text) => node.walk.apply(text)));
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ["applied", "invalid", "applied"],
  );
  assert.deepEqual([node.walk.status.version, scene.plane.plan.targets.get("b")?.url], [3, "http://127.0.0.1:34317"]);
});
