import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { reportOf } from "../../../test/support/fleet/reports.ts";
import { ReportSchema } from "../fleet/messages.ts";
import { type CollectorChange, CollectorTable, collectorTimes } from "./collector-table.ts";

const TIMES = collectorTimes(5_000);

function tableOf(most = 1_000): CollectorTable {
  return new CollectorTable({ ...TIMES, most });
}

/** As a controller does: it looks once a second. */
function pass(table: CollectorTable, fromMs: number, toMs: number): (CollectorChange & { readonly atMs: number })[] {
  const changes: (CollectorChange & { readonly atMs: number })[] = [];
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 1_000) {
    for (const change of table.tick(nowMs)) changes.push({ ...change, atMs: nowMs });
  }
  return changes;
}

test("collectors: who is silent is suspect once two Reports are missed, and gone at 15 s", () => {
  const table = tableOf();
  table.report(reportOf("a"), 0);
  assert.deepEqual(pass(table, 1_000, 20_000), [
    { id: "a", to: "suspect", atMs: 11_000 },
    { id: "a", to: "gone", atMs: 15_000 },
  ]);
  assert.equal(table.size, 0);
});

test("collectors: a suspect that reports is live again", () => {
  const table = tableOf();
  table.report(reportOf("a"), 0);
  pass(table, 1_000, 12_000);
  assert.equal(table.get("a")?.state, "suspect");
  table.report(reportOf("a", { seq: 2 }), 12_500);
  assert.equal(table.get("a")?.state, "live");
  assert.deepEqual(pass(table, 13_000, 23_000), []);
});

test("collectors: who says how often it reports is silent by that, whatever others do", () => {
  const table = tableOf();
  table.report(reportOf("slow", { report_interval_ms: 20_000 }), 0);
  table.report(reportOf("fast", { report_interval_ms: 1_000 }), 0);
  table.report(reportOf("any"), 0);
  assert.deepEqual(
    pass(table, 1_000, 61_000).map(({ id, to, atMs }) => `${id} ${to} ${atMs}`),
    ["fast gone 3000", "any suspect 11000", "any gone 15000", "slow suspect 44000", "slow gone 60000"],
  );
  assert.deepEqual([table.size, table.count("live"), table.count("suspect")], [0, 0, 0]);
});

test("collectors: who says another interval than before is checked by the new one", () => {
  const table = tableOf();
  table.report(reportOf("a", { report_interval_ms: 20_000 }), 0);
  table.report(reportOf("a", { seq: 2, report_interval_ms: 5_000 }), 1_000);
  assert.deepEqual(pass(table, 2_000, 70_000), [
    { id: "a", to: "suspect", atMs: 12_000 },
    { id: "a", to: "gone", atMs: 16_000 },
  ]);
});

test("collectors: an interval that none may have is as if nothing was said", () => {
  const read = ReportSchema.parse({ ...reportOf("a"), report_interval_ms: 86_400_000 });
  assert.equal(read.report_interval_ms, undefined);
});

test("collectors: a goodbye takes away the start that says it, and no later one", () => {
  const table = tableOf();
  table.report(reportOf("a", { incarnation: "one" }), 0);
  assert.equal(table.report(reportOf("a", { incarnation: "two" }), 1_000), "restarted");
  assert.equal(table.goodbye("a", "one"), false);
  assert.equal(table.size, 1);
  assert.equal(table.goodbye("a", "two"), true);
  assert.equal(table.size, 0);
  assert.equal(table.goodbye("a", "two"), false);
});

test("collectors: a Report that was overtaken, or is of an earlier start, changes nothing", () => {
  const table = tableOf();
  table.report(reportOf("a", { seq: 7, version: "2" }), 0);
  assert.equal(table.report(reportOf("a", { seq: 7, version: "1" }), 10), "old");
  table.report(reportOf("a", { seq: 1, incarnation: "two", version: "3" }), 20);
  assert.equal(table.report(reportOf("a", { seq: 9, version: "1" }), 30), "old");
  assert.deepEqual([table.get("a")?.report.version, table.get("a")?.seenMs], ["3", 20]);
});

test("collectors: of two nodes with one id the one that came last is listed, and the other one does not take its place", () => {
  const table = tableOf();
  for (let seq = 1; seq < 20; seq++) {
    table.report(reportOf("a", { seq, incarnation: "one" }), seq * 1_000);
    table.report(reportOf("a", { seq, incarnation: "two" }), seq * 1_000);
  }
  assert.equal(table.get("a")?.report.incarnation, "two");
});

test("collectors: there is no room for more than so many, and who is listed stays so", () => {
  const table = tableOf(2);
  const outcomes = ["a", "b", "c"].map((id) => table.report(reportOf(id), 0));
  assert.deepEqual(outcomes, ["joined", "joined", "full"]);
  assert.equal(table.report(reportOf("a", { seq: 2 }), 1), "taken");
  table.goodbye("b", "one");
  assert.equal(table.report(reportOf("c"), 2), "joined");
});

test("collectors: while the controller stood still nobody was silent", () => {
  const table = tableOf();
  table.report(reportOf("a"), 0);
  table.tick(1_000);
  assert.deepEqual(table.tick(40_000), []);
  table.report(reportOf("b"), 40_000);
  assert.deepEqual(
    pass(table, 41_000, 60_000).filter(({ to }) => to === "gone"),
    [
      { id: "b", to: "gone", atMs: 55_000 },
      { id: "a", to: "gone", atMs: 55_000 },
    ].toSorted((x, y) => (x.id < y.id ? -1 : 1)),
  );
});

test("collectors: pages are in the order of ids, each collector in one, whoever comes and goes meanwhile", () => {
  const table = tableOf();
  for (const id of ["d", "b", "a", "c", "e"]) table.report(reportOf(id), 0);
  const ids = (after: string | undefined, limit: number): string[] =>
    table.page(after, limit).map((at) => at.report.id);
  assert.deepEqual(ids(undefined, 2), ["a", "b"]);
  table.goodbye("b", "one");
  table.report(reportOf("bb"), 0);
  assert.deepEqual(ids("b", 2), ["bb", "c"]);
  assert.deepEqual(ids("c", 9), ["d", "e"]);
  assert.deepEqual(ids("e", 9), []);
});

type Event =
  | { readonly kind: "report" | "goodbye"; readonly id: string }
  | { readonly kind: "pass"; readonly ms: number };

const ids = fc.constantFrom("a", "b", "c", "d");
const events = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constantFrom("report" as const, "goodbye" as const), id: ids }),
    fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 100, max: 2_900 }) }),
  ) satisfies fc.Arbitrary<Event>,
  { maxLength: 80 },
);

test("collectors: however they come and go, who is listed and what the digest says is what was last heard of each", () => {
  fc.assert(
    fc.property(events, (all) => {
      const table = tableOf();
      const heard = new Map<string, number>();
      let nowMs = 0;
      for (const [seq, event] of all.entries()) {
        if (event.kind === "pass") {
          nowMs += event.ms;
          table.tick(nowMs);
          for (const [id, ms] of heard) if (nowMs - ms >= TIMES.goneAfterMs) heard.delete(id);
        } else if (event.kind === "report") {
          table.report(reportOf(event.id, { seq: seq + 1 }), nowMs);
          heard.set(event.id, nowMs);
        } else {
          table.goodbye(event.id, "one");
          heard.delete(event.id);
        }
        const listed = table.page(undefined, 10).map(({ report }) => report.id);
        assert.deepEqual(listed, [...heard.keys()].toSorted());
        assert.equal(table.viewDigest, digestOf(listed));
        assert.equal(table.count("live") + table.count("suspect"), table.size);
        for (const { report, state } of table) {
          const silentMs = nowMs - heard.get(report.id)!;
          if (event.kind === "pass") assert.equal(state, silentMs >= TIMES.suspectAfterMs ? "suspect" : "live");
        }
      }
    }),
    { numRuns: 200 },
  );
});

/** Of those alone, told in another order. */
function digestOf(listed: readonly string[]): string {
  const table = tableOf();
  for (const id of listed.toReversed()) table.report(reportOf(id), 0);
  return table.viewDigest;
}
