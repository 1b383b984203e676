import type { CollectorView } from "../fleet/messages.ts";
import type { KnownCollector } from "./collector-table.ts";

/** A collector as those see it who ask its controller. */
export function viewOf({ report, state, seenMs }: KnownCollector, nowMs: number): CollectorView {
  const { id, region, incarnation, version, addresses, tags, capacity, load, health, config, schema_max } = report;
  const { counters, limited, degraded } = report;
  const said = {
    id,
    region,
    incarnation,
    version,
    addresses,
    tags,
    capacity,
    load,
    counters,
    health,
    config,
    schema_max,
    ...(limited !== undefined && { limited }),
    ...(degraded !== undefined && { degraded }),
  };
  const view = { ...said, state, age_ms: Math.max(0, nowMs - seenMs) };
  const { report_interval_ms } = report;
  return report_interval_ms === undefined ? view : { ...view, report_interval_ms };
}
