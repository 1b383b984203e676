import assert from "node:assert/strict";
import { test } from "node:test";
import { completeConfig } from "../../../test/support/node.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { compile } from "../../plan/compile.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { textSource } from "../config-source.ts";
import { listenOptions } from "../listen-options.ts";
import { SerializedPlan } from "./serialized-plan.ts";
import { Lender } from "./lender.ts";
import type { LimitReport, ToWorker } from "./messages.ts";

const LIMITS = { max_in_flight_bytes: 1_000_000, max_concurrent_requests: 64, max_request_bytes: 1_000_000 };

function planOf(
  calls: number,
  maxBytes = 1_000_000,
  regions = {},
): { plan: SerializedPlan; limits: ReturnType<typeof listenOptions>["limits"] } {
  const text = completeConfig({
    node: { limits: LIMITS },
    targets: [{ id: "a", endpoint: "http://127.0.0.1:1", limits: { max_in_flight: calls } }],
    pools: { p: { targets: ["a"], queue: { max_bytes: maxBytes } } },
    default_pool: "p",
    regions,
  });
  const { config, problems } = textSource(text, { name: "test.yaml", folder: ".", file: undefined }, {}).load(text);
  assert.ok(config !== undefined, JSON.stringify(problems));
  return {
    plan: new SerializedPlan(compile(config, config.node, { version: 1, text }), 1),
    limits: listenOptions(config.node).limits,
  };
}

/** A lender with workers that are only messages. */
class Rig {
  readonly clock = new ManualClock();
  readonly metrics = createMetrics();
  /** What was told since it was looked at, as `worker: limit part`. */
  told: string[] = [];
  readonly seqs: number[];
  readonly lender: Lender;

  constructor(count: number, calls: number) {
    this.seqs = Array<number>(count).fill(0);
    const tell = (index: number, message: ToWorker): void => {
      if (message.kind !== "parts") throw new TypeError(message.kind);
      this.seqs[index] = message.seq;
      for (const [limit, part] of message.parts) this.told.push(`${index}: ${limit} ${part}`);
    };
    this.lender = new Lender({ count, clock: this.clock, metrics: this.metrics, tell });
    this.adopt(calls);
    for (let i = 0; i < count; i++) assert.deepEqual(this.lender.begin(i), []);
  }

  adopt(calls: number, maxBytes?: number, regions?: object): void {
    const { plan, limits } = planOf(calls, maxBytes, regions);
    this.lender.adopt(plan.data, limits);
  }

  /** What a worker says after the last message that it had. */
  says(index: number, has: number, need: number, seq = this.seqs[index]!): void {
    this.lender.reported(index, { kind: "uses", seq, reports: [["calls a", has, need]] });
  }

  take(): string[] {
    return this.told.splice(0);
  }
}

test("lender: what one does not need is told to be given, and lent when it has said that it is", () => {
  const rig = new Rig(2, 8);
  rig.says(0, 4, 7);
  assert.deepEqual(rig.take(), ["1: calls a 1"]);
  rig.says(1, 4, 1, 0);
  assert.deepEqual(rig.take(), [], "it had not heard of it yet");
  rig.says(1, 3, 1);
  assert.deepEqual(rig.take(), ["0: calls a 5"], "two of its calls are still under way");
  rig.says(1, 1, 1);
  assert.deepEqual(rig.take(), ["0: calls a 7"]);
});

test("lender: the part of a worker that ended is lent, and the next one begins with what is left", () => {
  const rig = new Rig(2, 8);
  rig.says(0, 4, 8);
  assert.deepEqual(rig.take(), ["1: calls a 0"]);
  rig.lender.ended(1);
  assert.deepEqual(rig.take(), ["0: calls a 8"]);
  assert.deepEqual(rig.lender.begin(1), [["calls a", 0]]);
  rig.says(1, 0, 2);
  assert.deepEqual(rig.take(), ["0: calls a 6"]);
  rig.says(0, 8, 8);
  rig.says(0, 7, 8);
  assert.deepEqual(rig.take(), ["1: calls a 1"]);
});

test("lender: one permit of several workers goes on when time has passed, and the one before has given it back", () => {
  const rig = new Rig(3, 1);
  for (const index of [0, 1, 2]) rig.says(index, index === 0 ? 1 : 0, 2);
  assert.deepEqual(rig.take(), []);
  rig.clock.advance(500);
  assert.deepEqual(rig.take(), ["0: calls a 0"]);
  rig.clock.advance(5_000);
  assert.deepEqual(rig.take(), [], "its call is not over");
  rig.says(0, 0, 2);
  assert.deepEqual(rig.take(), ["1: calls a 1"]);
  rig.says(1, 1, 2);
  rig.clock.advance(500);
  rig.says(1, 0, 2);
  assert.deepEqual(rig.take(), ["1: calls a 0", "2: calls a 1"]);
  rig.lender.close();
  assert.equal(rig.clock.pending, 0);
});

test("lender: a limit that changes is told to all before they take the plan over", () => {
  const rig = new Rig(2, 8);
  rig.adopt(13);
  assert.deepEqual(rig.take(), ["0: calls a 7", "1: calls a 6"]);
  rig.says(0, 7, 7);
  rig.says(1, 6, 3);
  rig.adopt(4);
  assert.deepEqual(rig.take(), ["0: calls a 7", "1: calls a 6", "0: calls a 2", "1: calls a 2"]);
  rig.says(0, 2, 1);
  rig.says(1, 2, 3);
  assert.deepEqual(rig.take(), ["0: calls a 1"]);
  rig.says(0, 1, 1);
  assert.deepEqual(rig.take(), ["1: calls a 3"]);
});

test("lender: the items of the region's buffer are shared out, and lent on", () => {
  const rig = new Rig(2, 8);
  rig.adopt(8, undefined, { default: { buffer_size: 9 } });
  assert.deepEqual(rig.take(), ["0: items p 5", "1: items p 4"]);
  const says = (index: number, has: number, need: number): void =>
    rig.lender.reported(index, { kind: "uses", seq: rig.seqs[index]!, reports: [["items p", has, need]] });
  says(1, 4, 1);
  says(0, 5, 9);
  assert.deepEqual(rig.take(), ["1: items p 1"]);
  says(1, 1, 1);
  assert.deepEqual(rig.take(), ["0: items p 8"]);
});

test("lender: a limit that is lowered and raised again is no larger for it, as long as what was lent before may be used", () => {
  const rig = new Rig(2, 16);
  rig.says(0, 8, 16);
  rig.says(1, 0, 0);
  rig.says(0, 16, 16);
  assert.deepEqual(rig.take(), ["1: calls a 0", "0: calls a 16"]);
  rig.adopt(4);
  rig.take();
  rig.adopt(16); // one has all its calls under way, and has not said that it heard of any of that
  assert.deepEqual(rig.take(), ["0: calls a 4", "1: calls a 0"]);
  rig.says(1, 0, 5);
  assert.deepEqual(rig.take(), []);
  rig.says(0, 16, 16);
  assert.deepEqual(rig.take(), ["0: calls a 11"]);
  rig.says(0, 11, 16);
  assert.deepEqual(rig.take(), ["1: calls a 5"]);
});

test("lender: a limit that is gone from the plan is lent as long as a worker says that it has it", () => {
  const rig = new Rig(2, 8);
  const all = (index: number, reports: readonly LimitReport[]): void =>
    rig.lender.reported(index, { kind: "uses", seq: rig.seqs[index]!, reports, all: true });
  const { plan, limits } = planOf(8);
  rig.lender.adopt({ targets: [], pools: plan.data.pools, limits: plan.data.limits }, limits);
  all(0, [["calls a", 4, 8]]);
  assert.deepEqual(rig.take(), ["1: calls a 0"]);
  all(1, []);
  assert.deepEqual(rig.take(), ["0: calls a 8"]);
  rig.adopt(8); // it is back
  assert.deepEqual(rig.take(), ["0: calls a 8", "1: calls a 0"]);
  rig.says(1, 0, 2);
  assert.deepEqual(rig.take(), ["0: calls a 6"]);
});

test("lender: a limit that is gone from the plan is nothing to a process that begins, and when no other is left it is forgotten", () => {
  const rig = new Rig(2, 9);
  const { plan, limits } = planOf(9);
  rig.lender.adopt({ targets: [], pools: plan.data.pools, limits: plan.data.limits }, limits);
  rig.lender.ended(1);
  assert.deepEqual(rig.lender.begin(1), []);
  rig.says(0, 5, 9);
  assert.deepEqual(rig.take(), ["0: calls a 9"]);
  rig.lender.ended(0);
  rig.lender.reported(1, { kind: "uses", seq: 0, reports: [["calls a", 5, 9]] });
  assert.deepEqual(rig.take(), []);
});

test("lender: requests, bytes, queues and retries are lent as well", () => {
  const rig = new Rig(2, 8);
  const names = ["bytes", "requests", "queue p", "retries p"] as const;
  const wholes = [1_000_000, 64, 1_000_000, 10];
  const all = names.map((name, i): LimitReport => [name, wholes[i]! / 2, wholes[i]!]);
  const nothing = names.map((name): LimitReport => [name, 0, 0]);
  rig.lender.reported(0, { kind: "uses", seq: 0, reports: all });
  rig.lender.reported(1, { kind: "uses", seq: rig.seqs[1]!, reports: nothing });
  assert.deepEqual(
    rig.take().filter((line) => line.startsWith("0")),
    ["0: bytes 1000000", "0: requests 64", "0: queue p 1000000", "0: retries p 10"],
  );
  const lent = ["bytes", "requests", "queue", "retries", "calls"].map(
    (limit) => rig.metrics.workerLent.with(limit).value,
  );
  assert.deepEqual(lent, [1, 1, 1, 1, 0]);
});
