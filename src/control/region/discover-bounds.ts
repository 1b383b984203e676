import type { Log } from "../../telemetry/log.ts";

/** What is left out when many look for members. A closed list: label of a metric. */
export type DiscoverBound = "held" | "selections" | "left" | "regions" | "no_leader";

/** Told each time. `region`: of the members that are looked for. */
export type TellBound = (bound: DiscoverBound, region: string) => void;

const TOLD: Readonly<Record<DiscoverBound, { readonly message: string; readonly hint: string }>> = {
  held: {
    message: "more calls look for members of the fleet than a controller holds: the others are answered at once",
    hint: "divide the region: give some of its nodes another one",
  },
  selections: {
    message: "members of the fleet are selected in more ways than a controller remembers: some are looked up anew",
    hint: "let the configs of nodes share selections",
  },
  left: {
    message: "more members of the fleet have left, or are unhealthy, than are told of: some are used until calls fail",
    hint: "stop fewer of them at a time, or select fewer by their tags",
  },
  regions: {
    message: "members of other regions are selected in more ways than a controller follows: some are not found",
    hint: "let the configs of nodes share selections, or select members of fewer regions",
  },
  no_leader: {
    message: "members of a region are looked for that has no controller: nobody is found there",
    hint: "see signalbox topology: the region may be written otherwise in targets: { collectors: { region } }",
  },
};

const QUIET_MS = 600_000;

/** In the log: each of them seldom. */
export function warnOfBound(log: Log, bound: DiscoverBound, region: string): void {
  const { message, hint } = TOLD[bound];
  log.limited(`discover-${bound} ${region}`, QUIET_MS)?.warn(message, { kind: "member", region, hint });
}
