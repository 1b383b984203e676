import assert from "node:assert/strict";
import { test } from "node:test";
import { generateMetrics, generateTraces } from "../../generate/generate.ts";
import { Arrivals } from "./arrivals.ts";
import { duplicates, ledgerItems, openTallies } from "./tallies.ts";

const OPTIONS = { resources: 2, services: ["checkout", "search"], seed: 1, wallMs: 1_750_000_000_000 };

test("arrivals: items are counted by service and signal, metrics by their data points", () => {
  const tallies = openTallies();
  const arrivals = new Arrivals((signal) => tallies.first[signal]);
  assert.ok(arrivals.take("traces", generateTraces({ ...OPTIONS, items: 10 })));
  assert.ok(arrivals.take("metrics", generateMetrics({ ...OPTIONS, items: 4 })));
  const counts: string[] = [];
  arrivals.visit((service, signal, items) => counts.push(`${service} ${signal} ${items}`));
  assert.deepEqual(counts, [
    "checkout traces 5",
    "checkout metrics 6",
    "checkout logs 0",
    "search traces 5",
    "search metrics 6",
    "search logs 0",
  ]);
  assert.equal(arrivals.items, 10 + ledgerItems("metrics", 4));
  assert.equal(duplicates(tallies), 0);
});

test("arrivals: what comes to a second target too is a duplicate, counted like the router's ledger does", () => {
  const tallies = openTallies();
  const [one, two] = [0, 1].map(() => new Arrivals((signal) => tallies.first[signal]));
  assert.ok(one !== undefined && two !== undefined);
  const request = generateMetrics({ ...OPTIONS, items: 4 });
  one.take("metrics", request);
  two.take("metrics", request);
  assert.equal(duplicates(tallies), ledgerItems("metrics", 4));
});

test("arrivals: a malformed request counts for nothing", () => {
  const tallies = openTallies();
  const arrivals = new Arrivals((signal) => tallies.first[signal]);
  assert.equal(arrivals.take("traces", generateTraces({ ...OPTIONS, items: 10 }).subarray(0, 900)), false);
  assert.equal(arrivals.items, 0);
});

test("arrivals: services beyond the bound are counted together", () => {
  const tallies = openTallies();
  const arrivals = new Arrivals((signal) => tallies.first[signal]);
  const services = Array.from({ length: 150 }, (_, i) => `service-${i}`);
  arrivals.take("traces", generateTraces({ ...OPTIONS, items: 150, resources: 150, services }));
  const seen = new Map<string, number>();
  arrivals.visit((service, signal, items) => void (signal === "traces" && seen.set(service, items)));
  assert.equal(seen.size, 101);
  assert.equal(seen.get("other"), 50);
});
