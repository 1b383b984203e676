import assert from "node:assert/strict";
import test from "node:test";
import type { DegradationDocument } from "../../src/config/schema/fleet.ts";
import {
  DEGRADATION_SCOPE,
  type DegradationDirective,
  readDegradationDirective,
} from "../../src/control/degradation/degradation-directive.ts";
import { writeDegradationOrder } from "../../src/control/degradation/degradation-order.ts";
import { degradationTask } from "../../src/control/degradation/degradation-task.ts";
import { isNotLeader } from "../../src/control/fleet/controller-calls.ts";
import type { Controller } from "../../src/control/global/controller.ts";
import { openController } from "../../src/control/global/open-controller.ts";
import { recordedLog } from "../support/fleet/quiet-log.ts";
import { loadOf, reportOf } from "../support/fleet/reports.ts";
import { RiggedStore } from "../support/rigged-store.ts";

const NEVER = new AbortController().signal;
const CALLED = { signal: NEVER, peer: "test" };
const SETTINGS: DegradationDocument = {
  enabled: true,
  threshold: 0.8,
  target_rate: 0.01,
  recovery_threshold: 0.6,
  min_dwell: 30_000,
  predictive: false,
};

/** What a collector says: so much of what it can carry. */
interface Told {
  readonly id: string;
  readonly capacity: number;
  readonly utilization: number;
  readonly forecast?: number;
}

/** Controllers of one store on a clock that is moved, with collectors that report to them. */
class Fleet implements AsyncDisposable {
  readonly store = RiggedStore.open();
  settings: DegradationDocument | undefined = SETTINGS;
  collectors: readonly Told[] = [];
  #seq = 0;
  readonly #open: Controller[] = [];

  node(id: string): Controller {
    const log = recordedLog(this.store.clock);
    const controller = openController({
      place: this.store.place,
      controller: { id, address: `${id}:4321`, tls: false },
      region: "eu",
      generation: () => 1,
      reportIntervalMs: 5_000,
      summaryIntervalMs: 10_000,
      fetchBody: async () => undefined,
      tasks: { degradation: degradationTask({ settings: () => this.settings, log }) },
      log,
    });
    this.#open.push(controller);
    return controller;
  }

  async close(controller: Controller): Promise<void> {
    this.#open.splice(this.#open.indexOf(controller), 1);
    await this.store.pass(Promise.resolve(controller[Symbol.asyncDispose]()));
  }

  /** Reports every 5 s until it is so. */
  async until(condition: () => boolean): Promise<void> {
    let nextMs = this.store.clock.nowMs();
    await this.store.until(async () => {
      if (this.store.clock.nowMs() >= nextMs) {
        nextMs += 5_000;
        await this.#report();
      }
      return condition();
    });
  }

  async pass(ms: number): Promise<void> {
    const endMs = this.store.clock.nowMs() + ms;
    await this.until(() => this.store.clock.nowMs() >= endMs);
  }

  async #report(): Promise<void> {
    const leader = this.#open.find(({ services }) => services.has("eu"));
    const seq = ++this.#seq;
    for (const { id, capacity, utilization, forecast } of this.collectors) {
      const items_per_second = capacity * utilization;
      const said = {
        seq,
        capacity: { items_per_second: capacity },
        load: loadOf({ utilization, items_per_second, sampling_rate: 0.5 }),
        ...(forecast !== undefined && { forecast_utilization: forecast }),
      };
      await leader?.calls.report(reportOf(id, said), CALLED);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#open[0] !== undefined) await this.close(this.#open[0]);
    await this.store[Symbol.asyncDispose]();
  }
}

/** What collectors are told. */
function told(controller: Controller): DegradationDirective | undefined {
  const live = controller.directives.newer({}).find(({ directive }) => directive.scope === DEGRADATION_SCOPE);
  return live && readDegradationDirective(live.directive.body);
}

const BUSY: readonly Told[] = [
  { id: "small", capacity: 100, utilization: 1 },
  { id: "large", capacity: 900, utilization: 0.9 },
];
const CALM: readonly Told[] = BUSY.map((one) => ({ ...one, utilization: 0.2 }));

test("the leader degrades a fleet by its mean load, names its worst node, and takes it back when the load is less", async () => {
  await using fleet = new Fleet();
  const controller = fleet.node("a");
  fleet.collectors = [
    { id: "small", capacity: 100, utilization: 1 },
    { id: "large", capacity: 900, utilization: 0.7 },
  ];
  await fleet.until(() => controller.global?.leads === true && controller.services.has("eu"));
  await fleet.pass(60_000);
  assert.equal(told(controller)?.degraded, false, "one of ten is busy");
  fleet.collectors = BUSY;
  await fleet.until(() => told(controller)?.degraded === true);
  const { reason, target_rate } = told(controller)!;
  assert.ok(reason.kind === "load" && reason.node === "small" && reason.load > 0.8);
  assert.equal(target_rate, 0.01);
  const answer = await controller.calls.await({ protocol: 1, id: "small", region: "eu", known: {} }, CALLED);
  assert.ok(!isNotLeader(answer) && answer.directives.some(({ scope }) => scope === DEGRADATION_SCOPE));
  fleet.collectors = CALM;
  await fleet.until(() => told(controller)?.degraded === false);
});

test("the next leader goes on where the one before has ended", async () => {
  await using fleet = new Fleet();
  fleet.collectors = BUSY;
  const first = fleet.node("a");
  await fleet.until(() => told(first)?.degraded === true);
  const since = told(first)!.since_ms;
  const next = fleet.node("b");
  await fleet.close(first);
  await fleet.until(() => next.global?.leads === true && next.services.has("eu"));
  await fleet.pass(60_000);
  assert.deepEqual([told(next)?.degraded, told(next)?.since_ms], [true, since]);
});

test("people order it for the whole fleet, for a time, whatever the load is, and with nothing configured", async () => {
  await using fleet = new Fleet();
  fleet.settings = undefined;
  fleet.collectors = BUSY;
  const { store } = fleet;
  const controller = fleet.node("a");
  await fleet.until(() => controller.global?.leads === true && controller.services.has("eu"));
  await fleet.pass(60_000);
  assert.equal(told(controller), undefined, "nothing is said of what nobody wants");
  const until_ms = store.clock.wallMs() + 60_000;
  const order = { schema: 1, degraded: true, until_ms, note: "the sinks are moved", by: "ann" };
  await store.pass(writeDegradationOrder(store.place, order, { signal: NEVER }));
  await fleet.until(() => told(controller)?.degraded === true);
  assert.deepEqual(told(controller)?.reason, { kind: "manual", note: "the sinks are moved" });
  await fleet.until(() => told(controller)?.degraded === false);
  assert.ok(store.clock.wallMs() >= until_ms);
});

test("a forecast of the load begins it before the load does, where that is asked for", async () => {
  for (const predictive of [false, true]) {
    await using fleet = new Fleet();
    fleet.settings = { ...SETTINGS, predictive };
    fleet.collectors = CALM.map((one) => ({ ...one, forecast: 0.95 }));
    const controller = fleet.node("a");
    await fleet.until(() => controller.global?.leads === true && controller.services.has("eu"));
    await fleet.pass(60_000);
    assert.equal(told(controller)?.degraded, predictive);
  }
});
