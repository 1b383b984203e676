import { collectorsNeeded } from "../control/load/little.ts";
import type { LoadForecast } from "../control/load/forecast.ts";
import type { HorizonQuality } from "../control/load/horizon-errors.ts";
import type { LoadMonitor } from "../control/load/load-monitor.ts";
import { type LoadCapacity, type LoadSample, NO_LOAD, roundedLoad } from "../control/load/load-report.ts";
import { isoTime } from "../core/iso-time.ts";
import { parseDuration } from "../core/units.ts";
import type { AdminContext } from "./context.ts";
import { problemReply } from "./reply.ts";
import { type AdminReply, type AdminRequest, type AdminRoute, READ, type View } from "./route.ts";

const MAX_HORIZON_MS = 86_400_000;
const DEFAULT_HORIZON = "1m";
const DEFAULT_HISTORY = "60";

/** The node's own load. */
export function loadRoutes(context: AdminContext): AdminRoute[] {
  return [
    {
      ...READ,
      path: "/api/v1/load",
      summary: "The node's load: now, its history, and a forecast of its items.",
      statuses: [400],
      query: {
        horizon: `How far the forecast looks ahead: 30s, 5m, or milliseconds, up to a day; default: ${DEFAULT_HORIZON}.`,
        history: `How many of the newest samples are told; default: ${DEFAULT_HISTORY}.`,
      },
      handle: (request) => loadReply(request, context),
    },
  ];
}

function loadReply({ query }: AdminRequest, { load, facts, walk }: AdminContext): AdminReply {
  const horizonMs = horizonOf(query.get("horizon") ?? DEFAULT_HORIZON);
  if (horizonMs === undefined) return problemReply(400, "`horizon` is no duration up to a day: write 30s, 5m or 1h");
  const history = query.get("history") ?? DEFAULT_HISTORY;
  if (!/^\d{1,6}$/u.test(history)) return problemReply(400, "`history` is no number of samples");
  const of = { id: facts.id, region: walk.status.running.node.region };
  return { status: 200, body: { ...of, ...loadView(load, { horizonMs, history: Number(history) }) } };
}

function horizonOf(text: string): number | undefined {
  const ms = /^\d+$/u.test(text) ? Number(text) : parseDuration(text);
  return ms !== undefined && ms > 0 && ms <= MAX_HORIZON_MS ? ms : undefined;
}

function loadView(load: LoadMonitor, asked: { readonly horizonMs: number; readonly history: number }): View {
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
    items_per_second: Number(value.toFixed(1)),
    low: roundOrNull(low),
    high: roundOrNull(high),
    confidence: shareOrNull(confidence),
    method,
    skill: shareOrNull(skill),
    coverage: shareOrNull(coverage),
    points,
    collectors_needed: isKnown ? (collectorsNeeded({ perSecond, ...places }) ?? null) : null,
  };
}

function qualityView({ horizonMs, coverage, skill, scored }: HorizonQuality): View {
  return { horizon_ms: horizonMs, coverage: shareOrNull(coverage), skill: shareOrNull(skill), scored };
}

function roundOrNull(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value);
}

function shareOrNull(value: number | undefined): number | null {
  return value === undefined ? null : Number(value.toFixed(4));
}
