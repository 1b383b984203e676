import type { ConfigCandidate } from "../../store/recipes/config-candidate-record.ts";
import type { ConfigDirective } from "../fleet/directive.ts";

/** What nodes are told of a candidate; undefined: nobody is to run it. */
export function candidateDirective(candidate: ConfigCandidate): ConfigDirective["candidate"] {
  const { state, version, sha256, base, stage, nodes, region, again, epoch } = candidate;
  // It is published, and no leader has said yet who is to try it.
  if (state !== "running" || epoch === "") return undefined;
  const said = { version, sha256, base, stage, again };
  if (stage === "all") return said;
  return {
    ...said,
    nodes: nodes.map(({ id }) => id),
    incarnations: nodes.map(({ incarnation }) => incarnation),
    ...(region !== "" && { region }),
  };
}
