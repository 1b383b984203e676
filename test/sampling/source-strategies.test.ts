import assert from "node:assert/strict";
import { test } from "node:test";
import type { FleetConfig } from "../../src/config/schema/config.ts";
import { SourceStrategies, type SourceStrategy } from "../../src/control/sampling/source-strategies.ts";
import type { ClassShare } from "../../src/plan/sampling-plan.ts";
import { loadText } from "../config/load-text.ts";
import { ManualClock } from "../support/manual-clock.ts";

const TARGETS = `targets: [{ id: a, endpoint: "http://a:1" }]`;
const STRATEGIES = `
  sampling_strategies:
    - type: priority_based
      rules:
        - { priority: high, rate: 1, services: ["payment*"] }
        - { priority: high, rate: 1, conditions: [{ span_status: error }] }
        - { priority: low, rate: 0.01, services: [cart], conditions: [{ span_name: "GET /healthz" }] }
        - { priority: low, rate: 0.1, services: [debug] }
    - { type: adaptive, min_rate: 0.001, max_rate: 1, target_qps: 1000 }`;

function fleetOf(global: string): FleetConfig {
  const { config, problems } = loadText(`${TARGETS}\nglobal:${global}\n`);
  assert.ok(config, JSON.stringify(problems));
  return config;
}

/** What is told, and by what directive it is. */
class Rig {
  readonly clock = new ManualClock();
  directed: readonly ClassShare[] = [];
  degradedRate = 1;
  readonly #strategies = new SourceStrategies(this.clock, {
    directed: () => this.directed,
    degradedRate: () => this.degradedRate,
  });

  constructor(global: string) {
    this.configure(global);
  }

  configure(global: string): void {
    this.#strategies.configured(fleetOf(global), "eu");
  }

  of(service: string): SourceStrategy | string {
    const answer = this.#strategies.of(service);
    return answer.ok ? answer.strategy : answer.reason;
  }

  rateOf(service: string): number | undefined {
    const told = this.of(service);
    return typeof told === "string" ? undefined : told.rate;
  }
}

test("sources: by service and by operation, from what the settings say", () => {
  const rig = new Rig(`\n  sampling: { randomness: hash }${STRATEGIES}`);
  const lowerBound = 1 / 60;
  assert.deepEqual(rig.of("payment-eu"), { rate: 1, lowerBound, operations: [] });
  assert.deepEqual(rig.of("debug"), { rate: 0.25, lowerBound, operations: [] });
  const operations = [{ operation: "GET /healthz", rate: 1 / 32 }];
  assert.deepEqual(rig.of("cart"), { rate: 1, lowerBound, operations });
});

test("sources: a directive takes the place of what the settings say, for the classes that it names", () => {
  const rig = new Rig(`\n  sampling: { randomness: hash }${STRATEGIES}`);
  rig.directed = [{ class: "normal", probability: 0.05, reason: "adaptive" }];
  assert.equal(rig.rateOf("cart"), 1);
  rig.clock.advance(10_000);
  assert.equal(rig.rateOf("cart"), 1 / 8);
  assert.equal(rig.rateOf("debug"), 0.25);
  assert.equal(rig.rateOf("payment"), 1);
  // Less arrives, so that routers keep more of it: nothing changes.
  rig.directed = [{ class: "normal", probability: 0.4, reason: "adaptive" }];
  rig.clock.advance(3_600_000);
  assert.equal(rig.rateOf("cart"), 1 / 8);
});

test("sources: while the fleet is degraded, what is not protected is told at once to be less", () => {
  const rig = new Rig(`\n  sampling: { randomness: hash }${STRATEGIES}`);
  rig.directed = [{ class: "normal", probability: 0.4, reason: "adaptive" }];
  rig.degradedRate = 0.01;
  assert.equal(rig.rateOf("cart"), 1 / 32);
  assert.equal(rig.rateOf("debug"), 1 / 32);
  assert.equal(rig.rateOf("payment"), 1);
  rig.degradedRate = 1;
  rig.clock.advance(119_999);
  assert.equal(rig.rateOf("debug"), 1 / 32);
  rig.clock.advance(1);
  assert.equal(rig.rateOf("debug"), 0.25);
});

test("sources: what the leader has found is told as it is, by each node", () => {
  const rig = new Rig(`\n  sampling: { randomness: hash }${STRATEGIES}`);
  rig.directed = [{ class: "normal", probability: 0.4, reason: "adaptive", source: 1 / 16 }];
  assert.equal(rig.rateOf("cart"), 1 / 16);
  rig.degradedRate = 0.001;
  assert.equal(rig.rateOf("cart"), 1 / 16);
  rig.clock.advance(120_000);
  assert.equal(rig.rateOf("cart"), 1 / 256);
  rig.degradedRate = 1;
  rig.clock.advance(120_000);
  rig.directed = [{ class: "normal", probability: 0.4, reason: "adaptive", source: 1 / 8 }];
  assert.equal(rig.rateOf("cart"), 1 / 8);
});

test("sources: what was told goes on when the config changes, unless how often they ask does", () => {
  const rig = new Rig(`\n  sampling: { randomness: hash }${STRATEGIES}`);
  rig.directed = [{ class: "normal", probability: 0.05, reason: "degradation" }];
  assert.equal(rig.rateOf("cart"), 1 / 8);
  rig.directed = [{ class: "normal", probability: 0.4, reason: "adaptive" }];
  rig.configure(`\n  sampling: { randomness: hash }\n  sampling_rate: 0.9${STRATEGIES}`);
  assert.equal(rig.rateOf("cart"), 1 / 8);
  rig.configure(`\n  sampling: { randomness: hash, polling_interval: 10s }${STRATEGIES}`);
  assert.equal(rig.rateOf("cart"), 1);
});

test("sources: where routers do not hash, nothing is told, and why is", () => {
  const rig = new Rig(STRATEGIES);
  assert.match(String(rig.of("cart")), /global\.sampling\.randomness: hash/u);
});

test("sources: where nothing is dropped, all is to be sent", () => {
  const all = { rate: 1, lowerBound: 0, operations: [] };
  assert.deepEqual(new Rig("\n  sampling: { randomness: hash }").of("cart"), all);
  assert.deepEqual(new Rig("\n  sampling: { randomness: hash, dry_run: true }\n  sampling_rate: 0.1").of("cart"), all);
  const logs =
    "\n  sampling: { randomness: hash }\n  sampling_strategies: [{ type: fixed, rate: 0.1, signals: [logs] }]";
  assert.deepEqual(new Rig(logs).of("cart"), all);
});
