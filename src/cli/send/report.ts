import type { LatencySummary } from "./latency.ts";
import type { SendOptions } from "./options.ts";
import type { Loss, SendReport } from "./tallies.ts";

/** The report for people. */
export function reportText(options: SendOptions, report: SendReport): string {
  const { sent, acknowledged, partiallyRejected, refused, failed, unanswered, retries, latency } = report;
  const seconds = (report.durationMs / 1_000).toFixed(1);
  const signals = Object.entries(report.bySignal).map(([signal, amount]) => `${signal} ${number(amount.items)}`);
  const rows: [label: string, text: string][] = [
    ["to", `${options.url} (${options.protocol})`],
    [
      "sent",
      `${number(sent.items)} items in ${number(sent.requests)} requests over ${seconds} s (${signals.join(", ")})`,
    ],
    ["acknowledged", `${number(acknowledged.items)} items, ${number(report.itemsPerSecond)} items/s`],
  ];
  if (partiallyRejected.items > 0)
    rows.push([
      "rejected in part",
      `${number(partiallyRejected.items)} by ${number(partiallyRejected.requests)} replies`,
    ]);
  for (const loss of refused) rows.push(["refused", lossText(loss)]);
  for (const loss of failed) rows.push(["failed", lossText(loss)]);
  if (unanswered.requests > 0) rows.push(["unanswered", `${number(unanswered.items)} items when it was stopped`]);
  if (retries > 0) rows.push(["retries", number(retries)]);
  if (latency.count > 0) rows.push(["latency", latencyText(latency)]);
  return rows.map(([label, text]) => `${label.padEnd(LABEL_COLUMNS)}${text}\n`).join("");
}

/** One line that fits a terminal, without a line break. */
export function progressText(report: SendReport, columns: number): string {
  const losses = [...report.refused, ...report.failed].reduce((sum, loss) => sum + loss.items, 0);
  const parts = [
    `${(report.durationMs / 1_000).toFixed(0)} s`,
    `sent ${number(report.sent.items)}`,
    `acknowledged ${number(report.acknowledged.items)}`,
    ...(losses > 0 ? [`not taken ${number(losses)}`] : []),
    `${number(report.itemsPerSecond)} items/s`,
    `p99 ${ms(report.latency.p99Ms)}`,
  ];
  return parts.join("  ").slice(0, Math.max(0, columns - 1));
}

const LABEL_COLUMNS = 18;

function lossText({ code, requests, items, message }: Loss): string {
  const said = message === "" || message === code ? "" : `: ${message}`;
  return `${number(items)} items in ${number(requests)} requests, ${code}${said}`;
}

function latencyText({ p50Ms, p90Ms, p99Ms, maxMs }: LatencySummary): string {
  return `p50 ${ms(p50Ms)}, p90 ${ms(p90Ms)}, p99 ${ms(p99Ms)}, max ${ms(maxMs)}`;
}

function ms(value: number): string {
  return value < 100 ? `${value.toFixed(1)} ms` : `${value.toFixed(0)} ms`;
}

function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
