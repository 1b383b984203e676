import type { CollectorsFigures, ControllersFigures } from "./messages.ts";

/** Of all processes: what adds up is added, of the rest it is the worst. */
export function sumControllers(all: readonly ControllersFigures[]): ControllersFigures {
  const margins = all.flatMap(({ leastMarginMs }) => leastMarginMs ?? []);
  const sum = (of: (figures: ControllersFigures) => number): number => all.reduce((total, each) => total + of(each), 0);
  return {
    leads: all.flatMap(({ leads }) => leads),
    leadsFleet: all.some(({ leadsFleet }) => leadsFleet),
    collectors: sum(({ collectors }) => collectors),
    held: sum(({ held }) => held),
    looking: sum(({ looking }) => looking),
    refusedConnections: sum(({ refusedConnections }) => refusedConnections),
    renewals: sum(({ renewals }) => renewals),
    leastMarginMs: margins.length === 0 ? undefined : Math.min(...margins),
    sessionsLost: sum(({ sessionsLost }) => sessionsLost),
    longestLoopMs: Math.max(0, ...all.map(({ longestLoopMs }) => longestLoopMs)),
  };
}

export function sumCollectors(all: readonly CollectorsFigures[]): CollectorsFigures {
  const sum = (of: (figures: CollectorsFigures) => number): number => all.reduce((total, each) => total + of(each), 0);
  const fewest = all.flatMap(({ fewestFound }) => fewestFound ?? []);
  return {
    following: sum(({ following }) => following),
    heard: sum(({ heard }) => heard),
    reports: sum(({ reports }) => reports),
    lost: sum(({ lost }) => lost),
    lastHeardMs: Math.max(0, ...all.map(({ lastHeardMs }) => lastHeardMs)),
    looking: sum(({ looking }) => looking),
    fewestFound: fewest.length === 0 ? undefined : Math.min(...fewest),
  };
}
