import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
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
    collectBeside(round === 0 ? "usual" : "sparing");
    assert.ok(await falls(half, 1_500));
  }
});

/** Of what is left behind in a process of its own, whether it is there yet. */
const LEAVING = `
  const { boundGrowth, collectAll, collectGrown } = await import(${JSON.stringify(new URL("./collect.ts", import.meta.url))});
  const turn = () => new Promise(setImmediate); // a WeakRef keeps what it was asked for to the end of the turn
  const leave = async (bytes) => {
    const left = new WeakRef(new Array(bytes / 8).fill(0.5));
    await turn();
    return left;
  };
  const held = new Array(8_000_000).fill(0.5); // of which V8 lets a heap grow by more
  const told = [];
  const tell = async (left, rest) => {
    collectGrown(true, rest);
    told.push(left.map((one) => one.deref() !== undefined).join());
    await turn();
  };
  collectAll();
  boundGrowth(64_000_000);
  collectAll();
  const first = await leave(12_000_000);
  await tell([first], "short");
  const second = await leave(32_000_000);
  await tell([second], "none");
  await tell([first, second], "short");
  const third = await leave(12_000_000);
  await tell([third], "short");
  await tell([third], "long");
  console.log(told.join(" "), held.length);`;

test("collect: where a pause is no matter, half of what a heap may grow by is collected when nothing is done", () => {
  const told = execFileSync(process.execPath, ["--input-type=module", "-e", LEAVING], { encoding: "utf8" });
  assert.equal(told.trim(), "true true false,false true false 8000000");
});

/** Of what is left behind in a process that does nothing more, whether it is gone before long. */
const RESTING = `
  const { boundGrowth, collectAll, collectBeside, collectGrown } = await import(${JSON.stringify(new URL("./collect.ts", import.meta.url))});
  const turn = () => new Promise(setImmediate);
  const gone = new Set();
  const registry = new FinalizationRegistry((name) => gone.add(name)); // to ask a WeakRef keeps what it is asked for
  const leave = (bytes, name) => {
    const left = new Array(bytes / 8).fill(0); // no other numbers, for which it would be copied
    registry.register(left, name);
    for (let i = 0; i < 20; i++) Array.from({ length: 10_000 }, () => ({})); // it is an old one then
    return left.length;
  };
  const goes = async (name) => {
    for (let i = 0; i < 300_000 && !gone.has(name); i++) await turn();
    return gone.has(name);
  };
  const held = new Array(8_000_000).fill(0.5); // of which V8 lets a heap grow by more
  const told = [];
  boundGrowth(256_000_000);
  let small = { name: "small" };
  registry.register(small, "small");
  collectAll();
  small = undefined;
  collectBeside("sparing");
  told.push(await goes("small"));
  for (const [bytes, rest] of [[4_000_000, "short"], [12_000_000, "none"], [12_000_000, "short"]]) {
    collectAll();
    const name = bytes + rest;
    leave(bytes, name);
    await turn();
    collectGrown(false, rest);
    told.push(await goes(name));
  }
  console.log(told.join(" "), held.length);`;

test("collect: where nothing may be held up, a process that rests collects at once, and sooner than one that works", () => {
  const told = execFileSync(process.execPath, ["--max-semi-space-size=1", "--input-type=module", "-e", RESTING], {
    encoding: "utf8",
  });
  assert.equal(told.trim(), "true false false true 8000000");
});

/** How often all of the heap is collected until that is seen, or 50 MB more than 40 are held. */
function collections(bound: number | undefined): number {
  const bounds = bound === undefined ? "" : `collect.boundGrowth(${bound});`;
  const script = `
    const collect = await import(${JSON.stringify(new URL("./collect.ts", import.meta.url))});
    const { PerformanceObserver, constants } = await import("node:perf_hooks");
    const hold = (count) => Array.from({ length: count }, (_, i) => ({ i, list: [i] }));
    const held = [hold(400_000)];
    ${bounds}
    collect.collectAll();
    let majors = 0;
    const count = (list) => list.getEntries().forEach(({ detail }) => (majors += detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR ? 1 : 0));
    const observer = new PerformanceObserver(count);
    observer.observe({ entryTypes: ["gc"] });
    for (let i = 0; i < 500 && majors === 0; i++) { held.push(hold(1_000)); await new Promise(setImmediate); }
    count({ getEntries: () => observer.takeRecords() });
    console.log(majors, held.length);`;
  const args = ["--heap-growing-percent=200", "--input-type=module", "-e", script];
  return Number.parseInt(execFileSync(process.execPath, args, { encoding: "utf8" }), 10);
}

test("collect: with a bound a heap is collected when it has grown by that, and not when it has tripled", () => {
  assert.ok(collections(4_000_000) > 0);
  assert.equal(collections(undefined), 0);
});
