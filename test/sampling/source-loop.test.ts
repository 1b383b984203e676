import assert from "node:assert/strict";
import { test } from "node:test";
import type { FleetConfig } from "../../src/config/schema/config.ts";
import { LocalSampling } from "../../src/control/sampling/local-sampling.ts";
import { SamplingNode } from "../../src/control/sampling/sampling-node.ts";
import { SourceStrategies } from "../../src/control/sampling/source-strategies.ts";
import type { SamplingState } from "../../src/plan/sampling-plan.ts";
import { loadText } from "../config/load-text.ts";
import { ManualClock } from "../support/manual-clock.ts";

const CONFIG = `
targets: [{ id: a, endpoint: "http://a:1" }]
global:
  sampling: { randomness: hash, polling_interval: 60s }
  sampling_strategies: [{ type: adaptive, min_rate: 0.0001, max_rate: 1, target_qps: 100 }]
`;
const SOURCES = 60;

function configured(): FleetConfig {
  const { config, problems } = loadText(CONFIG);
  assert.ok(config, JSON.stringify(problems));
  return config;
}

/** A node that decides by itself, and sources that ask it, one of them each second. */
class Loop {
  readonly #clock = new ManualClock();
  readonly #config = configured();
  #state: SamplingState = { traces: [], logs: [] };
  readonly #node = new SamplingNode({
    region: "here",
    config: () => this.#config,
    direct: (state) => (this.#state = state),
  });
  readonly #local = new LocalSampling({
    clock: this.#clock,
    region: "here",
    run: "r",
    node: this.#node,
    config: () => this.#config,
    keep: () => undefined,
    tell: () => undefined,
  });
  readonly #strategies = new SourceStrategies(this.#clock, { directed: () => this.#state.traces });
  readonly #rates = Array.from({ length: SOURCES }, () => 1);
  readonly told = new Set<number>();
  #received = 0;
  #kept = 0;
  #second = 0;

  constructor() {
    this.#strategies.configured(this.#config, "here");
    this.#read();
  }

  /** Gives what was kept, and what arrived, a second, in the last minute of them. */
  minutes(count: number, offeredPerSecond: number): { readonly kept: number; readonly arrived: number } {
    let [kept, received] = [0, 0];
    for (let i = 0; i < count * 60; i++) {
      if (i === (count - 1) * 60) [kept, received] = [this.#kept, this.#received];
      this.#ask();
      const arriving = (offeredPerSecond * this.#rates.reduce((sum, rate) => sum + rate, 0)) / SOURCES;
      this.#received += arriving;
      this.#kept += arriving * (this.#state.traces[0]?.probability ?? 1);
      this.#clock.advance(1_000);
      this.#read();
    }
    return { kept: (this.#kept - kept) / 60, arrived: (this.#received - received) / 60 };
  }

  #ask(): void {
    const answer = this.#strategies.of("cart");
    assert.ok(answer.ok);
    this.told.add(answer.strategy.rate);
    this.#rates[this.#second++ % SOURCES] = answer.strategy.rate;
  }

  #read(): void {
    const { traces } = { traces: this.#received };
    const sums = { items: traces, bytes: 0, traces, adjusted: traces, delivered: this.#kept, kept: this.#kept };
    const counts = [{ signal: "traces", class: "normal", octave: 0, ...sums }] as const;
    const spent = { traces: { items: this.#kept, bytes: 0 }, logs: { items: 0, bytes: 0 } };
    this.#local.read({ report: { run: "r", atMs: this.#clock.nowMs(), counts }, spent });
  }
}

function near(value: number, want: number): void {
  assert.ok(Math.abs(value / want - 1) < 0.06, `${value} is not ${want}`);
}

test("sources and the loop of a node: less arrives, the target is kept, and nothing alternates", () => {
  const loop = new Loop();
  const { kept, arrived } = loop.minutes(5, 1_000);
  near(kept, 100);
  near(arrived, 250);
  loop.told.clear();
  near(loop.minutes(60, 1_000).kept, 100);
  assert.deepEqual([...loop.told], [0.25]);
});

test("sources and the loop of a node: ten times as much is thinned at the sources in one step, and rises after", () => {
  const loop = new Loop();
  loop.minutes(10, 1_000);
  const more = loop.minutes(3, 10_000);
  near(more.arrived, 10_000 / 32);
  near(loop.minutes(30, 10_000).kept, 100);
  const after = loop.minutes(12, 1_000);
  near(after.arrived, 250);
  near(after.kept, 100);
  loop.told.clear();
  loop.minutes(30, 1_000);
  assert.deepEqual([...loop.told], [0.25]);
});
