import { checkRandomness, type RandomnessSeen } from "../plan/sampling/randomness-check.ts";

/** Of `GET /api/v1/sampling`: how the randomness of a service's spans is spread. */
interface RandomnessView {
  readonly service: string;
  readonly verdict: string;
  readonly seen: number;
  readonly chi_square: number;
  readonly distance: number;
  /** From 0 to 15, of 16 parts of the same size; and the share of the spans that it has. */
  readonly largest_bucket: number;
  readonly largest_share: number;
}

/** Those that are skewed first, the farthest from even before others. */
export function randomnessView(seen: readonly RandomnessSeen[]): RandomnessView[] {
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
