/** What adds up of collectors: of one, of a region's summary, of the fleet. */
export interface TotalNumbers {
  readonly items_per_second: number;
  readonly bytes_per_second: number;
  /** Of the items: those that nobody has, and those that sampling has left. */
  readonly failed_items_per_second: number;
  readonly sampled_items_per_second: number;
  /** Milliseconds times items a second: so that the average is one of items. */
  readonly latency_weight: number;
}

/** `totals` of `GET /api/v1/topology`, of a region and of the fleet. */
export interface TopologyTotals {
  /** A second. */
  readonly items: number;
  readonly bytes: number;
  /** Averages, weighted by the items that each collector has. */
  readonly latency_ms: number;
  readonly error_rate: number;
  readonly sampling_rate: number;
}

/** Sums of several, and averages by items. */
export function topologyTotals(all: readonly TotalNumbers[]): TopologyTotals {
  const sum = (name: keyof TotalNumbers): number => all.reduce((total, one) => total + one[name], 0);
  const items = sum("items_per_second");
  const share = (part: number, none: number): number => (items > 0 ? Math.min(1, Math.max(0, part / items)) : none);
  return {
    items,
    bytes: sum("bytes_per_second"),
    latency_ms: items > 0 ? sum("latency_weight") / items : 0,
    error_rate: share(sum("failed_items_per_second"), 0),
    sampling_rate: share(sum("sampled_items_per_second"), 1),
  };
}
