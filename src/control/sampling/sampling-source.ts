import type { RecipePlace } from "../../store/recipes/place.ts";
import type { StrategyStatus } from "../../plan/sampling/budget-state.ts";
import type { ReceivedRow } from "../../plan/sampling/received.ts";
import type { DirectiveMark } from "../fleet/directive.ts";
import type { SamplingNode } from "./sampling-node.ts";
import { decodeSamplingSummary, ratesIn, samplingPrefix } from "./sampling-summary.ts";

/** What comes before sampling, a second: to the whole fleet, or to this node alone. */
export interface ReceivedBy {
  readonly of: "fleet" | "node";
  readonly rows: readonly ReceivedRow[];
}

/** What can be told of a node's sampling. */
export interface SamplingSource {
  readonly node: SamplingNode;
  readonly isInFleet: boolean;
  /** Of the last directive; undefined: there was none, or the node decides by itself. */
  readonly mark: DirectiveMark | undefined;
  /** How strategies do whose rates follow what comes, as far as is known here. */
  readonly strategies: readonly StrategyStatus[];
  /** Throws as the store does. */
  received(signal: AbortSignal): Promise<ReceivedBy>;
}

const MOST_REGIONS = 1_000;

/** What all regions of a fleet have told last. Throws as the store does. */
export async function readReceived({ store, prefix }: RecipePlace, signal: AbortSignal): Promise<ReceivedRow[]> {
  const { entries } = await store.list(samplingPrefix(prefix), { signal, limit: MOST_REGIONS });
  return entries.flatMap(({ value }) => {
    const read = decodeSamplingSummary(value);
    return read.ok ? ratesIn(read.value).latest : [];
  });
}
