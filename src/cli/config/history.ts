import { elementsOf, fieldsOf } from "../admin-client/answer.ts";
import { ask, noNames } from "../admin-client/ask.ts";
import { ADMIN_OPTIONS } from "../admin-client/options.ts";
import { ageText } from "../age.ts";
import type { Args, Command, Io } from "../command.ts";
import type { ExitCode } from "../exit-code.ts";
import { cell } from "../resource/field.ts";
import { type Column, tableText } from "../table.ts";

export const command: Command = {
  name: "config history",
  summary: "List the versions of the config that are kept.",
  usage: ["config history"],
  details: "",
  options: ADMIN_OPTIONS,
  run,
};

async function run(args: Args, io: Io): Promise<ExitCode> {
  noNames(args, command.name);
  return ask({ method: "GET", path: ["config", "versions"] }, args, io, (body) =>
    tableText(
      COLUMNS,
      elementsOf(body).map((version) => rowOf(version, io.clock.wallMs())),
      io.stdout.columns,
    ),
  );
}

const COLUMNS: readonly Column[] = [
  { title: "VERSION", align: "right" },
  { title: "AGE", align: "right" },
  { title: "BY" },
  { title: "DIGEST" },
  { title: "SUMMARY", cut: true },
];

const DIGEST_LENGTH = 12;

function rowOf(version: unknown, nowMs: number): string[] {
  return [
    cell(version, "version"),
    ageText(fieldsOf(version)["applied"], nowMs),
    cell(version, "by"),
    cell(version, "digest").slice(0, DIGEST_LENGTH),
    cell(version, "summary"),
  ];
}
