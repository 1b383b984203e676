import { resolve } from "node:path";
import { type StoredFleet, storedFleet } from "../server/publish-command.ts";
import { type NotKept, openStoredVersions, type StoredVersions } from "../server/stored-versions.ts";
import { readVersion } from "./admin-client/options.ts";
import { onlyOne, usage } from "./args.ts";
import { type Args, type Command, EXIT, type ExitCode, type Io, type OptionSpecs } from "./command.ts";
import { expectedOf, publisherOf, publishTo } from "./config-published.ts";
import { withStore } from "./coordination/options.ts";
import { tellError } from "./error-output.ts";
import { print } from "./print.ts";
import { refuse } from "./validate.ts";

const STORE_OPTION: OptionSpecs = {
  config: {
    short: "c",
    value: "file",
    help: "Names the store of a fleet (node.coordination), which is asked itself: no node has to run.",
  },
};

const WITHOUT_NODE = `With -c the fleet's store is asked, as config apply does: no node has to run, and the answer is the same.`;

/** What is told where no node answers. */
export const ELSEWHERE = "without any node, -c <file> asks the store of a fleet itself";

/** What the store says, as a node would. */
type StoreQuery = (versions: StoredVersions, asked: StoredQuestion) => Promise<NotKept | ShownResult>;

interface StoredQuestion {
  readonly args: Args;
  readonly io: Io;
  readonly signal: AbortSignal;
}

/** A result, and how people read it. */
interface ShownResult {
  readonly kind: "shown";
  readonly result: unknown;
  readonly text: string;
}

/** A command that looks at what a node tells of its config, and can look into the store as well. */
export function orFromStore(command: Command, query: StoreQuery): Command {
  return withStoreOption(command, async (fleet, args, io) => {
    const found = await withStore(fleet.store, "read", { args, io }, (coordination, signal) =>
      query(openStoredVersions(coordination), { args, io, signal }),
    );
    if (found.kind === "not_kept") return tellMissing(found, args, io);
    print(found.result, args, io, () => found.text);
    return EXIT.ok;
  });
}

/** Goes back without a node: the text of the older version is published as the next one. */
export function orRollbackInStore(command: Command): Command {
  return withStoreOption(command, async (fleet, args, io) => {
    const [name = "", ...more] = args.positionals;
    if (name === "" || more.length > 0) throw usage("config rollback needs one version");
    const version = Number(readVersion(name));
    const expected = expectedOf(args);
    const note = args.text("note") ?? `back to version ${version}`;
    const kept = await withStore(fleet.store, "read", { args, io }, (coordination, signal) =>
      openStoredVersions(coordination).ran(version, { signal }),
    );
    if (kept.kind === "never_ran") return tellFailure({ ...kept, code: "CONFLICT", detail: kept.reason }, args, io);
    if (kept.kind === "not_kept") return tellMissing(kept, args, io);
    const publish = { author: publisherOf(args, io), note, again: true };
    return publishTo({ ...fleet, text: kept.text }, { expected, publish }, args, io);
  });
}

/** A command that asks a running node, or with -c the store of a fleet. */
export function withStoreOption(
  command: Command,
  run: (fleet: StoredFleet, args: Args, io: Io) => Promise<ExitCode>,
): Command {
  return {
    ...command,
    usage: [...command.usage, `${command.usage[0] ?? command.name} -c <file>`],
    details: command.details === "" ? WITHOUT_NODE : `${command.details}\n\n${WITHOUT_NODE}`,
    options: { ...STORE_OPTION, ...command.options },
    run(args, io) {
      const fleet = fleetOf(args, io);
      return fleet === undefined ? command.run(args, io) : run(fleet, args, io);
    },
  };
}

/** Undefined: a running node is asked. */
function fleetOf(args: Args, io: Io): StoredFleet | undefined {
  onlyOne(args, "config");
  const file = args.text("config");
  if (file === undefined) return undefined;
  if (args.text("url") !== undefined) throw usage("-c asks the store, --url a node", "give one of both");
  const fleet = storedFleet(resolve(io.cwd, file), io.env, (problems) => refuse(problems, io, `${file} has problems`));
  if (fleet !== undefined) return fleet;
  throw usage(`${file} names no store that nodes share`, "a node by itself keeps its own versions: ask it with --url");
}

interface StoredFailure {
  readonly code: "CONFLICT" | "NOT_FOUND";
  readonly detail: string;
  readonly hint: string;
}

/** The store was asked, and has it otherwise. */
export function tellFailure({ code, detail, hint }: StoredFailure, args: Args, io: Io): ExitCode {
  const exitCode = code === "CONFLICT" ? EXIT.conflict : EXIT.notFound;
  return tellError({ code, detail, hint, exit_code: exitCode }, args.text("output"), io);
}

function tellMissing({ detail }: NotKept, args: Args, io: Io): ExitCode {
  const hint = "signalbox config history -c <file> lists the versions that are kept";
  return tellFailure({ code: "NOT_FOUND", detail, hint }, args, io);
}
