import { type Args, type Command, EXIT, type ExitCode, type Io } from "../command.ts";
import { print } from "../print.ts";
import { SEND_OPTIONS, sendOptions } from "./options.ts";
import { progressText, reportText } from "./report.ts";
import { type SendRun, startSend } from "./run-send.ts";
import { openSender } from "./sender.ts";
import type { SendReport } from "./tallies.ts";

export const command: Command = {
  name: "send",
  summary: "Send made-up traces, metrics and logs, and tell what became of them.",
  usage: ["send [address]", "send --rate 5000 --duration 1m --signals traces http://collector:4317"],
  details: `The address is host:port or a URL; default http://127.0.0.1:4317, with --protocol http or http/json port 4318.
Requests are sent on schedule, whether earlier ones were answered or not, and latency counts from when they were due. What
the server refuses for now is tried again after the time that it asks for. Ctrl-C stops, and prints the report all the same.
Exits with 0 when all was acknowledged, with 7 when nobody was there, else with 1.

  signalbox send                                          1,000 items a second for 10 seconds
  signalbox send --rate 0 --signals traces -c 64          as fast as answers come
  signalbox send --count 1 --items-per-request 1 -p http  one item`,
  options: SEND_OPTIONS,
  run,
};

const PROGRESS_MS = 500;

async function run(args: Args, io: Io): Promise<ExitCode> {
  const options = sendOptions(args, io);
  await using sender = openSender(options, io);
  const sending = startSend(options, { clock: io.clock, random: io.random, sender, stop: io.interrupted() });
  const report = await withProgress(sending, io);
  const { url, protocol } = options;
  print({ url, protocol, ...report }, args, io, () => reportText(options, report));
  return exitCodeOf(report);
}

/** A line on a terminal's stderr that is written over and over, and wiped at the end. */
async function withProgress(sending: SendRun, io: Io): Promise<SendReport> {
  if (!io.stderr.isTty) return await sending.done;
  let cancel = io.clock.after(PROGRESS_MS, tick);
  function tick(): void {
    io.stderr.write(`\r\x1b[K${progressText(sending.report(), io.stderr.columns)}`);
    cancel = io.clock.after(PROGRESS_MS, tick);
  }
  try {
    return await sending.done;
  } finally {
    cancel();
    io.stderr.write("\r\x1b[K");
  }
}

function exitCodeOf(report: SendReport): ExitCode {
  const nobody = report.acknowledged.requests === 0 && report.refused.length === 0;
  if (nobody && report.failed.length > 0 && report.failed.every(({ code }) => code === "connect"))
    return EXIT.unreachable;
  const lost = report.refused.length + report.failed.length + report.partiallyRejected.items;
  return lost === 0 ? EXIT.ok : EXIT.failure;
}
