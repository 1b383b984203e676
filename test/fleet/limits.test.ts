import assert from "node:assert/strict";
import { test } from "node:test";
import { LimitedFleet } from "../support/fleet/limited-fleet.ts";
import type { LimitsData } from "../../src/plan/limits/limits-plan.ts";

const LIMITS: LimitsData = {
  total: { perSecond: 1_000, burst: 200 },
  key: { from: "service" },
  keys: [],
  mixed: "refuse",
};

test("a fleet shares its limit by where the load is: two intervals after it has moved, 95 % are used there", async () => {
  await using fleet = new LimitedFleet(LIMITS);
  await fleet.form();
  fleet.lead("c1", "eu");
  const [a, b] = ["n1", "n2", "n3"].map((id) => fleet.join(id, "eu"));
  a!.offered = 3_000;
  await fleet.run(30);
  const first = await fleet.run(10);
  assert.ok(first >= 9_500, String(first));
  [a!.offered, b!.offered] = [0, 3_000];
  await fleet.run(10);
  const moved = await fleet.run(10);
  assert.ok(moved >= 9_500, String(moved));
});

test("what a node needs no more, be it all that it had, another one of its region has five seconds later", async () => {
  await using fleet = new LimitedFleet(LIMITS);
  await fleet.form();
  fleet.lead("c1", "eu");
  const [a, b] = ["n1", "n2"].map((id) => fleet.join(id, "eu"));
  a!.offered = 900;
  await fleet.run(34);
  [a!.offered, b!.offered] = [0, 2_000];
  await fleet.run(5);
  const moved = await fleet.run(3);
  assert.ok(moved >= 2_700, String(moved));
});

test("what moves to another region is there five seconds later", async () => {
  await using fleet = new LimitedFleet(LIMITS);
  await fleet.form();
  fleet.lead("c1", "eu");
  fleet.lead("c2", "us");
  const [a, , b] = [fleet.join("n1", "eu"), fleet.join("n2", "eu"), fleet.join("n3", "us")];
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    [from.offered, to.offered] = [2_000, 0];
    await fleet.run(22);
    [from.offered, to.offered] = [0, 2_000];
    await fleet.run(5);
    const moved = await fleet.run(4);
    assert.ok(moved >= 0.95 * 4_000, String(moved));
  }
});

test("over regions: the leader shares the limit out to them, and they to their nodes; who says goodbye frees its part", async () => {
  await using fleet = new LimitedFleet(LIMITS);
  await fleet.form();
  fleet.lead("c1", "eu");
  fleet.lead("c2", "us");
  const [a, b] = [fleet.join("n1", "eu"), fleet.join("n2", "us")];
  fleet.join("n3", "us");
  [a.offered, b.offered] = [2_000, 2_000];
  await fleet.run(30);
  const both = await fleet.run(10);
  assert.ok(both >= 9_500, String(both));
  assert.ok(Math.abs(a.granted - b.granted) < 100, `${a.granted} ${b.granted}`);
  await fleet.leave(a);
  await fleet.run(10);
  const alone = await fleet.run(10);
  assert.ok(alone >= 9_000, String(alone));
});

test("the rule holds through changes of leaders, and what nodes have goes on meanwhile", async () => {
  await using fleet = new LimitedFleet(LIMITS);
  await fleet.form();
  fleet.lead("c1", "eu");
  const nodes = ["n1", "n2"].map((id) => fleet.join(id, "eu"));
  for (const node of nodes) node.offered = 1_500;
  await fleet.run(30);
  fleet.lead("c2", "eu");
  await fleet.run(5);
  await fleet.end("c1");
  const meanwhile = await fleet.run(10);
  assert.ok(meanwhile >= 5_000, String(meanwhile));
  const joined = fleet.join("n3", "eu");
  joined.offered = 1_500;
  await fleet.run(60);
  const after = await fleet.run(10);
  assert.ok(after >= 9_300, String(after));
  assert.ok(joined.granted > 200, String(joined.granted));
});

test("a node that is cut off keeps to its safe share when its lease is over, and the others have the rest", async () => {
  await using fleet = new LimitedFleet(LIMITS);
  await fleet.form();
  fleet.lead("c1", "eu");
  const [a, b] = ["n1", "n2"].map((id) => fleet.join(id, "eu"));
  for (const node of fleet.nodes) node.offered = 1_500;
  await fleet.run(30);
  a!.isCutOff = true;
  await fleet.run(40);
  assert.ok(a!.granted > 0 && a!.granted <= 50, String(a!.granted));
  assert.ok(b!.granted >= 900, String(b!.granted));
  a!.isCutOff = false;
  await fleet.run(60);
  assert.ok(a!.granted >= 400, String(a!.granted));
});

test("the limit of a key is the fleet's, too", async () => {
  await using fleet = new LimitedFleet({ ...LIMITS, total: { perSecond: 100_000, burst: 100_000 }, perKey: 400 });
  await fleet.form();
  fleet.lead("c1", "eu");
  fleet.lead("c2", "us");
  const [a, b] = [fleet.join("n1", "eu"), fleet.join("n2", "us")];
  a.offered = 1_000;
  await fleet.run(30);
  const first = await fleet.run(10);
  assert.ok(first >= 3_700 && first <= 4_000 + 400, String(first));
  [a.offered, b.offered] = [0, 1_000];
  await fleet.run(15);
  const moved = await fleet.run(10);
  assert.ok(moved >= 3_700 && moved <= 4_000 + 400, String(moved));
});

for (const perKey of [undefined, 150]) {
  test(`senders that wait as they are told have of limits that are new what there is after six seconds, ${perKey ?? "none"} of a key`, async () => {
    await using fleet = new LimitedFleet();
    await fleet.form();
    fleet.lead("c1", "east");
    fleet.lead("c2", "west");
    const nodes = ["n1", "n2", "n3", "n4"].map((id, i) => fleet.join(id, i < 2 ? "east" : "west"));
    for (const node of nodes) node.isObeyed = true;
    [nodes[0]!.offered, nodes[2]!.offered] = [300, 400];
    assert.equal(await fleet.run(31), 31 * 700);
    fleet.setLimits({ ...LIMITS, total: { perSecond: 300, burst: 300 }, ...(perKey !== undefined && { perKey }) });
    await fleet.run(3);
    assert.ok(
      nodes.every(({ granted }) => granted > 0),
      "each reports at once",
    );
    await fleet.run(3);
    const letIn = await fleet.run(20);
    assert.ok(letIn >= 0.85 * 20 * (perKey ?? 300), String(letIn));
  });
}
