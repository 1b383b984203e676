import { listOf } from "../config/values.ts";
import { LONGEST_TIMER_MS } from "../core/clock.ts";
import { parseDuration } from "../core/units.ts";
import { adminCommand, type Given } from "./admin-client/command.ts";
import { ageText, fieldsOf, shown } from "./admin-client/fields.ts";
import { jsonBody } from "./admin-client/options.ts";
import { usage } from "./args.ts";
import type { Args, Command, CommandGroup } from "./command.ts";
import { type Column, tableText } from "./table.ts";

type DegradationRow = ReturnType<typeof fieldsOf>;

const get: Command = adminCommand({
  name: "degrade get",
  summary: "Show what a node and its fleet give up under load, and why.",
  usage: ["degrade get", "degrade get -o json"],
  details: `LEVEL is 0 (nothing) to 5 (all is refused); of the fleet it is on or off: while it is on, what is not protected is kept at
target_rate at most. HELP says what would make it less. See docs/degradation.md.`,
  call: () => ({ method: "GET", path: ["degradation"] }),
  text: degradationText,
});

const set: Command = adminCommand({
  name: "degrade set",
  summary: "Order what a node, or the fleet, gives up for a time, whatever the load is; or end the order.",
  usage: ["degrade set <0..5|auto> [--for 10m] [--note <text>]", "degrade set --fleet <on|off|auto> [--for 10m]"],
  details: "Of the node: a level from 0 (nothing is given up) to 5 (all is refused). auto: as the load has it.",
  options: {
    fleet: { type: "boolean", help: "Of the whole fleet: on, off or auto; its leader obeys within 5 s." },
    for: { type: "string", value: "time", default: "10m", help: "How long; then it ends by itself." },
    note: { type: "string", value: "text", help: "Why; shown wherever the level is." },
  },
  takes: "level",
  call: ({ args, name }) => ({
    method: "PATCH",
    path: ["degradation"],
    body: jsonBody({ ...wanted(name, args), for: readFor(args), note: args.text("note") }),
  }),
  text: degradationText,
});

export const group: CommandGroup = {
  name: "degrade",
  summary: "What a node and its fleet give up under load; and order it for a time.",
  details: "What each level gives up, and what the fleet does, is in docs/degradation.md.",
  commands: [get, set],
};

const FLEET_WORDS: Readonly<Record<string, boolean | null>> = { on: true, off: false, auto: null };

function wanted(word: string, args: Args): Readonly<Record<string, unknown>> {
  if (args.flag("fleet")) {
    if (!Object.hasOwn(FLEET_WORDS, word)) throw usage(`degrade set --fleet takes on, off or auto; got "${word}"`);
    return { fleet: FLEET_WORDS[word] };
  }
  if (word === "auto") return { level: null };
  if (!/^[0-5]$/u.test(word)) throw usage(`degrade set takes a level from 0 to 5, or auto; got "${word}"`);
  return { level: Number(word) };
}

/** As the node takes it. */
const SHORTEST_MS = 1_000;

function readFor(args: Args): string {
  const text = args.required("for");
  const ms = parseDuration(text);
  if (ms === undefined) throw usage(`--for takes a time such as 10m or 1h30m; got "${text}"`);
  if (ms < SHORTEST_MS || ms > LONGEST_TIMER_MS) throw usage(`--for takes 1s to 24d; got "${text}"`);
  return text;
}

function degradationText(body: unknown, { io }: Given): string {
  const view = fieldsOf(body);
  const rows = [{ ...view, of: "node" }, ...fleetRow(view["fleet"])];
  return tableText(columnsAt(io.clock.wallMs()), rows, io.stdout);
}

function fleetRow(fleet: unknown): DegradationRow[] {
  if (fleet === null || fleet === undefined) return [];
  const view = fieldsOf(fleet);
  const isOn = view["degraded"] === true;
  return [
    {
      ...view,
      of: "fleet",
      level: isOn ? "on" : "off",
      gives_up: isOn ? [`kept at ${shown(view["target_rate"])}`] : [],
    },
  ];
}

function columnsAt(nowMs: number): Column<DegradationRow>[] {
  return [
    { title: "OF", of: ({ of }) => shown(of) },
    { title: "LEVEL", of: ({ level }) => shown(level) },
    { title: "SINCE", align: "right", of: ({ since }) => ageText(since, nowMs) },
    { title: "UNTIL", align: "right", of: ({ until }) => ageText(until, nowMs) },
    { title: "REASON", wraps: true, of: ({ reason }) => shown(reason) },
    { title: "GIVES UP", wraps: true, of: (row) => listOf(row["gives_up"]).map(shown).join("; ") },
  ];
}
