import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PROGRAM = fileURLToPath(new URL("./unfinished-headers.ts", import.meta.url));
const PATIENCE_MS = 120_000;

for (const [scene, what] of [
  ["client", "a target that begins a header block and resets the connection"],
  ["server", "a sender that begins trailers and resets the connection"],
  ["written", "a peer that begins a header block and reads no more"],
] as const) {
  test(`node:http2: ${what} does not end the process`, async () => {
    const args = ["--expose-gc", PROGRAM, scene];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: PATIENCE_MS });
    assert.equal(stdout, "done");
  });
}
