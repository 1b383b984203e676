import { setImmediate as turn } from "node:timers/promises";
import { Unreachable } from "../core/unreachable.ts";
import type { MetricsSnapshot, SeriesSnapshot } from "../core/snapshot.ts";
import type { MetricSpec } from "./metric-spec.ts";
import { METRICS } from "./metric-table.ts";

/** Content type of the text exposition format. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * All metrics in the Prometheus text format 0.0.4, in the order of the table; families without
 * series keep HELP and TYPE.
 */
export function exposition(metrics: MetricsSnapshot): string {
  return Array.from(pieces(metrics)).join("");
}

/**
 * The same as bytes, piece by piece, so that neither the page of a node with thousands of rules is
 * in memory as a whole, nor all else waits until it is written: there is a turn after each piece.
 */
export async function* expositionChunks(metrics: MetricsSnapshot): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for (const piece of pieces(metrics)) {
    yield encoder.encode(piece);
    await turn();
  }
}

/** Lines of one piece, if there are as many. */
const PIECE_LINES = 200;

function* pieces(metrics: MetricsSnapshot): Generator<string> {
  let lines: string[] = [];
  for (const spec of Object.values<MetricSpec>(METRICS)) {
    lines.push(`# HELP ${spec.name} ${escapeHelp(spec.help)}`, `# TYPE ${spec.name} ${spec.kind}`);
    for (const series of metrics[spec.name] ?? []) {
      writeSeries(lines, spec, series);
      if (lines.length < PIECE_LINES) continue;
      yield `${lines.join("\n")}\n`;
      lines = [];
    }
  }
  if (lines.length > 0) yield `${lines.join("\n")}\n`;
}

function writeSeries(lines: string[], spec: MetricSpec, series: SeriesSnapshot): void {
  const labels = spec.labels.map((name, i) => `${name}="${escapeLabel(series.labels[i] ?? "")}"`);
  switch (spec.kind) {
    case "counter":
    case "gauge":
      lines.push(`${spec.name}${braces(labels)} ${numberText(series.value)}`);
      break;
    case "histogram":
      writeHistogram(lines, spec, labels, series);
      break;
    default:
      throw new Unreachable(spec.kind satisfies never);
  }
}

/** Buckets are cumulative here, and not in memory. */
function writeHistogram(lines: string[], spec: MetricSpec, labels: readonly string[], histogram: SeriesSnapshot): void {
  let count = 0;
  for (const [i, bound] of [...(spec.buckets ?? []), Number.POSITIVE_INFINITY].entries()) {
    count += histogram.counts?.[i] ?? 0;
    lines.push(`${spec.name}_bucket${braces([...labels, `le="${numberText(bound)}"`])} ${count}`);
  }
  lines.push(
    `${spec.name}_sum${braces(labels)} ${numberText(histogram.value)}`,
    `${spec.name}_count${braces(labels)} ${count}`,
  );
}

function braces(labels: readonly string[]): string {
  return labels.length === 0 ? "" : `{${labels.join(",")}}`;
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value); // NaN is written NaN
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", String.raw`\\`).replaceAll("\n", String.raw`\n`);
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', String.raw`\"`);
}
