import { caseNamed, SIZES } from "../cases.ts";
import { SIGNALBOX } from "../system.ts";
import { compare } from "./compared.ts";
import type { SeriesResult } from "./series.ts";

/** Of each signal the case with so many of its items in a request. */
const SIGNAL_CASES = { traces: "wire", logs: "wire-logs", metrics: "wire-metrics" } as const;

/** Logs and metrics beside traces: what is slower for each byte than for spans shows in MB. */
export async function measureSignals(windows: number, short: boolean): Promise<SeriesResult> {
  const comparisons = SIZES.map((size) => ({
    load: `${size.toLocaleString("en-US")} items a request`,
    lanes: Object.entries(SIGNAL_CASES).map(([name, prefix]) => ({
      name,
      system: SIGNALBOX,
      run: caseNamed(`${prefix}-${size}`),
    })),
  }));
  return { kind: "signals", series: await compare(comparisons, windows, short), cores: undefined };
}
