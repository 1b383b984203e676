import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { getHeapStatistics } from "node:v8";
import { collectAll, collectBeside } from "./collect.ts";

test("collect: what nobody holds is gone, and its memory is the system's again", async () => {
  let large: object[] | undefined = Array.from({ length: 300_000 }, (_, i) => ({ i, text: `x${i}` }));
  const gone = new WeakRef(large);
  const before = process.memoryUsage().heapTotal;
  large = undefined;
  await setImmediate(); // a WeakRef keeps what it was asked for, or made of, to the end of the turn
  collectAll();
  assert.ok(gone.deref() === undefined); // the difference of so much takes minutes to tell
  assert.ok(process.memoryUsage().heapTotal < before - 10_000_000);
  assert.ok(!("gc" in globalThis) || process.execArgv.includes("--expose-gc"), "nobody else gets it");
});

test("collect: beside the work, a collection of the whole heap comes long before V8 would make one", async () => {
  const kept: object[] = [];
  const used = (): number => getHeapStatistics().used_heap_size;
  /** Whether the heap falls below `bytes` in so many turns, in each of which a little is kept. */
  const falls = async (bytes: number, turns: number): Promise<boolean> => {
    for (let turn = 0; turn < turns && used() >= bytes; turn++) {
      for (let i = 0; i < 20; i++) kept.push({ turn, i });
      Array.from({ length: 10_000 }, () => turn);
      await setImmediate();
    }
    return used() < bytes;
  };
  for (let round = 0; round < 2; round++) {
    let large: object[] | undefined = Array.from({ length: 600_000 }, (_, i) => ({ i, text: `x${i}` }));
    collectAll(); // so that V8 by itself would wait
    const half = used() - 20_000_000; // of `large`
    assert.equal(large.length, 600_000);
    large = undefined;
    assert.ok(!(await falls(half, 300)));
    collectBeside();
    assert.ok(await falls(half, 1_500));
  }
});
