import type { MetricSpec } from "../../src/telemetry/metric-spec.ts";
import { METRICS } from "../../src/telemetry/metric-table.ts";

/** docs/reference/metrics.md, from the table. */
export function metricReference(): string {
  const rows = Object.values<MetricSpec>(METRICS).map(rowOf);
  return `# Metrics

Served at \`/metrics\` of the admin listener in the Prometheus text format. Counters start at zero with the process.
\`of a node\` says what the number is where a data plane counts in several processes: the \`sum\`, the \`max\`, or what the \`main\` process
says.
Where a label could take any number of values, series beyond a bound are counted together under \`other\`.

| name | kind | unit | labels | of a node | meaning |
| --- | --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}

function rowOf(spec: MetricSpec): string {
  const labels = spec.labels.map((label) => `\`${label}\``).join(", ");
  return `| \`${spec.name}\` | ${spec.kind} | ${spec.unit} | ${labels} | ${spec.merge} | ${spec.help.replaceAll("|", String.raw`\|`)} |`;
}
