import { listOf, type Values } from "../config/values.ts";
import { adminCommand } from "./admin-client/command.ts";
import { ageText, fieldsOf, shown, shownNumber } from "./admin-client/fields.ts";
import { jsonBody, readFor } from "./admin-client/options.ts";
import type { Args, Command, OptionSpecs } from "./command.ts";
import { resourceGroup } from "./resource.ts";
import type { Column } from "./table.ts";

const NOTE: OptionSpecs = { note: { value: "text", help: "Why; shown wherever the state is." } };
const FOR_AND_NOTE: OptionSpecs = {
  for: { value: "time", help: "How long, such as 10m; else until told otherwise." },
  ...NOTE,
};

export const group = resourceGroup({
  plural: "targets",
  noun: "target",
  key: "id",
  summary: "Look at the targets of a running node and their health, drain them, and change them.",
  list: {
    summary: "List the targets: health and why, since when, and what they carry.",
    details: `SINCE is how long a target has been in its state, NEXT in how long it is tried again, or a state of operators ends. LATENCY
is the moving average in milliseconds, ERRORS the share of calls that failed. A target that asked for a pause is
paused; of signals that it does not take REASON has its words. Below a target whose name has several addresses,
or that stands for nodes of the fleet, stands each of them.`,
    columns,
    rows: withAddresses,
  },
  add: {
    summary: "Add a target.",
    usage: ["targets add --id <id> --endpoint <url>", "targets add -f <file>"],
    details: "No data goes there before a pool names it, or a selector of a pool fits it.",
    flags: {
      id: { value: "id", help: "Its id." },
      endpoint: { value: "url", help: "http:// or https://, host and port." },
      protocol: { value: "protocol", help: "grpc, http/protobuf or http/json." },
      weight: { value: "weight", help: "Share of the load; 0: a standby." },
      region: { value: "region", help: "Where it is." },
    },
    members: (args) => ({
      id: args.required("id"),
      endpoint: args.required("endpoint"),
      protocol: args.text("protocol"),
      weight: args.number("weight", 0),
      region: args.text("region"),
    }),
  },
  commands: [
    operatorCommand("drain", "Send nothing new to a target; what is under way ends, checks go on.", FOR_AND_NOTE),
    operatorCommand("maintenance", "Send nothing to a target, and do not check it.", FOR_AND_NOTE),
    operatorCommand("ready", "End drain and maintenance of a target, or let one that was ejected back.", NOTE),
  ],
});

function columns(nowMs: number): Column<Values>[] {
  return [
    { title: "ID", of: ({ id }) => shown(id) },
    { title: "STATE", of: ({ state, paused }) => (isNone(paused) ? shown(state) : "paused") },
    { title: "REASON", wraps: true, of: reasonText },
    { title: "SINCE", align: "right", of: ({ since }) => ageText(since, nowMs) },
    { title: "NEXT", align: "right", of: ({ next_try: nextTry, until }) => ageText(nextTry ?? until, nowMs) },
    { title: "IN FLIGHT", align: "right", of: ({ in_flight: calls }) => shown(calls) },
    { title: "LATENCY", align: "right", of: ({ latency_ms: latency }) => shownNumber(latency, latencyText) },
    { title: "ERRORS", align: "right", of: ({ error_rate: rate }) => shownNumber(rate, percentText) },
  ];
}

/** A target, and below it each of the addresses behind its name, or of its members. */
function withAddresses(target: Values): Values[] {
  const addresses = listOf(target["addresses"]).map(fieldsOf);
  return [target, ...addresses.map((one) => ({ ...one, id: `  ${addressText(one)}` }))];
}

function addressText({ member, address }: Values): string {
  return isNone(member) ? shown(address) : `${shown(member)} ${shown(address)}`;
}

function reasonText({ paused, reason, note, refuses }: Values): string {
  const why = isNone(paused) ? shown(reason) : saidText("throttled", fieldsOf(paused));
  const refused = listOf(refuses).map(fieldsOf);
  return [
    typeof note === "string" && note !== "" ? `${why}: ${note}` : why,
    ...refused.map((one) => saidText(`takes no ${shown(one["signal"])}`, one)),
  ].join("; ");
}

function saidText(what: string, { said }: Values): string {
  return shown(said) === "" ? what : `${what}: ${shown(said)}`;
}

function isNone(value: unknown): boolean {
  return value === undefined || value === null;
}

function latencyText(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : String(Math.round(ms));
}

function percentText(rate: number): string {
  return `${(rate * 100).toFixed(rate > 0 && rate < 0.1 ? 1 : 0)}%`;
}

function operatorCommand(state: string, summary: string, options: OptionSpecs): Command {
  const name = `targets ${state}`;
  const timed = "for" in options;
  const timeOf = (args: Args): string | undefined => (timed ? readFor(args) : undefined);
  return adminCommand({
    name,
    summary,
    usage: [timed ? `${name} <id> [--for 10m] [--note <text>]` : `${name} <id> [--note <text>]`],
    details: timed ? "It lasts over a restart of the node, until it is over or `targets ready` ends it." : "",
    options,
    takes: "id",
    call: ({ args, name: id }) => ({
      method: "POST",
      path: ["targets", id, state],
      body: jsonBody({ for: timeOf(args), note: args.text("note") }),
    }),
    text(body, { args, name: id }) {
      const now = fieldsOf(body)["state"];
      const time = timeOf(args);
      return `target ${id}: ${typeof now === "string" ? now : state}${time === undefined ? "" : ` for ${time}`}\n`;
    },
  });
}
