import { z } from "zod";
import { parseIsoTime } from "../../core/iso-time.ts";
import type { Entry } from "../../store/store.ts";
import { readJson, type Shaped } from "../../store/recipes/json-value.ts";
import { checkedPart, checkedPrefix } from "../../store/recipes/keys.ts";
import { parseEpoch } from "../../store/recipes/epoch.ts";

/** `<prefix>/regions/<id>` takes no more, however many collectors there are. */
export const MAX_SUMMARY_BYTES = 8_192;

/** Kept apart in a count by name; the rest are counted together under this name. */
export const MAX_NAMES = 16;
export const OTHER = "other";
export const MAX_WORST = 10;

/** Upper bounds: of utilization (shares of what a collector has), and of milliseconds. */
export const UTILIZATION_BOUNDS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1] as const;
export const LATENCY_BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000] as const;

const quantity = z.number().min(0).catch(0).default(0);
const count = z.int().min(0).catch(0).default(0);
const text = z.string().max(128).catch("").default("");

/** Counts by name: a version, for example. */
const CountsSchema = z.record(z.string().max(64), count).default({});

/** One more than bounds: what is above all of them. */
function histogram(bounds: readonly number[]): z.ZodType<number[]> {
  return z
    .array(count)
    .length(bounds.length + 1)
    .catch(() => Array.from({ length: bounds.length + 1 }, () => 0));
}

const WorstSchema = z.object({
  id: z.string().max(128),
  state: text,
  utilization: quantity,
  error_rate: quantity,
  reason: z.string().max(100).catch("").default(""),
});

/**
 * What adds up of a region's collectors: sums, maxima, counts. Averages are kept as sums with what
 * they are weighted by, so that they can be added, too.
 */
export const FleetNumbersSchema = z.object({
  collectors: count,
  /** Live, suspect; healthy, unhealthy, unknown: each collector is in one of either. */
  states: CountsSchema,
  health: CountsSchema,
  versions: CountsSchema,
  /** By version of the config that runs; `refused` and the like: what became of the newest. */
  config_versions: CountsSchema,
  config_results: CountsSchema,
  capacity_items_per_second: quantity,
  items_per_second: quantity,
  bytes_per_second: quantity,
  queue_items: quantity,
  /** Of these the other averages are: items/s of collectors that are live. */
  failed_items_per_second: quantity,
  sampled_items_per_second: quantity,
  /**
   * Of what collectors can carry, where they do not know as 1: the sum, that of load times it, and
   * of the load that each expects in a minute.
   */
  load_capacity: quantity,
  load_weight: quantity,
  forecast_weight: quantity,
  /** Milliseconds times items/s. */
  latency_weight: quantity,
  max_cpu: quantity,
  max_memory: quantity,
  max_event_loop_ms: quantity,
  max_utilization: quantity,
  max_latency_ms: quantity,
  /** Collectors, by what they say of themselves. */
  utilization: histogram(UTILIZATION_BOUNDS),
  latency: histogram(LATENCY_BOUNDS),
  /** The lowest `schema` that one of them reads at most; 0: there is none. */
  schema_max: count,
  /** Worst first. */
  worst: z.array(WorstSchema).max(MAX_WORST).catch([]).default([]),
});
export type FleetNumbers = z.output<typeof FleetNumbersSchema>;
export type WorstCollector = FleetNumbers["worst"][number];

/** What stands at `<prefix>/regions/<id>`: fields are only ever added. */
export const RegionSummarySchema = z.object({
  schema: z.int().min(1).default(1),
  region: z.string().min(1).max(128),
  /** Who wrote it, and by which epoch; with each write `seq` rises. */
  controller: z.string().max(256).default(""),
  epoch: z.string().refine((epoch) => parseEpoch(epoch) !== undefined, "is not an epoch"),
  seq: z.int().min(0),
  /** The region has no controller of its own: the global leader does its work. */
  adopted: z.boolean().default(false),
  observed_at: z.string().refine((at) => parseIsoTime(at) !== undefined, "is not a time"),
  /** Of the ids of its collectors. */
  view_digest: z.string().max(64).default(""),
  numbers: FleetNumbersSchema,
});
export type RegionSummary = z.output<typeof RegionSummarySchema>;

export function regionsPrefix(prefix: string): string {
  return `${checkedPrefix(prefix)}/regions/`;
}

/** Fails with `STORE_REFUSED` for what cannot be a key. */
export function regionKey(prefix: string, region: string): string {
  return regionsPrefix(prefix) + checkedPart(region, "the id of a region");
}

export function decodeSummary(entry: Entry): Shaped<RegionSummary> {
  return readJson(entry.value, RegionSummarySchema);
}
