import assert from "node:assert/strict";
import { test } from "node:test";
import { candidateDirective } from "./rollout-task.ts";
import { BASE, stagedCandidate, TRIED } from "../../../test/support/fleet/simulated-fleet.ts";
import { Rollout, shortly } from "../../../test/support/fleet/stepped-rollout.ts";

test("rollout: one node, then its region, then all, each after two windows that are good", () => {
  const fleet = new Rollout({ eu: 3, us: 2 });
  fleet.refresh();
  assert.equal(shortly(fleet.candidate), "running node []");
  const [first] = fleet.candidate.nodes;
  assert.ok(first !== undefined && fleet.tried === first.id, fleet.tried);
  const toldRegion = (): string | undefined => candidateDirective(fleet.candidate)?.region;
  assert.equal(toldRegion(), first.id.slice(0, 2));
  fleet.pass(60);
  assert.equal(shortly(fleet.candidate), "running node []");
  fleet.pass(10);
  assert.equal(shortly(fleet.candidate), "running region [node]");
  const region = fleet.nodes.filter((node) => node.region === first.id.slice(0, 2)).map(({ id }) => id);
  assert.deepEqual([fleet.tried, toldRegion()], [region.join(), first.id.slice(0, 2)]);
  fleet.pass(70);
  assert.equal(shortly(fleet.candidate), "running all [node,region]");
  assert.deepEqual([fleet.tried, toldRegion()], [fleet.nodes.map(({ id }) => id).join(), undefined]);
  assert.equal(fleet.isPromoted, false);
  fleet.pass(40);
  assert.equal(fleet.isPromoted, true);
  assert.equal(shortly(fleet.candidate), "done all [node,region,all]");
});

test("rollout: where there is one region, half of it comes after the one node; of two nodes that is the same", () => {
  const fleet = new Rollout({ eu: 5 });
  fleet.pass(75);
  assert.equal(shortly(fleet.candidate), "running region [node]");
  assert.equal(fleet.candidate.nodes.length, 2);
  const two = new Rollout({ eu: 2 }).pass(75);
  assert.equal(shortly(two.candidate), "running all [node,region]");
});

test("rollout: a node by itself has nobody to be compared with, and waits", () => {
  const fleet = new Rollout({ eu: 1 }).pass(300);
  assert.equal(shortly(fleet.candidate), "running node []");
  assert.match(fleet.candidate.reason, /no two nodes/u);
  assert.equal(fleet.tried, "");
});

test("rollout: what is worse in two windows in a row is rolled back, and kept as that", () => {
  const fleet = new Rollout({ eu: 3 });
  fleet.failing = { tried: 0.05, others: 0 };
  fleet.pass(40);
  assert.deepEqual(
    [fleet.candidate.state, fleet.candidate.windows.map(({ verdict }) => verdict)],
    ["running", ["over"]],
  );
  fleet.pass(30);
  assert.equal(fleet.candidate.state, "rolled_back");
  assert.match(fleet.candidate.reason, /^5\.00 % of the items fail where it runs, and 0\.00 % elsewhere/u);
  assert.deepEqual(
    fleet.candidate.rolledBack.map(({ version, sha256 }) => [version, sha256]),
    [[TRIED, "a".repeat(64)]],
  );
  assert.equal(fleet.tried, "");
});

test("rollout: what fails everywhere at the same time is no worse", () => {
  const fleet = new Rollout({ eu: 4, us: 4 });
  fleet.failing = { tried: 0.5, others: 0.5 };
  fleet.pass(300);
  assert.equal(fleet.candidate.state, "done");
});

test("rollout: a stage that begins to fail after the one node is rolled back from there", () => {
  const fleet = new Rollout({ eu: 4, us: 4 }).pass(75);
  assert.equal(fleet.candidate.stage, "region");
  fleet.failing = { tried: 0.05, others: 0.01 };
  fleet.pass(75);
  assert.equal(shortly(fleet.candidate), "rolled_back region [node]");
});

test("rollout: too little traffic waits, however long, and says so", () => {
  const fleet = new Rollout({ eu: 4 });
  fleet.perSecond = 10;
  fleet.pass(1_200);
  assert.equal(shortly(fleet.candidate), "running node []");
  assert.match(fleet.candidate.reason, /too little traffic to tell: 300 items of those who try it, 900 of the others/u);
  assert.ok(fleet.candidate.windows.length <= 10);
  fleet.perSecond = 1_000;
  fleet.pass(95);
  assert.equal(fleet.candidate.stage, "region");
  assert.equal(fleet.candidate.reason, "");
});

test("rollout: a node that refuses it is the end of it, in any stage", () => {
  for (const seconds of [5, 80, 150]) {
    const fleet = new Rollout({ eu: 4, us: 4 }).pass(seconds);
    const { stage } = fleet.candidate;
    const asked = fleet.nodes.find(({ version }) => version === TRIED);
    assert.ok(asked !== undefined);
    [asked.version, asked.refuses] = [BASE, TRIED];
    fleet.refresh();
    assert.deepEqual([fleet.candidate.state, fleet.candidate.stage], ["rolled_back", stage]);
    assert.equal(fleet.candidate.reason, `${asked.id} refuses it: no such pool`);
  }
});

test("rollout: a node that does not take it over within twice its time is the end of it", () => {
  const fleet = new Rollout({ eu: 3 });
  fleet.refresh();
  const stuck = fleet.nodes.find(({ id }) => id === fleet.tried)!;
  for (let at = 0; at < 45; at++) {
    stuck.version = BASE;
    fleet.pass(5);
    stuck.version = BASE;
  }
  assert.equal(fleet.candidate.state, "running");
  for (let at = 0; at < 10; at++) {
    stuck.version = BASE;
    fleet.pass(5);
    stuck.version = BASE;
  }
  assert.equal(fleet.candidate.state, "rolled_back");
  assert.match(fleet.candidate.reason, /has not taken it over for 240 s, and runs version 7/u);
});

test("rollout: paused it stays in its stage, and what is worse is rolled back all the same", () => {
  const fleet = new Rollout({ eu: 4 }).pass(5);
  fleet.candidate = { ...fleet.candidate, paused: true };
  fleet.pass(200);
  assert.equal(shortly(fleet.candidate), "running node []");
  const worse = new Rollout({ eu: 3 }).pass(5);
  worse.candidate = { ...worse.candidate, paused: true };
  worse.failing.tried = 0.2;
  worse.pass(75);
  assert.equal(worse.candidate.state, "rolled_back");
  fleet.candidate = { ...fleet.candidate, paused: false };
  fleet.pass(5);
  assert.equal(fleet.candidate.stage, "region");
});

test("rollout: paused while all try it, nothing is promoted", () => {
  const fleet = new Rollout({ eu: 4, us: 4 }).pass(150);
  assert.equal(fleet.candidate.stage, "all");
  fleet.candidate = { ...fleet.candidate, paused: true };
  fleet.pass(200);
  assert.equal(fleet.isPromoted, false);
});

test("rollout: another version that is published meanwhile ends it, and is no fault of it", () => {
  const fleet = new Rollout({ eu: 3 }).pass(20);
  fleet.runs = BASE + 1;
  fleet.refresh();
  assert.equal(fleet.candidate.state, "superseded");
  assert.deepEqual(fleet.candidate.rolledBack, []);
  const there = new Rollout({ eu: 3 }).pass(20);
  there.runs = TRIED;
  there.refresh();
  assert.equal(there.candidate.state, "done");
});

test("rollout: another leader begins the stage again, once it can know who reports", () => {
  const fleet = new Rollout({ eu: 4, us: 4 }).pass(110);
  assert.deepEqual([fleet.candidate.stage, fleet.candidate.windows.length], ["region", 3]);
  const nodes = fleet.tried;
  [fleet.epoch, fleet.ledMs, fleet.memory] = ["1.6", 0, {}];
  fleet.pass(10);
  assert.equal(fleet.candidate.epoch, "1.5");
  assert.equal(fleet.tried, nodes, "those who try it go on meanwhile");
  fleet.pass(15);
  assert.deepEqual([fleet.candidate.epoch, fleet.candidate.stage], ["1.6", "region"]);
  assert.deepEqual(
    fleet.candidate.windows.map(({ stage }) => stage),
    ["node", "node"],
  );
  assert.equal(fleet.tried, nodes);
  fleet.pass(55);
  assert.equal(fleet.candidate.stage, "region");
  fleet.pass(10);
  assert.equal(fleet.candidate.stage, "all");
});

test("rollout: what has ended stays as it is, whatever is seen", () => {
  for (const state of ["done", "rolled_back", "aborted", "superseded"] as const) {
    const fleet = new Rollout({ eu: 4, us: 4 });
    fleet.candidate = stagedCandidate({ state });
    const before = fleet.candidate;
    fleet.pass(100);
    assert.equal(fleet.candidate, before);
    assert.equal(fleet.isPromoted, false);
  }
});

test("rollout: a document that is what all run was tried in vain no more", () => {
  const before = { version: 3, sha256: "a".repeat(64), atMs: 0, reason: "worse", state: "rolled_back" } as const;
  const other = { ...before, version: 4, sha256: "c".repeat(64) };
  for (const how of ["promoted", "seen"] as const) {
    const fleet = new Rollout({ eu: 4 });
    fleet.candidate = stagedCandidate({ again: true, rolledBack: [before, other] });
    fleet.refresh();
    if (how === "seen") fleet.runs = TRIED;
    fleet.pass(how === "seen" ? 5 : 200);
    assert.deepEqual([fleet.candidate.state, fleet.candidate.rolledBack], ["done", [other]]);
  }
});
