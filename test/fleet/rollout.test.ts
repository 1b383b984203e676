import assert from "node:assert/strict";
import { test } from "node:test";
import { fleetRollout } from "../../src/control/rollout/fleet-rollout.ts";
import { rolloutView } from "../../src/control/rollout/rollout-view.ts";
import { configKeys } from "../../src/store/recipes/config-record.ts";
import { RolloutFleet } from "../support/fleet/rollout-fleet.ts";

const NEVER = new AbortController().signal;

async function openFleet(regions: Readonly<Record<string, number>>): Promise<RolloutFleet> {
  const fleet = new RolloutFleet();
  await fleet.form();
  for (const [region, count] of Object.entries(regions)) {
    fleet.lead(`c-${region}`, region);
    await fleet.store.until(() => fleet.controllers.get(`c-${region}`)?.services.has(region) === true);
    fleet.join(region, count);
  }
  await fleet.until("all run version 1", () => fleet.nodes.every(({ runs }) => runs.version === 1));
  return fleet;
}

async function stage(
  fleet: RolloutFleet,
  text: string,
  more: { readonly again?: boolean; readonly validForMs?: number } = {},
): Promise<number> {
  const staged = await fleet.store.pass(fleet.config.stage(text, { signal: NEVER, by: "ann", ...more }));
  assert.ok(staged.kind === "staged", staged.kind);
  return staged.candidate.version;
}

function readPointer(fleet: RolloutFleet): Promise<number> {
  return fleet.config.current({ signal: NEVER }).then((read) => (read.kind === "version" ? read.version.version : 0));
}

test("a staged config whose canary fails more than the others is rolled back by itself, and needs to be asked for again", async () => {
  await using fleet = await openFleet({ eu: 3, us: 2 });
  const version = await stage(fleet, "worse: 1\n");
  await fleet.until("one node tries it", () => fleet.running(version) !== "");
  assert.equal(fleet.running(version).split(",").length, 1);
  const canary = fleet.nodes.find(({ runs }) => runs.version === version)!;
  assert.equal(canary.lastGood?.version, 1, "what is tried is on no disk");
  await fleet.until("it is rolled back", async () => (await fleet.candidate()).state === "rolled_back");
  await fleet.until("all run version 1 again", () => fleet.running(1).split(",").length === 5);
  assert.equal(await readPointer(fleet), 1);
  assert.deepEqual([...canary.ran], [1, version, 1]);
  assert.ok(
    fleet.nodes.every((node) => node === canary || node.ran.join() === "1"),
    "nobody else has run it",
  );
  const view = rolloutView(await fleetRollout(fleet.store.place).read({ signal: NEVER }));
  assert.deepEqual(
    view.windows.map(({ verdict }) => verdict),
    ["over", "over"],
  );
  assert.match(view.reason, /fail where it runs/u);
  assert.equal(fleet.metrics.rollouts.with("rolled_back").value, 1);
  assert.equal(fleet.metrics.rolloutWindows.with("over").value, 2);
  assert.ok(fleet.log.lines.some((line) => line.includes("a staged config is rolled back")));
  const refused = await fleet.config.stage("worse: 1\n", { signal: NEVER });
  assert.equal(refused.kind, "rolled_back");
  assert.equal(await stage(fleet, "worse: 1\n", { again: true }), version + 1);
});

test("a staged config that one node refuses is rolled back at once, by its Report", async () => {
  await using fleet = await openFleet({ eu: 3, us: 2 });
  const version = await stage(fleet, "not for us-1: 1\n");
  // Whoever is asked first takes it: the stage with us-1 in it comes later, or at once.
  await fleet.until("it is rolled back", async () => (await fleet.candidate()).state === "rolled_back");
  const { reason, stage: at } = await fleet.candidate();
  assert.match(reason, /^us-1 refuses it: there is no such pool/u);
  assert.notEqual(at, "node");
  await fleet.until("all run version 1 again", () => fleet.running(1).split(",").length === 5);
  assert.equal(await readPointer(fleet), 1);
  const node = fleet.nodes.find(({ id }) => id === "us-1")!;
  assert.deepEqual([node.ran, node.trouble], [[1], undefined]);
  assert.equal(
    fleet.nodes.every(({ lastGood }) => lastGood?.version === 1),
    true,
  );
  assert.ok(version > 1);
});

test("a staged config comes to all by its stages, over a change of leader, and is kept only then", async () => {
  await using fleet = await openFleet({ eu: 3, us: 2 });
  const version = await stage(fleet, "better: 1\n");
  await fleet.until("a region tries it", async () => (await fleet.candidate()).stage === "region");
  const before = await fleet.candidate();
  const leader = [...fleet.controllers.values()].find(({ global }) => global?.leads === true)!;
  await fleet.until("its nodes run it", () => fleet.running(version).split(",").length >= 2);
  const ran = fleet.nodes.map((node) => node.ran.join(" ")).join();
  const transferred = leader.transfer("global", { signal: NEVER });
  let isOver = false;
  void transferred.then(() => (isOver = true));
  await fleet.until("another leads", () => isOver);
  await fleet.until("it has begun the stage again", async () => (await fleet.candidate()).epoch !== before.epoch);
  const again = await fleet.candidate();
  assert.equal(again.stage, "region");
  assert.ok(
    again.windows.every((window) => window.stage === "node"),
    "what was seen of the stage does not count",
  );
  assert.equal(fleet.nodes.map((node) => node.ran.join(" ")).join(), ran, "nobody went back and forth");
  assert.equal(await readPointer(fleet), 1);
  await fleet.until("all run it", async () => (await fleet.candidate()).state === "done");
  assert.equal(await readPointer(fleet), version);
  await fleet.until("all have kept it", () => fleet.nodes.every(({ lastGood }) => lastGood?.version === version));
  assert.ok(
    fleet.nodes.every((node) => node.ran.join() === `1,${version}`),
    "each has taken it over once",
  );
  assert.equal(fleet.metrics.rollouts.with("done").value, 1);
});

test("nobody goes back at the promotion, though the leader's watch of the pointer is late", async () => {
  await using fleet = await openFleet({ eu: 4 });
  const version = await stage(fleet, "better: 1\n");
  await fleet.until("all try it", async () => (await fleet.candidate()).stage === "all");
  fleet.isPointerLate = true;
  await fleet.until("it is done", async () => (await fleet.candidate()).state === "done");
  await fleet.until("all have kept it", () => fleet.nodes.every(({ lastGood }) => lastGood?.version === version));
  fleet.isPointerLate = false;
  assert.ok(fleet.nodes.every((node) => node.ran.join() === `1,${version}`));
});

test("a canary that loses its controllers goes back when its time is over, and one that is restarted at once", async () => {
  await using fleet = await openFleet({ eu: 4 });
  const version = await stage(fleet, "better: 1\n", { validForMs: 60_000 });
  await fleet.until("one node tries it", () => fleet.running(version) !== "");
  const canary = fleet.nodes.find(({ runs }) => runs.version === version)!;
  // Else another one would be found to be good meanwhile, and all would run it.
  await fleet.store.pass(fleetRollout(fleet.store.place).ask("pause", { by: "bob", signal: NEVER }));
  const sinceMs = fleet.store.clock.nowMs();
  canary.isCutOff = true;
  await fleet.until("it runs what all run", () => canary.runs.version === 1);
  const tookMs = fleet.store.clock.nowMs() - sinceMs;
  assert.ok(tookMs > 30_000 && tookMs <= 61_000, `${tookMs} ms`);
  assert.equal(fleet.running(version), "", "paused, it asks nobody else");
  await fleet.store.pass(fleetRollout(fleet.store.place).ask("resume", { by: "bob", signal: NEVER }));
  await fleet.until("another one was asked", () => fleet.running(version) !== "");
  const second = fleet.nodes.find(({ runs }) => runs.version === version)!;
  assert.notEqual(second, canary);
  await second.restart("crash");
  assert.equal(second.runs.version, 1);
  await fleet.until("it is rolled back: two are lost", async () => (await fleet.candidate()).state === "rolled_back");
  await fleet.until("nobody runs it", () => fleet.running(version) === "");
  assert.deepEqual(second.ran, [1, version, 1], "its next start was never asked");
});

test("a version that is not kept any more cannot become what all run: it is rolled back", async () => {
  await using fleet = await openFleet({ eu: 2 });
  const version = await stage(fleet, "better: 1\n");
  await fleet.until("all try it", async () => (await fleet.candidate()).stage === "all");
  const { store, prefix } = fleet.store.place;
  const key = configKeys(prefix).version(version);
  await fleet.store.pass(store.txn({ if: [], then: [{ kind: "delete", key }] }, { signal: NEVER }));
  await fleet.until("it is rolled back", async () => (await fleet.candidate()).state === "rolled_back");
  assert.match((await fleet.candidate()).reason, /not kept any more/u);
  await fleet.until("nobody runs it", () => fleet.running(version) === "");
});

test("nodes that are stopped in good order are not lost: others are asked instead", async () => {
  await using fleet = await openFleet({ eu: 5 });
  const version = await stage(fleet, "better: 1\n");
  const asked = new Set<string>();
  for (let at = 0; at < 2; at++) {
    await fleet.until("another node tries it", () => fleet.nodes.some(({ id }) => isAnother(id)));
    const canary = fleet.nodes.find(({ id }) => isAnother(id))!;
    asked.add(canary.id);
    await canary.restart("stop");
  }
  await fleet.until("it is told", async () => (await fleet.candidate()).left === 2);
  const { state, lost } = await fleet.candidate();
  assert.deepEqual([state, lost, asked.size], ["running", 0, 2]);
  const { rolloutNodesGone: gone } = fleet.metrics;
  await fleet.until("it is counted", () => gone.with("left").value === 2);
  assert.equal(gone.with("lost").value, 0);
  function isAnother(id: string): boolean {
    return fleet.running(version).split(",").includes(id) && !asked.has(id);
  }
});

test("what waits for something says so in a metric, until it has ended", async () => {
  await using fleet = await openFleet({ eu: 2 });
  await stage(fleet, "better: 1\n");
  const { rolloutWaiting: waiting } = fleet.metrics;
  await fleet.until("it waits", () => waiting.with().value === 1);
  assert.match((await fleet.candidate()).reason, /does not know all of its nodes yet$/u);
  await fleet.store.pass(fleetRollout(fleet.store.place).ask("abort", { by: "bob", signal: NEVER }));
  await fleet.until("it is over", () => waiting.with().value === 0);
});

test("that one was ended before a leader saw it is told once, whoever leads", async () => {
  await using fleet = await openFleet({});
  await stage(fleet, "better: 1\n");
  const rollout = fleetRollout(fleet.store.place);
  await fleet.store.pass(rollout.ask("abort", { by: "bob", signal: NEVER }));
  for (const id of ["a", "b"]) {
    fleet.lead(id, "eu");
    await fleet.until("it leads the fleet", () => fleet.controllers.get(id)?.global?.leads === true);
    await fleet.until("it has looked", async () => (await fleet.candidate()).told);
    await fleet.store.pass(Promise.resolve(fleet.controllers.get(id)?.[Symbol.asyncDispose]()));
  }
  const told = fleet.log.lines.filter((line) => line.includes("a staged config has ended"));
  assert.equal(told.length, 1);
  assert.match(told[0] ?? "", /bob has ended it/u);
  assert.equal(fleet.metrics.rollouts.with("aborted").value, 1);
});

test("paused, resumed and ended by hand; and by another version that is published", async () => {
  await using fleet = await openFleet({ eu: 4 });
  const rollout = fleetRollout(fleet.store.place);
  const ask = (request: "abort" | "pause" | "resume") =>
    fleet.store.pass(rollout.ask(request, { by: "bob", signal: NEVER }));
  assert.equal((await ask("pause")).kind, "none");
  const version = await stage(fleet, "better: 1\n");
  await fleet.until("one node tries it", () => fleet.running(version) !== "");
  assert.equal((await ask("pause")).kind, "done");
  const { state, paused_by: by } = rolloutView(await fleet.candidate());
  assert.deepEqual([state, by], ["paused", "bob"]);
  await fleet.until("it is told", () => fleet.log.lines.some((line) => /is paused.*bob/u.test(line)));
  await fleet.until("two windows are good", () => fleet.metrics.rolloutWindows.with("good").value >= 2);
  assert.equal((await fleet.candidate()).stage, "node");
  assert.equal((await ask("resume")).kind, "done");
  await fleet.until("it goes on", async () => (await fleet.candidate()).stage === "region");
  assert.equal((await ask("abort")).kind, "done");
  await fleet.until("nobody runs it", () => fleet.running(version) === "");
  const ended = await fleet.candidate();
  assert.deepEqual([ended.state, ended.reason], ["aborted", "bob has ended it"]);
  assert.equal((await ask("resume")).kind, "ended");
  const next = await stage(fleet, "better: 2\n");
  await fleet.until("one node tries it", () => fleet.running(next) !== "");
  await fleet.store.pass(fleet.config.publish("at once: 1\n", { signal: NEVER }));
  await fleet.until("all run what was published", () => fleet.running(next + 1).split(",").length === 4);
  await fleet.until("it is over", async () => (await fleet.candidate()).state === "superseded");
});
