import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { spans } from "../../test/delivery/channel-rig.ts";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { loadConfig } from "../config/load.ts";
import { seededRandom } from "../core/random.ts";
import { NO_LIMITS } from "../otlp/limits.ts";
import type { DataPlane } from "../plan/data-plane.ts";
import { compile } from "../plan/compile.ts";
import type { PlanData } from "../plan/plan-data.ts";
import type { Env } from "../telemetry/env.ts";
import { createLedger } from "../telemetry/ledger.ts";
import { createLog } from "../telemetry/log.ts";
import { createMetrics, type Metrics } from "../telemetry/metrics.ts";
import { createStrategies, type StrategyFactory } from "./balance/strategies.ts";
import { type EmbeddedDataPlane, openEmbedded } from "./embedded.ts";

const LIMITS = {
  maxRequestBytes: 1e6,
  counts: NO_LIMITS,
  maxInFlightBytes: 1e7,
  maxConcurrentRequests: 100,
  maxConnections: 10,
  requestTimeoutMs: 1_000,
  maxTimeoutMs: 1_000,
};

/** Fails at the call of this number, once, unless the swap is over. */
class Injector {
  left = Infinity;
  isOver = (): boolean => false;

  step(): void {
    if (this.left < Infinity && !this.isOver() && --this.left === 0) throw new Error("injected");
  }

  /** Metrics of which each access to a series is a step. */
  around(metrics: Metrics): Metrics {
    const step = this.step.bind(this);
    return new Proxy(metrics, {
      get(all, name, self) {
        const metric: unknown = Reflect.get(all, name, self);
        if (typeof metric !== "object" || metric === null) return metric;
        return new Proxy(metric, {
          get(one, key) {
            const value: unknown = Reflect.get(one, key, one);
            if (typeof value !== "function") return value;
            if (key === "with") step();
            return value.bind(one) as unknown;
          },
        });
      },
    });
  }
}

function planOf(text: string, version: number, env: Readonly<Record<string, string>> = {}): PlanData {
  const { config, problems } = loadConfig(text, { file: "test.yaml", env, readFile: () => "" });
  assert.ok(config !== undefined, JSON.stringify(problems));
  return compile(config, config.node, { version, text });
}

const BEFORE = `
targets:
  - { id: a, endpoint: "http://127.0.0.1:1" }
  - { id: b, endpoint: "http://127.0.0.1:2" }
pools:
  gone: { targets: [a], ack: queued }
  stays: { targets: [a, b], ack: queued, strategy: { type: plugin, name: mine } }
rules: [{ id: one, signals: [traces], pool: gone }]
default_pool: stays
`;
const AFTER = `
targets:
  - { id: b, endpoint: "http://127.0.0.1:3" }
  - { id: c, endpoint: "http://127.0.0.1:4" }
pools:
  stays: { targets: [b, c], ack: queued, strategy: { type: plugin, name: mine } }
  new: { targets: [c], ack: queued, strategy: { type: plugin, name: mine } }
rules: [{ id: two, signals: [traces], pool: new }]
default_pool: stays
`;

/** Made once: plans are data, and reading a config takes longer than to apply it. */
const [PLAN_BEFORE, PLAN_AFTER] = [planOf(BEFORE, 1), planOf(AFTER, 2)];

interface Scene extends AsyncDisposable {
  readonly embedded: EmbeddedDataPlane;
  readonly injector: Injector;
  readonly factories: { calls: number };
}

async function open(): Promise<Scene> {
  const injector = new Injector();
  const clock = new ManualClock();
  const log = createLog({ clock, write: () => undefined, level: "error", format: "json", colour: false });
  const ledger = createLedger();
  const env: Env = {
    clock,
    random: seededRandom(1),
    log,
    metrics: injector.around(createMetrics()),
    ledger: { ...ledger, entry: (...at) => (injector.step(), ledger.entry(...at)) },
  };
  const factories = { calls: 0 };
  const strategies = createStrategies();
  const mine: StrategyFactory = () => {
    factories.calls++;
    injector.step();
    return { pick: (view) => view.candidates[0] ?? -1, charge: () => undefined, changed: () => undefined };
  };
  strategies.register("mine", mine);
  const embedded = await openEmbedded(PLAN_BEFORE, LIMITS, env, {
    checks: "off",
    strategies,
    secrets: { env: {} },
  });
  return { embedded, injector, factories, [Symbol.asyncDispose]: () => stop(embedded.dataPlane, clock) };
}

/** What is still queued then goes as its time passes. */
async function stop(dataPlane: DataPlane, clock: ManualClock): Promise<void> {
  const stopped = dataPlane[Symbol.asyncDispose]().then(() => "stopped");
  while ((await Promise.race([stopped, turn("stopping")])) === "stopping") clock.advance(1_000);
}

async function apply(dataPlane: DataPlane): Promise<void> {
  await (await dataPlane.prepare(PLAN_AFTER)).commit();
}

async function send({ embedded }: Scene): Promise<unknown> {
  const bytes = spans([{ name: "x" }]);
  return embedded.send({ signal: "traces", bytes, region: "", headers: undefined, timeoutMs: undefined });
}

function running({ embedded }: Scene): unknown[] {
  const { pools, targets } = embedded.status();
  return [
    embedded.running.version,
    pools.map(({ name }) => name),
    targets.map(({ id, endpoint }) => `${id} ${endpoint}`),
  ];
}

test("whatever fails while a plan is applied, the one before goes on whole, and the next try is whole as well", async () => {
  let failed = 0;
  for (let k = 1; ; k++) {
    await using scene = await open();
    const before = running(scene);
    scene.injector.isOver = () => scene.embedded.running.version === 2;
    scene.injector.left = k;
    const ended = await apply(scene.embedded.dataPlane).then(
      () => "applied",
      (cause: unknown) => String(cause),
    );
    if (ended === "applied") {
      assert.ok(scene.injector.left > 0, `the failure at step ${k} was not heard of`);
      break;
    }
    failed++;
    assert.match(ended, /injected/u);
    assert.deepEqual(running(scene), before, `after a failure at step ${k}`);
    assert.deepEqual(await send(scene), { ok: true, rejected: 0, message: "" }, `after a failure at step ${k}`);
    await apply(scene.embedded.dataPlane);
    assert.deepEqual(running(scene)[0], 2);
    assert.deepEqual(await send(scene), { ok: true, rejected: 0, message: "" });
  }
  assert.ok(failed > 20, `${failed} steps were tried`);
});

test("a strategy of a plugin is opened before a plan is applied, and not once more", async () => {
  await using scene = await open();
  assert.equal(scene.factories.calls, 1);
  await apply(scene.embedded.dataPlane);
  assert.equal(scene.factories.calls, 3);
});

test("a plan that was prepared changes nothing until it is committed, and nothing at all when it is discarded", async () => {
  await using scene = await open();
  const { dataPlane } = scene.embedded;
  const before = running(scene);
  const discarded = await dataPlane.prepare(PLAN_AFTER);
  await assert.rejects(apply(dataPlane), /another change/u);
  assert.deepEqual(running(scene), before);
  await discarded.discard();
  await assert.rejects(discarded.commit(), /decided already/u);
  assert.deepEqual(running(scene), before);
  await apply(dataPlane);
  assert.equal(running(scene)[0], 2);
});

test("a plan that cannot be prepared stands in nobody's way", async () => {
  await using scene = await open();
  const { dataPlane } = scene.embedded;
  const unknown = planOf(AFTER.replaceAll("name: mine", "name: yours"), 2);
  await assert.rejects(dataPlane.prepare(unknown), /yours/u);
  await apply(dataPlane);
  assert.equal(running(scene)[0], 2);
});

test("a plan whose secret cannot be read where it runs is not prepared, in the words of a config, and what runs goes on", async () => {
  await using scene = await open();
  const { dataPlane } = scene.embedded;
  const before = running(scene);
  const text = AFTER.replace("id: c,", 'id: c, headers: { x-key: "Bearer ${env:HELD}" },');
  await assert.rejects(dataPlane.prepare(planOf(text, 2, { HELD: "here" })), {
    code: "CONFIG_INVALID",
    message: "targets[1].headers.x-key: the environment variable HELD is not set",
  });
  assert.deepEqual(running(scene), before);
  await apply(dataPlane);
  assert.equal(running(scene)[0], 2);
});

test("a data plane that is stopped between the two halves of a change does not take it over", async () => {
  await using scene = await open();
  const { dataPlane } = scene.embedded;
  const prepared = await dataPlane.prepare(PLAN_AFTER);
  await dataPlane.shutdown(0);
  await assert.rejects(prepared.commit(), /shuts down/u);
  assert.equal(running(scene)[0], 1);
});

test("a plan is refused while the data plane stops and afterwards, and its status can be asked for", async () => {
  await using scene = await open();
  const { dataPlane } = scene.embedded;
  const stopping = dataPlane.shutdown(0);
  await assert.rejects(apply(dataPlane), /shuts down/u);
  assert.equal(running(scene)[0], 1);
  await stopping;
  await assert.rejects(apply(dataPlane), /shuts down/u);
  assert.equal(running(scene)[0], 1);
  assert.deepEqual(await dataPlane.ready(), { ready: false, reason: "shutting down" });
  assert.equal(await dataPlane.operate("a", { state: "drain", untilMs: undefined, note: "" }), false);
  assert.deepEqual(await dataPlane.operatorStates(), []);
});
