import assert from "node:assert/strict";
import test from "node:test";
import { DEGRADATION_VALID_MS } from "../../src/control/degradation/degradation-directive.ts";
import { degradationTask } from "../../src/control/degradation/degradation-task.ts";
import { NodeDegradation } from "../../src/control/degradation/node-degradation.ts";
import { loadDocument } from "../../src/control/document/prepare.ts";
import { digestOf } from "../../src/control/fleet/directive.ts";
import { createLocalLink } from "../../src/control/fleet/local-link.ts";
import { openController } from "../../src/control/global/open-controller.ts";
import { NO_LOAD } from "../../src/control/load/load-report.ts";
import { seededRandom } from "../../src/core/random.ts";
import { openNodeFollower } from "../../src/server/fleet/node-follower.ts";
import { forgetfulMemory } from "../../src/store/recipes/fleet-memory.ts";
import { initFleet } from "../../src/store/recipes/identity.ts";
import { createLedger } from "../../src/telemetry/ledger.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { recordedLog } from "../support/fleet/quiet-log.ts";
import { RiggedStore } from "../support/rigged-store.ts";
import { IDLE_PLANE, NO_COUNTERS } from "../support/fleet/idle-node.ts";

const DOCUMENT = `
targets: []
global: { degradation: { threshold: 0.8, target_rate: 0.01, recovery_threshold: 0.6 } }
`;

test("a collector whose fleet is degraded keeps less, and what sampling says again once it hears of it no more", async () => {
  await using store = RiggedStore.open();
  const { clock, place } = store;
  const log = recordedLog(clock);
  const { config } = loadDocument(DOCUMENT, { name: "test", folder: "/", env: {} });
  assert.ok(config);
  await store.pass(initFleet(place, { signal: new AbortController().signal }));
  const controller = openController({
    place,
    controller: { id: "c", address: "c:4321", tls: false },
    region: config.node.region,
    generation: () => 1,
    reportIntervalMs: 5_000,
    summaryIntervalMs: 10_000,
    fetchBody: async () => undefined,
    tasks: { degradation: degradationTask({ settings: () => config.global.degradation, log }) },
    log,
  });
  const degradation = new NodeDegradation({
    clock,
    log,
    id: "n1",
    settings: () => config.global.degradation,
    apply: async () => undefined,
  });
  degradation.stands("in_fleet");
  const status = { version: 1, text: DOCUMENT, digest: "", running: config, appliedMs: 0, restartRequired: [] };
  const follower = openNodeFollower(
    {
      node: config.node,
      facts: { id: "n1", version: "1.0.0" },
      env: { clock, random: seededRandom(5), log, metrics: createMetrics(), ledger: createLedger() },
      memory: forgetfulMemory(),
      openStore: async () => ({ place, [Symbol.asyncDispose]: async () => undefined }),
      load: {
        newest: { atMs: 0, ...NO_LOAD, items_per_second: 1_000, utilization: 0.95 },
        capacity: { items_per_second: 1_000, source: "configured" },
        counters: NO_COUNTERS,
      },
      degradation,
      walk: { status: { ...status, last: undefined } },
      dataPlane: IDLE_PLANE,
      addresses: () => ({}),
      leaderTasks: {},
      digestOf,
    },
    undefined,
    (to) => createLocalLink(to, controller.calls, clock),
  );
  await store.until(() => degradation.fleetRate === 0.01);
  const reason = degradation.status.fleet?.reason;
  assert.ok(reason?.kind === "load" && reason.node === "n1");
  await store.pass(Promise.resolve(controller[Symbol.asyncDispose]()));
  clock.advance(DEGRADATION_VALID_MS - 30_000);
  await store.settle();
  await store.until(() => degradation.fleetRate === undefined);
  await store.pass(Promise.resolve(follower[Symbol.asyncDispose]()));
});
