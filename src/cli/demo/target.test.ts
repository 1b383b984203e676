import assert from "node:assert/strict";
import { test } from "node:test";
import { generateLogs, generateMetrics, generateTraces } from "../../../test/support/generated.ts";
import { RULES } from "./cast.ts";
import { Arrivals, duplicates, ledgerItems, openTallies } from "./target.ts";

const OPTIONS = { resources: 2, services: ["checkout", "payment-api"], seed: 1, wallMs: 1_750_000_000_000 };

function byRule(arrivals: Arrivals): string[] {
  return RULES.filter(({ id }) => arrivals.by(id) > 0).map(({ id }) => `${id} ${arrivals.by(id)}`);
}

test("arrivals: items are counted by the rule that brought them, metrics by their data points", () => {
  const tallies = openTallies();
  const arrivals = new Arrivals("target-1", tallies);
  assert.ok(arrivals.take("traces", generateTraces({ ...OPTIONS, items: 10 })));
  assert.ok(arrivals.take("metrics", generateMetrics({ ...OPTIONS, items: 4 })));
  assert.deepEqual(byRule(arrivals), ["payments 11", "shop 11"]);
  assert.equal(arrivals.items, 10 + ledgerItems("metrics", 4));
  assert.equal(duplicates(tallies), 0);
});

test("arrivals: a service that the config does not name came by the default rule", () => {
  const arrivals = new Arrivals("target-3", openTallies());
  arrivals.take("logs", generateLogs({ ...OPTIONS, items: 3, services: ["anybody"] }));
  assert.deepEqual(byRule(arrivals), ["(default) 3"]);
});

test("arrivals: what comes to a second target too is a duplicate, counted like the router's ledger does", () => {
  const tallies = openTallies();
  const request = generateMetrics({ ...OPTIONS, items: 4 });
  for (const target of ["target-1", "target-2"]) new Arrivals(target, tallies).take("metrics", request);
  assert.equal(duplicates(tallies), ledgerItems("metrics", 4));
});

test("arrivals: a copy of a span is none, and an error log that was there before is one", () => {
  const tallies = openTallies();
  const [shop, errors] = [new Arrivals("target-1", tallies), new Arrivals("errors", tallies)];
  const [spans, logs] = [generateTraces({ ...OPTIONS, items: 4 }), generateLogs({ ...OPTIONS, items: 4 })];
  for (const arrivals of [shop, errors]) {
    arrivals.take("traces", spans);
    arrivals.take("logs", logs);
  }
  assert.deepEqual(byRule(errors), ["copy-errors 4", "error-logs 4"]);
  assert.equal(duplicates(tallies), 4);
});

test("arrivals: a malformed request counts for nothing", () => {
  const arrivals = new Arrivals("target-1", openTallies());
  assert.equal(arrivals.take("traces", generateTraces({ ...OPTIONS, items: 10 }).subarray(0, 900)), false);
  assert.equal(arrivals.items, 0);
});
