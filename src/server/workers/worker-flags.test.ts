import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { heapFlags, WORKER_FLAGS } from "./worker-link.ts";

/** Holds more than any nursery has room for, while it makes garbage. */
const GROWS = `
  const held = [];
  for (let i = 0; i < 300_000; i++) held[i % 60_000] = { i, list: [i], bytes: new Uint8Array(64) };
  const { getHeapSpaceStatistics } = process.getBuiltinModule("node:v8");
  console.log(getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space").space_size);
`;

test("worker flags: the nursery of a worker stays small, whatever outlives it", () => {
  const nursery = (flags: readonly string[]): number =>
    Number(execFileSync(process.execPath, [...flags, "-e", GROWS], { encoding: "utf8" }));
  assert.ok(nursery(WORKER_FLAGS) < 18_000_000, `${nursery(WORKER_FLAGS)} bytes`);
  assert.ok(nursery([]) > 18_000_000, "without flags it grows: the test sees that");
});

test("worker flags: sizes of the heap that the main process was given are the workers', nothing else is", () => {
  const heap = ["--max-old-space-size=4096", "--max_old_space_size=1", "--max-semi-space-size=32", "--max-heap-size=9"];
  const others = ["--inspect-port=127.0.0.1:9229", "--test-concurrency=2", "--max-http-header-size=1", "-e"];
  assert.deepEqual(heapFlags([...others, ...heap]), heap);
});
