import assert from "node:assert/strict";
import { test } from "node:test";
import type { DataPlaneStatus, DropSample, PoolStatus, TargetStatus } from "../../plan/data-plane.ts";
import type { LimitsUsage } from "../../plan/limits/limit-shares.ts";
import {
  mergeDrops,
  mergeLeaving,
  mergeLimits,
  mergeReady,
  mergeShutdowns,
  mergeStatuses,
  mergeUndeliverable,
} from "./merge.ts";

const PLACE = { version: 3, addresses: { otlp_grpc: "127.0.0.1:1" }, workers: [] };

const TARGET: TargetStatus = {
  id: "a",
  endpoint: "http://127.0.0.1:1",
  region: "eu",
  weight: 1,
  state: "ready",
  reason: "started",
  sinceMs: 1,
  nextTryMs: undefined,
  inFlight: 1,
  window: 8,
  latencyMs: undefined,
  latencyCalls: 0,
  paused: undefined,
  refuses: [],
  errorRate: 0,
  learnedMaxBytes: undefined,
  share: 1,
  score: 0.1,
  note: "",
  untilMs: undefined,
  check: undefined,
  losses: undefined,
  addresses: [],
};

const POOL: PoolStatus = {
  name: "p",
  strategy: "round_robin",
  targets: ["a"],
  fallback: undefined,
  queuedBytes: 10,
  queuedItems: 2,
  inFlight: 1,
  usable: 1,
  losses: undefined,
};

const NODE = { ...PLACE, pools: [], targets: [{ ...TARGET, inFlight: 0, window: 0 }] };

function status(pool: Partial<PoolStatus>, target: Partial<TargetStatus>): DataPlaneStatus {
  const inFlight = { requests: 2, bytes: 100 };
  return { ...NODE, inFlight, pools: [{ ...POOL, ...pool }], targets: [{ ...TARGET, ...target }] };
}

test("what workers hold adds up; a target's health is the node's, whatever workers think of it", () => {
  const loss = { items: 3, reason: "deadline", target: "", said: "older", atMs: 1 } as const;
  const merged = mergeStatuses(
    [
      status({ losses: loss }, { latencyMs: 10, latencyCalls: 1, share: 0.4, learnedMaxBytes: 500 }),
      status(
        { usable: 0, losses: { ...loss, items: 4, said: "newer", atMs: 2 } },
        {
          state: "ejected",
          reason: "failures",
          nextTryMs: 9,
          latencyMs: 20,
          latencyCalls: 1,
          errorRate: 0.5,
          learnedMaxBytes: 400,
        },
      ),
    ],
    NODE,
  );
  assert.deepEqual(merged.inFlight, { requests: 4, bytes: 200 });
  const [pool] = merged.pools;
  assert.deepEqual([pool?.queuedBytes, pool?.queuedItems, pool?.inFlight, pool?.usable], [20, 4, 2, 1]);
  assert.deepEqual(pool?.losses, { ...loss, items: 7, said: "newer", atMs: 2 });
  const [target] = merged.targets;
  assert.deepEqual([target?.state, target?.reason, target?.nextTryMs], ["ready", "started", undefined]);
  assert.deepEqual([target?.inFlight, target?.window, target?.latencyMs], [2, 16, 15]);
  assert.deepEqual([target?.share, target?.errorRate, target?.learnedMaxBytes], [1, 0.5, 400]);
});

test("latency is the mean of all calls, however many workers there are, and in whatever order", () => {
  const measured: [number | undefined, number][] = [
    [10, 5],
    [undefined, 0],
    [10, 5],
    [10, 5],
    [90, 5],
  ];
  for (const order of [measured, measured.toReversed()]) {
    const all = order.map(([latencyMs, latencyCalls]) => {
      const address = { ...TARGET, latencyMs, latencyCalls, address: "10.0.0.1" };
      return status({}, { latencyMs, latencyCalls, addresses: [address] });
    });
    const node = { ...NODE, targets: [{ ...TARGET, addresses: [{ ...TARGET, address: "10.0.0.1" }] }] };
    const [target] = mergeStatuses(all, node).targets;
    assert.deepEqual([target?.latencyMs, target?.latencyCalls, target?.addresses[0]?.latencyMs], [30, 20, 30]);
  }
  const [busy, idle] = [
    status({}, { latencyMs: 10, latencyCalls: 999 }),
    status({}, { latencyMs: 1_010, latencyCalls: 1 }),
  ];
  assert.equal(mergeStatuses([busy, idle], NODE).targets[0]?.latencyMs, 11);
});

test("addresses behind a name are merged one by one, as far as the node uses them", () => {
  const address = { ...TARGET, address: "10.0.0.1" };
  const down = { ...address, inFlight: 0, state: "down" } as const;
  const node = { ...TARGET, addresses: [down, { ...address, inFlight: 0, address: "10.0.0.2" }] };
  const merged = mergeStatuses(
    [
      status({}, { addresses: [address] }),
      status(
        {},
        {
          addresses: [
            { ...address, state: "down" },
            { ...address, address: "10.0.0.2" },
            { ...address, address: "10.0.0.3" },
          ],
        },
      ),
    ],
    { ...NODE, targets: [node] },
  );
  const told = merged.targets[0]?.addresses.map((one) => [one.address, one.state, one.inFlight]);
  assert.deepEqual(told, [
    ["10.0.0.1", "down", 2],
    ["10.0.0.2", "ready", 1],
  ]);
});

test("one worker that takes something is enough; undeliverable is only what none can deliver", () => {
  const stopping = { ready: false, reason: "shutting down" };
  assert.deepEqual(mergeReady([stopping, { ready: true, reason: "" }]), { ready: true, reason: "" });
  assert.deepEqual(mergeReady([stopping]), stopping);
  assert.deepEqual(mergeReady([]), { ready: false, reason: "no worker runs" });
  const traces = { pool: "p", signal: "traces" } as const;
  const logs = { pool: "p", signal: "logs" } as const;
  assert.deepEqual(mergeUndeliverable([[traces, logs], [logs]]), [logs]);
  assert.deepEqual(mergeUndeliverable([]), []);
});

test("leaving pools and reports of the end add up, drops are the newest of all", () => {
  const left = { pool: "p", items: 1, bytes: 10 };
  assert.deepEqual(mergeLeaving([[left], [left, { ...left, pool: "q" }]]), [
    { pool: "p", items: 2, bytes: 20 },
    { ...left, pool: "q" },
  ]);
  const report = { drained: true, tookMs: 1, leftItems: 0, leftBytes: 0 };
  assert.deepEqual(mergeShutdowns([report, { ...report, drained: false, leftItems: 2, leftBytes: 9 }], 7), {
    drained: false,
    tookMs: 7,
    leftItems: 2,
    leftBytes: 9,
  });
  const drop = (atMs: number): DropSample => {
    const who = { signal: "logs", rule: "r", pool: "p", target: "", reason: "deadline", said: "" } as const;
    return { atMs, ...who, items: 1, acknowledged: false, attributes: {} };
  };
  const merged = mergeDrops([
    Array.from({ length: 150 }, (_, i) => drop(2 * i)),
    Array.from({ length: 150 }, (_, i) => drop(2 * i + 1)),
  ]);
  assert.deepEqual([merged.length, merged[0]?.atMs, merged.at(-1)?.atMs], [200, 299, 100]);
});

test("what workers have of limits adds up, of everything and of each key; of keys those nearest to theirs are told", () => {
  const used = { granted: 1, wanted: 2, offered: 3, used: 4, shed: 5 };
  const twice = { granted: 2, wanted: 4, offered: 6, used: 8, shed: 10 };
  const of = (...keys: readonly string[]): LimitsUsage => ({
    total: { limit: 100, burst: 50, ...used },
    keys: keys.map((key) => ({ key, limit: 10, ...used })),
    keyCount: keys.length,
  });
  assert.deepEqual(mergeLimits([of("cart", "pay"), null, of("pay")], 2), {
    total: { limit: 100, burst: 50, ...twice },
    keys: [
      { key: "pay", limit: 10, ...twice },
      { key: "cart", limit: 10, ...used },
    ],
    keyCount: 2,
  });
  assert.equal(mergeLimits([of("cart", "pay"), of("pay")], 1)?.keys.length, 1);
  // Keys of one are not those of another.
  assert.equal(mergeLimits([of("a", "b"), of("c", "d")], 1)?.keyCount, 4);
  assert.equal(mergeLimits([{ ...of("a"), keyCount: 9 }, of("b")], 1)?.keyCount, 9);
  assert.equal(mergeLimits([null, null], 1), undefined);
});
