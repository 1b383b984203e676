import { parseDuration } from "../../core/units.ts";
import { usage } from "../args.ts";
import { type Args, type Command, EXIT, type ExitCode, type Io } from "../command.ts";
import { demoConfig, STANDARD_ADDRESSES, TARGETS } from "./cast.ts";
import { LONGEST_MS, SHORTEST_MS } from "./story.ts";
import { grouped } from "../print.ts";
import { ledgerText } from "./render.ts";
import type { DemoResult } from "./run-demo.ts";

export const command: Command = {
  name: "demo",
  summary: "See it work: a router, targets and a load, with a target that fails and comes back.",
  usage: ["demo", "demo --duration 0", "demo --print-config > signalbox.yaml"],
  details: `Everything runs in this one process and needs no config: the router on its usual ports where they are free, four small
OTLP servers as targets, and seven services that send traces, metrics and logs over gRPC and HTTP. After a while the first
choice of the payments is stopped, and started again. At the end the demo counts: it exits with 0 when nothing that was
acknowledged was lost. Nothing is left behind. NO_COLOR is obeyed.`,
  options: {
    duration: { short: "d", value: "time", default: "30s", help: "How long: 8s or more; 0: until Ctrl-C." },
    "print-config": { flag: true, help: "Print the demo's config and exit." },
  },
  run,
};

async function run(args: Args, io: Io): Promise<ExitCode> {
  if (args.positionals.length > 0) throw usage("demo takes no arguments but options");
  if (args.flag("print-config")) {
    const ports = TARGETS.map(({ port }) => port);
    io.stdout.write(demoConfig(STANDARD_ADDRESSES, ports));
    return EXIT.ok;
  }
  const { runDemo } = await import("./run-demo.ts"); // with all that runs in it: other commands should not wait for it
  const result = await runDemo(durationOf(args.required("duration")), io);
  io.stdout.write(summaryText(result, callOf(io)));
  return isGood(result) ? EXIT.ok : EXIT.failure;
}

function durationOf(text: string): number {
  if (text === "0") return Infinity;
  const ms = parseDuration(text);
  if (ms === undefined || ms < SHORTEST_MS || ms > LONGEST_MS) {
    throw usage(`--duration takes a time from 8s to 24h, or 0; got "${text}"`);
  }
  return ms;
}

/**
 * In a checkout people have no `signalbox` on their path, but npm, which tells when it was used.
 */
function callOf({ env }: Io): string {
  return env["npm_lifecycle_event"] === undefined ? "signalbox" : "npm run -s signalbox --";
}

/** Nothing that was acknowledged is missing, and the router can say where everything went. */
function isGood({ load, ledger }: DemoResult): boolean {
  return load.lost === 0 && ledger.balanced;
}

/** `signalbox` is how the command is called from where the reader is. */
function summaryText(result: DemoResult, signalbox: string): string {
  return `${outcomeText(result)}\n${nextText(signalbox)}`;
}

function outcomeText(result: DemoResult): string {
  const { elapsedMs, load, targets, failedOver, duplicates, ledger, drained } = result;
  const rows = [
    row("sent", load.sent),
    row("acknowledged", load.acknowledged, "answered with success once a target had them"),
    ...(load.failed > 0 ? [row("not acknowledged", load.failed, `the sender was told: ${load.lastFailure}`)] : []),
    row("lost", load.lost, load.lost === 0 ? "nothing that was acknowledged is missing" : LOST),
    row("failed over", failedOver, "payments that target-2 took for target-1"),
    row("duplicates", duplicates, duplicates === 0 ? "" : DUPLICATES),
    "",
    row("delivered", ledger.delivered, `${grouped(ledger.copied)} of them copies`),
    ...targets.map(({ id, protocol, items }) => row(`  ${id}`, items, `by ${protocol}`)),
    "",
    `  ledger ${ledger.balanced ? "balanced ✓" : "NOT balanced ✗"}`,
    `    ${ledgerText(ledger)}`,
    ...(drained ? [] : ["  the router was stopped before its queues were empty"]),
    "",
  ];
  return `\nSignalbox demo, ${(elapsedMs / 1_000).toFixed(0)} seconds; spans, data points and log records\n\n${rows.join("\n")}`;
}

function row(name: string, items: number, remark = ""): string {
  const line = `  ${name.padEnd(18)}${grouped(items).padStart(11)}`;
  return remark === "" ? line : `${line}   ${remark}`;
}

const LOST = "ACKNOWLEDGED, BUT AT NONE OF THESE TARGETS";
const DUPLICATES = "a connection was cut before the answer came";

function nextText(signalbox: string): string {
  return `How to go on
  # the config of this demo: its targets ended with it, so put OTLP servers of your own in their place
  ${signalbox} demo --print-config > signalbox.yaml
  # a node that watches its config: edits take effect while data flows
  ${signalbox} run signalbox.yaml
  # a load for it
  ${signalbox} send
  # what became of everything it received; also /api/v1/targets and /metrics
  curl http://${STANDARD_ADDRESSES.admin}/api/v1/ledger
README.md tells the rest.
`;
}
