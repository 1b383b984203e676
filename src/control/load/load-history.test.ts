import assert from "node:assert/strict";
import { test } from "node:test";
import { LoadHistory } from "./load-history.ts";

test("history: the last so many are kept, oldest first", () => {
  const history = new LoadHistory<number>(3);
  assert.deepEqual([history.newest, history.list()], [undefined, []]);
  for (let i = 1; i <= 8; i++) {
    history.add(i);
    const want = [i - 2, i - 1, i].filter((one) => one > 0);
    assert.deepEqual([history.newest, history.list(), history.length], [i, want, want.length]);
  }
  assert.deepEqual(history.list(2), [7, 8]);
  assert.deepEqual(history.list(0), []);
});
