import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BASE,
  obey,
  sampleOfFleet,
  type SimulatedNode,
  simulatedNodes,
  stagedCandidate,
  TRIED,
} from "../../../test/support/fleet/simulated-fleet.ts";
import type { ConfigCandidate } from "../../store/recipes/config-candidate-record.ts";
import { type RolloutStep, type StageMemory, stepRollout } from "./rollout-step.ts";

const LOOK_MS = 5_000;

class Rollout {
  readonly nodes: SimulatedNode[];
  candidate = stagedCandidate();
  memory: StageMemory = {};
  nowMs = 100_000;
  epoch = "1.5";
  ledMs = 100_000;
  runs = BASE;
  isPromoted = false;
  /** Items that a node ends in a second; of those that try it, and of the others. */
  perSecond = 1_000;
  failing = { tried: 0, others: 0 };
  refusing = new Set<string>();
  silent: string[] = [];

  constructor(regions: Readonly<Record<string, number>>) {
    this.nodes = simulatedNodes(regions);
  }

  look(): RolloutStep {
    const at = { nowMs: this.nowMs, wallMs: this.nowMs, epoch: this.epoch, ledMs: this.ledMs, runs: this.runs };
    const step = stepRollout(this.candidate, this.memory, sampleOfFleet(this.nodes, this.silent), at);
    [this.candidate, this.memory] = [step.candidate, step.memory];
    this.isPromoted ||= step.isPromoted;
    obey(this.nodes, this.candidate, this.refusing);
    return step;
  }

  /** So much time, with a look each five seconds. */
  pass(seconds: number): this {
    for (let at = 0; at < seconds; at += LOOK_MS / 1_000) {
      this.nowMs += LOOK_MS;
      this.ledMs += LOOK_MS;
      for (const node of this.nodes) {
        const items = (this.perSecond * LOOK_MS) / 1_000;
        node.attempted += items;
        node.failed += items * (node.version === TRIED ? this.failing.tried : this.failing.others);
      }
      this.look();
    }
    return this;
  }

  get tried(): string {
    return this.nodes.flatMap(({ id, version }) => (version === TRIED ? [id] : [])).join();
  }
}

function shortly({ state, stage, passed }: ConfigCandidate): string {
  return `${state} ${stage} [${passed.join()}]`;
}

test("rollout: one node, then its region, then all, each after two windows that are good", () => {
  const fleet = new Rollout({ eu: 3, us: 2 });
  fleet.look();
  assert.equal(shortly(fleet.candidate), "running node []");
  const [first] = fleet.candidate.nodes;
  assert.ok(first !== undefined && fleet.tried === first.id, fleet.tried);
  fleet.pass(60);
  assert.equal(shortly(fleet.candidate), "running node []");
  fleet.pass(10);
  assert.equal(shortly(fleet.candidate), "running region [node]");
  const region = fleet.nodes.filter((node) => node.region === first.id.slice(0, 2)).map(({ id }) => id);
  assert.equal(fleet.tried, region.join());
  fleet.pass(70);
  assert.equal(shortly(fleet.candidate), "running all [node,region]");
  assert.equal(fleet.tried, fleet.nodes.map(({ id }) => id).join());
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
    fleet.look();
    assert.deepEqual([fleet.candidate.state, fleet.candidate.stage], ["rolled_back", stage]);
    assert.equal(fleet.candidate.reason, `${asked.id} refuses it: no such pool`);
  }
});

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

test("rollout: a node that does not take it over within twice its time is the end of it", () => {
  const fleet = new Rollout({ eu: 3 });
  fleet.look();
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
  const fleet = new Rollout({ eu: 4 });
  fleet.candidate = { ...fleet.candidate, paused: true };
  fleet.pass(200);
  assert.equal(shortly(fleet.candidate), "running node []");
  const worse = new Rollout({ eu: 3 });
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
  fleet.look();
  assert.equal(fleet.candidate.state, "superseded");
  assert.deepEqual(fleet.candidate.rolledBack, []);
  const there = new Rollout({ eu: 3 }).pass(20);
  there.runs = TRIED;
  there.look();
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

test("rollout: whoever stood still for long has no window of that time", () => {
  const fleet = new Rollout({ eu: 3 }).pass(20);
  fleet.nowMs += 600_000;
  for (const node of fleet.nodes) node.attempted += 1e6;
  fleet.pass(5);
  assert.deepEqual(fleet.candidate.windows, []);
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

test("rollout: who was there when all were told is waited for, also if it is silent or gone at the next look", () => {
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
