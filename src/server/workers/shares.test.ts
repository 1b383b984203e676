import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { completeConfig } from "../../../test/support/node.ts";
import { compile } from "../../plan/compile.ts";
import type { PlanData } from "../../plan/plan-data.ts";
import { textSource } from "../config-source.ts";
import { listenOptions } from "../listen-options.ts";
import { shareLimits, sharePlan } from "./shares.ts";

const COUNTS = fc.integer({ min: 1, max: 64 });

function planOf(
  maxInFlight: number,
  maxBytes: number,
): { plan: PlanData; limits: ReturnType<typeof listenOptions>["limits"] } {
  const text = completeConfig({
    targets: [{ id: "a", endpoint: "http://127.0.0.1:1", limits: { max_in_flight: maxInFlight } }],
    default_pool: { targets: ["a"], queue: { max_bytes: maxBytes } },
  });
  const place = { name: "test.yaml", folder: ".", file: undefined };
  const { config } = textSource(text, place, {}).load(text);
  assert.ok(config !== undefined);
  return { plan: compile(config, config.node, { version: 1, text }), limits: listenOptions(config.node).limits };
}

test("shares of a limit add up to it, and none is far from the others", () => {
  fc.assert(
    fc.property(
      COUNTS,
      fc.integer({ min: 64, max: 5_000 }),
      fc.integer({ min: 2 ** 33, max: 2 ** 40 }),
      (of, calls, bytes) => {
        const { plan, limits } = planOf(calls, bytes);
        const shares = Array.from({ length: of }, (_, index) => sharePlan(plan, { index, of }, limits));
        const windows = shares.map(({ targets }) => targets[0]!.maxInFlight);
        const queues = shares.map(({ pools }) => pools[0]!.queue.maxBytes);
        assert.equal(
          windows.reduce((a, b) => a + b),
          calls,
        );
        assert.equal(
          queues.reduce((a, b) => a + b),
          bytes,
        );
        assert.ok(Math.max(...windows) - Math.min(...windows) <= 1);
        const intake = Array.from({ length: of }, (_, index) => shareLimits(limits, { index, of }));
        assert.equal(
          intake.reduce((sum, { maxInFlightBytes }) => sum + maxInFlightBytes, 0),
          limits.maxInFlightBytes,
        );
        assert.equal(
          intake.reduce((sum, { maxConcurrentRequests }) => sum + maxConcurrentRequests, 0),
          limits.maxConcurrentRequests,
        );
      },
    ),
    { numRuns: 25 },
  );
});

test("with more workers than calls each has one, and each queue takes the longest request", () => {
  const { plan, limits } = planOf(3, 100_000_000);
  for (let index = 0; index < 8; index++) {
    const { targets, pools } = sharePlan(plan, { index, of: 8 }, limits);
    assert.deepEqual([targets[0]?.maxInFlight, pools[0]?.queue.maxBytes], [1, limits.maxRequestBytes]);
  }
});
