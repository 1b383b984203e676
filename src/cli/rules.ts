import { listOf } from "../config/values.ts";
import { fieldsOf, shown } from "./admin-client/fields.ts";
import { usage } from "./args.ts";
import { resourceGroup } from "./resource.ts";

export const group = resourceGroup({
  plural: "rules",
  noun: "rule",
  key: "id",
  summary: "Look at the rules of a running node, and change them.",
  list: {
    summary: "List the rules.",
    columns: () => [
      { title: "ID", of: ({ id }) => shown(id) },
      { title: "PRIORITY", of: ({ priority }) => shown(priority) || "normal" },
      { title: "SIGNALS", of: ({ signals }) => shown(signals) || "all" },
      { title: "MODE", of: ({ mode }) => shown(mode) || "first" },
      { title: "POOL", of: ({ pool }) => (typeof pool === "string" ? pool : "(its own)") },
      { title: "CONDITIONS", wraps: true, of: ({ conditions }) => listOf(conditions).map(conditionText).join("; ") },
    ],
  },
  add: {
    summary: "Add a rule.",
    usage: [
      "rules add --id <id> --service <name> --pool <pool>",
      "rules add -f <file> [--before <id>]",
      "rules add -f - < file",
    ],
    details: `It comes after the rules that are there, or before the one that --before names; its priority counts more than its place.

  signalbox rules add --id payments --service "payment*" --pool vault --priority high
  signalbox rules add -f rule.yaml --before catch-all`,
    flags: {
      id: { value: "id", help: "Its id." },
      service: {
        value: "name",
        multiple: true,
        help: "For this service; * is any text. Several: one of them.",
      },
      pool: { value: "pool", help: "Where it sends to." },
      priority: { value: "priority", help: "A number, or high, normal, low." },
    },
    query: { before: { value: "id", help: "The rule to stand before." } },
    members(args) {
      const conditions = readServices(args.list("service"));
      const priority = readPriority(args.text("priority"));
      return { id: args.required("id"), priority, conditions, pool: args.required("pool") };
    },
  },
});

function conditionText(condition: unknown): string {
  const parts = Object.entries(fieldsOf(condition)).map(([key, value]) => `${key}: ${shown(value)}`);
  return parts.join(", ");
}

function readServices(services: readonly string[]): unknown {
  if (services.includes("")) throw usage("--service takes a name");
  if (services.length === 0)
    throw usage("rules add needs --service", "other conditions, or none at all, take a file: -f");
  const [first, ...more] = services.map((name) => ({ service_name: name }));
  return more.length === 0 ? [first] : [{ any: [first, ...more] }];
}

/** Names and whatever else is written are the schema's to check. */
function readPriority(text: string | undefined): string | number | undefined {
  const number = text === undefined || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : text;
}
