import assert from "node:assert/strict";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { ManualClock } from "../support/manual-clock.ts";
import type { RunningNode } from "../../src/server/running-node.ts";
import { configText, Scene } from "./scene.ts";

/** Long enough to be read by what differs, and without patterns. */
const LONG = configText(`targets: [{ id: a, endpoint: http://127.0.0.1:14317 }]
pools: { p: { targets: [a] } }
rules:
${Array.from({ length: 1_000 }, (_, i) => `  - id: r${i}\n    conditions: [{ service_name: service-${i} }]\n    pool: p\n`).join("")}default_pool: p
`);
const edited = (to: string): string => LONG.replace("service-500 }", `${to} }`);

interface ReadAhead {
  readonly node: RunningNode;
  readonly clock: ManualClock;
  readonly texts: string[];
  /** A first look at what was written, to the end of reading ahead what it saw. */
  readonly look: (afterMs?: number) => Promise<void>;
  /** All that tells what a node has done with its config. */
  readonly traces: () => unknown;
}

async function start(scene: Scene, text = LONG): Promise<ReadAhead> {
  const clock = new ManualClock();
  const node = await scene.start(text, scene.openScripted, clock);
  const texts: string[] = [];
  const { walk } = node;
  const readAhead = walk.readAhead.bind(walk);
  walk.readAhead = (next) => {
    readAhead(next);
    texts.push(next);
  };
  await node.reload(); // the watch has looked at the file
  clock.advance(30);
  await node.reload();
  const look = async (afterMs = 1_005): Promise<void> => {
    const wanted = texts.length + 1;
    clock.advance(afterMs); // the poll, and the look that follows it
    while (texts.length < wanted) await setImmediate();
  };
  const traces = (): unknown => {
    const applies = ["applied", "invalid", "failed", "unreadable"] as const;
    const counted = applies.map((kind) => node.env.metrics.configApplies.with(kind).value);
    return [walk.status, counted, [...scene.messages], [...scene.plane.applied], node.walk.status.text.length];
  };
  return { node, clock, texts, look, traces };
}

async function applied(node: RunningNode, version: number): Promise<void> {
  while (node.walk.status.version < version) await setImmediate();
}

test("an edit of a long file is read ahead while its writer is waited for, without a trace, and applied once after that", async () => {
  await using scene = new Scene();
  const { node, clock, texts, look, traces } = await start(scene);
  const before = traces();
  const { version } = node.walk.status;
  scene.write(edited("edited"));
  await look();
  assert.deepEqual(traces(), before);
  clock.advance(30);
  await applied(node, version + 1);
  assert.deepEqual([node.walk.status.text, texts], [edited("edited"), [edited("edited")]]);
  assert.equal(node.walk.status.running.rules.length, 1_000);
  assert.match(JSON.stringify(node.walk.status.running.rules[500]), /"edited"/u);
});

for (const [name, first] of [
  ["another edit", edited("first")],
  ["half of the document", edited("last").slice(0, LONG.length / 2)],
  ["a document with a fault", edited("last").replace("pool: p\n", "pool: nowhere\n")],
  ["a document that is no YAML", edited("last").replace("pool: p\n", "pool: [p\n")],
  ["nothing", ""],
] as const) {
  test(`${name} that the file held for a moment is nowhere told: the last edit alone is applied, compared with what runs`, async () => {
    await using scene = new Scene();
    const { node, clock, look, traces } = await start(scene);
    const before = traces();
    const { version } = node.walk.status;
    scene.write(first);
    await look();
    scene.write(edited("last"));
    await look(30);
    assert.deepEqual(traces(), before);
    const done = scene.logged("config applied");
    clock.advance(30);
    await done;
    assert.deepEqual([node.walk.status.version, node.walk.status.text], [version + 1, edited("last")]);
    const last = node.walk.status.last;
    assert.deepEqual(last?.kind === "applied" && last.changed, ["rules.r500.conditions[0].service_name"]);
    assert.deepEqual(node.env.metrics.configApplies.with("invalid").value, 0);
  });
}

test("what was read ahead does not run when the file cannot be read any more, or the node stops", async () => {
  await using scene = new Scene();
  const { node, clock, look, texts } = await start(scene);
  const { text } = node.walk.status;
  scene.write(edited("edited"));
  await look();
  renameSync(scene.file, `${scene.file}.away`);
  const told = scene.logged("config not applied: it cannot be read");
  clock.advance(30);
  for (let turn = 0; turn < 50; turn++) await setImmediate();
  clock.advance(30);
  await told;
  assert.equal(node.walk.status.text, text);
  writeFileSync(scene.file, edited("again"));
  await look();
  const stopped = node.stop();
  clock.advance(60_000);
  await stopped;
  node.walk.readAhead(edited("after the end"));
  assert.deepEqual([node.walk.status.text, texts.length], [text, 3]);
  rmSync(`${scene.file}.away`);
});
