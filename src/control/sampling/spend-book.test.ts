import assert from "node:assert/strict";
import test from "node:test";
import { recordedLog } from "../../../test/support/fleet/quiet-log.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { SamplingStrategyDocument } from "../../config/schema/sampling.ts";
import { tellSpent } from "./sampling-metrics.ts";
import { SpendBook, type SpendReport } from "./spend-book.ts";

const HOUR_MS = 3_600_000;
/** At the beginning of an hour. */
const BEGUN_MS = 480_000 * HOUR_MS;

function strategies(cost = 0.5): SamplingStrategyDocument[] {
  const budget = { budget_per_hour: 100, cost_per_span: cost, cost_per_byte: 0.01, min_rate: 0 };
  return [
    { type: "fixed", signals: ["traces"], rate: 1 },
    { type: "cost_based", signals: ["traces"], ...budget },
  ];
}

function reportOf(items: number, forMs: number, run = "one"): SpendReport {
  return { run, forMs, spent: { traces: { items, bytes: 10 * items }, logs: { items: 1_000, bytes: 0 } } };
}

function spentOf(book: SpendBook, wallMs: number, cost?: number): number | undefined {
  return book.status(strategies(cost), "cost_based", wallMs)?.spent;
}

test("spend book: what was delivered is charged once, by what an item and a byte cost", () => {
  const book = new SpendBook();
  book.charge(strategies(), "node", reportOf(10, 1_000), BEGUN_MS + 1_000);
  assert.equal(spentOf(book, BEGUN_MS + 1_000), 6); // 10 x 0.5 + 100 x 0.01
  book.charge(strategies(), "node", reportOf(10, 2_000), BEGUN_MS + 2_000);
  assert.equal(spentOf(book, BEGUN_MS + 2_000), 6);
  book.charge(strategies(), "node", reportOf(20, 3_000), BEGUN_MS + 3_000);
  assert.equal(spentOf(book, BEGUN_MS + 3_000), 12);
});

test("spend book: the next one goes on with what the last one has written down", () => {
  const first = new SpendBook();
  first.charge(strategies(), "node", reportOf(100, 1_000), BEGUN_MS + 1_000);
  const next = new SpendBook(JSON.parse(JSON.stringify(first.records)));
  next.charge(strategies(), "node", reportOf(110, 2_000), BEGUN_MS + 2_000);
  assert.equal(spentOf(next, BEGUN_MS + 2_000), 66);
  assert.deepEqual(
    next.news(strategies(), BEGUN_MS + 2_000).map(({ strategy, news }) => [strategy, news.kind]),
    [
      ["cost_based", "spent"],
      ["cost_based", "forecast"],
    ],
  );
  assert.deepEqual(next.news(strategies(), BEGUN_MS + 2_000), []);
});

test("spend book: another price is for what comes from then on", () => {
  const book = new SpendBook();
  book.charge(strategies(), "node", reportOf(10, 1_000), BEGUN_MS + 1_000);
  book.charge(strategies(2.4), "node", reportOf(12, 2_000), BEGUN_MS + 2_000);
  assert.ok(Math.abs(spentOf(book, BEGUN_MS + 2_000, 2.4)! - 6) < 1e-9);
  book.charge(strategies(2.4), "node", reportOf(13, 3_000), BEGUN_MS + 3_000);
  assert.ok(Math.abs(spentOf(book, BEGUN_MS + 3_000, 2.4)! - 8.5) < 1e-9);
});

test("spend book: what is left is spread over the rest of the hour", () => {
  const book = new SpendBook();
  const plain = 100 / 3_600;
  assert.equal(book.paces(strategies(), BEGUN_MS).get("cost_based"), plain);
  book.charge(strategies(), "node", reportOf(80, HOUR_MS / 2), BEGUN_MS + HOUR_MS / 2);
  const pace = book.paces(strategies(), BEGUN_MS + HOUR_MS / 2).get("cost_based") ?? 0;
  assert.ok(Math.abs(pace - 52 / 1_800) < 1e-9, `${pace}`);
});

test("spend book: nothing is forecast of somebody who fell silent hours ago", () => {
  const book = new SpendBook();
  book.charge(strategies(), "west", reportOf(100, 1_000), BEGUN_MS + 1_000);
  const kinds = (wallMs: number): string[] => book.news(strategies(), wallMs).map(({ news }) => news.kind);
  assert.deepEqual(kinds(BEGUN_MS + 1_000), ["spent", "forecast"]);
  assert.deepEqual(kinds(BEGUN_MS + 2 * HOUR_MS), []);
});

test("spend book: of who has left for good what was spent remains, and nothing more", () => {
  const book = new SpendBook();
  book.charge(strategies(), "west", reportOf(10, 1_000), BEGUN_MS + 1_000);
  book.forget("west");
  assert.deepEqual(book.records["cost_based"]?.counters, {});
  assert.equal(spentOf(book, BEGUN_MS + 60_000), 6);
  // Whoever comes in its place counts from its own beginning.
  book.charge(strategies(), "west", reportOf(10, 1_000, "two"), BEGUN_MS + 61_000);
  assert.equal(spentOf(book, BEGUN_MS + 61_000), 12);
});

test("spend book: what there is to tell is an event of sampling, from a half of the budget on", () => {
  const log = recordedLog(new ManualClock());
  for (const share of [0.5, 0.8, 0.95, 1] as const) {
    tellSpent(log, { strategy: "cost_based", budget: 100, news: { kind: "spent", share } });
  }
  tellSpent(log, { strategy: "cost_based", budget: 100, news: { kind: "forecast", expected: 120 } });
  assert.equal(log.lines.length, 5);
  for (const line of log.lines) assert.match(line, /kind=sampling\b.*strategy=cost_based/u);
});
