import type { Coordination } from "../../server/coordination.ts";
import { memoryOf } from "../../server/named-store.ts";
import { usage } from "../args.ts";
import { type Command, EXIT } from "../command.ts";
import { counted, print, wrapped } from "../print.ts";
import { namedStore, STORE_OPTIONS, WHICH_STORE, withStore } from "./options.ts";

type Diagnosis = Awaited<ReturnType<Coordination["diagnose"]>>;

export const doctor: Command = {
  name: "doctor",
  summary: "Look at the coordination store as a fleet uses it, and say what to do about what is wrong.",
  usage: ["doctor -c <file>", "doctor --store <kind> --endpoint <url>"],
  details: `Whether it answers, how fast, what it says of itself (compaction, room, members that are down), whether keys can be written
below the prefix and what else may be read, whose the keys are, which fleet's they are and whether the node of the config
would follow it, who is registered, whether each region is told of by whoever leads it (split views), which versions of
Signalbox and of the config run, how much of a lease is left when it is granted, and whether other clocks are ahead. One key is written and deleted, one session opened and closed. Exits with 1 when something has failed, with 0 when
there are only warnings.

${WHICH_STORE}`,
  options: {
    ...STORE_OPTIONS,
    timeout: { ...STORE_OPTIONS["timeout"], type: "string", help: "Of all checks together.", default: "30s" },
  },
  async run(args, io) {
    if (args.positionals.length > 0) throw usage("doctor takes options alone");
    const named = namedStore(args, io);
    const report = await withStore(named, "read", { args, io }, (coordination, signal) =>
      coordination.diagnose(() => memoryOf(named), signal),
    );
    print(report, args, io, () => reportText(report, io.stdout.columns));
    if (!report.reachable) return EXIT.unreachable;
    return report.findings.some(({ status }) => status === "failed") ? EXIT.failure : EXIT.ok;
  },
};

const MARKS = { ok: "ok", warning: "warning", failed: "FAILED" } as const;
const LEAD = 22;

function reportText({ store, prefix, findings }: Diagnosis, columns: number): string {
  const width = Math.max(40, columns);
  const lines = findings.flatMap(({ check, status, message, hint }) => [
    ...wrapped(`${check.padEnd(12)}${MARKS[status].padEnd(10)}${message}`, width, LEAD),
    ...(hint === undefined ? [] : wrapped(`${" ".repeat(LEAD)}${hint}`, width, LEAD)),
  ]);
  const count = (wanted: string): number => findings.filter(({ status }) => status === wanted).length;
  const sum = `${store} at ${prefix}: ${count("failed")} failed, ${counted(count("warning"), "warning")}`;
  return `${[...lines, sum].join("\n")}\n`;
}
