import { elementsOf, fieldsOf } from "../admin-client/answer.ts";
import { ask, noNames } from "../admin-client/ask.ts";
import { ADMIN_OPTIONS } from "../admin-client/options.ts";
import { ageText } from "../age.ts";
import type { Args, Command, Io } from "../command.ts";
import type { ExitCode } from "../exit-code.ts";
import { cell, numberIn } from "../resource/field.ts";
import { type Column, tableText } from "../table.ts";

export const command: Command = {
  name: "targets list",
  summary: "List the targets: health and why, since when, and what they carry.",
  usage: ["targets list"],
  details: `SINCE is how long a target has been in its state, NEXT in how long it is tried again, or a state of operators ends. LATENCY
is the moving average in milliseconds, ERRORS the share of calls that failed. A target that asked for a pause is
paused; of signals that it does not take REASON has its words. Below a target whose name has several addresses
stands each of them.`,
  options: ADMIN_OPTIONS,
  run,
};

async function run(args: Args, io: Io): Promise<ExitCode> {
  noNames(args, command.name);
  return ask({ method: "GET", path: ["targets"] }, args, io, (body) =>
    tableText(
      COLUMNS,
      elementsOf(body).flatMap((target) => rowsOf(target, io.clock.wallMs())),
      io.stdout.columns,
    ),
  );
}

const COLUMNS: readonly Column[] = [
  { title: "ID" },
  { title: "STATE" },
  { title: "REASON", cut: true },
  { title: "SINCE", align: "right" },
  { title: "NEXT", align: "right" },
  { title: "IN FLIGHT", align: "right" },
  { title: "LATENCY", align: "right" },
  { title: "ERRORS", align: "right" },
];

/** A target, and below it each of the addresses behind its name. */
function rowsOf(target: unknown, nowMs: number): string[][] {
  const addresses = elementsOf(fieldsOf(target)["addresses"] ?? []);
  return [
    rowOf(target, cell(target, "id"), nowMs),
    ...addresses.map((one) => rowOf(one, `  ${cell(one, "address")}`, nowMs)),
  ];
}

function rowOf(target: unknown, name: string, nowMs: number): string[] {
  const { since, next_try: nextTry, until, note, paused } = fieldsOf(target);
  const latency = numberIn(target, "latency_ms");
  const errors = numberIn(target, "error_rate");
  const reason = paused === undefined || paused === null ? cell(target, "reason") : saidText("throttled", paused);
  return [
    name,
    paused === undefined || paused === null ? cell(target, "state") : "paused",
    [typeof note === "string" && note !== "" ? `${reason}: ${note}` : reason, ...refusedTexts(target)].join("; "),
    ageText(since, nowMs),
    ageText(nextTry ?? until, nowMs),
    cell(target, "in_flight"),
    latency === undefined ? "" : latency < 10 ? latency.toFixed(1) : String(Math.round(latency)),
    errors === undefined ? "" : `${(errors * 100).toFixed(errors > 0 && errors < 0.1 ? 1 : 0)}%`,
  ];
}

/** Of each signal that it does not take. */
function refusedTexts(target: unknown): string[] {
  return elementsOf(fieldsOf(target)["refuses"] ?? []).map((one) => saidText(`takes no ${cell(one, "signal")}`, one));
}

function saidText(what: string, one: unknown): string {
  const said = cell(one, "said");
  return said === "" ? what : `${what}: ${said}`;
}
