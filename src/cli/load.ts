import { listOf, type Values } from "../config/values.ts";
import { adminCommand, type Given } from "./admin-client/command.ts";
import { ageText, fieldsOf, shown, shownNumber } from "./admin-client/fields.ts";
import { queryOf } from "./admin-client/options.ts";
import type { Command } from "./command.ts";
import { milliseconds, percent } from "./numbers.ts";
import { type Column, tableText } from "./table.ts";

/** As many rows as one looks at. */
const DEFAULT_HISTORY = "10";

export const load: Command = adminCommand({
  name: "load",
  summary: "Show what a node carries, what it has carried, and what is to be expected.",
  usage: ["load [--horizon 5m] [--history 60]", "load -u <url> -o json"],
  details: `First what it could carry, and what is forecast for that long ahead: ITEMS/S is between LOW and HIGH 95 times of 100, and
CONFIDENCE is the probability that it stays below what the node can carry. Then its history, the newest first.`,
  options: {
    horizon: { value: "time", help: "How far the forecast looks ahead, up to a day; default: 1m." },
    history: { value: "number", default: DEFAULT_HISTORY, help: "Of the newest samples, how many." },
  },
  call: ({ args }) => ({ method: "GET", path: ["load"], query: queryOf(args, "horizon", "history") }),
  text: loadText,
});

function loadText(body: unknown, { io }: Given): string {
  const view = fieldsOf(body);
  const history = listOf(view["history"]).map(fieldsOf).toReversed();
  const samples = history.length === 0 ? [view] : history;
  const tables = [
    tableText(FORECAST_COLUMNS, [view], io.stdout),
    tableText(sampleColumns(io.clock.wallMs()), samples, io.stdout),
  ];
  return tables.join("\n");
}

const forecastOf = (view: Values): Values => fieldsOf(view["forecast"]);
const amount = (value: unknown): string => shownNumber(value, (one) => String(Math.round(one)));

const FORECAST_COLUMNS: readonly Column<Values>[] = [
  { title: "NODE", of: ({ id }) => shown(id) },
  { title: "REGION", of: ({ region }) => shown(region) },
  { title: "CAPACITY", align: "right", of: ({ capacity }) => amount(fieldsOf(capacity)["items_per_second"]) },
  { title: "FULL IN", align: "right", of: (view) => seconds(view["queue_full_in_ms"]) },
  { title: "AHEAD", align: "right", of: (view) => seconds(forecastOf(view)["horizon_ms"]) },
  { title: "ITEMS/S", align: "right", of: (view) => amount(forecastOf(view)["items_per_second"]) },
  { title: "LOW", align: "right", of: (view) => amount(forecastOf(view)["low"]) },
  { title: "HIGH", align: "right", of: (view) => amount(forecastOf(view)["high"]) },
  { title: "CONFIDENCE", align: "right", of: (view) => percent(forecastOf(view)["confidence"]) },
  { title: "METHOD", of: (view) => shown(forecastOf(view)["method"]) },
];

function sampleColumns(nowMs: number): readonly Column<Values>[] {
  return [
    { title: "AGE", align: "right", of: ({ at }) => ageText(at, nowMs) },
    { title: "ITEMS/S", align: "right", of: (row) => amount(row["items_per_second"]) },
    { title: "BYTES/S", align: "right", of: (row) => amount(row["bytes_per_second"]) },
    { title: "QUEUED", align: "right", of: (row) => shown(row["queue_items"]) },
    { title: "CPU", align: "right", of: ({ cpu }) => percent(cpu) },
    { title: "MEMORY", align: "right", of: ({ memory }) => percent(memory) },
    { title: "LOOP", align: "right", of: (row) => milliseconds(row["event_loop_ms"]) },
    { title: "USED", align: "right", of: ({ utilization }) => percent(utilization) },
    { title: "LATENCY", align: "right", of: (row) => milliseconds(row["latency_ms"]) },
    { title: "ERRORS", align: "right", of: (row) => percent(row["error_rate"]) },
  ];
}

function seconds(ms: unknown): string {
  return shownNumber(ms, (one) => `${Math.round(one / 1_000)} s`);
}
