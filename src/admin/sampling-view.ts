import type { ReceivedBy, SamplingSource } from "../control/sampling/sampling-source.ts";
import type { FleetConfig } from "../config/schema/config.ts";
import type { SamplingNode } from "../control/sampling/sampling-node.ts";
import { fallbackOf } from "../control/sampling/written-sampling.ts";
import type { ClassNow } from "../control/sampling/sampling-node.ts";
import { shareReason, shareReasonsOf } from "../control/sampling/share-reason.ts";
import { type TriedRates, trySampling } from "../control/sampling/try-sampling.ts";
import { isoTime } from "../core/iso-time.ts";
import { checkRandomness, type RandomnessSeen } from "../plan/sampling/randomness-check.ts";
import { keptItems, rateIn } from "../plan/sampling/class-rate.ts";
import { thresholdText } from "../plan/sampling/threshold-text.ts";
import { STATE_REASONS, type StrategyStatus } from "../plan/sampling/budget-state.ts";
import { keptPart, type ReceivedRow } from "../plan/sampling/received.ts";
import type { Clock } from "../core/clock.ts";
import type { View } from "./route.ts";

/** `GET /api/v1/sampling` */
export function samplingView(source: SamplingSource, config: FleetConfig, clock: Clock): View {
  const { node, isInFleet, mark, strategies } = source;
  const nowMs = clock.nowMs();
  const stage = node.stage(nowMs);
  const since = node.directive === undefined ? null : isoTime(clock.wallMs() - (nowMs - node.takenMs));
  const its = node.classes(nowMs).map((one) => classView(one, node.received));
  const lowest = strategies.toSorted((a, b) => a.rate - b.rate)[0];
  return {
    mode: its.length === 0 ? "off" : config.global.sampling.dry_run ? "dry_run" : "on",
    target: targetIn(config),
    state: stage === undefined ? null : (lowest?.state ?? null),
    epoch: stage === undefined ? null : (mark?.epoch ?? null),
    valid_for: since === null || stage === undefined ? null : validForMs(node, config, nowMs),
    decided_by: stage === undefined ? "config" : isInFleet ? "fleet" : "node",
    stage: stage ?? null,
    directive: since === null || stage === undefined ? null : { ...mark, since },
    may_keep_per_second: rounded(node.boundPerSecond(nowMs)),
    strategies: stage === undefined ? [] : strategies.map(strategyView),
    classes: its,
  };
}

/** Items a second of the one strategy `adaptive`; null: there is none. */
function targetIn({ global }: FleetConfig): number | null {
  const [target] = global.sampling_strategies.flatMap((one) => (one.type === "adaptive" ? [one.target_qps] : []));
  return target ?? null;
}

/** Milliseconds, until a directive that is not renewed is followed within its share only. */
function validForMs({ takenMs }: Pick<SamplingNode, "takenMs">, config: FleetConfig, nowMs: number): number {
  return Math.max(0, Math.round(takenMs + fallbackOf(config).afterMs - nowMs));
}

/** `POST /api/v1/sampling/dry-run` */
export function triedView({ of }: ReceivedBy, tried: TriedRates, config: FleetConfig): View {
  const reasonOf = shareReasonsOf(config);
  return {
    received_by: of,
    kept_per_second: rounded(tried.keptPerSecond),
    strategies: tried.strategies.map(strategyView),
    classes: tried.rates.map((rate) => ({
      signal: rate.signal,
      class: rate.class,
      ...(rate.region !== undefined && { region: rate.region }),
      probability: rate.probability,
      reason: reasonOf(rate),
      ...(rate.by !== undefined && { by: rate.by }),
      received_per_second: rounded(rate.receivedPerSecond),
      kept_per_second: rounded(rate.keptPerSecond),
    })),
  };
}

function strategyView({ name, state, rate, allowedPerSecond, keptPerSecond, ...more }: StrategyStatus): View {
  const { spent } = more;
  return {
    strategy: name,
    state,
    reason: STATE_REASONS[state],
    rate,
    allowed_per_second: rounded(allowedPerSecond),
    kept_per_second: rounded(keptPerSecond),
    ...(spent !== undefined && {
      hour: isoTime(spent.hour * 3_600_000),
      spent: rounded(spent.spent),
      budget: spent.budget,
    }),
  };
}

/** What comes is what this node sees of it, and only where some rate follows that. */
function classView(one: ClassNow, received: readonly ReceivedRow[]): View {
  const { signal, class: its, probability, by } = one;
  const rows = received.filter((row) => row.signal === signal && row.class === its.name);
  const [items, kept] = [0, 1].map((of) =>
    rows.reduce((sum, row) => sum + row.items * (of === 0 ? 1 : keptPart(probability, row.arrival)), 0),
  );
  return {
    signal,
    class: its.name,
    priority: its.priority,
    ceiling: its.ceiling,
    probability,
    threshold: thresholdText(probability),
    reason: shareReason(one, its.from),
    by: by ?? null,
    received_per_second: rows.length === 0 ? null : rounded(items),
    offered_per_second: rows.length === 0 ? null : rounded(items),
    kept_per_second: rows.length === 0 ? null : rounded(kept),
  };
}

/**
 * Of `GET /api/v1/sampling?fleet=true`, what comes to each region and is kept of it: by region,
 * signal and class, with the rates that hold now; before a first directive with those
 * that the config comes to.
 */
export function regionSamplingView(
  rows: readonly ReceivedRow[],
  node: Pick<SamplingNode, "directive">,
  config: FleetConfig,
): View[] {
  const rates = node.directive?.rates ?? trySampling(config, rows).rates;
  const reasonOf = shareReasonsOf(config);
  const found = Map.groupBy(rows, (row) => `${row.region}\u0000${row.signal}\u0000${row.class}`);
  return Array.from(found.values(), (its) => {
    const [first] = its;
    const { region, signal, class: name } = first!;
    const rate = rateIn(rates, first!) ?? { class: name, probability: 1, reason: "class" as const };
    const received = its.reduce((sum, { items }) => sum + items, 0);
    const kept = its.reduce((sum, row) => sum + keptItems(rates, row), 0);
    const amounts = { received_per_second: rounded(received), kept_per_second: rounded(kept) };
    return { region, signal, class: name, probability: rate.probability, reason: reasonOf(rate), ...amounts };
  }).toSorted((a, b) => (a.region < b.region ? -1 : a.region > b.region ? 1 : a.class < b.class ? -1 : 1));
}

function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Number(value.toPrecision(6));
}

/**
 * How the randomness of each service's spans is spread over 16 parts of the same size: those that
 * are skewed first, the farthest from even before others. `largest_bucket` is from 0 to 15,
 * `largest_share` the share of the spans that it has.
 */
export function randomnessView(seen: readonly RandomnessSeen[]): View[] {
  const checked = seen.map(({ service, buckets }) => ({ service, ...checkRandomness(buckets) }));
  return checked
    .toSorted((a, b) => Number(b.verdict === "skewed") - Number(a.verdict === "skewed") || b.distance - a.distance)
    .map(({ service, verdict, seen: count, chiSquare, distance, largest }) => ({
      service,
      verdict,
      seen: count,
      chi_square: Number(chiSquare.toFixed(1)),
      distance: Number(distance.toFixed(4)),
      largest_bucket: largest.bucket,
      largest_share: Number(largest.share.toFixed(4)),
    }));
}
