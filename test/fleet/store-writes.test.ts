import assert from "node:assert/strict";
import test from "node:test";
import { seededRandom } from "../../src/core/random.ts";
import { DirectiveWriter } from "../../src/control/global/directive-writer.ts";
import { CollectorTable, collectorTimes } from "../../src/control/region/collector-table.ts";
import { decodeSummary, MAX_SUMMARY_BYTES, regionsPrefix } from "../../src/control/region/region-summary.ts";
import { SummaryWriter } from "../../src/control/region/summary-writer.ts";
import type { RecipePlace } from "../../src/store/recipes/place.ts";
import { FakeStore } from "../support/fake-store.ts";
import { testHeld } from "../support/fleet/held.ts";
import { loadOf, reportOf } from "../support/fleet/reports.ts";
import { ManualClock } from "../support/manual-clock.ts";

const NEVER = new AbortController().signal;
const REGIONS = 20;
const COLLECTORS = 50;
const SECONDS = 240;

interface Region {
  readonly name: string;
  readonly table: CollectorTable;
  readonly writer: SummaryWriter;
  /** In which of its seconds its collectors report. */
  readonly phase: number;
}

class Fleet {
  readonly clock = new ManualClock();
  readonly random = seededRandom(12);
  readonly store = new FakeStore();
  readonly place: RecipePlace = { store: this.store, prefix: "/t", clock: this.clock, random: this.random };
  readonly held = testHeld(this.store);
  readonly directives = new DirectiveWriter({ place: this.place, leadership: this.held, generation: 1, by: "g" });
  readonly regions: readonly Region[];
  seq = 0;

  constructor() {
    this.regions = Array.from({ length: REGIONS }, (_, at) => {
      const name = `r${at}`;
      const table = new CollectorTable({ ...collectorTimes(5_000), most: 1_000 });
      const leadership = this.held;
      const { place } = this;
      const more = { controller: "c", generation: 1, isAdopted: false, learningMs: 15_000 };
      return {
        name,
        table,
        phase: at % 5,
        writer: new SummaryWriter({ place, region: name, leadership, table, ...more }),
      };
    });
  }

  /** All that collectors say is another thing each time, and some of them come and go. */
  report({ table, name }: Region): void {
    this.seq++;
    for (let at = 0; at < COLLECTORS; at++) {
      const id = `${name}-${at}`;
      if (this.random.next() < 0.02) table.goodbye(id, "one");
      const load = loadOf({ items_per_second: this.random.next() * 1e5, utilization: this.random.next() });
      table.report(reportOf(id, { seq: this.seq, load }), this.clock.nowMs());
    }
  }

  /** A second of it: how often something was written. */
  async second(at: number): Promise<number> {
    const before = this.store.txns;
    this.clock.advance(1_000);
    await this.directives.tick(NEVER);
    for (const region of this.regions) {
      if (at % 5 === region.phase) this.report(region);
      region.table.tick(this.clock.nowMs());
      await region.writer.tick(NEVER);
    }
    return this.store.txns - before;
  }
}

test("20 regions in which everything changes all the time write to the store less than 5 times a second together, directives with them", async () => {
  const fleet = new Fleet();
  for (const scope of ["config", "sampling", "limits", "degradation"]) {
    await fleet.directives.set(scope, { body: scope, validForMs: 60_000 }, NEVER);
  }
  const writes: number[] = [];
  for (let at = 0; at < SECONDS; at++) writes.push(await fleet.second(at));
  const windowOf = (from: number): number => writes.slice(from, from + 30).reduce((sum, count) => sum + count, 0) / 30;
  const busiest = Math.max(...writes.slice(0, SECONDS - 30).map((_, from) => windowOf(from)));
  assert.ok(busiest < 5, `${busiest} writes a second`);
  assert.ok(busiest > 3, `${busiest} writes a second: it is not seen that anything changed`);
  const { entries } = await fleet.store.list(regionsPrefix("/t"), { signal: NEVER });
  assert.equal(entries.length, REGIONS);
  for (const entry of entries) {
    assert.ok(entry.value.length <= MAX_SUMMARY_BYTES);
    assert.equal(decodeSummary(entry).ok, true);
  }
});

test("a region in which nothing changes is written each 30 s, and one that its controller has only begun to know is not", async () => {
  const fleet = new Fleet();
  const [region, next] = fleet.regions;
  assert.ok(region !== undefined && next !== undefined);
  const say = (to: CollectorTable, seq: number): void => {
    for (let at = 0; at < 10; at++) to.report(reportOf(`n${at}`, { seq }), fleet.clock.nowMs());
  };
  let written = 0;
  for (let at = 0; at < 120; at++) {
    fleet.clock.advance(1_000);
    if (at % 5 === 0) say(region.table, at + 1);
    if ((await region.writer.tick(NEVER)) !== undefined) written++;
  }
  assert.equal(written, 4);
  const table = new CollectorTable({ ...collectorTimes(5_000), most: 1_000 });
  const more = { controller: "c2", generation: 1, isAdopted: false, learningMs: 15_000 };
  const writer = new SummaryWriter({ place: fleet.place, region: region.name, leadership: fleet.held, table, ...more });
  table.report(reportOf("n0"), fleet.clock.nowMs());
  assert.equal(await writer.tick(NEVER), undefined);
  say(table, 2);
  fleet.clock.advance(1_000);
  assert.equal((await writer.tick(NEVER))?.numbers.collectors, 10);
});

test("where most of the collectors do not come back, the summary says so once all have had the time", async () => {
  const fleet = new Fleet();
  const [region] = fleet.regions;
  assert.ok(region !== undefined);
  for (let at = 0; at < 10; at++) region.table.report(reportOf(`n${at}`), 0);
  await region.writer.tick(NEVER);
  const table = new CollectorTable({ ...collectorTimes(5_000), most: 1_000 });
  const more = { controller: "c2", generation: 1, isAdopted: false, learningMs: 15_000 };
  const writer = new SummaryWriter({ place: fleet.place, region: region.name, leadership: fleet.held, table, ...more });
  table.report(reportOf("n0"), fleet.clock.nowMs());
  for (let at = 0; at < 15; at++) {
    assert.equal(await writer.tick(NEVER), undefined);
    fleet.clock.advance(1_000);
  }
  assert.equal((await writer.tick(NEVER))?.numbers.collectors, 1);
});
