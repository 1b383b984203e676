import { FILE_OPTION, ELEMENT_OPTIONS } from "../admin-client/options.ts";
import type { Args, Command, Io } from "../command.ts";
import type { ExitCode } from "../exit-code.ts";
import { addOne } from "../resource/add.ts";
import { TARGETS } from "../resource/resource.ts";

export const command: Command = {
  name: "targets add",
  summary: "Add a target.",
  usage: ["targets add --id <id> --endpoint <url>", "targets add -f <file>"],
  details: "No data goes there before a pool names it, or a selector of a pool fits it.",
  options: {
    file: FILE_OPTION,
    id: { type: "string", value: "id", help: "Its id." },
    endpoint: { type: "string", value: "url", help: "http:// or https://, host and port." },
    protocol: { type: "string", value: "protocol", help: "grpc or http/protobuf." },
    weight: { type: "string", value: "weight", help: "Share of the load; 0: a standby." },
    region: { type: "string", value: "region", help: "Where it is." },
    ...ELEMENT_OPTIONS,
  },
  run,
};

function run(args: Args, io: Io): Promise<ExitCode> {
  const members = (): Record<string, unknown> => ({
    id: args.required("id"),
    endpoint: args.required("endpoint"),
    protocol: args.text("protocol"),
    weight: args.number("weight", 0),
    region: args.text("region"),
  });
  return addOne({ resource: TARGETS, flags: ["id", "endpoint", "protocol", "weight", "region"], members }, args, io);
}
