import assert from "node:assert/strict";
import { test } from "node:test";
import { targetPlan } from "../../../test/delivery/pool-rig.ts";
import type { ToldHandle } from "../../data/export/target-port.ts";
import { initialHealth } from "../../data/health/health.ts";
import { PartRecord } from "./part-record.ts";

test("part record: the end of a worker is news of a target only when it told that calls are under way", () => {
  const record = new PartRecord();
  assert.equal(record.underWay(0, 3), 3);
  assert.equal(record.underWay(2, 1), 4);
  assert.deepEqual(
    [0, 1, 2, 3].map((worker) => record.hadCallsOf(worker)),
    [true, false, true, false],
  );
  assert.equal(record.underWay(0, 0), 1);
  assert.equal(record.hadCallsOf(0), false);
});

test("part record: what a member says of its load, and that it is elsewhere, is told each time", () => {
  const health = initialHealth(0);
  const part = (port: number, loadsHeard: number): ToldHandle => {
    const plan = { ...targetPlan("t"), member: "a", url: `http://a.test:${port}` };
    const known = { plan, loadsHeard, health: () => health, refused: () => 0, refusals: () => [] };
    return known as unknown as ToldHandle; // oxlint-disable-line typescript/no-unsafe-type-assertion -- nothing else is asked
  };
  const record = new PartRecord();
  const told = [part(1, 0), part(1, 0), part(1, 1), part(1, 1), part(2, 2)].map((one) => record.refresh(one, []));
  assert.deepEqual(told, [true, false, true, false, true]);
});
