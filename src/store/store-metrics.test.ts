import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog } from "../telemetry/log.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { exposition } from "../telemetry/prometheus.ts";
import { snapshotMetrics } from "../telemetry/snapshot.ts";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { storeObserver } from "./store-metrics.ts";
import { RESYNC_REASONS, SESSION_LOSSES } from "./store.ts";

test("what a store does is counted, and what operators must know is told, not without end", () => {
  const metrics = createMetrics();
  const lines: string[] = [];
  const clock = new ManualClock();
  const write = (line: string): void => void lines.push(line);
  const log = createLog({ clock, write, level: "info", format: "text", colour: false });
  const observer = storeObserver(metrics, log);
  observer.called("txn", "not_done", 4);
  observer.called("txn", "done", 40);
  for (let i = 0; i < 3; i++) observer.called("get", "unreachable", 9_000);
  observer.called("get", "cancelled", 1);
  assert.equal(lines.length, 1);
  observer.called("get", "done", 1);
  observer.called("get", "done", 1);
  assert.match(lines.join(""), /WARN .*the store does not answer kind=store operation=get\n.*the store answers again/u);
  observer.watchLag(3);
  observer.renewed(13_000);
  observer.renewed(-5);
  for (let i = 0; i < 100; i++) observer.resynced("/x/", "diverged");
  observer.sessionLost("unanswered");
  for (let i = 0; i < 3; i++) observer.said?.("it rains");
  const text = exposition(snapshotMetrics(metrics));
  const lineOf = (name: string): string => text.split("\n").find((one) => one.startsWith(name)) ?? "";
  const call = "signalbox_store_call_duration_seconds";
  assert.equal(lineOf(`${call}_bucket{operation="txn",outcome="not_done",le="0.005"}`).split(" ")[1], "1");
  assert.equal(lineOf(`${call}_count{operation="get",outcome="unreachable"}`).split(" ")[1], "3");
  assert.equal(lineOf('signalbox_store_lease_margin_seconds_bucket{le="0.5"}').split(" ")[1], "1");
  assert.equal(lineOf("signalbox_store_lease_margin_seconds_count").split(" ")[1], "2");
  assert.equal(lineOf("signalbox_store_watch_lag_seconds_count").split(" ")[1], "1");
  assert.equal(lineOf('signalbox_store_resyncs_total{why="diverged"}').split(" ")[1], "100");
  assert.equal(lineOf('signalbox_store_resyncs_total{why="wiped"}').split(" ")[1], "0");
  assert.equal(lineOf('signalbox_store_sessions_lost_total{why="unanswered"}').split(" ")[1], "1");
  assert.equal(lines.length, 5);
  assert.ok(lines.every((line) => line.includes("kind=store")));
  assert.deepEqual(
    log.events.after(0).map(({ kind }) => kind),
    lines.map(() => "store"),
  );
});

test("every reason has a series from the start", () => {
  const metrics = createMetrics();
  const labels = (all: ReadonlyMap<string, { readonly labels: readonly string[] }>): string[] =>
    [...all.values()].flatMap((one) => one.labels);
  assert.deepEqual(labels(metrics.storeResyncs.series), [...RESYNC_REASONS]);
  assert.deepEqual(labels(metrics.storeSessionsLost.series), [...SESSION_LOSSES]);
});
