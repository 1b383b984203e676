import { textOf } from "../../config/values.ts";
import type { Coordination } from "../../server/coordination.ts";
import { ageText, fieldsOf } from "../admin-client/fields.ts";
import { usage } from "../args.ts";
import { type Args, type Command, EXIT, type ExitCode, type Io } from "../command.ts";
import { tellError } from "../error-output.ts";
import { print } from "../print.ts";
import { type Column, tableText } from "../table.ts";
import { namedStore, STORE_OPTIONS, WHICH_STORE, withStore } from "./options.ts";

export const locks: Command = {
  name: "locks",
  summary: "List the locks in the coordination store: who has each, and who waits.",
  usage: ["locks -c <file> [<name>]", "locks --store <kind> --endpoint <url> [<name>]"],
  details: `EPOCH is the fleet's generation and the revision of the store at which the holder came to it: writes that carry it can be
told from those of holders before. With a name, exits with 5 when nobody has that lock.

${WHICH_STORE}`,
  options: STORE_OPTIONS,
  async run(args, io) {
    const name = nameIn(args);
    const found = await withStore(namedStore(args, io), "read", { args, io }, ({ seats }, signal) =>
      seats.locks({ signal }),
    );
    const rows = found.filter((lock) => name === undefined || lock.name === name);
    if (name !== undefined && rows[0]?.holder == null) return nobody(`lock ${name}: nobody has it`, args, io);
    print(rows, args, io, () => tableText(lockColumns(io.clock.wallMs()), rows, io.stdout));
    return EXIT.ok;
  },
};

type LockRow = Awaited<ReturnType<Coordination["seats"]["locks"]>>[number];

function lockColumns(nowMs: number): Column<LockRow>[] {
  return [
    { title: "NAME", of: ({ name }) => name },
    { title: "HOLDER", of: ({ holder }) => holder ?? "" },
    { title: "EPOCH", align: "right", of: ({ epoch }) => epoch ?? "" },
    { title: "SINCE", align: "right", of: ({ since }) => ageText(since, nowMs) },
    { title: "WAITING", align: "right", of: ({ waiting }) => String(waiting) },
    { title: "NEXT", wraps: true, of: ({ waiters }) => waiters.join(",") },
  ];
}

interface LeaderRow {
  readonly election: string;
  readonly id: string;
  readonly epoch: string;
  readonly since: string;
  readonly value: string;
}

export const leader: Command = {
  name: "leader",
  summary: "Show who leads: the fleet, each region, and other elections in the coordination store.",
  usage: ["leader -c <file> [<election>]", "leader --store <kind> --endpoint <url> [<election>]"],
  details: `The fleet's election is global, a region's has the region's name. VALUE is what a leader says of itself:
where a controller is reached, and of a program's election the text that it proclaims; JSON, and all of a long text, with -o json. With a name, exits with 5 when nobody leads there.

${WHICH_STORE}`,
  options: STORE_OPTIONS,
  async run(args, io) {
    const name = nameIn(args);
    const found = await withStore(namedStore(args, io), "read", { args, io }, ({ seats }, signal) =>
      seats.leaders({ signal }),
    );
    // A region and an election of a program may have the same name: both are shown.
    const views = [
      ["global", found.global] as const,
      ...Object.entries(found.regions),
      ...Object.entries(found.others),
    ];
    const all: LeaderRow[] = views.flatMap(([election, view]) => (view === null ? [] : [{ election, ...view }]));
    const rows = all.filter(({ election }) => name === undefined || election === name);
    if (name !== undefined && rows.length === 0) return nobody(`${name}: nobody leads there`, args, io);
    const shown = name === undefined ? found : rows[0];
    print(shown, args, io, () => tableText(leaderColumns(io.clock.wallMs()), rows, io.stdout));
    return EXIT.ok;
  },
};

function leaderColumns(nowMs: number): Column<LeaderRow>[] {
  return [
    { title: "ELECTION", of: ({ election }) => election },
    { title: "LEADER", of: ({ id }) => id },
    { title: "EPOCH", align: "right", of: ({ epoch }) => epoch },
    { title: "SINCE", align: "right", of: ({ since }) => ageText(since, nowMs) },
    { title: "VALUE", wraps: true, of: ({ value }) => addressIn(value) ?? inWords(value) },
  ];
}

/** Of controllers, which proclaim where they are reached: as JSON. */
function addressIn(value: string): string | undefined {
  try {
    return textOf(fieldsOf(JSON.parse(value))["address"]);
  } catch {
    return undefined;
  }
}

/** Half of a JSON text says nothing. */
function inWords(value: string): string {
  return /^\s*[[{]/u.test(value) ? "JSON: see -o json" : value;
}

function nameIn({ positionals }: Args): string | undefined {
  if (positionals.length > 1) throw usage("one name, or none");
  return positionals[0];
}

function nobody(detail: string, args: Args, io: Io): ExitCode {
  return tellError({ code: "NOT_FOUND", detail, exit_code: EXIT.notFound }, args.text("output"), io);
}
