import { Unreachable } from "../core/unreachable.ts";
import type { MetricSpec } from "./metric-spec.ts";
import type { Counter, Gauge, Histogram, Metrics } from "./metrics.ts";

/** Content type of the text exposition format. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Series = Counter | Gauge | Histogram;

/** All metrics in the Prometheus text format 0.0.4, in the order of the table; families without series keep HELP and TYPE. */
export function exposition(metrics: Metrics): string {
  const lines: string[] = [];
  for (const family of Object.values(metrics)) {
    const { spec } = family;
    lines.push(`# HELP ${spec.name} ${escapeHelp(spec.help)}`, `# TYPE ${spec.name} ${spec.kind}`);
    for (const { labels, series } of family.series.values()) writeSeries(lines, spec, labels, series);
  }
  return `${lines.join("\n")}\n`;
}

function writeSeries(lines: string[], spec: MetricSpec, values: readonly string[], series: Series): void {
  const labels = spec.labels.map((name, i) => `${name}="${escapeLabel(values[i] ?? "")}"`);
  switch (spec.kind) {
    case "counter":
    case "gauge":
      if ("value" in series) lines.push(`${spec.name}${braces(labels)} ${numberText(series.value)}`);
      break;
    case "histogram":
      if ("counts" in series) writeHistogram(lines, spec, labels, series);
      break;
    default:
      throw new Unreachable(spec.kind satisfies never);
  }
}

/** Buckets are cumulative here, and not in memory. */
function writeHistogram(lines: string[], spec: MetricSpec, labels: readonly string[], histogram: Histogram): void {
  let count = 0;
  for (const [i, bound] of [...(spec.buckets ?? []), Number.POSITIVE_INFINITY].entries()) {
    count += histogram.counts[i] ?? 0;
    lines.push(`${spec.name}_bucket${braces([...labels, `le="${numberText(bound)}"`])} ${count}`);
  }
  lines.push(
    `${spec.name}_sum${braces(labels)} ${numberText(histogram.sum)}`,
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
