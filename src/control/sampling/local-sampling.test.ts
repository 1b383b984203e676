import assert from "node:assert/strict";
import test from "node:test";
import { loadConfig } from "../../config/load.ts";
import type { FleetConfig } from "../../config/schema/config.ts";
import type { SamplingState } from "../../plan/sampling-plan.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { LocalSampling } from "./local-sampling.ts";
import { SamplingNode } from "./sampling-node.ts";
import type { SpendRecords, StrategyNews } from "./spend-book.ts";

const HOUR_MS = 3_600_000;

function configOf(strategy: string): FleetConfig {
  const text = `targets: [{ id: a, endpoint: "http://127.0.0.1:1" }]\nglobal: { sampling_strategies: [${strategy}] }`;
  const { config, problems } = loadConfig(text, { file: "test.yaml", env: {}, readFile: () => "" });
  assert.ok(config, JSON.stringify(problems));
  return config;
}

/** A node that receives so much a second, and keeps of it what it is told to. */
class Rig {
  readonly clock = new ManualClock(480_000 * HOUR_MS);
  state: SamplingState = { traces: [], logs: [] };
  kept: SpendRecords[] = [];
  readonly news: StrategyNews[] = [];
  received = 0;
  delivered = 0;
  local: LocalSampling;
  readonly #config: FleetConfig;
  #run = 0;

  constructor(strategy: string) {
    this.#config = configOf(strategy);
    this.local = this.start();
  }

  get rate(): number {
    return this.rateNow();
  }

  rateNow(): number {
    return this.state.traces[0]?.probability ?? 1;
  }

  /** Another start of the node, which has what the last one has kept. */
  start(): LocalSampling {
    const config = (): FleetConfig => this.#config;
    const [clock, region, run] = [this.clock, "here", `run-${this.#run++}`];
    const node = new SamplingNode({ region, config, direct: (state) => (this.state = state) });
    const keep = (spent: SpendRecords): void => void this.kept.push(JSON.parse(JSON.stringify(spent)));
    const tell = (one: StrategyNews): void => void this.news.push(one);
    [this.received, this.delivered] = [0, 0];
    this.local = new LocalSampling({ clock, region, run, node, config, spent: this.kept.at(-1), keep, tell });
    this.#read(run);
    return this.local;
  }

  /** Gives how many were kept in these seconds. */
  run(seconds: number, perSecond: number): number {
    const before = this.delivered;
    for (let i = 0; i < seconds; i++) {
      this.received += perSecond;
      this.delivered += perSecond * this.rate;
      this.clock.advance(1_000);
      this.#read(`run-${this.#run - 1}`);
    }
    return this.delivered - before;
  }

  #read(run: string): void {
    const { received: items, delivered } = this;
    const sums = { items, bytes: 0, traces: items, adjusted: items, delivered, kept: delivered };
    const counts = [{ signal: "traces", class: "normal", octave: 0, ...sums }] as const;
    const spent = { traces: { items: delivered, bytes: 0 }, logs: { items: 0, bytes: 0 } };
    this.local.read({ report: { run, atMs: this.clock.nowMs(), counts }, spent });
  }
}

const ADAPTIVE = "{ type: adaptive, min_rate: 0.0001, max_rate: 1, target_qps: 100 }";

test("local: a node by itself keeps what is aimed at, two seconds after it began and six after more came, and in half a minute when less does", () => {
  const rig = new Rig(ADAPTIVE);
  assert.equal(rig.rate, 0.1);
  rig.run(2, 1_000);
  assert.equal(rig.rate, 0.1);
  rig.run(2, 5_000);
  // It knows by then that more comes, and its guard has known before; not how much more.
  assert.ok(rig.rateNow() < 0.08, `${rig.rateNow()}`);
  rig.run(4, 5_000);
  assert.equal(rig.rate, 0.02);
  assert.equal(rig.state.bound?.keptPerSecond, 200);
  const kept = rig.run(40, 5_000);
  assert.ok(Math.abs(kept / 4_000 - 1) < 0.01, `${kept}`);
  rig.run(75, 1_000);
  assert.ok(Math.abs(rig.rateNow() / 0.1 - 1) < 0.05);
  assert.deepEqual(
    rig.local.decider.strategies.map(({ name, state }) => [name, state]),
    [["adaptive", "on_target"]],
  );
});

test("local: what cannot be reached is told: over the target at the lowest rate, bound by ceilings at the highest", () => {
  const over = new Rig("{ type: adaptive, min_rate: 0.5, max_rate: 1, target_qps: 100 }");
  over.run(8, 1_000);
  assert.equal(over.local.decider.strategies[0]?.state, "over_target");
  const bound = new Rig(
    "{ type: fixed, rate: 0.01 }, { type: adaptive, min_rate: 0.001, max_rate: 1, target_qps: 100 }",
  );
  bound.run(8, 1_000);
  assert.equal(bound.local.decider.strategies[0]?.state, "bound_by_ceilings");
});

test("local: a budget is spent in its hour and not more, over restarts of the node, and marks are told once", () => {
  const rig = new Rig("{ type: cost_based, budget_per_hour: 360000, cost_per_span: 1 }");
  let spent = 0;
  for (let part = 0; part < 6; part++) {
    if (part === 3) {
      rig.local.close();
      rig.start();
    }
    spent += rig.run(600, part % 2 === 0 ? 400 : 2_000);
  }
  assert.ok(Math.abs(spent / 360_000 - 1) < 0.01, `${spent}`);
  const told = rig.news.flatMap(({ news }) => (news.kind === "spent" ? [news.share] : []));
  assert.deepEqual(told.slice(0, 3), [0.5, 0.8, 0.95]);
  assert.equal(new Set(told).size, told.length);
});

test("local: what is spent is kept each 20 s, and at the end", () => {
  const rig = new Rig("{ type: cost_based, budget_per_hour: 360000, cost_per_span: 1 }");
  rig.run(65, 10);
  assert.deepEqual([rig.kept.length, rig.news.length], [3, 0]);
  const { delivered } = rig;
  rig.local.close();
  assert.equal(rig.kept.length, 4);
  // With what came since the last step.
  assert.ok(Math.abs(rig.kept[3]!["cost_based"]!.spent / delivered - 1) < 1e-9);
});

test("local: where no rate follows the load nothing is decided", () => {
  const rig = new Rig("{ type: fixed, rate: 0.5 }");
  rig.run(20, 1_000);
  assert.deepEqual([rig.state, rig.local.decider.strategies, rig.kept], [{ traces: [], logs: [] }, [], []]);
});
