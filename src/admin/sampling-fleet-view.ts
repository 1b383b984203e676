import type { SamplingNode } from "../control/sampling/sampling-node.ts";
import { shareReasonsOf } from "../control/sampling/share-reason.ts";
import { trySampling } from "../control/sampling/try-sampling.ts";
import type { FleetConfig } from "../config/schema/config.ts";
import { keptItems, rateIn } from "../plan/sampling/class-rate.ts";
import type { ReceivedRow } from "../plan/sampling/received.ts";
import type { View } from "./route.ts";

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
    const amounts = { received_per_second: tidy(received), kept_per_second: tidy(kept) };
    return { region, signal, class: name, probability: rate.probability, reason: reasonOf(rate), ...amounts };
  }).toSorted((a, b) => (a.region < b.region ? -1 : a.region > b.region ? 1 : a.class < b.class ? -1 : 1));
}

function tidy(value: number): number {
  return Number(value.toPrecision(6));
}
