import type { Measurement } from "./measure.ts";

/** The columns of the table, in print and in docs/benchmarks.md. */
const COLUMNS: readonly { readonly head: string; readonly cell: (m: Measurement) => string }[] = [
  { head: "case", cell: (m) => m.case },
  { head: "system", cell: (m) => m.system },
  { head: "items/s", cell: (m) => thousands(m.itemsPerSecond) },
  { head: "items/CPU-s", cell: (m) => thousands(m.itemsPerCpuSecond) },
  { head: "MB/CPU-s", cell: (m) => thousands(m.bytesPerCpuSecond / 1e6) },
  { head: "requests/CPU-s", cell: (m) => thousands(m.requestsPerCpuSecond) },
  { head: "CPU %", cell: (m) => m.cpuPercent.toFixed(0) },
  { head: "RSS peak MiB", cell: (m) => m.peakRssMiB.toFixed(0) },
  { head: "p50 ms", cell: (m) => m.p50Ms.toFixed(2) },
  { head: "p99 ms", cell: (m) => m.p99Ms.toFixed(2) },
  { head: "not taken", cell: notTaken },
  {
    head: "all there",
    cell: (m) => (m.check.ok ? "yes" : `NO: ${m.check.arrivedItems} of ${m.check.acknowledgedItems}`),
  },
  { head: "load + sink CPU %", cell: (m) => `${m.generatorCpuPercent.toFixed(0)} + ${m.sinkCpuPercent.toFixed(0)}` },
];

export function tableHead(): string[] {
  return COLUMNS.map(({ head }) => head);
}

export function tableRow(measurement: Measurement): string[] {
  return COLUMNS.map(({ cell }) => cell(measurement));
}

/** Columns as wide as their widest cell; the first two to the left, numbers to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "))
    .join("\n");
}

/** `14: 120, reset 8: 3`: requests by gRPC or HTTP status, and those without an answer by why. */
function notTaken(m: Measurement): string {
  const parts = Object.entries({ ...m.refused, ...m.failed }).map(([code, count]) => `${code}: ${count}`);
  if (m.partial > 0) parts.push(`partial: ${m.partial}`);
  return parts.length === 0 ? "-" : parts.join(", ");
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
