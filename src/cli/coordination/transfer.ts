import { hostname } from "node:os";
import { askTransfer, DEFAULT_SCOPE, isTransferScope, type TransferAnswer } from "../../server/transfer-command.ts";
import { readTimeout } from "../admin-client/options.ts";
import { usage } from "../args.ts";
import { type Args, type Command, EXIT, type ExitCode, type Io } from "../command.ts";
import { print } from "../print.ts";
import { namedStore, STORE_OPTIONS, WHICH_STORE, withStore } from "./options.ts";

export const leaderTransfer: Command = {
  name: "leader transfer",
  summary: "Give the lead of the fleet, or of a region, to another candidate.",
  usage: [
    "leader transfer -c <file> [--scope global|region.<id>] [--to <id>]",
    "leader transfer --store <kind> --endpoint <url> [--scope global|region.<id>] [--to <id>]",
  ],
  details: `Before a node is stopped, for example. Whoever leads is asked for it by a key of the store: it has the others step aside, and
resigns. Collectors lose nothing: they find the next controller, which leads by a higher epoch. Waits until that leads.
Exits with 5 when nobody leads there, or no such candidate stands; with 6 when another has come to lead meanwhile, or it was
not given away in time.

${WHICH_STORE}`,
  options: {
    scope: { value: "election", default: DEFAULT_SCOPE, help: "The fleet's, or a region's." },
    to: { value: "id", help: "Of a node that stands for it; default: whoever comes next." },
    ...STORE_OPTIONS,
    timeout: { ...STORE_OPTIONS["timeout"], help: "Of the whole command.", default: "30s" },
  },
  async run(args, io) {
    if (args.positionals.length > 0) throw usage("leader transfer takes options alone", "--to says who is to lead");
    const election = args.required("scope");
    if (!isTransferScope(election)) {
      throw usage(`--scope takes global, or region.<id>; got "${election}"`, "a program's election is its own");
    }
    const asked = { election, to: args.text("to"), by: `${io.env["USER"] ?? "somebody"}@${hostname()}` };
    // Of the whole command some is left to take the question back.
    const timeoutMs = readTimeout(args) * 0.8;
    const answer = await withStore(namedStore(args, io), "write", { args, io }, (coordination, signal) =>
      askTransfer(coordination, asked, { signal, timeoutMs }),
    );
    return tell(election, answer, args, io);
  },
};

const EXIT_OF: Readonly<Record<TransferAnswer["outcome"]["kind"], ExitCode>> = {
  transferred: EXIT.ok,
  leads_already: EXIT.ok,
  nobody_leads: EXIT.notFound,
  no_candidate: EXIT.notFound,
  changed: EXIT.conflict,
  asked_by_others: EXIT.conflict,
  not_in_time: EXIT.conflict,
};

function tell(election: string, { outcome, message: detail, hint }: TransferAnswer, args: Args, io: Io): ExitCode {
  const exitCode = EXIT_OF[outcome.kind];
  const code = exitCode === EXIT.notFound ? "NOT_FOUND" : "CONFLICT";
  const error = exitCode === EXIT.ok ? {} : { error: { code, detail, hint, exit_code: exitCode } };
  const text = `${detail}\n${hint === undefined ? "" : `  ${hint}\n`}`;
  if (args.text("output") !== "table") print({ scope: election, ...outcome, ...error }, args, io, () => text);
  else (exitCode === EXIT.ok ? io.stdout : io.stderr).write(exitCode === EXIT.ok ? text : `signalbox: ${text}`);
  return exitCode;
}
