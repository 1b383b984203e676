import { collectorsNeeded } from "../control/load/little.ts";
import type { LoadForecast } from "../control/load/forecast.ts";
import type { HorizonQuality } from "../control/load/horizon-errors.ts";
import type { LoadMonitor } from "../control/load/load-monitor.ts";
import { type LoadCapacity, type LoadSample, NO_LOAD, roundedLoad } from "../control/load/load-report.ts";
import { isoTime } from "../core/iso-time.ts";
import type { View } from "./route.ts";

export const MAX_HORIZON_MS = 86_400_000;

/** `GET /api/v1/load` */
export function loadView(load: LoadMonitor, asked: { readonly horizonMs: number; readonly history: number }): View {
  const { newest, capacity } = load;
  return {
    at: newest === undefined ? null : isoTime(newest.atMs),
    ...roundedLoad(newest ?? NO_LOAD),
    capacity: capacityView(capacity),
    queue_full_in_ms: roundOrNull(load.queueFullInMs),
    forecast: forecastView(load.forecast(asked.horizonMs), capacity),
    forecast_quality: load.quality().map(qualityView),
    history: load.history(asked.history).map(sampleView),
  };
}

function sampleView(sample: LoadSample): View {
  return { at: isoTime(sample.atMs), ...roundedLoad(sample) };
}

function capacityView({ items_per_second: items, source }: LoadCapacity): View {
  return { items_per_second: source === "unknown" ? null : Math.round(items), source };
}

function forecastView(forecast: LoadForecast, capacity: LoadCapacity): View {
  const { horizonMs, value, low, high, confidence, method, skill, coverage, points } = forecast;
  const perSecond = high ?? value;
  const places = { serviceMs: 1_000 / capacity.items_per_second, concurrency: 1 };
  const isKnown = capacity.source !== "unknown";
  return {
    horizon_ms: horizonMs,
    items_per_second: round(value, 1),
    low: roundOrNull(low),
    high: roundOrNull(high),
    confidence: confidence === undefined ? null : round(confidence, 4),
    method,
    skill: skill === undefined ? null : round(skill, 4),
    coverage: coverage === undefined ? null : round(coverage, 4),
    points,
    collectors_needed: isKnown ? (collectorsNeeded({ perSecond, ...places }) ?? null) : null,
  };
}

function qualityView({ horizonMs, coverage, skill, scored }: HorizonQuality): View {
  return {
    horizon_ms: horizonMs,
    coverage: coverage === undefined ? null : round(coverage, 4),
    skill: skill === undefined ? null : round(skill, 4),
    scored,
  };
}

function roundOrNull(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
