import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE, TRIED } from "../../../test/support/fleet/simulated-fleet.ts";
import { Rollout, shortly } from "../../../test/support/fleet/stepped-rollout.ts";

test("rollout: whoever stood still for long has no window of that time", () => {
  const fleet = new Rollout({ eu: 3 }).pass(20);
  fleet.nowMs += 600_000;
  for (const node of fleet.nodes) node.attempted += 1e6;
  fleet.pass(5);
  assert.deepEqual(fleet.candidate.windows, []);
});

test("rollout: windows with a break between them are in no row, whether good or over", () => {
  for (const failing of [0, 0.2]) {
    const fleet = new Rollout({ eu: 4 });
    fleet.failing.tried = failing;
    fleet.pass(40);
    assert.equal(fleet.candidate.windows.length, 1);
    fleet.nowMs += 7_200_000;
    fleet.pass(35);
    const verdicts = fleet.candidate.windows.map(({ verdict, follows }) => [verdict, follows]);
    const verdict = failing > 0 ? "over" : "good";
    assert.deepEqual(verdicts, [
      [verdict, false],
      [verdict, false],
    ]);
    assert.equal(shortly(fleet.candidate), "running node []");
    fleet.pass(30);
    assert.equal(shortly(fleet.candidate), failing > 0 ? "rolled_back node []" : "running region [node]");
  }
});

test("rollout: what was good before a break, while it was paused, does not let it go on after that", () => {
  const fleet = new Rollout({ eu: 4 });
  fleet.pass(5);
  fleet.candidate = { ...fleet.candidate, paused: true };
  fleet.pass(95);
  assert.deepEqual([shortly(fleet.candidate), fleet.candidate.windows.length], ["running node []", 3]);
  fleet.nowMs += 600_000;
  fleet.pass(5);
  fleet.candidate = { ...fleet.candidate, paused: false };
  fleet.pass(35);
  assert.equal(shortly(fleet.candidate), "running node []");
  fleet.pass(30);
  assert.equal(shortly(fleet.candidate), "running region [node]");
});

test("rollout: a window from before one of several was lost is in no row with the next", () => {
  const fleet = new Rollout({ eu: 4, us: 4 }).pass(105);
  assert.deepEqual([fleet.candidate.stage, fleet.candidate.windows.length], ["region", 3]);
  fleet.restart(fleet.canary, "crashed");
  fleet.pass(40);
  assert.deepEqual([fleet.candidate.stage, fleet.candidate.windows.length], ["region", 4]);
  fleet.pass(30);
  assert.equal(fleet.candidate.stage, "all");
});

test("rollout: where nodes report once a minute, a window is two minutes, and two of them are enough", () => {
  const fleet = new Rollout({ eu: 3 });
  for (const node of fleet.nodes) node.reportMs = 60_000;
  fleet.pass(130);
  assert.equal(fleet.candidate.windows.length, 1);
  fleet.pass(120);
  assert.deepEqual([fleet.candidate.windows.length, fleet.candidate.stage], [2, "all"]);
});

test("rollout: items that pile up where it is tried are waited for, and said", () => {
  const fleet = new Rollout({ eu: 4 });
  for (let at = 0; at < 40; at++) {
    fleet.pass(5);
    fleet.canary.waiting += 3_000;
  }
  assert.equal(shortly(fleet.candidate), "running node []");
  assert.ok(fleet.candidate.windows.every(({ verdict }) => verdict === "doubtful"));
  assert.match(
    fleet.candidate.reason,
    /^in doubt: 3\d\.\d\d % of the items wait in queues where it runs, and 0\.00 %/u,
  );
});

test("rollout: what the door refuses where it is tried is waited for, and said", () => {
  const fleet = new Rollout({ eu: 4 });
  for (let at = 0; at < 40; at++) {
    fleet.pass(5);
    for (const node of fleet.nodes) node.requests += 100;
    fleet.canary.refused += 60;
  }
  assert.equal(shortly(fleet.candidate), "running node []");
  assert.match(fleet.candidate.reason, /^in doubt: 60\.00 % of the requests are answered with an error where it runs/u);
});

test("rollout: one that is only suspect for a moment stops no window; one that never took it over is named", () => {
  const fleet = new Rollout({ eu: 4, us: 4 }).pass(80);
  assert.equal(fleet.candidate.stage, "region");
  for (let at = 0; at < 14; at++) {
    const asked = fleet.nodes.filter(({ version }) => version === TRIED);
    asked.forEach((node, which) => (node.isLive = which !== at % asked.length));
    fleet.pass(5);
  }
  assert.equal(fleet.candidate.stage, "all");
  const stuck = new Rollout({ eu: 3 });
  stuck.refresh();
  const { canary } = stuck;
  for (let at = 0; at < 10; at++) {
    canary.version = BASE;
    stuck.pass(5);
  }
  assert.equal(stuck.candidate.reason, `${canary.id} has not taken it over yet, and runs version ${BASE}`);
  canary.version = TRIED;
  stuck.pass(10);
  assert.equal(stuck.candidate.reason, "");
});
