import { hostname, userInfo } from "node:os";
import { memoryOf } from "../server/named-store.ts";
import {
  checkedText,
  publishFile,
  type PublishRefusal,
  refusalOf,
  type StoredFleet,
} from "../server/publish-command.ts";
import { readIfMatch } from "./admin-client/options.ts";
import { type Args, EXIT, type ExitCode, type Io, type OptionSpecs } from "./command.ts";
import { withStore } from "./coordination/options.ts";
import { printError } from "./error-output.ts";
import { print, problemLines } from "./print.ts";

/** Who and why, of a change. */
export const PEOPLE_OPTIONS: OptionSpecs = {
  note: { value: "text", help: "Why, for people: kept in the history." },
  by: { value: "name", help: "Who, for people; default: the user of this machine." },
};

/** For people: who changes something, and on which machine; undefined: nobody knows. */
export function authorOf(args: Args, { env }: Pick<Io, "env">): string | undefined {
  const user = env["USER"] || env["LOGNAME"] || "";
  return args.text("by") ?? (user === "" ? undefined : `${user}@${hostname()}`);
}

/** Containers and timers set no $USER; some run as a user who has no name. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return "somebody";
  }
}

/** The same for a store, which nobody knows who asks. */
export function publisherOf(args: Args, io: Pick<Io, "env">): string {
  return authorOf(args, io) ?? `${accountName()}@${hostname()}`;
}

/** The version that is to run before; undefined: whatever runs. */
export function expectedOf(args: Args): number | undefined {
  const ifMatch = readIfMatch(args)?.replaceAll('"', "");
  return ifMatch === undefined || ifMatch === "*" ? undefined : Number(ifMatch);
}

type ToPublish = Pick<Parameters<typeof publishFile>[0], "expected" | "publish">;

/** Publishes the text straight to the store of its fleet, and tells what came of it. */
export async function publishTo(
  fleet: StoredFleet,
  { expected, publish }: ToPublish,
  args: Args,
  io: Io,
): Promise<ExitCode> {
  const { store } = fleet;
  const text = checkedText(fleet); // a large one takes a while, in which no store has to answer
  if (typeof text !== "string") return tellRefusal(text, args, io);
  const memory = await memoryOf(store);
  const result = await withStore(store, "write", { args, io }, (coordination, signal) =>
    publishFile({ text, coordination, memory, expected, publish, signal }),
  );
  const isStaged = result.kind === "staged";
  if (!isStaged && !("pointer" in result)) return tellRefusal(result, args, io);
  const { version, sha256 } = isStaged ? result : result.pointer;
  const { prefix } = store.coordination;
  print({ version, digest: sha256, prefix, result: result.kind }, args, io, () => {
    if (!isStaged) {
      const same = result.kind === "same" ? " (nothing is different)" : "";
      return `published to the fleet at ${prefix}; config version ${version}${same}\n`;
    }
    return `staged in the fleet at ${prefix}; config version ${version}: config rollout --url <node> shows how far it is\n`;
  });
  return EXIT.ok;
}

function tellRefusal(result: PublishRefusal, args: Args, io: Io): ExitCode {
  const { detail, hint, problems } = refusalOf(result);
  const lines = problems === undefined ? [detail] : problemLines(problems);
  const below = hint === undefined ? "" : `  ${hint}\n`;
  io.stderr.write(`not published:\n${lines.join("\n")}\n${below}`);
  const code = result.kind === "invalid" ? "CONFIG_INVALID" : "CONFLICT";
  const exitCode = result.kind === "invalid" ? EXIT.invalidConfig : EXIT.conflict;
  printError({ code, detail, hint, problems, exit_code: exitCode }, args.text("output"), io);
  return exitCode;
}
