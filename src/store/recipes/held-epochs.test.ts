import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../core/clock.ts";
import { seededRandom } from "../../core/random.ts";
import { createLog } from "../../telemetry/log.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { snapshotMetrics } from "../../telemetry/snapshot.ts";
import { openStore } from "../open-store.ts";
import type { StoreObserver } from "../store.ts";
import { storeObserver } from "../store-metrics.ts";
import { createElection } from "./election.ts";
import { createLock } from "./lock.ts";

function observed(): { readonly observer: StoreObserver; shown: () => unknown } {
  const metrics = createMetrics();
  const log = createLog({ clock: systemClock, write: () => undefined, level: "info", format: "json", colour: false });
  const shown = (): unknown =>
    snapshotMetrics(metrics)["signalbox_store_held_epoch"]?.map(({ labels, value }) => [...labels, value]);
  return { observer: storeObserver(metrics, log), shown };
}

test("the epochs of what a process holds are among its metrics, for as long as it holds it", async () => {
  const { observer, shown } = observed();
  const world = { clock: systemClock, random: seededRandom(1) };
  await using store = await openStore({ kind: "embedded", file: ":memory:" }, { ...world, observer });
  const place = { store, prefix: "/signalbox", observer, ...world };
  const { signal } = new AbortController();
  const lock = await createLock(place, "nightly", { holder: "one" }).acquire({ signal });
  const leader = await createElection(place, "world").campaign("", { id: "one", signal });
  assert.deepEqual(shown(), [
    ['lock "nightly"', Number(lock.epoch)],
    ['leadership "world"', Number(leader.epoch)],
  ]);
  await lock.release();
  assert.deepEqual(shown(), [['leadership "world"', Number(leader.epoch)]]);
  await leader.resign();
  assert.deepEqual(shown(), []);
});

test("a loss that is told late takes nothing from what the same process has anew", () => {
  const { observer, shown } = observed();
  observer.held?.('lock "nightly"', 7n);
  observer.held?.('lock "nightly"', 9n);
  observer.heldNoMore?.('lock "nightly"', 7n);
  assert.deepEqual(shown(), [['lock "nightly"', 9]]);
  observer.heldNoMore?.('lock "nightly"', 9n);
  assert.deepEqual(shown(), []);
});
