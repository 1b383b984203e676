import { stringify } from "yaml";
import { ask, askPart, onlyName } from "../admin-client/ask.ts";
import { ADMIN_OPTIONS } from "../admin-client/options.ts";
import type { Command, OptionSpec } from "../command.ts";
import type { Resource } from "./resource.ts";

/** `rules get <id>` and its like. */
export function getCommand(resource: Resource): Command {
  const { plural, noun, key } = resource;
  const name = `${plural} get`;
  const isRule = plural === "rules";
  return {
    name,
    summary: isRule ? "Show one rule." : `Show one ${noun}: how it does, and what stands in the config.`,
    usage: [`${name} <${key}>`, ...(isRule ? [] : [`${name} <${key}> --config`])],
    details: "",
    options: isRule ? ADMIN_OPTIONS : { config: CONFIG_OPTION, ...ADMIN_OPTIONS },
    run: async (args, io) => {
      const call = { method: "GET", path: [plural, onlyName(args, name, key)] } as const;
      return isRule || !args.flag("config") ? ask(call, args, io, stringify) : askPart("config", call, args, io);
    },
  };
}

const CONFIG_OPTION: OptionSpec = { type: "boolean", help: "Only what stands in the config: to be changed, and set." };
