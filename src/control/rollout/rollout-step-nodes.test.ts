import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE, obey, TRIED } from "../../../test/support/fleet/simulated-fleet.ts";
import { Rollout } from "../../../test/support/fleet/stepped-rollout.ts";
import { startOf } from "./collector-sample.ts";

test("rollout: another node is asked when the first was restarted; twice is the end of it", () => {
  const fleet = new Rollout({ eu: 3 }).pass(20);
  const first = fleet.tried;
  fleet.nodes.find(({ id }) => id === first)!.incarnation = "two";
  obey(fleet.nodes, fleet.candidate, fleet.refusing);
  assert.equal(fleet.tried, "", "its next start runs what all run");
  fleet.pass(5);
  assert.deepEqual([fleet.candidate.state, fleet.candidate.lost], ["running", 1]);
  assert.notEqual(fleet.tried, first);
  const second = fleet.nodes.findIndex(({ id }) => id === fleet.tried);
  fleet.nodes.splice(second, 1);
  fleet.pass(5);
  assert.equal(fleet.candidate.state, "rolled_back");
  assert.match(fleet.candidate.reason, /was restarted, or is gone, while it ran it/u);
});

test("rollout: who is not heard of since its controller is silent is not lost, and nothing begins meanwhile", () => {
  const fleet = new Rollout({ eu: 3, us: 3 }).pass(10);
  const [canary] = fleet.candidate.nodes;
  fleet.silent = [canary?.id.slice(0, 2) ?? ""];
  fleet.pass(200);
  assert.deepEqual([fleet.candidate.state, fleet.candidate.lost, fleet.candidate.stage], ["running", 0, "node"]);
  const other = new Rollout({ eu: 3 });
  other.silent = ["eu"];
  other.pass(30);
  assert.equal(
    other.candidate.reason,
    "the controller of region eu does not answer, or does not know all of its nodes yet",
  );
  assert.equal(other.tried, "");
});

test("rollout: a leader that ends with who tries it, again and again, does not go through the fleet", () => {
  const fleet = new Rollout({ eu: 6 }).pass(10);
  const lost: string[] = [];
  for (let at = 0; at < 3 && fleet.candidate.state === "running"; at++) {
    lost.push(fleet.tried);
    const canary = fleet.nodes.find(({ id }) => id === fleet.tried)!;
    [canary.incarnation, canary.version] = [`after ${at}`, BASE];
    [fleet.epoch, fleet.ledMs, fleet.memory] = [`1.${20 + at}`, 0, {}];
    fleet.pass(30);
  }
  assert.equal(fleet.candidate.state, "rolled_back");
  assert.equal(lost.length, 2);
  assert.notEqual(lost[0], lost[1]);
});

test("rollout: nodes that are restarted while all try it are the end of it, but for one in ten", () => {
  for (const [restarts, want] of [
    [1, "done"],
    [2, "rolled_back"],
  ] as const) {
    const fleet = new Rollout({ eu: 6, us: 6 }).pass(150);
    assert.equal(fleet.candidate.stage, "all");
    for (const node of fleet.nodes.slice(0, restarts)) node.incarnation = "two";
    fleet.pass(60);
    assert.equal(fleet.candidate.state, want);
  }
});

test("rollout: a region whose controller is silent has lost nobody, while it tries it either", () => {
  const fleet = new Rollout({ eu: 4, us: 4 }).pass(90);
  assert.equal(fleet.candidate.stage, "region");
  fleet.silent = [fleet.candidate.nodes[0]!.id.slice(0, 2)];
  fleet.pass(100);
  assert.deepEqual([fleet.candidate.state, fleet.candidate.lost], ["running", 0]);
});

test("rollout: who was there when all were told is waited for, also if it is silent or gone at the next sample", () => {
  for (const [of, want] of [
    ["silent", "running"],
    ["gone", "rolled_back"],
  ] as const) {
    const fleet = new Rollout({ eu: 4, us: 4 });
    while (fleet.candidate.stage !== "all") fleet.pass(5);
    if (of === "silent") fleet.silent = ["us"];
    else fleet.nodes.splice(4);
    fleet.pass(5);
    fleet.silent = [];
    const stuck = fleet.nodes.filter(({ region }) => region === "us");
    for (let at = 0; at < 12; at++) {
      for (const node of stuck) node.version = BASE;
      fleet.pass(5);
    }
    assert.deepEqual([fleet.candidate.state, fleet.isPromoted], [want, false]);
  }
});

test("rollout: paused before anybody was asked, nobody is; paused without those who ran it, nobody else is", () => {
  const fleet = new Rollout({ eu: 4 });
  fleet.candidate = { ...fleet.candidate, paused: true };
  fleet.pass(60);
  assert.deepEqual([fleet.tried, fleet.candidate.reason], ["", "it is paused, and nobody was asked to run it yet"]);
  fleet.candidate = { ...fleet.candidate, paused: false };
  fleet.pass(10);
  assert.equal(fleet.candidate.reason, "");
  const first = fleet.canary;
  fleet.candidate = { ...fleet.candidate, paused: true };
  fleet.restart(first, "crashed");
  fleet.pass(60);
  assert.equal(fleet.tried, "");
  assert.match(fleet.candidate.reason, /it is paused: those who ran it are gone/u);
  fleet.candidate = { ...fleet.candidate, paused: false };
  fleet.pass(5);
  assert.notEqual(fleet.canary, first);
  assert.equal(fleet.candidate.lost, 1);
});

test("rollout: another leader asks nobody else while it is paused, and still finds what is worse", () => {
  const fleet = new Rollout({ eu: 4, us: 4 }).pass(80);
  assert.equal(fleet.candidate.stage, "region");
  fleet.candidate = { ...fleet.candidate, paused: true };
  const asked = fleet.tried;
  const [region = ""] = asked.split("-");
  fleet.nodes.push({ ...fleet.nodes[0]!, id: `${region}-9`, region, version: BASE });
  [fleet.epoch, fleet.ledMs, fleet.memory] = ["1.6", 0, {}];
  fleet.pass(40);
  assert.deepEqual([fleet.candidate.epoch, fleet.tried, fleet.candidate.region], ["1.6", asked, asked.slice(0, 2)]);
  fleet.failing.tried = 0.2;
  fleet.pass(75);
  assert.equal(fleet.candidate.state, "rolled_back");
});

test("rollout: two lost are the end of it, or a tenth if that is more: at once, and one after the other", () => {
  for (const { nodes, lost, want } of [
    { nodes: 20, lost: 1, want: "running" },
    { nodes: 20, lost: 2, want: "rolled_back" },
    { nodes: 21, lost: 2, want: "running" },
    { nodes: 30, lost: 2, want: "running" },
    { nodes: 30, lost: 3, want: "rolled_back" },
  ]) {
    for (const at of ["once", "after each other"] as const) {
      const fleet = new Rollout({ eu: nodes, us: nodes }).pass(80);
      assert.equal(fleet.candidate.nodes.length, nodes);
      for (let each = 0; each < lost; each++) {
        fleet.restart(fleet.canary, "crashed");
        if (at === "after each other") fleet.pass(5);
      }
      fleet.pass(5);
      assert.deepEqual([fleet.candidate.state, fleet.candidate.lost], [want, lost], `${lost} of ${nodes}, ${at}`);
    }
  }
});

test("rollout: who stops in good order is not lost; but five of them are told, as by a platform that ends them", () => {
  const fleet = new Rollout({ eu: 8 });
  fleet.refresh();
  for (let at = 0; at < 4; at++) {
    fleet.restart(fleet.canary, "stopped");
    fleet.pass(5);
  }
  assert.deepEqual([fleet.candidate.state, fleet.candidate.lost, fleet.candidate.left], ["running", 0, 4]);
  fleet.restart(fleet.canary, "stopped");
  fleet.pass(5);
  assert.equal(fleet.candidate.state, "rolled_back");
  assert.match(fleet.candidate.reason, /was stopped in good order, while it ran it/u);
});

test("rollout: nodes that stop in good order while all try it do not end it, up to a quarter", () => {
  for (const [stops, want] of [
    [5, "done"],
    [6, "rolled_back"],
  ] as const) {
    const fleet = new Rollout({ eu: 12, us: 12 });
    while (fleet.candidate.stage !== "all") fleet.pass(5);
    for (const node of fleet.nodes.slice(0, stops)) fleet.restart(node, "stopped");
    fleet.pass(60);
    assert.equal(fleet.candidate.state, want, `${stops} of 24`);
  }
});

test("rollout: who was only suspect when all were told is waited for, too", () => {
  const fleet = new Rollout({ eu: 4, us: 4 });
  const suspect = fleet.nodes.find(({ id }) => id === "us-3")!;
  const others = fleet.nodes.filter((node) => node !== suspect);
  while (fleet.candidate.stage !== "all") {
    suspect.isLive = false;
    fleet.pass(5);
  }
  for (let at = 0; at < 12; at++) {
    suspect.version = BASE;
    fleet.pass(5);
  }
  assert.ok(others.every(({ version }) => version === TRIED));
  assert.equal(fleet.isPromoted, false);
  assert.match(fleet.candidate.reason, /^us-3 has not taken it over yet/u);
});

test("rollout: what nobody runs is not what all run", () => {
  const fleet = new Rollout({ eu: 2 });
  while (fleet.candidate.stage !== "all") fleet.pass(5);
  for (const node of fleet.nodes) fleet.left.add(startOf(node));
  fleet.nodes.splice(0);
  fleet.pass(100);
  assert.deepEqual([fleet.isPromoted, fleet.candidate.reason], [false, "there is no node that runs it"]);
});
