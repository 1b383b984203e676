import { caseNamed, SIZES } from "../cases.ts";
import { aims, atLeast, millions, percent, times } from "../mark.ts";
import type { Mark } from "../mark.ts";
import { HAPROXY_TCP } from "../peers.ts";
import { SIGNALBOX } from "../system.ts";
import { LOADS, loadOf, NAMES } from "./protocols.ts";
import type { LaneWindow, Series, SeriesResult } from "./series.ts";
import { SAMPLING } from "./stages.ts";
import { median, timesOf } from "./statistics.ts";

/** By items in a request. */
const WIRE_SHARES = {
  10: { least: 0.65, goal: 0.8 },
  100: { least: 0.7, goal: 0.9 },
  1_000: { least: 0.9, goal: 1.1 },
};
const HTTP_SHARE = 0.85;
const PIPELINED_SHARE = 0.9;
const TLS_SHARE = 0.75;
const GZIP_SPANS = 700_000;
const JSON_SHARE = 0.6;

/** Spans per CPU-second as a share of what a proxy has that reads nothing. */
export function wireMarks({ series }: SeriesResult): Mark[] {
  return SIZES.flatMap((size) => {
    const load = caseNamed(`wire-${size}`).title;
    const share = shareOf(series, load, SIGNALBOX.name, HAPROXY_TCP.name);
    if (share === undefined) return [];
    return [aims(`${load}: spans per CPU-second, times those of HAProxy in mode tcp`, share, WIRE_SHARES[size], times)];
  });
}

export function protocolMarks({ series }: SeriesResult): Mark[] {
  const beside = (load: string, name: string, least: number, other: string = NAMES.grpc): Mark[] => {
    const share = shareOf(series, load, name, other);
    return share === undefined ? [] : [atLeast(`${load}: ${name}, as a share of ${other}`, share, least, percent)];
  };
  const [gzip, json] = [loadOf(LOADS.gzip, 100), loadOf(LOADS.json, 100)];
  const inflated = series.find((each) => each.load === gzip && each.system === NAMES.gzip);
  return [
    ...SIZES.flatMap((size) => [
      ...beside(loadOf(LOADS.many, size), NAMES.httpIn, HTTP_SHARE),
      ...beside(loadOf(LOADS.many, size), NAMES.httpBoth, HTTP_SHARE),
      ...beside(loadOf(LOADS.few, size), NAMES.pipelined, PIPELINED_SHARE),
      ...beside(loadOf(LOADS.few, size), NAMES.tls, TLS_SHARE),
    ]),
    ...(inflated === undefined
      ? []
      : [
          atLeast(
            `${gzip}: ${NAMES.gzip}, spans per CPU-second`,
            median(inflated.windows.map(cost)),
            GZIP_SPANS,
            millions,
          ),
        ]),
    ...beside(json, NAMES.transcoding, JSON_SHARE, NAMES.parsing),
  ];
}

export function samplingMarks({ series }: SeriesResult): Mark[] {
  const load = series[0]?.load ?? "";
  const least = { tenth: 1, marked: 0.8, span: 0.85 };
  return (["tenth", "marked", "span"] as const).flatMap((each) => {
    const share = shareOf(series, load, SAMPLING[each], SAMPLING.none);
    const what = `sampling, ${SAMPLING[each]}: received spans per CPU-second, as a share of those without`;
    return share === undefined ? [] : [atLeast(what, share, least[each], percent)];
  });
}

function shareOf(series: readonly Series[], load: string, name: string, other: string): number | undefined {
  const [own, beside] = [name, other].map((system) =>
    series.find((each) => each.load === load && each.system === system),
  );
  return own === undefined || beside === undefined ? undefined : timesOf(own, beside, cost);
}

function cost({ itemsPerCpuSecond }: LaneWindow): number {
  return itemsPerCpuSecond;
}
