import {
  CANDIDATE_BOUNDS,
  type ConfigCandidate,
  type RolloutStage,
} from "../../store/recipes/config-candidate-record.ts";
import type { CollectorSample } from "./collector-sample.ts";
import { ROLLOUT_GATE } from "./gate.ts";

/** Who runs a candidate in a stage; `all` names nobody. */
type CanaryChoice =
  | { readonly kind: "chosen"; readonly collectors: readonly CollectorSample[] }
  /** Nobody can be compared with anybody. */
  | { readonly kind: "none"; readonly reason: string };

type Chosen = Pick<ConfigCandidate, "base" | "nodes" | "version">;

/**
 * Always some, and always others to compare them with: one node; then its region, or half of it
 * where that is the only one; then all.
 */
export function chooseCanaries(
  stage: RolloutStage,
  candidate: Chosen,
  collectors: readonly CollectorSample[],
): CanaryChoice {
  if (stage === "all") return { kind: "chosen", collectors: [] };
  const fit = collectors.filter((one) => one.isLive && (one.version === candidate.base || runs(one, candidate)));
  if (fit.length < 2) {
    return {
      kind: "none",
      reason: "there are no two nodes that run what the fleet runs, to be compared with each other",
    };
  }
  const sorted = fit.toSorted(byId);
  return { kind: "chosen", collectors: stage === "node" ? [oneOf(sorted, candidate)] : regionOf(sorted, candidate) };
}

function runs({ version }: CollectorSample, candidate: Chosen): boolean {
  return version === candidate.version;
}

/** Who was asked before, if its start is the same; else one with as much traffic as is usual. */
function oneOf(fit: readonly CollectorSample[], { nodes }: Chosen): CollectorSample {
  const known = fit.find((one) => nodes.some((node) => node.id === one.id && node.incarnation === one.incarnation));
  if (known !== undefined) return known;
  const others = preferred(fit, ({ id }) => !nodes.some((node) => node.id === id));
  const healthy = preferred(others, ({ isHealthy }) => isHealthy);
  const byTraffic = healthy.toSorted((a, b) => a.itemsPerSecond - b.itemsPerSecond);
  const busy = byTraffic.filter(
    ({ itemsPerSecond }) => itemsPerSecond * ROLLOUT_GATE.windowMs >= ROLLOUT_GATE.enough * 1_000,
  );
  const usual = busy[(busy.length - 1) >> 1] ?? byTraffic.at(-1);
  if (usual === undefined) throw new Error("there is nobody to choose");
  return usual;
}

function regionOf(fit: readonly CollectorSample[], { nodes }: Chosen): readonly CollectorSample[] {
  const isKnown = (one: CollectorSample): boolean => nodes.some(({ id }) => id === one.id);
  const region = fit.find(isKnown)?.region ?? fit[0]?.region;
  const members = fit.filter((one) => one.region === region);
  const isOnly = members.length === fit.length;
  // Whoever has tried it goes on.
  const inOrder = members.toSorted((a, b) => Number(isKnown(b)) - Number(isKnown(a)));
  const most = isOnly ? Math.floor(members.length / 2) : members.length;
  return inOrder.slice(0, Math.min(most, CANDIDATE_BOUNDS.nodes));
}

/** Those for whom it holds, if there are any. */
function preferred(
  all: readonly CollectorSample[],
  isSo: (one: CollectorSample) => boolean,
): readonly CollectorSample[] {
  const some = all.filter(isSo);
  return some.length > 0 ? some : all;
}

function byId(a: CollectorSample, b: CollectorSample): number {
  return a.id < b.id ? -1 : 1;
}
