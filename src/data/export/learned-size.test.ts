import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics } from "../../telemetry/metrics.ts";
import { NO_HEADERS } from "../../plan/sender-headers.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { LearnedSize } from "./learned-size.ts";
import type { Batch } from "./target-client.ts";
import type { SendOutcome } from "../send-outcome.ts";

function batch(bytes: number, encoding: Batch["encoding"]): Batch {
  return {
    signal: "traces",
    pieces: [],
    bytes,
    encoding: encoding ?? "protobuf",
    items: 1,
    points: 0,
    headers: NO_HEADERS,
  };
}

const TOO_LARGE: SendOutcome = { kind: "too_large", message: "413" };
const REFUSED: SendOutcome = { kind: "rejected", code: "HTTP 400", message: "400", badData: true };
const TAKEN: SendOutcome = { kind: "accepted", rejected: 0, message: "" };

test("of what was not read, nothing is learned of sizes, and any refusal that may be for the size is told as one", () => {
  const size = new LearnedSize(() => "a", { clock: new ManualClock(), metrics: createMetrics() });
  const kinds = [
    size.read(TOO_LARGE, batch(1_000, "gzip"), 0),
    size.read(REFUSED, batch(65_536, "zstd"), 0),
    size.read(REFUSED, batch(65_535, "zstd"), 0),
    size.read(REFUSED, batch(65_536, "protobuf"), 0),
    size.read(TAKEN, batch(99, "gzip"), 0),
  ].map((outcome) => ("doubt" in outcome ? `${outcome.kind} ${outcome.doubt}` : outcome.kind));
  assert.deepEqual(kinds, ["too_large quota", "too_large quota", "rejected", "rejected", "accepted"]);
  assert.equal(size.maxBytes, Infinity);
  assert.deepEqual(size.splitSize(1_000), { bytes: 500, proven: false });
});

test("RESOURCE_EXHAUSTED that is taken for throttling may have been for the size from 16 KiB on, where no limit is lower", () => {
  const exhausted = { kind: "too_large", message: "", doubt: "quota" } as const;
  const told = [16_384, 16_383].map((bytes) => {
    const size = new LearnedSize(() => "a", { clock: new ManualClock(), metrics: createMetrics() });
    return size.read(exhausted, { ...batch(bytes, "protobuf"), decisive: true }, 0);
  });
  const throttled = { kind: "retry", reason: "throttled", message: "", afterMs: 100, unprocessed: false, quota: true };
  assert.deepEqual(told, [
    { ...throttled, perhapsSize: true },
    { ...throttled, perhapsSize: false },
  ]);
});
