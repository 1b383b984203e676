import { elementsOf, fieldsOf } from "../admin-client/answer.ts";
import { ask, noNames } from "../admin-client/ask.ts";
import { ADMIN_OPTIONS } from "../admin-client/options.ts";
import type { Args, Command, Io } from "../command.ts";
import type { ExitCode } from "../exit-code.ts";
import { cell, shown } from "../resource/field.ts";
import { type Column, tableText } from "../table.ts";

export const command: Command = {
  name: "rules list",
  summary: "List the rules.",
  usage: ["rules list"],
  details: "",
  options: ADMIN_OPTIONS,
  run,
};

async function run(args: Args, io: Io): Promise<ExitCode> {
  noNames(args, command.name);
  return ask({ method: "GET", path: ["rules"] }, args, io, (body) =>
    tableText(COLUMNS, elementsOf(body).map(rowOf), io.stdout.columns),
  );
}

const COLUMNS: readonly Column[] = [
  { title: "ID" },
  { title: "PRIORITY" },
  { title: "SIGNALS" },
  { title: "MODE" },
  { title: "POOL" },
  { title: "CONDITIONS", cut: true },
];

function rowOf(rule: unknown): string[] {
  const { conditions, pool } = fieldsOf(rule);
  return [
    cell(rule, "id"),
    cell(rule, "priority") || "normal",
    cell(rule, "signals") || "all",
    cell(rule, "mode") || "first",
    typeof pool === "string" ? pool : "(its own)",
    elementsOf(conditions).map(conditionText).join("; "),
  ];
}

function conditionText(condition: unknown): string {
  const parts = Object.entries(fieldsOf(condition)).map(([key, value]) => `${key}: ${shown(value)}`);
  return parts.join(", ");
}
