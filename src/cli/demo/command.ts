import { parseDuration } from "../../core/units.ts";
import { usage } from "../args.ts";
import { type Args, type Command, EXIT, type ExitCode, type Io } from "../command.ts";
import { demoConfig, STANDARD_ADDRESSES, TARGETS } from "./cast.ts";
import { LONGEST_MS, SHORTEST_MS } from "./story.ts";
import { isGood, summaryText } from "./summary.ts";

export const command: Command = {
  name: "demo",
  summary: "See it work: a router, targets and a load, with a target that fails and comes back.",
  usage: ["demo", "demo --duration 0", "demo --print-config > signalbox.yaml"],
  details: `Everything runs in this one process and needs no config: the router on its usual ports where they are free, four small
OTLP servers as targets, and seven services that send traces, metrics and logs over gRPC and HTTP. After a while the first
choice of the payments is stopped, and started again. At the end the demo counts: it exits with 0 when nothing that was
acknowledged was lost. Nothing is left behind. NO_COLOR is obeyed.`,
  options: {
    duration: {
      type: "string",
      short: "d",
      value: "time",
      default: "30s",
      help: "How long: 8s or more; 0: until Ctrl-C.",
    },
    "print-config": { type: "boolean", help: "Print the demo's config and exit." },
  },
  run,
};

async function run(args: Args, io: Io): Promise<ExitCode> {
  if (args.positionals.length > 0) throw usage("demo takes no arguments but options");
  if (args.flag("print-config")) {
    io.stdout.write(
      demoConfig(
        STANDARD_ADDRESSES,
        TARGETS.map(({ port }) => port),
      ),
    );
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
