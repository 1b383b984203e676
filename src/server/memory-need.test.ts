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
  assert.equal(memoryProblem(node, 520 * MIB), undefined);
  assert.equal(memoryProblem(node, 0), undefined);
  assert.equal(memoryProblem(node, 2 ** 64), undefined, "without a limit");
  const problem = memoryProblem(node, 384 * MIB);
  assert.equal(problem?.severity, "warning");
  assert.match(problem.message, /337 MiB, and the process 180 MiB beside; it may have 384 MiB/u);
});
