import { caseNamed, SIZES } from "../cases.ts";
import { HAPROXY_TCP, WIRE_PEERS } from "../peers.ts";
import { SIGNALBOX } from "../system.ts";
import { compare } from "./compared.ts";
import type { Comparison } from "./compared.ts";
import type { SeriesResult } from "./series.ts";

/** Loads of the marks by what the part is called: gRPC on four connections, HTTP/1.1 on 32. */
const LOADS = { wire: "wire", "wire-http": "wire-http-both" } as const;

/**
 * The router beside a proxy that reads nothing and beside all others that are there, under the load
 * that the marks speak of.
 */
export async function measureWire(kind: keyof typeof LOADS, windows: number, short: boolean): Promise<SeriesResult> {
  const all = [HAPROXY_TCP, SIGNALBOX, ...WIRE_PEERS].map((system) => ({ system, missing: system.missing() }));
  const there = all.filter(({ missing }) => missing === undefined).map(({ system }) => system);
  if (!there.includes(SIGNALBOX)) throw new Error(SIGNALBOX.missing());
  const comparisons: Comparison[] = SIZES.map((size) => {
    const run = caseNamed(`${LOADS[kind]}-${size}`);
    return { load: run.title, lanes: there.map((system) => ({ system, run })) };
  });
  const series = await compare(comparisons, windows, short);
  const versions = there.flatMap((each) => (each.version === undefined ? [] : [`${each.name}: ${each.version()}`]));
  const absent = all.flatMap(({ system, missing }) => (missing === undefined ? [] : [`${system.name}: ${missing}`]));
  const notes = [
    "Signalbox sends half of it to each of two sinks; the others send everything to one.",
    ...(versions.length > 0 ? [`${versions.join("; ")}.`] : []),
    ...(absent.length > 0 ? [`Not there: ${absent.join("; ")}.`] : []),
  ];
  return { kind, series, cores: undefined, notes };
}
