import { Unreachable } from "../../core/unreachable.ts";
import type { StrategyPlan } from "../../plan/plan.ts";
import type { ChooserCopy } from "./chooser.ts";
import { LatencyOrder } from "./latency.ts";
import { LeastConnections, SCAN_TARGETS } from "./least-connections.ts";
import { scoreOf } from "./load-latency.ts";
import type { Picker, PoolView } from "./picker.ts";
import { preferenceFor } from "./preference.ts";

/** What a pick would be. */
export type Preview =
  /** -1: nothing can be picked. */
  | { readonly kind: "pick"; readonly index: number }
  /** Chances by index, 1 together. */
  | { readonly kind: "chances"; readonly chances: ArrayLike<number> }
  /** Only its author can know. */
  | { readonly kind: "unknown" };

/**
 * What the next pick would be, none of those that are excluded; indexes are those of its targets.
 * The copy is used up.
 */
export function forecast({ targets, strategy, signal, state, picker }: ChooserCopy): Preview {
  for (const index of state.probing) {
    const { inFlight, maxInFlight } = targets[index]!;
    if (state.excluded[index] === 1) continue;
    if (inFlight < maxInFlight && targets[index]!.wantsProbe(signal)) return { kind: "pick", index };
  }
  return forecastBy(strategy, picker, state);
}

function forecastBy(strategy: StrategyPlan, picker: Picker | undefined, view: PoolView): Preview {
  switch (strategy.type) {
    case "weighted_random":
      return chancesBy(view, (index) => view.weight[index]!);
    case "latency":
      return latencyForecast(strategy, view);
    case "load_latency": {
      const lowest = lowestIn(view);
      if (lowest < 0) return { kind: "pick", index: -1 };
      const lowestMs = view.gauge(lowest).latencyMs(view.nowMs);
      return chancesBy(view, (index) => scoreOf(view, index, lowestMs, strategy) ** 2 * view.weight[index]!);
    }
    case "least_connections":
      if (view.candidateCount > SCAN_TARGETS && picker instanceof LeastConnections) return duels(view, picker);
      break;
    case "broadcast":
    case "consistent_hash":
      return { kind: "pick", index: view.eligible[0] === 1 ? 0 : -1 };
    case "round_robin":
    case "weighted_round_robin":
    case "content":
    case "geography":
    case "failover":
    case "plugin":
      break;
    default:
      throw new Unreachable(strategy satisfies never);
  }
  return picker === undefined ? { kind: "unknown" } : { kind: "pick", index: picker.pick(view) };
}

function latencyForecast(strategy: Extract<StrategyPlan, { type: "latency" }>, view: PoolView): Preview {
  const lowest = lowestIn(view);
  if (strategy.pick === "lowest" || lowest < 0) return { kind: "pick", index: lowest };
  const isWithin = (index: number): boolean => view.gauge(index).latencyMs(view.nowMs) <= strategy.thresholdMs;
  if (!isWithin(lowest)) return { kind: "pick", index: lowest };
  const rankOf = ranksBy(strategy.prefer, view);
  let best = Infinity;
  for (let i = 0; i < view.candidateCount; i++) {
    const index = view.candidates[i]!;
    if (isWithin(index)) best = Math.min(best, rankOf(index));
  }
  return chancesBy(view, (index) => (isWithin(index) && rankOf(index) === best ? view.weight[index]! : 0));
}

function ranksBy(prefer: readonly string[] | undefined, view: PoolView): (index: number) => number {
  const preference = preferenceFor(prefer, view.size);
  if (preference === undefined) return () => 0;
  for (let i = 0; i < view.size; i++) preference.changed(view, i);
  return (index) => preference.rankOf(view, index);
}

function lowestIn(view: PoolView): number {
  const order = new LatencyOrder(view.size);
  for (let i = 0; i < view.size; i++) order.changed(view, i);
  return order.lowest(view);
}

/**
 * Of two at random the better one: who is better than k others is picked in k of the n (n - 1) / 2
 * pairs.
 */
function duels(view: PoolView, picker: LeastConnections): Preview {
  const count = view.candidateCount;
  const ranked = Array.from({ length: count }, (_, at) => view.candidates[at]!);
  ranked.sort((one, other) => (picker.better(view, one, other) === one ? -1 : 1));
  const chances = new Float64Array(view.size);
  for (const [rank, index] of ranked.entries()) chances[index] = (2 * (count - 1 - rank)) / (count * (count - 1));
  return { kind: "chances", chances };
}

/** Chances in proportion to `weightOf` among the candidates; no pick when nobody has any. */
function chancesBy(view: PoolView, weightOf: (index: number) => number): Preview {
  const chances = new Float64Array(view.size);
  let total = 0;
  for (let at = 0; at < view.candidateCount; at++) {
    const index = view.candidates[at]!;
    chances[index] = weightOf(index);
    total += chances[index];
  }
  if (total <= 0) return { kind: "pick", index: -1 };
  for (let i = 0; i < view.size; i++) chances[i]! /= total;
  return { kind: "chances", chances };
}
