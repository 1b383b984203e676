import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../core/clock.ts";
import { seededRandom } from "../../core/random.ts";
import { createLog } from "../../telemetry/log.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { snapshotMetrics } from "../../telemetry/snapshot.ts";
import { openStore } from "../open-store.ts";
import { storeObserver } from "../store-metrics.ts";
import { createElection } from "./election.ts";
import { createLock } from "./lock.ts";

test("the epochs of what a process holds are among its metrics, for as long as it holds it", async () => {
  const metrics = createMetrics();
  const world = { clock: systemClock, random: seededRandom(1) };
  const log = createLog({ clock: systemClock, write: () => undefined, level: "info", format: "json", colour: false });
  const observer = storeObserver(metrics, log);
  await using store = await openStore({ kind: "embedded", file: ":memory:" }, { ...world, observer });
  const place = { store, prefix: "/signalbox", observer, ...world };
  const { signal } = new AbortController();
  const shown = (): unknown =>
    snapshotMetrics(metrics)["signalbox_store_held_epoch"]?.map(({ labels, value }) => [...labels, value]);
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
