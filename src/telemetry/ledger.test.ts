import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { REASONS } from "../core/reason.ts";
import type { LedgerRow } from "../core/snapshot.ts";
import { createLedger, DROP_REASONS, type Ledger, type LedgerEntry } from "./ledger.ts";
import { createMetrics } from "./metrics.ts";
import { exportLedger } from "./runtime.ts";

/** What the data plane does with a parcel: takes it in, then ends it in one way. */
const step = fc.record({
  entry: fc.integer({ min: 0, max: 11 }),
  items: fc.integer({ min: 1, max: 1_000 }),
  copy: fc.boolean(),
  end: fc.constantFrom("delivered", "rejected", "deadLettered", "drop", "shed", "lose", "still queued"),
  reason: fc.constantFrom(...REASONS),
  drop: fc.constantFrom(...DROP_REASONS),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function entryOf(ledger: Ledger, n: number): LedgerEntry {
  return ledger.entry(["traces", "metrics", "logs"][n % 3] ?? "", `rule ${n}`, `pool ${n % 2}`);
}

function take(entry: LedgerEntry, { items, copy, end: how }: Step): void {
  if (copy) entry.copied += items;
  else entry.received += items;
  entry.queued += items;
  if (how === "still queued") entry.acknowledged += items;
}

function end(entry: LedgerEntry, { items, end: how, reason, drop }: Step): void {
  if (how === "still queued") return;
  entry.queued -= items;
  if (how === "drop") entry.drop(drop, items);
  else if (how === "shed") entry.shedItems(reason, items);
  else if (how === "lose") entry.lose(reason, items);
  else entry[how] += items;
}

test("whatever becomes of the items, both sides are equal after every step, also when entries share a place", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 12 }), (steps, maxEntries) => {
      const ledger = createLedger(maxEntries);
      for (const s of steps) {
        const entry = entryOf(ledger, s.entry);
        take(entry, s);
        assert.ok(ledger.balance().every(({ balanced }) => balanced));
        end(entry, s);
        assert.ok(ledger.balance().every(({ balanced }) => balanced));
      }
      const items = steps.reduce((total, s) => total + s.items, 0);
      assert.equal(
        ledger.balance().reduce((total, { taken }) => total + taken, 0),
        items,
      );
      const rows = ledger.snapshot();
      assert.equal(
        rows.reduce((total, row) => total + row.received + row.copied, 0),
        items,
      );
      assert.ok(rows.length <= maxEntries + 3);
    }),
  );
});

test("a rule has an entry for each of its pools, always the same one; what it left out is empty until then", () => {
  const ledger = createLedger();
  const entries = ["p", "q", "r"].map((pool) => ledger.entry("traces", "rule", pool));
  assert.deepEqual(
    ["p", "q", "r"].map((pool) => ledger.entry("traces", "rule", pool)),
    entries,
  );
  assert.equal(new Set(entries).size, 3);
  const [first] = entries;
  assert.deepEqual([first?.dropped.size, first?.shed.size, first?.lost.size], [0, 0, 0]);
  first?.drop("sampled", 2);
  first?.shedItems("queue_full", 3);
  first?.lose("target_failed", 4);
  first?.drop("sampled", 1);
  const rows = ledger.snapshot();
  assert.deepEqual(
    rows.map(({ dropped, shed, lost }) => [dropped, shed, lost]),
    [
      [{ sampled: 3 }, { queue_full: 3 }, { target_failed: 4 }],
      [{}, {}, {}],
      [{}, {}, {}],
    ],
  );
});

test("an item that is not accounted for shows as an imbalance of its signal", () => {
  const ledger = createLedger();
  const entry = ledger.entry("logs", "r", "p");
  ledger.entry("traces", "r", "p").received += 3;
  ledger.entry("traces", "r", "p").delivered += 3;
  entry.received += 10;
  entry.delivered += 9;
  assert.deepEqual(ledger.balance(), [
    { signal: "logs", taken: 10, accounted: 9, balanced: false },
    { signal: "traces", taken: 3, accounted: 3, balanced: true },
  ]);
  const metrics = createMetrics();
  exportLedger(metrics, ledger);
  assert.deepEqual([metrics.ledgerImbalance.with("logs").value, metrics.ledgerImbalance.with("traces").value], [1, 0]);
});

test("the same names give the same entry, so a config that comes back goes on counting", () => {
  const ledger = createLedger();
  ledger.entry("logs", "r", "p").received += 1;
  ledger.entry("logs", "r", "p").shedItems("queue_full", 1);
  assert.deepEqual(ledger.snapshot(), [
    {
      signal: "logs",
      rule: "r",
      pool: "p",
      received: 1,
      copied: 0,
      delivered: 0,
      rejected: 0,
      dead_lettered: 0,
      queued: 0,
      acknowledged: 0,
      dropped: {},
      shed: { queue_full: 1 },
      lost: {},
    },
  ]);
});

test("the exported counters say what the ledger says, however often they are exported", () => {
  const ledger = createLedger();
  const entry = ledger.entry("logs", "r", "p");
  const metrics = createMetrics();
  entry.received += 5;
  entry.queued += 5;
  exportLedger(metrics, ledger);
  entry.queued -= 4;
  entry.delivered += 3;
  entry.lose("deadline", 1);
  exportLedger(metrics, ledger);
  exportLedger(metrics, ledger);
  const outcomes = ["received", "delivered", "lost", "shed"].map(
    (outcome) => metrics.ledgerItems.with("logs", "r", "p", outcome).value,
  );
  assert.deepEqual(outcomes, [5, 3, 1, 0]);
  assert.equal(metrics.ledgerQueued.with("logs", "r", "p").value, 1);
});

test("sums have what all rows have, in a few rows for each signal: of classes, of copies alone, and of all else", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ledger = createLedger();
      for (const one of steps) {
        const entry = one.entry < 3 ? ledger.entry("traces", `(class ${one.entry})`, "-") : entryOf(ledger, one.entry);
        take(entry, one);
        end(entry, one);
      }
      const kindOf = ({ signal, rule, received }: LedgerRow): string =>
        `${signal} ${rule.startsWith("(class ") ? "class" : received === 0 ? "copies" : "rules"}`;
      const sums = (rows: readonly LedgerRow[]): Record<string, number> => {
        const all: Record<string, number> = {};
        for (const row of rows) {
          for (const [name, value] of Object.entries(row)) {
            const counts = typeof value === "object" ? Object.entries(value) : [["", value] as const];
            for (const [reason, items] of counts) {
              if (typeof items !== "number" || items === 0) continue;
              const key = `${kindOf(row)} ${name} ${reason}`;
              all[key] = (all[key] ?? 0) + items;
            }
          }
        }
        return all;
      };
      assert.deepEqual(sums(ledger.sums()), sums(ledger.snapshot()));
      assert.equal(new Set(ledger.sums().map(kindOf)).size, ledger.sums().length);
    }),
  );
});
