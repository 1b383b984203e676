import { listOf, type Values } from "../../config/values.ts";
import { parseDuration } from "../../core/units.ts";
import { type AdminCommand, adminCommand, type Given } from "../admin-client/command.ts";
import { callAdmin } from "../admin-client/client.ts";
import { ageText, fieldsOf, shown } from "../admin-client/fields.ts";
import { adminOptions, jsonBody, queryOf, readFor } from "../admin-client/options.ts";
import { tellFailure } from "../admin-client/tell.ts";
import { usage } from "../args.ts";
import { type Args, type Command, type CommandGroup, EXIT } from "../command.ts";
import { print } from "../print.ts";
import { type Column, tableText } from "../table.ts";
import { isOfOrder, type Obeyed, obeyedText, orderIn, waitUntilObeyed } from "./obeyed.ts";

const get: Command = adminCommand({
  name: "degrade get",
  summary: "Show what a node and its fleet give up under load, and why.",
  usage: ["degrade get", "degrade get --fleet", "degrade get -o json"],
  details: `LEVEL is 0 (nothing) to 5 (all is refused); of the fleet it is on or off: while it is on, what is not protected is kept at
target_rate at most. With -o json HELP says what would make it less. --fleet tells of each node as well, by what it has reported. See
docs/degradation.md.`,
  options: { fleet: { flag: true, help: "Also what each node of the fleet gives up." } },
  call: ({ args }) => ({ method: "GET", path: ["degradation"], query: queryOf(args, "fleet") }),
  text: degradationText,
});

const setCommand: AdminCommand = {
  name: "degrade set",
  summary: "Order what a node, or the fleet, gives up for a time, whatever the load is; or end the order.",
  usage: ["degrade set <0..5|auto> [--for 10m] [--note <text>]", "degrade set --fleet <on|off|auto> [--for 10m]"],
  details: `Of the node: a level from 0 (nothing is given up) to 5 (all is refused). auto: as the load has it. With --fleet on or off it waits until
all nodes obey this order, and says when that was, or who does not yet.`,
  options: {
    fleet: { flag: true, help: "Of the whole fleet: on, off or auto; its leader obeys within 5 s." },
    wait: { value: "time", default: "20s", help: "How long to wait for the fleet to obey; 0s: not at all." },
    for: { value: "time", default: "10m", help: "How long; then it ends by itself." },
    note: { value: "text", help: "Why; shown wherever the level is." },
  },
  takes: "level",
  call: ({ args, name }) => {
    const order = wanted(name, args);
    checkMeant(name, args);
    const body = jsonBody({ ...order, for: readFor(args), note: args.text("note") });
    return { method: "PATCH", path: ["degradation"], body };
  },
  text: degradationText,
};

/** What would be passed over is refused. */
function checkMeant(word: string, args: Args): void {
  const told = ["for", "note", "wait"].filter((name) => args.isGiven(name)).map((name) => `--${name}`);
  if (word === "auto" && told.length > 0) {
    throw usage(`degrade set auto ends an order: ${told.join(" and ")} would mean nothing`, "leave it out");
  }
  if (!args.flag("fleet") && args.isGiven("wait")) {
    throw usage("--wait is for --fleet: a node obeys at once", "leave it out");
  }
}

const set: Command = {
  ...adminCommand(setCommand),
  async run(args, io) {
    if (!args.flag("fleet")) return adminCommand(setCommand).run(args, io);
    const [word = "", ...more] = args.positionals;
    if (word === "" || more.length > 0) throw usage("degrade set --fleet needs one of on, off, auto");
    const waitMs = waitIn(args);
    const call = await setCommand.call({ args, io, name: word });
    const options = adminOptions(args, io);
    const answer = await callAdmin(call, options, io.clock);
    if (answer.kind !== "ok") return tellFailure(answer, options.url, args, io);
    const order = orderIn(answer.body);
    // What the load then makes of it, nobody can wait for.
    const isWaited = order !== null && order !== undefined && waitMs > 0;
    const obeyed = isWaited ? await waitUntilObeyed(order, waitMs, options, io) : undefined;
    tellOrdered(obeyed, answer.body, { args, io });
    return EXIT.ok;
  },
};

function tellOrdered(obeyed: Obeyed | undefined, body: unknown, { args, io }: Omit<Given, "name">): void {
  const { body: last = body, ...more } = obeyed ?? {};
  const { fleet_order } = fieldsOf(body);
  const told = obeyed === undefined ? body : { ...fieldsOf(last), fleet_order, obeyed: more };
  print(told, args, io, () => {
    const text = degradationText(last, { args, io, name: "" });
    return obeyed === undefined ? `${text}${beforeText(body)}` : `${text}\n${obeyedText(obeyed)}`;
  });
}

/** Where nobody has waited, and what is shown of the fleet is of before this order. */
function beforeText(body: unknown): string {
  const { fleet } = fieldsOf(body);
  const order = orderIn(body);
  const isAlone = fieldsOf(fleet)["decided_by"] === "this node";
  if (isAlone || (order !== undefined && isOfOrder(fleet, order))) return "";
  return "the order is written; its leader obeys within 5 s, and what is shown of the fleet may be of before\n";
}

function waitIn(args: Args): number {
  const text = args.required("wait");
  const ms = parseDuration(text);
  if (ms === undefined || ms > LONGEST_WAIT_MS) throw usage(`--wait takes a time up to 10m; got "${text}"`);
  return ms;
}

const LONGEST_WAIT_MS = 600_000;

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

function degradationText(body: unknown, { io }: Given): string {
  const view = fieldsOf(body);
  const rows = [{ ...view, of: "node" }, ...fleetRow(view["fleet"])];
  const own = tableText(columnsAt(io.clock.wallMs()), rows, io.stdout);
  if (!Array.isArray(view["nodes"])) return own;
  const nodes = listOf(view["nodes"]).map(fieldsOf);
  const leftOut = view["left_out"] === 0 ? "" : `and ${shown(view["left_out"])} nodes more\n`;
  return `${own}\n${tableText(nodeColumnsAt(io.clock.wallMs()), nodes, io.stdout)}${leftOut}`;
}

function fleetRow(fleet: unknown): Values[] {
  if (fleet === null || fleet === undefined) return [];
  const view = fieldsOf(fleet);
  const isOn = view["degraded"] === true;
  return [
    {
      ...view,
      of: "fleet",
      level: isOn ? "on" : "off",
      gives_up: isOn ? [`kept at ${shown(view["target_rate"])}, but for what is protected`] : [],
    },
  ];
}

function columnsAt(nowMs: number): Column<Values>[] {
  return [
    { title: "OF", of: ({ of }) => shown(of) },
    { title: "LEVEL", of: ({ level }) => shown(level) },
    { title: "SINCE", align: "right", of: ({ since }) => ageText(since, nowMs) },
    { title: "UNTIL", align: "right", of: ({ until }) => ageText(until, nowMs) },
    { title: "REASON", wraps: true, of: ({ reason }) => shown(reason) },
    { title: "GIVES UP", wraps: true, of: (row) => listOf(row["gives_up"]).map(shown).join("; ") },
  ];
}

function nodeColumnsAt(nowMs: number): Column<Values>[] {
  return [
    { title: "NODE", of: ({ id }) => shown(id) },
    { title: "REGION", of: ({ region }) => shown(region) },
    { title: "LEVEL", of: ({ level }) => shown(level) },
    { title: "SINCE", align: "right", of: ({ since }) => ageText(since, nowMs) },
    {
      title: "FLEET",
      of: (row) => (row["fleet_degraded"] === null ? "" : row["fleet_degraded"] === true ? "on" : "off"),
    },
    { title: "STALE", of: ({ stale }) => (stale === true ? "stale" : "") },
    { title: "REASON", wraps: true, of: ({ reason }) => shown(reason) },
  ];
}
