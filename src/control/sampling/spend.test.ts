import assert from "node:assert/strict";
import test from "node:test";
import { loadConfig } from "../../config/load.ts";
import type { FleetConfig } from "../../config/schema/config.ts";
import { type Random, seededRandom } from "../../core/random.ts";
import { keptItems } from "../../plan/sampling/class-rate.ts";
import type { ReceivedRow } from "../../plan/sampling/received.ts";
import type { SamplingDirective } from "../../plan/sampling/sampling-directive.ts";
import { SamplingDecider } from "./sampling-decider.ts";
import { chargeSpend, expectedSpend, paceOf, spendAt, spendFrom, type SpendRecord, tellSpend } from "./spend.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 10, 29);

function chargedTwice(record: SpendRecord, charged: number, atMs: number, since = "a"): SpendRecord {
  const once = chargeSpend(record, "west", { since, charged, forMs: atMs - START_MS }, atMs);
  return chargeSpend(once, "west", { since, charged, forMs: atMs - START_MS }, atMs);
}

test("spend: counts that come twice, late or not at all are charged once", () => {
  let record = chargedTwice(spendFrom(START_MS), 3, START_MS + 5_000);
  record = chargedTwice(record, 10, START_MS + 20_000);
  record = chargeSpend(record, "west", { since: "a", charged: 7, forMs: 15_000 }, START_MS + 21_000);
  assert.equal(record.spent, 10);
  assert.equal(chargedTwice(record, 12, START_MS + 25_000).spent, 12);
});

test("spend: another run of a reporter, or another leader with the record, goes on", () => {
  const record = chargedTwice(spendFrom(START_MS), 10, START_MS + 20_000);
  const next: SpendRecord = JSON.parse(JSON.stringify(record));
  assert.equal(chargedTwice(next, 14, START_MS + 30_000).spent, 14);
  assert.equal(chargedTwice(next, 5, START_MS + 30_000, "b").spent, 15);
});

test("spend: what came over the turn of an hour belongs to each by its part of the time", () => {
  const endMs = START_MS + HOUR_MS;
  let record = chargedTwice(spendFrom(START_MS), 100, endMs - 6_000);
  record = chargedTwice(record, 110, endMs + 4_000);
  assert.equal(record.hour, endMs / HOUR_MS);
  assert.ok(Math.abs(record.spent - 4) < 1e-9);
  // A leader whose clock is behind does not go back.
  assert.equal(spendAt(record, endMs - 100), record);
});

test("spend: the pace is what is left over the rest of the hour, at most twice the plain one", () => {
  const start = spendFrom(START_MS);
  assert.equal(paceOf(start, 3_600, START_MS), 1);
  assert.equal(paceOf(start, 3_600, START_MS + HOUR_MS / 4), 4 / 3);
  assert.equal(paceOf(start, 3_600, START_MS + HOUR_MS * 0.9), 2);
  const atMs = START_MS + HOUR_MS / 2;
  assert.equal(paceOf(chargedTwice(start, 2_700, atMs), 3_600, atMs), 0.5);
  assert.equal(paceOf(chargedTwice(start, 4_000, atMs), 3_600, atMs), 0);
});

test("spend: what nobody has reported yet is expected to go on as it was", () => {
  const atMs = START_MS + 1_000_000;
  const record = chargedTwice(spendFrom(START_MS), 1_000, atMs);
  assert.equal(expectedSpend(record, atMs + 30_000), 1_030);
  const second = chargeSpend(record, "west", { since: "a", charged: 1_010, forMs: 0 }, atMs + 10_000);
  assert.equal(expectedSpend(second, atMs + 40_000), 1_040);
});

test("spend: of somebody silent nothing is expected in later hours", () => {
  const atMs = START_MS + HOUR_MS - 100_000;
  const record = chargedTwice(spendFrom(START_MS), 3_500, atMs);
  const { perSecond } = record.counters["west"]!;
  const expected = (wallMs: number): number => expectedSpend(spendAt(record, wallMs), wallMs) / perSecond;
  // For 5 minutes, of which 200 s are of the next hour.
  const [soon, later, muchLater] = [60_000, HOUR_MS / 2, 3 * HOUR_MS].map((ms) => expected(START_MS + HOUR_MS + ms));
  assert.deepEqual([soon, later, muchLater], [60, 200, 0]);
});

test("spend: each mark is told once an hour, and so is a forecast above the budget", () => {
  const kinds = (told: ReturnType<typeof tellSpend>): string[] =>
    told.news.map((one) => (one.kind === "spent" ? `${one.share}` : one.kind));
  const atMs = START_MS + HOUR_MS / 2;
  let told = tellSpend(chargedTwice(spendFrom(START_MS), 1_830, atMs), 3_600, 1, atMs);
  assert.deepEqual(kinds(told), ["0.5"]);
  told = tellSpend(told.record, 3_600, 1.2, atMs);
  assert.deepEqual(kinds(told), ["forecast"]);
  told = tellSpend(chargedTwice(told.record, 3_590, atMs + 1_000), 3_600, 2, atMs + 1_000);
  assert.deepEqual(kinds(told), ["0.8", "0.95"]);
  told = tellSpend(chargedTwice(told.record, 3_600, atMs + 2_000), 3_600, 2, atMs + 2_000);
  assert.deepEqual(kinds(told), ["1"]);
  assert.deepEqual(kinds(tellSpend(told.record, 3_600, 2, atMs + 3_000)), []);
  assert.deepEqual(kinds(tellSpend(told.record, 3_600, 2.1, atMs + HOUR_MS)), ["forecast"]);
});

const TICK_MS = 5_000;
/** A report is so many ticks old when it is looked at. */
const DELAY_TICKS = 1;
/** No leader for so long, after the last record that was written. */
const LEADERLESS_TICKS = 3;
const CHECKPOINT_TICKS = 4;
const BUDGET_PER_HOUR = 12;
const COST_PER_ITEM = 0.000_002;
/** Each item goes to one pool, half of them to another one as well. */
const COPIES = 1.5;
const PROTECTED = "{ type: priority_based, rules: [{ priority: high, rate: 1, services: [payment] }] }";
const COST = `{ type: cost_based, budget_per_hour: ${BUDGET_PER_HOUR}, cost_per_span: ${COST_PER_ITEM}, min_rate: 0.001 }`;
const REGIONS = ["west", "east"] as const;

interface Seen {
  readonly rows: readonly ReceivedRow[];
  /** Items that each region has delivered so far. */
  readonly delivered: readonly number[];
}

/** A day of a fleet in two regions, and a leader that is another one each hour. */
class Day {
  readonly hours = new Map<number, number>();
  readonly told: string[] = [];
  readonly #config = configOf(`{ sampling_strategies: [${PROTECTED}, ${COST}] }`);
  readonly #random: Random;
  readonly #delivered = [0, 0];
  #seen: Seen[] = [];
  #seq = 0;
  #last: SamplingDirective | undefined;
  #decider = new SamplingDecider();
  #written = "{}";

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  run(ticks: number): void {
    const perHour = HOUR_MS / TICK_MS;
    for (let tick = 0; tick < ticks; tick++) {
      const wallMs = START_MS + tick * TICK_MS;
      const rows = this.#rows(tick / perHour);
      this.#spend(rows, wallMs);
      this.#seen.push({ rows, delivered: [...this.#delivered] });
      // Another leader begins in mid-hour, with what the last one wrote down.
      const sinceChange = (tick + perHour / 2) % perHour;
      if (sinceChange === 0)
        this.#decider = new SamplingDecider({ last: this.#last, spent: JSON.parse(this.#written) });
      if (sinceChange >= LEADERLESS_TICKS) this.#lead(wallMs + TICK_MS);
      if (tick % CHECKPOINT_TICKS === 0) this.#written = JSON.stringify(this.#decider.spent);
    }
  }

  #rows(hour: number): ReceivedRow[] {
    const load = 12_000 + 9_000 * Math.sin((2 * Math.PI * (hour - 9)) / 24);
    const wobble = 1 + 0.1 * Math.sin(hour * 37);
    const row = (name: string, region: string, items: number): ReceivedRow => {
      const noisy = Math.max(0, items * (1 + 0.02 * (this.#random.next() - 0.5)));
      return { signal: "traces", class: name, region, arrival: 1, items: noisy, bytes: 0, traces: 0, copies: COPIES };
    };
    return [
      row("high", "west", 100),
      row("normal", "west", load * 0.7 * wobble),
      row("normal", "east", load * 0.3 * wobble),
    ];
  }

  #spend(rows: readonly ReceivedRow[], wallMs: number): void {
    const hour = Math.floor(wallMs / HOUR_MS);
    for (const row of rows) {
      const kept = keptItems(this.#last?.rates ?? [], row) * (TICK_MS / 1_000);
      const delivered = Math.max(0, kept + Math.sqrt(kept) * (this.#random.next() - 0.5) * 3) * COPIES;
      this.#delivered[row.region === "west" ? 0 : 1]! += delivered;
      this.hours.set(hour, (this.hours.get(hour) ?? 0) + delivered * COST_PER_ITEM);
    }
  }

  #lead(wallMs: number): void {
    const seen = this.#seen.at(-1 - DELAY_TICKS);
    this.#seen = this.#seen.slice(-1 - DELAY_TICKS);
    if (seen === undefined) return;
    // What is reported was true before the delay.
    const thenMs = wallMs - DELAY_TICKS * TICK_MS;
    this.#seq++;
    for (const [i, region] of REGIONS.entries()) {
      const rows = seen.rows.filter((row) => row.region === region);
      const rates = { seq: this.#seq, latest: rows, smooth: rows, collectors: 1, isLearning: false };
      this.#decider.hear(region, rates, wallMs);
      const spent = { traces: { items: seen.delivered[i]!, bytes: 0 }, logs: { items: 0, bytes: 0 } };
      this.#decider.charge(this.#config, region, { run: "1", forMs: thenMs - START_MS, spent }, thenMs);
    }
    this.#last = this.#decider.step(this.#config, { nowMs: wallMs, wallMs }) ?? this.#last;
    for (const { news } of this.#decider.news(this.#config, wallMs)) {
      this.told.push(news.kind === "spent" ? String(news.share) : news.kind);
    }
  }
}

function configOf(global: string): FleetConfig {
  const text = `targets: [{ id: a, endpoint: "http://127.0.0.1:1" }]\nglobal: ${global}`;
  const { config, problems } = loadConfig(text, { file: "test.yaml", env: {}, readFile: () => "" });
  assert.ok(config, JSON.stringify(problems));
  return config;
}

test("spend: over a day with another leader each hour, each hour is within 1 % of the budget", () => {
  const day = new Day(7);
  day.run((24 * HOUR_MS) / TICK_MS);
  assert.equal(day.hours.size, 24);
  for (const [hour, spent] of day.hours) {
    assert.ok(Math.abs(spent / BUDGET_PER_HOUR - 1) <= 0.01, `hour ${hour - START_MS / HOUR_MS}: ${spent}`);
  }
  const sum = [...day.hours.values()].reduce((all, one) => all + one, 0);
  assert.ok(Math.abs(sum / (24 * BUDGET_PER_HOUR) - 1) <= 0.01, `the day: ${sum}`);
  assert.equal(day.told.filter((one) => one === "forecast").length, 0);
  assert.equal(day.told.filter((one) => one === "0.95").length, 24);
});
