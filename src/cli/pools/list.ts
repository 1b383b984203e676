import { formatSize } from "../../core/units.ts";
import { elementsOf, fieldsOf } from "../admin-client/answer.ts";
import { ask, noNames } from "../admin-client/ask.ts";
import { ADMIN_OPTIONS } from "../admin-client/options.ts";
import type { Args, Command, Io } from "../command.ts";
import type { ExitCode } from "../exit-code.ts";
import { cell, numberIn } from "../resource/field.ts";
import { type Column, tableText } from "../table.ts";

export const command: Command = {
  name: "pools list",
  summary: "List the pools: their strategy, how many of their targets are usable, and what waits in them.",
  usage: ["pools list"],
  details: "",
  options: ADMIN_OPTIONS,
  run,
};

async function run(args: Args, io: Io): Promise<ExitCode> {
  noNames(args, command.name);
  return ask({ method: "GET", path: ["pools"] }, args, io, (body) =>
    tableText(COLUMNS, elementsOf(body).map(rowOf), io.stdout.columns),
  );
}

const COLUMNS: readonly Column[] = [
  { title: "NAME" },
  { title: "STRATEGY" },
  { title: "USABLE", align: "right" },
  { title: "QUEUED", align: "right" },
  { title: "BYTES", align: "right" },
  { title: "IN FLIGHT", align: "right" },
  { title: "FALLBACK" },
  { title: "TARGETS", cut: true },
];

function rowOf(pool: unknown): string[] {
  const bytes = numberIn(pool, "queued_bytes");
  const { length } = elementsOf(fieldsOf(pool)["targets"]);
  return [
    cell(pool, "name"),
    cell(pool, "strategy"),
    `${cell(pool, "usable")} of ${length}`,
    cell(pool, "queued_items"),
    bytes === undefined ? "" : roundSize(bytes),
    cell(pool, "in_flight"),
    cell(pool, "fallback"),
    cell(pool, "targets"),
  ];
}

function roundSize(bytes: number): string {
  const step = 1_024 ** Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return formatSize(Math.round(bytes / step) * step);
}
