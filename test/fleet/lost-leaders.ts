import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { FleetNodeProcess } from "../support/fleet/fleet-node-process.ts";
import type { RealFleet } from "../support/fleet/real-fleet.ts";
import type { WatchedStore } from "../support/fleet/watched-store.ts";
import type { TestNode } from "../support/node.ts";
import { follows, rollOf, run, untilEqual } from "./node-view.ts";

const WEST = "region.west";
const EAST = "region.east";

/** Two regions, each with a leader in a process of its own and somebody who comes after it. */
export interface TwoRegions {
  readonly store: WatchedStore;
  readonly fleet: RealFleet;
  /** Leads the fleet and the west; is to stand still. */
  readonly w1: FleetNodeProcess;
  readonly w2: TestNode;
  /** Leads the east; is to be killed. */
  readonly e1: FleetNodeProcess;
  readonly e2: TestNode;
}

const documentOf = (port: number): Readonly<Record<string, unknown>> => ({
  targets: [{ id: "a", endpoint: `http://127.0.0.1:${port}` }],
  default_pool: { targets: ["a"] },
});

export async function startTwoRegions(store: WatchedStore, fleet: RealFleet): Promise<TwoRegions> {
  await fleet.publish(documentOf(1), "--init");
  const w1 = await fleet.process({ id: "w1", region: "west" });
  await untilEqual("w1 w1", async () => `${await store.leader("global")} ${await store.leader(WEST)}`);
  const e1 = await fleet.process({ id: "e1", region: "east" });
  await untilEqual("e1", () => store.leader(EAST));
  const w2 = await fleet.inProcess({ id: "w2", region: "west" });
  const e2 = await fleet.inProcess({ id: "e2", region: "east" });
  for (const node of [w1, w2]) await follows(node, "w1");
  for (const node of [e1, e2]) await follows(node, "e1");
  await untilEqual("2 2 4", async () => {
    const standing = [WEST, EAST, "global"].map(async (name) => (await store.standing(name)).length);
    return (await Promise.all(standing)).join(" ");
  });
  return { store, fleet, w1, w2, e1, e2 };
}

export interface LoseOptions {
  /** Within that another one leads on a quiet machine: told, not asked for. */
  readonly boundMs: number;
  /** What is lost in the same moment. */
  readonly alsoLose?: () => Promise<unknown>;
}

/**
 * The leader of one region stands still and that of the other one is killed: others lead. Then the
 * first one wakes, and writes nothing more by what it was.
 */
export async function loseLeaders(regions: TwoRegions, options: LoseOptions, t: TestContext): Promise<void> {
  const { store, fleet, w1, w2, e1, e2 } = regions;
  const alsoLost = options.alsoLose?.();
  w1.stop();
  await Promise.all([e1.kill(), alsoLost]);
  const tookMs = await store.until("others lead", async () => {
    const [west, east, world] = await Promise.all([WEST, EAST, "global"].map((name) => store.leader(name)));
    return west === "w2" && east === "e2" && world !== "w1" && world !== "e1" && world !== undefined;
  });
  t.diagnostic(`others led ${tookMs} ms after their leaders were lost, of ${options.boundMs}`);
  await follows(w2, "w2");
  await follows(e2, "e2");
  for (const node of [w2, e2]) await untilEqual("east: e2 > e2, west: w2 > w2", () => rollOf(node));
  await store.until("the next leader decides", async () => ["w2", "e2"].includes(store.written.at(-1)?.by ?? ""));
  const before = new Set(store.writes.filter(({ by }) => by === "w1").map(({ epoch }) => epoch));
  const from = store.writes.length;
  w1.goOn();
  for (const election of [WEST, "global"]) {
    await w1.logged((line) => line["msg"] === "this node leads no more" && line["election"] === election);
  }
  await follows(w1, "w2");
  await untilEqual("east: e2 > e2, west: w2 > w1 w2", () => rollOf(w1));
  // It obeys what is decided now.
  await fleet.publish(documentOf(2));
  await run([w1, w2, e2], 2);
  await store.until("that is decided", async () => store.written.at(-1)?.body.includes('"version":2') === true);
  const late = store.writes.slice(from).filter(({ epoch }) => before.has(epoch));
  assert.ok(before.size > 0);
  assert.deepEqual([late, store.fallen], [[], []]);
}
