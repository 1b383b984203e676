import { change, onlyName } from "../admin-client/ask.ts";
import { ELEMENT_OPTIONS, elementQuery, FILE_OPTION } from "../admin-client/options.ts";
import { readBody } from "../admin-client/read-body.ts";
import type { Command } from "../command.ts";
import type { Resource } from "./resource.ts";

/** `rules set <id> -f <file>` and its like. */
export function setCommand({ plural, noun, key }: Resource): Command {
  const name = `${plural} set`;
  return {
    name,
    summary: `Replace one ${noun}.`,
    usage: [`${name} <${key}> -f <file>`, `${name} <${key}> -f - < file`],
    details: `What \`${plural} get <${key}>${plural === "rules" ? "" : " --config"}\` shows can be changed and given back. Of the node's config file only what changes
is written; comments stay.`,
    options: { file: FILE_OPTION, ...ELEMENT_OPTIONS },
    async run(args, io) {
      const id = onlyName(args, name, key);
      const body = await readBody(args, io);
      return change(
        { method: "PUT", path: [plural, id], body, query: elementQuery(args) },
        args,
        io,
        `${noun} ${id} set`,
      );
    },
  };
}
