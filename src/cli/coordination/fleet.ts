import { hostname } from "node:os";
import type { FleetAnswer, FleetCommand } from "../../server/fleet-commands.ts";
import { fleetIdProblem, makeFleet, raiseFleet, showFleet } from "../../server/fleet-commands.ts";
import { memoryOf } from "../../server/named-store.ts";
import { onlyOne, usage } from "../args.ts";
import {
  type Args,
  type Command,
  type CommandGroup,
  EXIT,
  type ExitCode,
  type Io,
  type OptionSpecs,
} from "../command.ts";
import type { CliErrorCode } from "../error-output.ts";
import { print } from "../print.ts";
import { namedStore, STORE_OPTIONS, WHICH_STORE, withStore } from "./options.ts";

const EXIT_OF: Readonly<Record<FleetAnswer["kind"], ExitCode>> = {
  ok: EXIT.ok,
  missing: EXIT.notFound,
  isolated: EXIT.conflict,
  exists: EXIT.conflict,
  conflict: EXIT.conflict,
};

const CODE_OF: Readonly<Record<Exclude<FleetAnswer["kind"], "ok">, CliErrorCode>> = {
  missing: "NOT_FOUND",
  isolated: "ISOLATED",
  exists: "CONFLICT",
  conflict: "CONFLICT",
};

const ID: OptionSpecs = { id: { value: "id", help: "Of the fleet; default: a random one." } };
const KNOWN: OptionSpecs = {
  id: { value: "id", help: "Of the fleet; default: what the node remembers, else what the store has." },
  generation: { value: "number", help: "The highest that any node knows, where it is not this one." },
};

export const group: CommandGroup = {
  name: "fleet",
  summary: "Show, make or adopt the identity of a fleet in its coordination store.",
  details: `A store that was wiped or restored from a backup looks like itself. So a fleet has an identity in it, which its nodes remember: a
store without it, with another one or with an older one isolates them, and they keep their last good config until
somebody says that the store is the right one.`,
  commands: [
    command({
      part: "show",
      summary: "Show the fleet that the store belongs to, and whether the node would follow it.",
      usage: ["fleet show -c <file>", "fleet show --store <kind> --endpoint <url>"],
      details: `Exits with 5 when there is none, with 6 when the node of the config would isolate itself.

${WHICH_STORE}`,
      options: {},
      purpose: "read",
      run: (fleet) => showFleet(fleet),
    }),
    command({
      part: "init",
      summary: "Make a fleet: once, in a store that has none.",
      usage: ["fleet init -c <file> [--id <id>]", "fleet init --store <kind> --endpoint <url> [--id <id>]"],
      details: `Exits with 6 when there is one.

${WHICH_STORE}`,
      options: ID,
      purpose: "write",
      run: (fleet, args) => makeFleet(fleet, args.text("id")),
    }),
    command({
      part: "adopt",
      summary: "Say that the store as it is now is the right one: isolated nodes follow it again.",
      usage: ["fleet adopt -c <file>", "fleet adopt --store <kind> --endpoint <url> --id <id> --generation <number>"],
      details: `After a store was wiped, restored from a backup, or put in the place of another one. It writes the identity anew, with a
generation above all that the store, the node of the config and --generation know: whatever is of an older generation
is refused from then on. Look at the store first, and at its config: it holds for the whole fleet. Where nothing that is known
is against the store, there is nothing to adopt: that is said, nothing is written, and the exit code is 0; --force does it
all the same. Exits with 6 where --id is another fleet's, and the store and the node of the config are of one: --force does
that, too.

${WHICH_STORE}`,
      options: { ...KNOWN, force: { flag: true, help: "Also when nothing that is known is against the store." } },
      purpose: "write",
      run: (fleet, args) => raiseFleet(fleet, { known: knownIn(fleet, args), force: args.flag("force") }),
    }),
  ],
};

interface FleetPart {
  readonly part: string;
  readonly summary: string;
  readonly usage: readonly string[];
  readonly details: string;
  readonly options: OptionSpecs;
  readonly purpose: "read" | "write";
  run(fleet: FleetCommand, args: Args): Promise<FleetAnswer>;
}

function command(fleet: FleetPart): Command {
  const { part, purpose, summary, usage: forms, details } = fleet;
  return {
    name: `fleet ${part}`,
    summary,
    usage: forms,
    details,
    options: { ...fleet.options, ...STORE_OPTIONS },
    async run(args, io) {
      if (args.positionals.length > 0) throw usage(`fleet ${part} takes options alone`);
      if ("id" in fleet.options) checkId(args.list("id"));
      const named = namedStore(args, io);
      const memory = await memoryOf(named);
      const by = `${io.env["USER"] ?? "somebody"}@${hostname()}`;
      const answer = await withStore(named, purpose, { args, io }, (coordination, signal) =>
        fleet.run({ coordination, memory, signal, by }, args),
      );
      return tell(answer, args, io);
    },
  };
}

/** Before a store is asked, or made. */
function checkId(ids: readonly string[]): void {
  for (const id of ids) {
    const problem = fleetIdProblem(id);
    if (problem !== undefined) throw usage(`--id: ${problem.message}`, problem.hint);
  }
}

function tell(answer: FleetAnswer, args: Args, io: Io): ExitCode {
  const { kind, message, hint } = answer;
  const text = `${message}\n${hint === undefined ? "" : `  ${hint}\n`}`;
  const exitCode = EXIT_OF[kind];
  const error = kind === "ok" ? {} : { error: { code: CODE_OF[kind], detail: message, hint, exit_code: exitCode } };
  if (args.text("output") !== "table") print({ ...answer, ...error }, args, io, () => text);
  else (kind === "ok" ? io.stdout : io.stderr).write(text);
  return exitCode;
}

function knownIn({ memory }: FleetCommand, args: Args): { id: string; generation: number } | undefined {
  onlyOne(args, "id");
  const id = args.text("id") ?? memory?.identity?.id;
  const generation = Math.max(args.number("generation", 1) ?? 0, memory?.identity?.generation ?? 0);
  if (!Number.isSafeInteger(generation)) throw usage("--generation takes a whole number");
  if (id === undefined && generation > 0) throw usage("--generation is that of a fleet", "say which: --id");
  return id === undefined ? undefined : { id, generation };
}
