import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { takeSummary } from "../../telemetry/snapshot.ts";
import { createLedger } from "../../telemetry/ledger.ts";
import { createLoadMonitor, type LoadMonitor, type LoadMonitorOptions } from "./load-monitor.ts";
import { signalsBetween } from "./load-sample.ts";
import { countSample, showLoad } from "./load-metrics.ts";
import { dataPlaneReader, type LoadReading } from "./load-reading.ts";

const MACHINE = { readFile: () => undefined, cores: 4, totalBytes: 1_000, availableBytes: () => 750 };

/** Numbers that a test moves, and a monitor that looks at them. */
class Scene implements Disposable {
  readonly clock = new ManualClock();
  now: LoadReading = { items: 0 };
  loopDelayMs = 0;
  readonly monitor: LoadMonitor;

  constructor(options: Partial<LoadMonitorOptions> = {}) {
    this.monitor = createLoadMonitor({
      clock: this.clock,
      read: () => this.now,
      machine: MACHINE,
      loopDelayMs: () => this.loopDelayMs,
      ...options,
    });
  }

  /** A second in which so much more was counted. */
  async second(more: Partial<LoadReading> = {}, ms = 1_000): Promise<void> {
    await setImmediate();
    const grown = Object.entries(more).map(([name, value]) => {
      const isLevel = ["queueItems", "itemsInside", "queueShare", "eventLoopMs", "series"].includes(name);
      return [name, isLevel ? value : (this.now[name as keyof LoadReading] ?? 0) + value];
    });
    this.now = { ...this.now, ...(Object.fromEntries(grown) as Partial<LoadReading>) };
    this.clock.advance(ms);
    await setImmediate();
  }

  [Symbol.dispose](): void {
    this.monitor[Symbol.dispose]();
  }
}

test("load: a sample is the difference of two readings, with shares of what the node may use", async () => {
  using scene = new Scene({ usableCores: 2 });
  assert.equal(scene.monitor.newest, undefined);
  scene.loopDelayMs = 7;
  const more = { items: 1_000, bytes: 64_000, requests: 10, requestSeconds: 0.05, cpuSeconds: 1 };
  const outcomes = { deliveredItems: 900, failedItems: 100, sampledItems: 250 };
  await scene.second({ ...more, ...outcomes, queueItems: 30, queueShare: 0.1, eventLoopMs: 12 });
  assert.deepEqual(scene.monitor.newest, {
    atMs: scene.clock.wallMs(),
    items_per_second: 1_000,
    bytes_per_second: 64_000,
    queue_items: 30,
    cpu: 0.25,
    memory: 0.25,
    event_loop_ms: 12,
    utilization: 0.5, // one core of the two that its processes can use
    latency_ms: 5,
    error_rate: 0.1,
    sampling_rate: 0.75,
  });
  await scene.second();
  const { items_per_second: items, latency_ms: latency, sampling_rate: sampling } = scene.monitor.newest;
  assert.deepEqual([items, latency, sampling, scene.monitor.history().length], [0, 0, 1, 2]);
});

test("load: items that no rule took are no fault of the node, and count as those that nobody has", async () => {
  using scene = new Scene({});
  const outcomes = { deliveredItems: 60, failedItems: 10, sampledItems: 5 };
  await scene.second({ items: 105, ...outcomes, unroutedItems: 30, requests: 9, refusedRequests: 2 });
  const counters = { attemptedItems: 100, failedItems: 40, requests: 9, refusedRequests: 2 };
  assert.deepEqual(scene.monitor.counters, counters);
  assert.equal(scene.monitor.newest?.error_rate, 10 / 70);
});

const bottlenecks = [
  { name: "the processors", more: { cpuSeconds: 3.6, queueShare: 0.3 }, want: 0.9 },
  { name: "the queue", more: { cpuSeconds: 0.4, queueShare: 0.8 }, want: 0.8 },
  { name: "memory", more: { cpuSeconds: 0.4, queueShare: 0.1 }, want: 0.25 },
  { name: "never more than all", more: { cpuSeconds: 9, queueShare: 1.7 }, want: 1 },
];
for (const { name, more, want } of bottlenecks) {
  test(`load: utilization is the highest share: ${name}`, async () => {
    using scene = new Scene();
    await scene.second(more);
    assert.equal(scene.monitor.newest?.utilization, want);
  });
}

test("load: where no request was answered, the latency is what is inside by what leaves", async () => {
  using scene = new Scene();
  await scene.second({ deliveredItems: 100, itemsInside: 50 });
  assert.equal(scene.monitor.newest?.latency_ms, 500);
  await scene.second({ deliveredItems: 100, itemsInside: 0 });
  assert.equal(scene.monitor.newest.latency_ms, 0);
});

test("load: a counter that falls is no load below nothing", async () => {
  using scene = new Scene();
  await scene.second({ items: 100, cpuSeconds: 1 });
  await scene.second({ items: -50, cpuSeconds: -1 });
  assert.deepEqual([scene.monitor.newest?.items_per_second, scene.monitor.newest?.cpu], [0, 0]);
});

test("load: history has its bound, and ends with the newest", async () => {
  using scene = new Scene({ historySize: 5 });
  for (let i = 1; i <= 9; i++) await scene.second({ items: i });
  const rates = scene.monitor.history().map((sample) => sample.items_per_second);
  assert.deepEqual(rates, [5, 6, 7, 8, 9]);
  assert.deepEqual(scene.monitor.history(1)[0], scene.monitor.newest);
});

test("load: a reading that fails is told, and the next one counts what was missed", async () => {
  const failures: unknown[] = [];
  let fails = false;
  let items = 0;
  const read = (): LoadReading => {
    if (fails) throw new Error("no");
    return { items };
  };
  using scene = new Scene({ read, failed: (cause) => void failures.push(cause) });
  await scene.second();
  fails = true;
  await scene.second();
  fails = false;
  items = 300;
  await scene.second();
  assert.equal(failures.length, 1);
  assert.equal(scene.monitor.newest?.items_per_second, 150, "two seconds are between the readings");
});

test("load: samples are taken one after the other, in step, and rarer where there is much to go through", async () => {
  let asked = 0;
  const reply = { series: 0 };
  const read = (): LoadReading => ({ items: ++asked, series: reply.series });
  using scene = new Scene({ read, intervalMs: 500 });
  await scene.second({}, 500);
  await scene.second({}, 500);
  assert.equal(asked, 3, "one at the start, and one each 500 ms");
  reply.series = 12_000;
  await scene.second({}, 500);
  const before = asked;
  await scene.second({}, 1_400);
  assert.equal(asked, before);
  await scene.second({}, 100);
  assert.equal(asked, before + 1);
});

test("load: disposed of it measures no more", async () => {
  const scene = new Scene();
  await scene.second({ items: 5 });
  scene.monitor[Symbol.dispose]();
  assert.equal(scene.clock.pending, 0);
  await scene.second({ items: 5 });
  assert.equal(scene.monitor.history().length, 1);
});

test("load: the capacity is learned from what items cost, or is as configured", async () => {
  using scene = new Scene({ usableCores: 2 });
  assert.deepEqual(scene.monitor.capacity, { items_per_second: 0, source: "unknown" });
  for (let i = 0; i < 20; i++) await scene.second({ items: 10_000, cpuSeconds: 0.5 });
  const { items_per_second: learned, source } = scene.monitor.capacity;
  assert.deepEqual([Math.round(learned), source], [40_000, "learned"]);
  for (let i = 0; i < 20; i++) await scene.second({ items: 1, cpuSeconds: 0.001 });
  assert.equal(Math.round(scene.monitor.capacity.items_per_second), 40_000, "an idle node tells nothing");
  using fixed = new Scene({ capacity: 7 });
  assert.deepEqual(fixed.monitor.capacity, { items_per_second: 7, source: "configured" });
});

test("load: the forecast is of the items a second, with the node's capacity, and a filling queue tells when it is full", async () => {
  using scene = new Scene({ capacity: 2_000 });
  for (let i = 0; i < 400; i++) {
    await scene.second({ items: 1_000 + (i % 7), queueShare: Math.min(0.9, i / 800) });
  }
  const forecast = scene.monitor.forecast(60_000);
  assert.ok(Math.abs(forecast.value - 1_003) < 2, String(forecast.value));
  assert.ok((forecast.confidence ?? 0) > 0.999);
  assert.ok((scene.monitor.forecast(60_000, 900).confidence ?? 1) < 0.001);
  assert.equal(Math.round((scene.monitor.queueFullInMs ?? 0) / 1_000), 401, "half of it at 1/800 a second");
});

test("load: what may be too much of a node is told by itself, beside the worst of it", async () => {
  const before = { items: 0, cpuSeconds: 1, sends: 10, failedSends: 5 };
  const now = { items: 9, cpuSeconds: 1.5, sends: 14, failedSends: 6, queueShare: 0.25, eventLoopMs: 20 };
  const facts = { seconds: 1, cores: 4, usableCores: 1, memoryShare: 0.75, ownEventLoopMs: 10, leavingPerSecond: 0 };
  const want = { cpu: 0.5, memory: 0.75, queue: 0.25, eventLoopMs: 20, exportErrors: 0.25 };
  assert.deepEqual(signalsBetween(before, now, facts), want);
  assert.equal(signalsBetween(now, now, facts).exportErrors, 0, "nothing was sent");
});

test("load: what a data plane has counted is read from its snapshot, and this process's own processor time is of now", async () => {
  const metrics = createMetrics();
  const ledger = createLedger();
  let own = 5;
  metrics.processCpu.with().value = 3; // as of when /metrics was last read
  const worker = createMetrics();
  worker.processCpu.with().value = 10;
  const read = dataPlaneReader({
    metrics,
    queueLimits: () => new Map([["main", 1_000]]),
    ownCpuSeconds: () => own,
    dataPlane: {
      async summary() {
        const { metrics: told, ledger: rows } = takeSummary({ metrics, ledger });
        const name = metrics.processCpu.spec.name;
        return { metrics: { ...told, [name]: [{ labels: [], value: 3 + 10 }] }, ledger: rows };
      },
    },
  });
  const entry = ledger.entry("traces", "r", "main");
  [entry.received, entry.delivered, entry.rejected, entry.queued] = [10, 4, 1, 3];
  entry.shedItems("queue_full", 1);
  entry.drop("sampled", 1);
  entry.drop("unrouted", 5);
  const copied = ledger.entry("traces", "copies", "other");
  copied.copied = 7; // and none of them was made: the node is degraded
  copied.shedItems("degraded", 7);
  for (const [outcome, times] of [
    ["accepted", 5],
    ["rejected", 1],
    ["timeout", 2],
    ["cut_short", 1],
    ["stale", 1],
    ["cancelled", 1],
    ["too_large", 1],
  ] as const) {
    metrics.exportSends.with("a", outcome).add(times);
  }
  metrics.receivedBytes.with("eu", "grpc").add(640);
  metrics.queueBytes.with("main").read(() => 250);
  metrics.queueBytes.with("gone").read(() => 9_000);
  metrics.queueItems.with("main").read(() => 2);
  metrics.requestDuration.with("eu", "grpc").observe(0.25);
  metrics.errors.with("eu", "not_found").add(1);
  metrics.errors.with("eu", "bad_data").add(2);
  const reading = await read();
  assert.ok((reading.series ?? 0) > 10);
  assert.deepEqual(
    { ...reading, series: 0 },
    {
      items: 10,
      deliveredItems: 4,
      failedItems: 2,
      sampledItems: 1,
      unroutedItems: 5,
      itemsInside: 3,
      sends: 12,
      failedSends: 2,
      bytes: 640,
      requests: 1,
      requestSeconds: 0.25,
      refusedRequests: 3,
      queueItems: 2,
      queueShare: 0.25,
      cpuSeconds: 15,
      eventLoopMs: 0,
      series: 0,
    },
  );
  own = 6;
  assert.equal((await read()).cpuSeconds, 16);
});

test("load: metrics show the newest sample, and how good forecasts were", async () => {
  const metrics = createMetrics();
  let count = (): void => {};
  using scene = new Scene({ sampled: () => count(), capacity: 9_000 });
  showLoad(metrics, scene.monitor);
  count = () => countSample(metrics, scene.monitor);
  assert.equal(metrics.loadItems.with().value, 0);
  for (let i = 0; i < 400; i++) await scene.second({ items: 1_000 + (i % 7), requests: 1, requestSeconds: 0.004 });
  assert.equal(metrics.loadSamples.with("taken").value, 400);
  assert.equal(metrics.loadItems.with().value, 1_000);
  assert.equal(metrics.loadLatency.with().value.toFixed(6), "0.004000");
  assert.equal(metrics.loadCapacity.with().value, 9_000);
  const horizons = [...metrics.loadForecastSkill.series.values()].map(({ labels }) => labels[0]);
  assert.deepEqual(horizons.slice(0, 3), ["10s", "30s", "1m"]);
});
