/**
 * The long fuzz of our own HTTP/2: `node test/fuzz/long.ts --inputs 10000000 --seed 1`. Each input
 * is all that one peer sends, made from a seed of its own that follows from `--seed`; a quarter
 * each is for a server and a client, with an owner that acts, and in different splits. Ends with
 * exit code 1 and the seed at the first input that finds something.
 */
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { TRIALS, tryInput } from "../http2/core/fuzz-run.ts";

const { values } = parseArgs({
  options: { inputs: { type: "string", default: "10000000" }, seed: { type: "string", default: "1" } },
});
const inputs = Number(values.inputs);
const first = Number(values.seed);
if (!(inputs >= 1) || !Number.isInteger(first)) throw new Error("--inputs and --seed are whole numbers");

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
/** What may be alive between inputs: code, caches of the engine, nothing of a connection. */
const MAX_GROWTH_BYTES = 16 * 1_048_576;
/** Inputs after which memory is looked at. */
const STEP = 100_000;

async function heapBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect();
    await setTimeout(100); // buffers are given back by a thread of its own
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const began = performance.now();
let before = 0;
for (let i = 0; i < inputs; i++) {
  // 2^32 / phi: seeds of different runs do not meet soon.
  const seed = (Math.imul(first, 0x9e3779b9) + (i >>> 2)) | 0;
  tryInput(seed, i % 2 === 0 ? "server" : "client", TRIALS[(i >>> 1) % 2]!);
  if ((i + 1) % STEP !== 0 && i + 1 !== inputs) continue;
  const heap = await heapBytes();
  if (before === 0) before = heap;
  assert.ok(heap - before <= MAX_GROWTH_BYTES, `memory grew from ${before} to ${heap} bytes in ${i + 1} inputs`);
  const seconds = Math.round((performance.now() - began) / 1_000);
  process.stdout.write(`seed ${first}: ${i + 1} inputs, ${seconds} s, ${(heap / 1_048_576).toFixed(1)} MiB alive\n`);
}
