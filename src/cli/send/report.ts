import { grouped } from "../print.ts";
import type { LatencySummary } from "./latency.ts";
import type { SendCommandOptions } from "./options.ts";
import type { SendLoss, SendReport } from "./tallies.ts";

/** The report for people. */
export function reportText(options: SendCommandOptions, report: SendReport): string {
  const { sent, acknowledged, partiallyRejected, refused, failed, unanswered, retries, latency } = report;
  const seconds = (report.durationMs / 1_000).toFixed(1);
  const signals = Object.entries(report.bySignal).map(([signal, amount]) => `${signal} ${grouped(amount.items)}`);
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
  return rows.map(([label, text]) => `${label.padEnd(LABEL_COLUMNS)}${text}\n`).join("");
}

/** One line that fits a terminal, without a line break. */
export function progressText(report: SendReport, columns: number): string {
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
