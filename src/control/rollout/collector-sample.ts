import type { CollectorView } from "../fleet/messages.ts";

/** What counts of a collector while a config is tried. */
export interface CollectorSample {
  readonly id: string;
  readonly region: string;
  readonly incarnation: string;
  /** It has reported lately. */
  readonly isLive: boolean;
  readonly isHealthy: boolean;
  /** The version that it runs. */
  readonly version: number;
  /** The version that it was given last and will not run; undefined: there is none. */
  readonly refuses: number | undefined;
  readonly reason: string;
  /** Since its start: items that have come to an end, and those of them that nobody has. */
  readonly attempted: number;
  readonly failed: number;
  readonly itemsPerSecond: number;
  /** Now: items that wait in its queues. */
  readonly waiting: number;
  /** Since its start: requests that it has answered, and those of them with an error. */
  readonly requests: number;
  readonly refused: number;
  /** How often it tells all this. */
  readonly reportMs: number;
}

/** All collectors at about the same time. */
export interface FleetSample {
  readonly collectors: readonly CollectorSample[];
  /** Whose controller does not answer, or does not know all yet; empty: nobody is missing. */
  readonly silent: readonly string[];
  /** Starts of nodes that have said goodbye lately: see `startOf`. Absent: nobody has. */
  readonly left?: ReadonlySet<string> | undefined;
}

/** One start of a node, as a text. */
export function startOf({ id, incarnation }: Pick<CollectorSample, "id" | "incarnation">): string {
  return `${id} ${incarnation}`;
}

/** Of those who do not say how often they report. */
const USUAL_REPORT_MS = 5_000;

export function sampleOf(view: CollectorView): CollectorSample {
  const { id, region, incarnation, state, health, config, counters, load } = view;
  return {
    id,
    region,
    incarnation,
    isLive: state === "live",
    isHealthy: health.state === "healthy",
    version: config.version,
    refuses: config.result === "refused" ? config.tried_version : undefined,
    reason: config.reason ?? "",
    attempted: counters.attempted_items,
    failed: counters.failed_items,
    itemsPerSecond: load.items_per_second,
    waiting: load.queue_items,
    requests: counters.requests,
    refused: counters.refused_requests,
    reportMs: view.report_interval_ms ?? USUAL_REPORT_MS,
  };
}
