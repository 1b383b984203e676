import { POINTS_PER_METRIC } from "../../generate/items.ts";
import { type Args, type Command, EXIT, type ExitCode, type Io } from "../command.ts";
import { grouped, print } from "../print.ts";
import { SEND_OPTIONS, type SendCommandOptions, sendOptions } from "./options.ts";
import { type SendRun, startSend } from "./run-send.ts";
import { openSender } from "./sender.ts";
import type { SendLoss, SendReport } from "./tallies.ts";
import type { LatencySummary } from "./latency.ts";

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
  if (isUnreachable(report)) return EXIT.unreachable;
  const lost = report.refused.length + report.failed.length + report.partiallyRejected.items;
  return lost === 0 ? EXIT.ok : EXIT.failure;
}

function isUnreachable({ acknowledged, refused, failed }: SendReport): boolean {
  if (acknowledged.requests > 0 || refused.length > 0) return false;
  return failed.length > 0 && failed.every(({ code }) => code === "connect");
}

/** The report for people. */
function reportText(options: SendCommandOptions, report: SendReport): string {
  const { sent, acknowledged, partiallyRejected, refused, failed, unanswered, retries, latency } = report;
  const seconds = (report.durationMs / 1_000).toFixed(1);
  const signals = Object.entries(report.bySignal).map(([signal, { items }]) => {
    const points = signal === "metrics" ? ` with ${grouped(items * POINTS_PER_METRIC)} data points` : "";
    return `${signal} ${grouped(items)}${points}`;
  });
  const rows: [label: string, text: string][] = [
    ["to", `${options.url} (${options.protocol})`],
    [
      "sent",
      `${grouped(sent.items)} items in ${grouped(sent.requests)} requests over ${seconds} s (${signals.join(", ")})`,
    ],
    ["acknowledged", `${grouped(acknowledged.items)} items, ${grouped(report.itemsPerSecond)} items/s`],
  ];
  if (partiallyRejected.items > 0)
    rows.push([
      "rejected in part",
      `${grouped(partiallyRejected.items)} by ${grouped(partiallyRejected.requests)} replies`,
    ]);
  for (const loss of refused) rows.push(["refused", lossText(loss)]);
  for (const loss of failed) rows.push(["failed", lossText(loss)]);
  if (unanswered.requests > 0) rows.push(["unanswered", `${grouped(unanswered.items)} items when it was stopped`]);
  if (retries > 0) rows.push(["retries", grouped(retries)]);
  if (latency.count > 0) rows.push(["latency", latencyText(latency)]);
  if (isUnreachable(report))
    rows.push(["to mend it", "start a node with signalbox run -c <file>, or name another address"]);
  return rows.map(([label, text]) => `${label.padEnd(LABEL_COLUMNS)}${text}\n`).join("");
}

/** One line that fits a terminal, without a line break. */
function progressText(report: SendReport, columns: number): string {
  const losses = [...report.refused, ...report.failed].reduce((sum, loss) => sum + loss.items, 0);
  const parts = [
    `${(report.durationMs / 1_000).toFixed(0)} s`,
    `sent ${grouped(report.sent.items)}`,
    `acknowledged ${grouped(report.acknowledged.items)}`,
    ...(losses > 0 ? [`not taken ${grouped(losses)}`] : []),
    `${grouped(report.itemsPerSecond)} items/s`,
    `p99 ${ms(report.latency.p99Ms)}`,
  ];
  return parts.join("  ").slice(0, Math.max(0, columns - 1));
}

const LABEL_COLUMNS = 18;

function lossText({ code, requests, items, message }: SendLoss): string {
  const said = message === "" || message === code ? "" : `: ${message}`;
  return `${grouped(items)} items in ${grouped(requests)} requests, ${code}${said}`;
}

function latencyText({ p50Ms, p90Ms, p99Ms, maxMs }: LatencySummary): string {
  return `p50 ${ms(p50Ms)}, p90 ${ms(p90Ms)}, p99 ${ms(p99Ms)}, max ${ms(maxMs)}`;
}

function ms(value: number): string {
  return value < 100 ? `${value.toFixed(1)} ms` : `${value.toFixed(0)} ms`;
}
