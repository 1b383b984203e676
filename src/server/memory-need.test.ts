import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../config/load.ts";
import { memoryProblem } from "./memory-need.ts";

const MIB = 1_048_576;

function nodeOf(limits: string) {
  const text = `node: { limits: ${limits} }`;
  const readFile = (): string => assert.fail("no file is read");
  return loadConfig(text, { file: "x.yaml", env: {}, readFile }).config?.node ?? assert.fail(text);
}

test("it is told when bodies do not fit into the memory of the container", () => {
  const node = nodeOf("{ max_in_flight_bytes: 256MiB, max_request_bytes: 16MiB }");
  assert.equal(memoryProblem(node, 0, 520 * MIB), undefined);
  assert.equal(memoryProblem(node, 0, 0), undefined);
  assert.equal(memoryProblem(node, 0, 2 ** 64), undefined, "without a limit");
  const problem = memoryProblem(node, 0, 384 * MIB);
  assert.equal(problem?.severity, "warning");
  assert.match(problem.message, /337 MiB, and the process 180 MiB beside; the node may have 384 MiB/u);
});

test("each worker needs an arena of its own, with room for a whole request, and memory beside it", () => {
  const node = nodeOf("{ max_in_flight_bytes: 256MiB, max_request_bytes: 16MiB }");
  assert.equal(memoryProblem(node, 1, 617 * MIB), undefined);
  const one = memoryProblem(node, 1, 600 * MIB);
  assert.match(one?.message ?? "", /337 MiB, and main process and workers \(1\) 280 MiB/u);
  // Each of four may take up to half of the bodies, and has room for a request beside.
  const problem = memoryProblem(node, 4, 1_024 * MIB);
  assert.match(problem?.message ?? "", /708 MiB, and main process and workers \(4\) 820 MiB beside/u);
  assert.match(problem?.hint ?? "", /node\.workers/u);
  assert.equal(memoryProblem(node, 4, 1_529 * MIB), undefined);
});
