import type { Values } from "../config/values.ts";
import { fieldsOf, shown } from "./admin-client/fields.ts";
import { namesIn } from "./args.ts";
import { resourceGroup } from "./resource.ts";

export const group = resourceGroup({
  plural: "regions",
  noun: "region",
  key: "id",
  summary: "Look at what the config of a running node says of regions, and change it.",
  list: {
    summary: "List the regions that the config has settings for.",
    columns: () => [
      { title: "ID", of: ({ id }) => shown(id) },
      { title: "SAMPLING RATE", align: "right", of: ({ sampling_rate: rate }) => shown(rate) },
      { title: "BUFFER", align: "right", of: ({ buffer_size: items }) => shown(items) },
      { title: "BATCH", of: ({ batch }) => settings(batch) },
      { title: "RETRY", of: ({ retry }) => settings(retry) },
      { title: "PREFERENCE", wraps: true, of: ({ routing_preference: names }) => shown(names) },
    ],
  },
  add: {
    summary: "Give a region settings of its own.",
    usage: ["regions add --id <id> [--prefer <names>]", "regions add -f <file>"],
    details:
      "A file has the region as in the config, with its name as id: { id: eu, retry: { max: 5s } }. Nodes of that region take it over.",
    flags: {
      id: { value: "id", help: "Its name." },
      prefer: { value: "names", help: "Regions, or ids of targets, with commas between them." },
    },
    members: (args): Values => ({
      id: args.required("id"),
      routing_preference: args.isGiven("prefer") ? namesIn(args, "prefer") : undefined,
    }),
  },
});

function settings(part: unknown): string {
  const entries = Object.entries(fieldsOf(part));
  return entries.map(([key, value]) => `${key}: ${shown(value)}`).join(", ");
}
