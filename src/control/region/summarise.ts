import type { CollectorTable, KnownCollector } from "./collector-table.ts";
import { fewNames, lowest, noNumbers, PLAIN_NUMBERS, placeIn, worseFirst } from "./fleet-numbers.ts";
import {
  type FleetNumbers,
  LATENCY_BOUNDS,
  MAX_WORST,
  UTILIZATION_BOUNDS,
  type WorstCollector,
} from "./region-summary.ts";

const MAX_NAME = 48;
const MAX_REASON = 60;

/** Of all collectors of a table: some microseconds for each. */
export function numbersOf(table: CollectorTable): FleetNumbers {
  const numbers = noNumbers();
  const counts = { states: named(), health: named(), versions: named(), configs: named(), results: named() };
  const worst: WorstCollector[] = [];
  for (const known of table) {
    const { report } = known;
    add(numbers, known);
    increase(counts.states, known.state);
    increase(counts.health, report.health.state);
    increase(counts.versions, report.version);
    increase(counts.configs, String(report.config.version));
    increase(counts.results, report.config.result);
    keepWorst(worst, known);
  }
  numbers.states = Object.fromEntries(counts.states);
  numbers.health = Object.fromEntries(counts.health);
  numbers.versions = fewNames(counts.versions);
  numbers.config_versions = fewNames(counts.configs);
  numbers.config_results = Object.fromEntries(counts.results);
  numbers.worst = worst;
  return rounded(numbers);
}

/** What a suspect said last is no load any more; that it is there, and may come back, is known. */
function add(numbers: FleetNumbers, { report, state }: KnownCollector): void {
  numbers.collectors++;
  numbers.schema_max = lowest(numbers.schema_max, report.schema_max);
  if (state === "suspect") return;
  const { load, capacity } = report;
  const items = load.items_per_second;
  numbers.capacity_items_per_second += capacity.items_per_second;
  numbers.items_per_second += items;
  numbers.bytes_per_second += load.bytes_per_second;
  numbers.queue_items += load.queue_items;
  numbers.failed_items_per_second += items * Math.min(1, load.error_rate);
  numbers.sampled_items_per_second += items * Math.min(1, load.sampling_rate);
  numbers.latency_weight += items * load.latency_ms;
  const carries = Math.max(1, capacity.items_per_second);
  numbers.load_capacity += carries;
  numbers.load_weight += carries * load.utilization;
  numbers.forecast_weight += carries * (report.forecast_utilization ?? load.utilization);
  numbers.max_cpu = Math.max(numbers.max_cpu, load.cpu);
  numbers.max_memory = Math.max(numbers.max_memory, load.memory);
  numbers.max_event_loop_ms = Math.max(numbers.max_event_loop_ms, load.event_loop_ms);
  numbers.max_utilization = Math.max(numbers.max_utilization, load.utilization);
  numbers.max_latency_ms = Math.max(numbers.max_latency_ms, load.latency_ms);
  numbers.utilization[placeIn(UTILIZATION_BOUNDS, load.utilization)]!++;
  numbers.latency[placeIn(LATENCY_BOUNDS, load.latency_ms)]!++;
}

function keepWorst(worst: WorstCollector[], { report, state }: KnownCollector): void {
  const { load, health } = report;
  const one: WorstCollector = {
    id: report.id,
    state: health.state === "unhealthy" ? health.state : state,
    utilization: round(load.utilization),
    error_rate: round(load.error_rate),
    reason: plainText(health.reason, MAX_REASON),
  };
  const last = worst.at(-1);
  if (worst.length === MAX_WORST && last !== undefined && worseFirst(one, last) >= 0) return;
  worst.push(one);
  worst.sort(worseFirst);
  if (worst.length > MAX_WORST) worst.pop();
}

function named(): Map<string, number> {
  return new Map();
}

function increase(counts: Map<string, number>, name: string): void {
  const key = plainText(name, MAX_NAME);
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Fifteen digits say no more than four, and take more room. */
function rounded(numbers: FleetNumbers): FleetNumbers {
  for (const name of PLAIN_NUMBERS) numbers[name] = round(numbers[name]);
  return numbers;
}

function round(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(6));
}

/** Each character of it is one byte, also in JSON: so the summary's size has a bound. */
function plainText(text: string, most: number): string {
  const plain = text.slice(0, most).replace(/[^ !#-[\]-~]/gu, "?");
  return text.length <= most ? plain : `${plain.slice(0, most - 2)}..`;
}
