import { listOf, type Values } from "../../config/values.ts";
import { adminCommand, type Given } from "../admin-client/command.ts";
import { fieldsOf, shown } from "../admin-client/fields.ts";
import { queryOf } from "../admin-client/options.ts";
import type { Command } from "../command.ts";
import { command as explain, explainWith } from "../explain/command.ts";
import { amount } from "../numbers.ts";
import { type Column, tableText } from "../table.ts";
import { limitsExplanationText } from "./text.ts";

export const limits: Command = adminCommand({
  name: "limits",
  summary: "Show what a node lets in of global.rate_limiting, and what it refuses.",
  usage: ["limits [--keys 50]", "limits --fleet", "limits -u <url> -o json"],
  details: `All of it is items a second, but for SHED: items that were refused or shed since the start. ASKED is what the node would let in of it, GRANTED what it may let in
now, OFFERED what came in the last second, USED what was let in of it. Below everything the keys that are nearest to their limits. --fleet tells besides what each region and each node
asks for, was granted and uses of the limit of everything together.`,
  options: {
    keys: { value: "number", default: "50", help: "Of the keys nearest to their limits, how many." },
    fleet: { flag: true, help: "Also what each region and node asks for, was granted and uses." },
  },
  call: ({ args }) => ({ method: "GET", path: ["limits"], query: queryOf(args, "keys", "fleet") }),
  text: limitsText,
});

function limitsText(body: unknown, { io }: Given): string {
  const view = fieldsOf(body);
  if (typeof view["limit"] !== "number") return "global.rate_limiting is not set: nothing is limited\n";
  const services = listOf(view["services"]).map(fieldsOf);
  const rows = [{ ...view, service: "(everything)" }, ...services];
  const own = tableText(COLUMNS, rows, io.stdout);
  if (view["fleet"] === undefined) return own;
  const fleet = fieldsOf(view["fleet"]);
  const regions = listOf(fleet["regions"]).map(fieldsOf);
  const nodes = listOf(fleet["nodes"])
    .map(fieldsOf)
    .map(({ part, ...node }): Values => ({ ...node, ...fieldsOf(part) }));
  const leftOut = fleet["left_out"] === 0 ? "" : `and ${shown(fleet["left_out"])} nodes more\n`;
  return [own, tableText(REGION_COLUMNS, regions, io.stdout), tableText(NODE_COLUMNS, nodes, io.stdout) + leftOut].join(
    "\n",
  );
}

const PART_COLUMNS: readonly Column<Values>[] = [
  { title: "ASKED", align: "right", of: ({ asked }) => amount(asked) },
  { title: "GRANTED", align: "right", of: ({ granted }) => amount(granted) },
  { title: "OFFERED", align: "right", of: ({ offered }) => amount(offered) },
  { title: "USED", align: "right", of: ({ used }) => amount(used) },
  { title: "SHED", align: "right", of: ({ shed }) => amount(shed) },
];

const REGION_COLUMNS: readonly Column<Values>[] = [
  { title: "REGION", of: ({ region }) => shown(region) },
  { title: "NODES", align: "right", of: ({ collectors }) => shown(collectors) },
  ...PART_COLUMNS,
];

const NODE_COLUMNS: readonly Column<Values>[] = [
  { title: "NODE", of: ({ id }) => shown(id) },
  { title: "REGION", of: ({ region }) => shown(region) },
  ...PART_COLUMNS,
  { title: "STALE", of: ({ stale }) => (stale === true ? "stale" : "") },
];

const COLUMNS: readonly Column<Values>[] = [
  { title: "KEY", wraps: true, of: ({ service }) => shown(service) },
  { title: "LIMIT", align: "right", of: ({ limit }) => amount(limit) },
  ...PART_COLUMNS,
];

/** Of `explain` the part that is about limits. */
export const limitsExplain: Command = {
  ...explain,
  name: "limits explain",
  summary: "Tell of a request which limits it counts against, what is left of each, and whether it would be let in.",
  usage: ["limits explain --service checkout", "limits explain <file> --config <file>"],
  details: `Takes what explain takes, and tells of global.rate_limiting alone. SET BY is what in it makes the limit. LEFT is what the process
that is asked may let in now; below zero: so many items are to be paid back first. With --config nothing is used yet.`,
  run: explainWith(limitsExplanationText),
};
