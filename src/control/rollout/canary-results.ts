import {
  CANDIDATE_BOUNDS,
  type CandidateNode,
  type ConfigCandidate,
} from "../../store/recipes/config-candidate-record.ts";
import type { CollectorSample, FleetSample } from "./collector-sample.ts";

/** What speaks against going on, or against going on with those. */
export type CanaryProblem =
  | { readonly kind: "refused"; readonly reason: string }
  /** They were restarted, or are gone, while they ran it. */
  | { readonly kind: "lost"; readonly ids: readonly string[]; readonly reason: string };

/** What came of it on each of its nodes. The same object where nothing is different. */
export function withResults(candidate: ConfigCandidate, collectors: readonly CollectorSample[]): ConfigCandidate {
  if (candidate.nodes.length === 0) return candidate;
  const known = new Map(collectors.map((one) => [one.id, one]));
  const nodes = candidate.nodes.map((node) => resultOf(node, known.get(node.id), candidate.version));
  return nodes.every((node, at) => node === candidate.nodes[at]) ? candidate : { ...candidate, nodes };
}

function resultOf(node: CandidateNode, seen: CollectorSample | undefined, candidate: number): CandidateNode {
  // Who is gone, silent or another start is told of by `canaryProblem`.
  if (seen === undefined || seen.incarnation !== node.incarnation) return node;
  const isRefused = seen.refuses === candidate;
  const result = isRefused ? "refused" : seen.version === candidate && seen.isLive ? "running" : "waiting";
  const reason = isRefused ? seen.reason.slice(0, CANDIDATE_BOUNDS.nodeReason) : "";
  const isSame = node.result === result && node.version === seen.version && node.reason === reason;
  return isSame ? node : { ...node, version: seen.version, result, reason };
}

/** One node that will not run it is enough. */
export function canaryProblem(candidate: ConfigCandidate, fleet: FleetSample): CanaryProblem | undefined {
  const isAsked = new Set(candidate.nodes.map(({ id }) => id));
  const mayRefuse = fleet.collectors.filter(({ id }) => candidate.stage === "all" || isAsked.has(id));
  const refusing = mayRefuse.find(({ refuses }) => refuses === candidate.version);
  if (refusing !== undefined) {
    const { id, reason } = refusing;
    return { kind: "refused", reason: `${id} refuses it: ${reason === "" ? "it did not say why" : reason}` };
  }
  const ids = lostOf(candidate, fleet);
  if (ids.length === 0) return undefined;
  const more = ids.length > 1 ? ` and ${ids.length - 1} more` : "";
  return { kind: "lost", ids, reason: `${ids[0]}${more} was restarted, or is gone, while it ran it` };
}

/** Whose controller does not answer is not known to be gone. */
function lostOf({ nodes }: ConfigCandidate, { collectors, silent }: FleetSample): readonly string[] {
  const known = new Map(collectors.map((one) => [one.id, one]));
  return nodes.flatMap(({ id, incarnation }) => {
    const seen = known.get(id);
    const isLost = seen === undefined ? silent.length === 0 : seen.incarnation !== incarnation;
    return isLost ? [id] : [];
  });
}
