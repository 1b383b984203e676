import assert from "node:assert/strict";
import { test } from "node:test";
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
