import { memoryOf } from "../../server/named-store.ts";
import { ADMIN_TOKEN, type AdminOptions, adminOptionsOf } from "../admin-client/options.ts";
import { usage } from "../args.ts";
import { type Args, type Command, EXIT, type Io } from "../command.ts";
import { counted, print, wrapped } from "../print.ts";
import { namedStore, STORE_OPTIONS, WHICH_STORE, withStore } from "./options.ts";
import { samplingFindings } from "./sampling-findings.ts";
import { targetFindings } from "./target-findings.ts";
import { type Diagnosis, topologyFindings } from "./topology-findings.ts";

export const doctor: Command = {
  name: "doctor",
  summary: "Look at the coordination store as a fleet uses it, and say what to do about what is wrong.",
  usage: ["doctor -c <file> [--url <url>]", "doctor --store <kind> --endpoint <url>"],
  details: `Whether it answers, how fast, what it says of itself (compaction, room, members that are down), whether keys can be written
below the prefix and what else may be read, whose the keys are, which fleet's they are and whether the node of the config
would follow it, who is registered and whether at an address that others reach, whether each region is told of by whoever leads it (split views), which versions of
Signalbox and of the config run, how much of a lease is left when it is granted, and whether other clocks are ahead. One key is written and deleted, one session opened and closed. Exits with 1 when something has failed, with 0 when
there are only warnings. With --url one node is asked as well, which asks all controllers whom they see, and compares the digests of that;
of its own targets it tells which find nobody, which nodes they cannot be sent to, and whether requests have gone in a circle; and it has tested the trace ids of each service
that it samples: where they are not random, rates do not hold.

${WHICH_STORE}`,
  options: {
    ...STORE_OPTIONS,
    url: {
      short: "u",
      value: "url",
      help: "A node's admin API, which is asked for split views, sampling and randomness, too.",
    },
    token: ADMIN_TOKEN,
    "admin-ca": { value: "file", help: "PEM of the authorities to trust, for --url https://.." },
    timeout: { ...STORE_OPTIONS["timeout"], help: "Of all checks together.", default: "30s" },
  },
  async run(args, io) {
    if (args.positionals.length > 0) throw usage("doctor takes options alone");
    const named = namedStore(args, io);
    const admin = adminOf(args, io);
    const ofStore = await withStore(named, "read", { args, io }, (coordination, signal) =>
      coordination.diagnose(() => memoryOf(named), signal),
    );
    const ofNode = admin === undefined ? [] : await nodeFindings(admin, io);
    const report = { ...ofStore, findings: [...ofStore.findings, ...ofNode] };
    print(report, args, io, () => reportText(report, io.stdout.columns));
    if (!report.reachable) return EXIT.unreachable;
    return report.findings.some(({ status }) => status === "failed") ? EXIT.failure : EXIT.ok;
  },
};

async function nodeFindings(admin: AdminOptions, io: Io): Promise<Diagnosis["findings"]> {
  return [
    ...(await topologyFindings(admin, io)),
    ...(await targetFindings(admin, io)),
    ...(await samplingFindings(admin, io)),
  ];
}

/** Undefined: the store alone is asked. */
function adminOf(args: Args, io: Io): AdminOptions | undefined {
  const url = args.text("url");
  return url === undefined ? undefined : adminOptionsOf({ args, url, ca: "admin-ca" }, io);
}

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
