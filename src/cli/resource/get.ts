import { stringify } from "yaml";
import { ask, onlyName } from "../admin-client/ask.ts";
import { ADMIN_OPTIONS } from "../admin-client/options.ts";
import type { Command } from "../command.ts";
import type { Resource } from "./resource.ts";

/** `rules get <id>` and its like. */
export function getCommand({ plural, noun, key }: Resource): Command {
  const name = `${plural} get`;
  return {
    name,
    summary: `Show one ${noun}.`,
    usage: [`${name} <${key}>`],
    details: "",
    options: ADMIN_OPTIONS,
    run: async (args, io) =>
      ask({ method: "GET", path: [plural, onlyName(args, name, key)] }, args, io, (body) => stringify(body)),
  };
}
