import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { test } from "node:test";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { UNOBSERVED } from "./store-metrics.ts";
import type { Revision } from "./store.ts";
import { type MeasuredSince, type MeasuredWatch, WatchLag } from "./watch-lag.ts";

const TURN_MS = 12_000;

interface Rig extends Disposable {
  readonly clock: ManualClock;
  readonly lag: WatchLag;
  /** In milliseconds, in their order. */
  readonly lags: number[];
}

function openRig(): Rig {
  const clock = new ManualClock();
  const lags: number[] = [];
  const observer = { ...UNOBSERVED, watchLag: (ms: number): void => void lags.push(ms) };
  const lag = new WatchLag({ clock, random: { next: () => 0 }, observer });
  return { clock, lag, lags, [Symbol.dispose]: () => lag[Symbol.dispose]() };
}

/** A watch that is where the test says. */
class SomeWatch implements MeasuredWatch {
  newestRevision: Revision | Error = 5n;
  at: Revision = 5n;
  reads = 0;
  since: MeasuredSince | undefined;

  enter(lag: WatchLag): this {
    this.since = lag.enter(this);
    return this;
  }

  async newest(): Promise<Revision> {
    this.reads++;
    if (this.newestRevision instanceof Error) throw this.newestRevision;
    return this.newestRevision;
  }

  hasPassed(revision: Revision): boolean {
    return this.at >= revision;
  }

  reach(revision: Revision): void {
    this.at = revision;
    this.since?.moved();
  }
}

test("watch lag: one read a turn, of one watch after the other; a watch that has it all is up to date", async () => {
  using rig = openRig();
  const [a, b] = [new SomeWatch().enter(rig.lag), new SomeWatch().enter(rig.lag)];
  for (const reads of [
    [1, 0],
    [1, 1],
    [2, 1],
  ]) {
    rig.clock.advance(TURN_MS);
    await setImmediate();
    assert.deepEqual([a.reads, b.reads], reads);
  }
  assert.deepEqual(rig.lags, [0, 0, 0]);
});

test("watch lag: counts from the question until all has come, and each turn says what it is so far", async () => {
  using rig = openRig();
  const watch = new SomeWatch().enter(rig.lag);
  watch.newestRevision = 7n;
  rig.clock.advance(TURN_MS);
  await setImmediate();
  rig.clock.advance(300);
  watch.reach(6n);
  assert.deepEqual(rig.lags, []);
  watch.newestRevision = 9n; // later writes are for later turns
  rig.clock.advance(TURN_MS - 300);
  await setImmediate();
  assert.deepEqual(rig.lags, [TURN_MS]);
  rig.clock.advance(500);
  watch.reach(7n);
  assert.deepEqual(rig.lags, [TURN_MS, TURN_MS + 500]);
  watch.reach(9n);
  assert.equal(rig.lags.length, 2);
});

test("watch lag: a store that does not answer, and one that began again", async () => {
  using rig = openRig();
  const watch = new SomeWatch().enter(rig.lag);
  watch.newestRevision = new Error("away");
  rig.clock.advance(TURN_MS);
  await setImmediate();
  rig.clock.advance(TURN_MS);
  await setImmediate();
  assert.deepEqual([watch.reads, rig.lags], [2, [TURN_MS]], "what was told may be as old as that");
  watch.newestRevision = 100n;
  rig.clock.advance(TURN_MS);
  await setImmediate();
  watch.at = 1n;
  watch.newestRevision = 1n;
  rig.clock.advance(TURN_MS);
  await setImmediate();
  assert.deepEqual(rig.lags, [TURN_MS, 2 * TURN_MS, 3 * TURN_MS, 3 * TURN_MS]);
});

test("watch lag: a reader that is at work is passed over; a watch that has ended is asked no more", async () => {
  using rig = openRig();
  const [busy, other] = [new SomeWatch().enter(rig.lag), new SomeWatch().enter(rig.lag)];
  busy.since!.isReaderBusy = true;
  rig.clock.advance(TURN_MS);
  await setImmediate();
  assert.deepEqual([busy.reads, other.reads], [0, 1]);
  other.newestRevision = 7n;
  rig.clock.advance(TURN_MS);
  await setImmediate();
  other.since!.isReaderBusy = true; // it has its event, and does not come back
  busy.since!.isReaderBusy = false;
  rig.clock.advance(TURN_MS);
  await setImmediate();
  assert.deepEqual([busy.reads, other.reads, rig.lags], [1, 2, [0, 0]]);
  for (const { since } of [busy, other]) since![Symbol.dispose]();
  assert.equal(rig.clock.pending, 0);
});

test("watch lag: whoever has to be asked how far it is, is asked until it says so", async () => {
  using rig = openRig();
  let asked = 0;
  const watch = Object.assign(new SomeWatch(), { ask: () => void asked++ }).enter(rig.lag);
  watch.newestRevision = 7n;
  rig.clock.advance(TURN_MS);
  await setImmediate();
  rig.clock.advance(600);
  assert.equal(asked, 3);
  watch.reach(7n);
  rig.clock.advance(600);
  assert.deepEqual([asked, rig.lags], [3, [600]]);
});
