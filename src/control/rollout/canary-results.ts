import {
  CANDIDATE_BOUNDS,
  type CandidateNode,
  type ConfigCandidate,
} from "../../store/recipes/config-candidate-record.ts";
import { type CollectorSample, type FleetSample, startOf } from "./collector-sample.ts";

/** What speaks against going on, or against going on with those. */
export type CanaryProblem =
  | { readonly kind: "refused"; readonly reason: string }
  /** While they ran it they were restarted, or went away: without a word, or with a goodbye. */
  | { readonly kind: "gone"; readonly lost: readonly string[]; readonly left: readonly string[] };

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
  // Who has only not reported for a moment runs what it ran.
  const result = isRefused ? "refused" : seen.version === candidate ? "running" : "waiting";
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
  const gone = goneIn(candidate, fleet);
  if (gone.length === 0) return undefined;
  const left = gone.filter((node) => fleet.left?.has(startOf(node)) === true);
  const lost = gone.filter((node) => !left.includes(node));
  return { kind: "gone", lost: lost.map(({ id }) => id), left: left.map(({ id }) => id) };
}

/** Whose controller does not answer is not known to be gone. */
function goneIn({ nodes }: ConfigCandidate, { collectors, silent }: FleetSample): readonly CandidateNode[] {
  const known = new Map(collectors.map((one) => [one.id, one]));
  return nodes.filter(({ id, incarnation }) => {
    const seen = known.get(id);
    return seen === undefined ? silent.length === 0 : seen.incarnation !== incarnation;
  });
}

/** Some of those who ran it are there no more; from so many on that speaks against it. */
interface GoneNodes {
  readonly lost: number;
  readonly left: number;
}

/** `of`: with so many it began. Nodes are restarted for other reasons, too. */
export function areTooMany({ lost, left }: GoneNodes, of: number): "left" | "lost" | undefined {
  if (lost >= Math.max(2, of / 10)) return "lost";
  // A goodbye is somebody's doing, mostly; or of a platform that ends what it finds to be unwell.
  return left >= Math.max(5, of / 4) ? "left" : undefined;
}

/** Of the stage `all`, by the starts that were there when it began. */
export function goneOf(members: ReadonlyMap<string, string>, fleet: FleetSample): GoneNodes {
  if (fleet.silent.length > 0) return { lost: 0, left: 0 };
  const there = new Set(fleet.collectors.map(startOf));
  const gone = [...members].map(([id, incarnation]) => startOf({ id, incarnation })).filter((one) => !there.has(one));
  const left = gone.filter((one) => fleet.left?.has(one) === true).length;
  return { lost: gone.length - left, left };
}
