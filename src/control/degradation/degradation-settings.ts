import type { DegradationDocument } from "../../config/schema/fleet.ts";
import type { DegradationSettings } from "./fleet-degradation.ts";

const DEFAULT_DWELL_MS = 30_000;

/** Of what is configured; without it no load begins anything, and only orders count. */
export function degradationSettings(settings: DegradationDocument | undefined): DegradationSettings {
  if (settings?.enabled !== true) {
    const never = Number.POSITIVE_INFINITY;
    return { threshold: never, recoveryThreshold: never, minDwellMs: DEFAULT_DWELL_MS, isPredictive: false };
  }
  return {
    threshold: settings.threshold,
    recoveryThreshold: settings.recovery_threshold,
    minDwellMs: settings.min_dwell,
    isPredictive: settings.predictive,
  };
}
