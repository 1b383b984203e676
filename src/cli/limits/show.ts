import { listOf } from "../../config/values.ts";
import { adminCommand, type Given } from "../admin-client/command.ts";
import { fieldsOf, shown } from "../admin-client/fields.ts";
import type { Command } from "../command.ts";
import { amount } from "../numbers.ts";
import { type Column, tableText } from "../table.ts";

type LimitRow = ReturnType<typeof fieldsOf>;

export const limits: Command = adminCommand({
  name: "limits",
  summary: "Show what a node lets in of global.rate_limiting, and what it refuses.",
  usage: ["limits [--keys 50]", "limits -u <url> -o json"],
  details: `All of it is items a second, but for SHED: items that were refused or shed since the start. GRANTED is what the node may let in
now, OFFERED what came in the last second, USED what was let in of it. Below everything the keys that are nearest to their limits.`,
  options: {
    keys: { type: "string", value: "number", default: "50", help: "Of the keys nearest to their limits, how many." },
  },
  call: ({ args }) => ({ method: "GET", path: ["limits"], query: { keys: args.required("keys") } }),
  text: limitsText,
});

function limitsText(body: unknown, { io }: Given): string {
  const view = fieldsOf(body);
  if (typeof view["limit"] !== "number") return "global.rate_limiting is not set: nothing is limited\n";
  const services = listOf(view["services"]).map(fieldsOf);
  const rows = [{ ...view, service: "(everything)" }, ...services];
  return tableText(COLUMNS, rows, io.stdout);
}

const COLUMNS: readonly Column<LimitRow>[] = [
  { title: "KEY", wraps: true, of: ({ service }) => shown(service) },
  { title: "LIMIT", align: "right", of: ({ limit }) => amount(limit) },
  { title: "GRANTED", align: "right", of: ({ granted }) => amount(granted) },
  { title: "OFFERED", align: "right", of: ({ offered }) => amount(offered) },
  { title: "USED", align: "right", of: ({ used }) => amount(used) },
  { title: "SHED", align: "right", of: ({ shed }) => amount(shed) },
];
