import { caseNamed } from "../cases.ts";
import { SIGNALBOX } from "../system.ts";
import { compare } from "./compared.ts";
import type { SeriesName, SeriesResult } from "./series.ts";

const LOAD = "100 spans, by service";
/** As series name what sampling costs beside none, and stages that take nothing. */
export const SAMPLING = {
  none: "everything is kept",
  tenth: "a tenth is kept",
  marked: "all is kept and marked",
  span: "a tenth is kept, and all that failed",
} as const;
const STAGES = {
  none: "no limits",
  limited: "limits far above the load",
  degradable: "degradation that does not come",
};

/** What it costs to keep a part, beside keeping all: what is not kept is not sent. */
export function measureSampling(windows: number, short: boolean): Promise<SeriesResult> {
  const { none, tenth, marked, span } = SAMPLING;
  const cases = { "grpc-100": none, "sampled-tenth": tenth, "sampled-marked": marked, "sampled-span": span };
  return measure("sampling", cases, windows, short);
}

/** Stages that are on and do nothing. */
export function measureStages(windows: number, short: boolean): Promise<SeriesResult> {
  const cases = { "grpc-100": STAGES.none, limited: STAGES.limited, degradable: STAGES.degradable };
  return measure("stages", cases, windows, short);
}

/** `cases`: names by the cases that they are for. */
async function measure(
  kind: SeriesName,
  cases: Readonly<Record<string, string>>,
  windows: number,
  short: boolean,
): Promise<SeriesResult> {
  const lanes = Object.entries(cases).map(([run, name]) => ({ name, system: SIGNALBOX, run: caseNamed(run) }));
  const series = await compare([{ load: LOAD, lanes }], windows, short);
  const out = series.map(({ system, outBytesPerItem }) => `${system}: ${outBytesPerItem.toFixed(0)}`);
  const notes = [`Bytes sent on for each span that was received: ${out.join("; ")}.`];
  return { kind, series, cores: undefined, notes };
}
