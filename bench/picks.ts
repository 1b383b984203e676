/**
 * What one pick costs: nanoseconds for each strategy with 3 and with 1,000 targets, through the
 * Chooser as a pool uses it, with calls under way, answers that come back, and targets that are
 * taken out and come back now and then; and among 3 and 64 discovered members of one target, which
 * say of their load. `node bench/picks.ts` prints JSON.
 */
import { seededRandom } from "../src/core/random.ts";
import { Chooser } from "../src/data/balance/chooser.ts";
import { openKeyOwners } from "../src/data/balance/key-owners.ts";
import type { Batch } from "../src/data/export/target-client.ts";
import type { SendOutcome } from "../src/data/send-outcome.ts";
import { openTarget } from "../src/data/export/target.ts";
import { MemberPicker } from "../src/data/export/member-picker.ts";
import { NO_HISTORY, NO_KEYS } from "../src/data/export/parts.ts";
import type { TargetHandle } from "../src/data/export/target-port.ts";
import type { StrategyPlan } from "../src/plan/plan.ts";
import { createMetrics } from "../src/telemetry/metrics.ts";
import { targetPlan } from "../test/delivery/pool-rig.ts";
import { ManualClock } from "../test/support/manual-clock.ts";
import { NO_HEADERS } from "../src/plan/sender-headers.ts";

const PICKS = 200_000;
/** What disturbs the machine disturbs few rounds: the median of these counts. */
const ROUNDS = 20;
/** Picks between two looks at the stopwatch, whose own cost is part of the result. */
const BLOCK = 8;
/** Calls that are left under way: fewer than the smallest windows hold. */
const UNDER_WAY = 4;
/** Picks from one change of health to the next. */
const CHANGE_EVERY = 500;
const REGIONS = ["us", "eu", "asia", "default"];
const BATCH: Batch = { signal: "traces", pieces: [], bytes: 10_000, items: 100, points: 100, headers: NO_HEADERS };
const ACCEPTED: SendOutcome = { kind: "accepted", rejected: 0, message: "" };

const STRATEGIES: readonly (readonly [string, StrategyPlan, ("adaptive" | "fixed")?])[] = [
  ["round_robin", { type: "round_robin" }],
  ["weighted_round_robin", { type: "weighted_round_robin" }],
  ["weighted_round_robin, adaptive", { type: "weighted_round_robin" }, "adaptive"],
  ["weighted_random", { type: "weighted_random" }],
  ["least_connections", { type: "least_connections" }],
  ["latency lowest", { type: "latency", pick: "lowest" }],
  ["latency within", { type: "latency", pick: "within", thresholdMs: 6 }],
  ["geography", { type: "geography", region: "eu", order: ["us"] }],
  ["load_latency", { type: "load_latency", loadWeight: 0.7, latencyWeight: 0.3 }],
  ["failover", { type: "failover", returnAfterMs: 1_000 }],
];

/** Members are picked by these as well as by what is the same for all others. */
const MEMBER_STRATEGIES: readonly StrategyPlan[] = [
  { type: "round_robin" },
  { type: "least_connections" },
  { type: "load_latency", loadWeight: 0.7, latencyWeight: 0.3 },
];

/** Picks the target of the next batch, and takes note that it goes there. */
type Pick = (nowMs: number) => TargetHandle | undefined;

/** Targets whose calls end when the bench says so. */
class Rig {
  readonly clock = new ManualClock();
  readonly targets: readonly TargetHandle[];
  readonly #random = seededRandom(1);
  readonly #underWay: ((outcome: SendOutcome) => void)[] = [];

  constructor(size: number) {
    const env = { clock: this.clock, random: this.#random, metrics: createMetrics() };
    const send = (_: Batch, _timeoutMs: number, done: (outcome: SendOutcome) => void): (() => void) => {
      this.#underWay.push(done);
      return () => undefined;
    };
    const client = { send, [Symbol.asyncDispose]: async () => undefined };
    this.targets = Array.from({ length: size }, (_, i) => {
      const plan = targetPlan(`target-${i}`, {
        weight: 1 + (i % 5),
        maxInFlight: 64,
        region: REGIONS[i % REGIONS.length]!,
      });
      return openTarget(plan, () => client, env);
    });
  }

  send(target: TargetHandle): void {
    target.send(
      BATCH,
      { timeoutMs: 10_000, cut: false },
      () => true,
      () => undefined,
    );
  }

  /** Some time passes, and answers come back, until few calls are under way. */
  answer(picks: number): void {
    this.clock.advance(0.5);
    while (this.#underWay.length > UNDER_WAY) this.#underWay.shift()!(ACCEPTED);
    if (picks % CHANGE_EVERY >= BLOCK) return;
    const change = Math.floor(picks / CHANGE_EVERY);
    const target = this.targets[Math.floor(change / 2) % this.targets.length]!;
    target.operate({ state: change % 2 === 0 ? "drain" : "ready", untilMs: undefined, note: "" });
  }
}

function chooserPick(rig: Rig, strategy: StrategyPlan, weights: "adaptive" | "fixed"): Pick {
  const chooser = new Chooser(rig.targets, strategy, { random: seededRandom(2), weights });
  return (nowMs) => {
    const target = chooser.choose(NO_HISTORY, nowMs);
    if (target !== undefined) chooser.charge(target, BATCH);
    return target;
  };
}

function memberPick(rig: Rig, strategy: StrategyPlan): Pick {
  const random = seededRandom(2);
  const picker = new MemberPicker(rig.targets, random);
  for (const { load } of rig.targets) load.report({ utilisation: random.next() }, rig.clock.nowMs());
  return (nowMs) => picker.pick(NO_HISTORY, NO_KEYS, nowMs, BATCH.signal, strategy);
}

function measure(what: string, size: number, open: (rig: Rig) => Pick): number {
  const rig = new Rig(size);
  const pick = open(rig);
  let served = 0;
  const picked: (TargetHandle | undefined)[] = [];
  const roundsNs: number[] = [];
  let spentNs = 0n;
  for (let picks = 0; picks < 2 * PICKS; picks += BLOCK) {
    if (picks % (PICKS / ROUNDS) === 0) {
      roundsNs.push(Number(spentNs));
      spentNs = 0n;
    }
    const nowMs = rig.clock.nowMs();
    const startNs = process.hrtime.bigint();
    for (let i = 0; i < BLOCK; i++) {
      const target = pick(nowMs);
      picked[i] = target;
      served += target === undefined ? 0 : 1;
    }
    spentNs += process.hrtime.bigint() - startNs;
    for (const target of picked) if (target !== undefined) rig.send(target);
    rig.answer(picks);
  }
  if (served < 1.9 * PICKS) throw new Error(`${what}: only ${served} picks found a target`);
  return median(roundsNs.slice(ROUNDS + 1)) / (PICKS / ROUNDS); // the first half was to warm up
}

/** Whose a key is: what a pick is for consistent_hash, once for each item or resource. */
function measureKeys(size: number): number {
  const owners = openKeyOwners(Array.from({ length: size }, (_, i) => ({ id: `target-${i}`, weight: 1 + (i % 5) })));
  const out = new Set([1]);
  const view = { usable: (i: number) => !out.has(i), saturated: () => false, held: () => 0, totalHeld: 0 };
  const random = seededRandom(3);
  const keys = Uint32Array.from({ length: PICKS }, () => random.next() * 2 ** 32);
  let sum = 0;
  for (const key of keys) sum += owners.ownerOf(key, view);
  const roundsNs = Array.from({ length: ROUNDS }, () => {
    const startNs = process.hrtime.bigint();
    for (const key of keys) sum += owners.ownerOf(key, view);
    return Number(process.hrtime.bigint() - startNs);
  });
  if (sum < 0) throw new Error("a key without an owner");
  return median(roundsNs) / PICKS;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

const results: Record<string, Record<string, number>> = {};
for (const [name, strategy, weights = "fixed"] of STRATEGIES) {
  const at = (size: number): number => Math.round(measure(name, size, (rig) => chooserPick(rig, strategy, weights)));
  results[name] = { "3": at(3), "1000": at(1_000) };
}
results["consistent_hash"] = { "3": Math.round(measureKeys(3)), "1000": Math.round(measureKeys(1_000)) };
const members = Object.fromEntries(
  MEMBER_STRATEGIES.map((strategy) => {
    const at = (size: number): number => Math.round(measure(strategy.type, size, (rig) => memberPick(rig, strategy)));
    return [strategy.type, { "3": at(3), "64": at(64) }];
  }),
);
process.stdout.write(
  `${JSON.stringify({ unit: "ns per pick", node: process.version, targets: results, members }, undefined, 2)}\n`,
);
