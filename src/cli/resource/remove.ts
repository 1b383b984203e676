import { change, onlyName } from "../admin-client/ask.ts";
import { ELEMENT_OPTIONS, elementQuery } from "../admin-client/options.ts";
import type { Command } from "../command.ts";
import type { Resource } from "./resource.ts";

/** `rules remove <id>` and its like. */
export function removeCommand({ plural, noun, key }: Resource): Command {
  const name = `${plural} remove`;
  return {
    name,
    summary: `Take one ${noun} out of the config.`,
    usage: [`${name} <${key}>`],
    details:
      plural === "rules" ? "" : `A ${noun} that something else in the config names stays: exit code 3 says what does.`,
    options: ELEMENT_OPTIONS,
    run: async (args, io) => {
      const id = onlyName(args, name, key);
      return change(
        { method: "DELETE", path: [plural, id], query: elementQuery(args) },
        args,
        io,
        `${noun} ${id} removed`,
      );
    },
  };
}
