import { parseDuration } from "../../core/units.ts";
import { fieldsOf } from "../admin-client/answer.ts";
import { ask, onlyName } from "../admin-client/ask.ts";
import { ADMIN_OPTIONS } from "../admin-client/options.ts";
import { jsonBody } from "../admin-client/read-body.ts";
import { usage } from "../args.ts";
import type { Args, Command, Io, OptionSpec } from "../command.ts";
import type { ExitCode } from "../exit-code.ts";

const NOTE: OptionSpec = { type: "string", value: "text", help: "Why; shown wherever the state is." };
const FOR: OptionSpec = { type: "string", value: "time", help: "How long, such as 10m; else until told otherwise." };

export const drain = operatorCommand("drain", "Send nothing new to a target; what is under way ends, checks go on.", {
  for: FOR,
  note: NOTE,
});

export const maintenance = operatorCommand("maintenance", "Send nothing to a target, and do not check it.", {
  for: FOR,
  note: NOTE,
});

export const ready = operatorCommand(
  "ready",
  "End drain and maintenance of a target, or let one that was ejected back.",
  {
    note: NOTE,
  },
);

/** Its state survives a restart of the node. */
function operatorCommand(state: string, summary: string, options: Readonly<Record<string, OptionSpec>>): Command {
  const name = `targets ${state}`;
  const timed = "for" in options;
  return {
    name,
    summary,
    usage: [timed ? `${name} <id> [--for 10m] [--note <text>]` : `${name} <id> [--note <text>]`],
    details: timed ? "It lasts over a restart of the node, until it is over or `targets ready` ends it." : "",
    options: { ...options, ...ADMIN_OPTIONS },
    run: (args, io) => operate(state, timed ? readFor(args) : undefined, args, io),
  };
}

async function operate(state: string, time: string | undefined, args: Args, io: Io): Promise<ExitCode> {
  const id = onlyName(args, `targets ${state}`, "id");
  const body = jsonBody({ for: time, note: args.text("note") });
  return ask({ method: "POST", path: ["targets", id, state], body }, args, io, (answer) => {
    const now = fieldsOf(answer)["state"];
    return `target ${id}: ${typeof now === "string" ? now : state}${time === undefined ? "" : ` for ${time}`}\n`;
  });
}

/** As the node takes it. */
const SHORTEST_MS = 1_000;
const LONGEST_MS = 2_147_483_647;

function readFor(args: Args): string | undefined {
  const text = args.text("for");
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined) throw usage(`--for takes a time such as 10m or 1h30m; got "${text}"`);
  if (ms < SHORTEST_MS || ms > LONGEST_MS) throw usage(`--for takes 1s to 24d; got "${text}"`);
  return text;
}
