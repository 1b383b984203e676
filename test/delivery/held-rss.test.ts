import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PATIENCE_MS } from "../support/patience.ts";

const PROGRAM = fileURLToPath(new URL("./held-process.ts", import.meta.url));
const PARCELS = 4_000;
/**
 * A parcel of some 700 bytes takes 5 to 12 KiB of the process, with its objects and what the
 * collector leaves; one that keeps a pool of Node's, 64 KiB and more.
 */
const MOST_EACH = 32_768;
/** Of buffers, which are told exactly: those of sockets and tools come and go. */
const SLACK_BYTES = 8 * 1_048_576;

test(`held bytes: ${PARCELS} small parcels that wait make a process by itself no larger than they are`, async () => {
  const args = ["--expose-gc", PROGRAM, String(PARCELS)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: PATIENCE_MS });
  const {
    before,
    after,
  }: Record<"before" | "after", Record<"rss" | "arrayBuffers" | "counted", number>> = JSON.parse(stdout);
  const counted = after.counted - before.counted;
  assert.ok(counted > 0);
  const buffers = after.arrayBuffers - before.arrayBuffers;
  assert.ok(buffers <= counted * 1.25 + SLACK_BYTES, `${counted} bytes are counted, ${buffers} are in buffers`);
  const rss = after.rss - before.rss;
  assert.ok(rss <= PARCELS * MOST_EACH, `${counted} bytes are counted, the process grew by ${rss}`);
});
