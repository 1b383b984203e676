import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { collectAll } from "./collect.ts";

test("collect: what nobody holds is gone, and its memory is the system's again", async () => {
  let large: object[] | undefined = Array.from({ length: 300_000 }, (_, i) => ({ i, text: `x${i}` }));
  const gone = new WeakRef(large);
  const before = process.memoryUsage().heapTotal;
  large = undefined;
  await setImmediate(); // a WeakRef keeps what it was asked for, or made of, to the end of the turn
  collectAll();
  assert.equal(gone.deref(), undefined);
  assert.ok(process.memoryUsage().heapTotal < before - 10_000_000);
  assert.ok(!("gc" in globalThis) || process.execArgv.includes("--expose-gc"), "nobody else gets it");
});
