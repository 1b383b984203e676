import assert from "node:assert/strict";
import test from "node:test";
import { recordedLog } from "../../../test/support/fleet/quiet-log.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { Held } from "../../store/recipes/lock-hold.ts";
import { MAX_VALUE_BYTES, type Store } from "../../store/store.ts";
import type { ReceivedRow } from "../../plan/sampling/received.ts";
import { itemsOf } from "./received-sums.ts";
import { RegionSampling } from "./region-sampling.ts";
import { NOTHING_SPENT, type SamplingReport } from "./sampling-report.ts";
import { decodeSamplingSummary, ratesIn, rowsOf, type SamplingSummary } from "./sampling-summary.ts";

const { signal } = new AbortController();

/** A store of one key, and whoever leads the region. */
class Rig {
  readonly clock = new ManualClock();
  readonly written: SamplingSummary[] = [];
  #value: Uint8Array | undefined;
  #items = 0;

  lead(): RegionSampling {
    const store = { get: async () => this.#value && { value: this.#value } } as unknown as Store;
    const guarded: Held["guarded"] = async ({ then: [step] }) => {
      assert.ok(step?.kind === "put");
      this.#value = step.value;
      const read = decodeSamplingSummary(step.value);
      assert.ok(read.ok);
      this.written.push(read.value);
      return { ok: true, revision: 1n, results: [] } as unknown as Awaited<ReturnType<Held["guarded"]>>;
    };
    const place = { prefix: "/signalbox", clock: this.clock, store };
    return new RegionSampling({
      place,
      region: "west",
      leadership: { guarded },
      epoch: "1.1",
      log: recordedLog(this.clock),
    });
  }

  report(perSecond: number): SamplingReport {
    this.#items += perSecond * 5;
    const items = this.#items;
    const sums = { items, bytes: 0, traces: items, adjusted: items, delivered: 0, kept: 0 };
    const counts = [{ signal: "traces" as const, class: "normal", octave: 0, ...sums }];
    return { run: "1", at_ms: this.clock.nowMs(), counts, spent: NOTHING_SPENT, counted: NOTHING_SPENT };
  }

  /** With a look each second. */
  async pass(region: RegionSampling, seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      this.clock.advance(1_000);
      await region.tick(signal);
    }
  }

  get smooth(): number {
    return itemsOf(ratesIn(this.written.at(-1)!).smooth);
  }
}

async function emptied(rig: Rig): Promise<RegionSampling> {
  const region = rig.lead();
  for (let i = 0; i < 4; i++) {
    region.reported("n1", rig.report(1_000));
    await rig.pass(region, 5);
  }
  assert.equal(rig.written.at(-1)?.latest.length, 1);
  region.gone("n1");
  await rig.pass(region, 5);
  return region;
}

test("region sampling: when all of its collectors have left nothing comes at once, and what fades is told to its end", async () => {
  const rig = new Rig();
  const region = await emptied(rig);
  assert.deepEqual([rig.written.at(-1)?.latest, rig.written.at(-1)?.collectors], [[], 0]);
  assert.ok(rig.smooth > 300);
  await rig.pass(region, 120);
  assert.deepEqual(rig.written.at(-1)?.smooth, []);
  // Then there is nothing to tell, until somebody comes.
  const { length } = rig.written;
  await rig.pass(region, 60);
  assert.equal(rig.written.length, length);
  region.reported("n2", rig.report(10));
  await rig.pass(region, 5);
  assert.ok(rig.written.length > length);
});

test("region sampling: a controller to which nobody comes tells so in the place of the one before", async () => {
  const rig = new Rig();
  await emptied(rig);
  const next = rig.lead();
  const { length } = rig.written;
  await rig.pass(next, 59);
  assert.equal(rig.written.length, length);
  await rig.pass(next, 60);
  const told = rig.written.slice(length);
  assert.ok(told.every(({ latest, smooth }) => latest.length + smooth.length === 0));
  // Leaders do not believe what is told while it learns.
  assert.deepEqual(
    told.map(({ learning }) => learning),
    [true, true, false],
  );
  // Where nothing was told nothing is.
  const fresh = new Rig();
  await fresh.pass(fresh.lead(), 90);
  assert.deepEqual(fresh.written, []);
});

test("sampling of a region: however many thresholds senders make up, what it tells fits a value, and as much is told", () => {
  const classes = Array.from({ length: 100 }, (_, i) => `low-${i}`);
  const rows = classes.flatMap((name, at) =>
    Array.from({ length: 58 }, (_, octave): ReceivedRow => {
      const items = 1_000 / (1 + octave) + at / 7;
      const arrival = octave === 57 ? undefined : 2 ** -octave / 1.1;
      return { signal: "traces", class: name, region: "west", arrival, items, bytes: 376 * items, traces: items / 3 };
    }),
  );
  const told = rowsOf(rows);
  assert.ok(2 * JSON.stringify(told).length < MAX_VALUE_BYTES, `${JSON.stringify(told).length}`);
  const near = (a: number, b: number, what: string): void =>
    assert.ok(Math.abs(a - b) < 1e-4 * b, `${what}: ${a}, ${b}`);
  for (const name of classes) {
    const [all, its] = [rows.filter((row) => row.class === name), told.filter(({ c }) => c === name)];
    const sum = <T>(list: readonly T[], of: (one: T) => number): number => list.reduce((so, one) => so + of(one), 0);
    near(
      sum(its, ({ i }) => i),
      sum(all, ({ items }) => items),
      name,
    );
    near(
      sum(its, ({ i, p = 1 }) => i / p),
      sum(all, ({ items, arrival = 1 }) => items / arrival),
      name,
    );
  }
  assert.equal(rowsOf(rows.slice(0, 1_000)).length, 1_000);
});
