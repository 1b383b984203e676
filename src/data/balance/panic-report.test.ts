import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { createLog } from "../../telemetry/log.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { PanicReport } from "./panic-report.ts";

test("a panic is told once when it begins and once when it ends, in the log and in metrics", () => {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log = createLog({ clock: new ManualClock(), write, level: "info", format: "json", colour: false });
  const metrics = createMetrics();
  const gauge = (): number | undefined => metrics.poolPanic.series.get("p")?.series.value;
  const report = new PanicReport("p", { metrics, log });
  report.tell(undefined);
  assert.deepEqual([gauge(), metrics.poolPanics.with("p").value, lines.length], [0, 0, 0]);
  report.tell({ ready: 1, counted: 3 });
  report.tell({ ready: 0, counted: 3 });
  assert.deepEqual([gauge(), metrics.poolPanics.with("p").value, lines.length], [1, 1, 1]);
  assert.match(lines[0]!, /"level":"warn".*pool panics.*"pool":"p","ready":1,"targets":3/u);
  report.tell(undefined);
  assert.deepEqual([gauge(), metrics.poolPanics.with("p").value, lines.length], [0, 1, 2]);
  assert.match(lines[1]!, /no longer panics/u);
  report.close();
  assert.equal(gauge(), undefined);
});
