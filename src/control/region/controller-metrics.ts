import { writeJson } from "../../store/recipes/json-value.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { COLLECTOR_STATES } from "./collector-table.ts";
import type { RegionSummary } from "./region-summary.ts";
import type { RegionObserver, RegionService } from "./region-service.ts";

/** Told what a controller leads. */
export interface ServiceObserver extends RegionObserver {
  served(service: RegionService): void;
  servedNoMore(service: RegionService): void;
}

/** Counts what a controller does. */
export function controllerMetrics(metrics: Metrics): ServiceObserver {
  const adopted = new Set<RegionService>();
  const serving = new Map<string, RegionService>();
  metrics.controllerAdopted.with().read(() => adopted.size);
  return {
    reported: (outcome) => metrics.controllerReports.with(outcome).add(1),
    summaryWritten(summary: RegionSummary) {
      metrics.controllerSummaries.with().add(1);
      const { length } = writeJson(summary);
      metrics.controllerSummaryBytes.with(summary.region).read(() => length);
    },
    bounded: (bound) => metrics.controllerDiscoverBounds.with(bound).add(1),
    served(service) {
      const { region } = service;
      serving.set(region, service);
      if (service.isAdopted) adopted.add(service);
      for (const state of COLLECTOR_STATES) {
        metrics.controllerCollectors.with(region, state).read(() => service.table.count(state));
      }
      metrics.controllerAwaits.with(region).read(() => service.waiting);
      metrics.controllerDiscovers.with(region).read(() => service.looking);
    },
    servedNoMore(service) {
      const { region } = service;
      adopted.delete(service);
      // Another one may serve the region already.
      if (serving.get(region) !== service) return;
      serving.delete(region);
      for (const state of COLLECTOR_STATES) metrics.controllerCollectors.remove(region, state);
      metrics.controllerAwaits.remove(region);
      metrics.controllerDiscovers.remove(region);
      metrics.controllerSummaryBytes.remove(region);
    },
  };
}
