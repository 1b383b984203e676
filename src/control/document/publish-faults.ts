import { formatPath } from "../../config/finding.ts";
import { isValues } from "../../config/values.ts";
import type { Problem } from "../../core/problem.ts";
import { literalSecretsIn } from "./secrets.ts";

/**
 * Why a document, as values without `node`, may not be given to a fleet: all who may read the store
 * would know its secrets.
 */
export function publishFaults(root: unknown): Problem[] {
  return literalSecretsIn(root).map((path) => ({
    severity: "error",
    path: formatPath(path),
    message: "a secret may not stand in the config of a fleet: the store is not the place for it",
    hint: "write ${env:NAME} or ${file:/path}, and allow that in node.secrets of each node",
  }));
}

/** The values without what is one node's own. */
export function withoutNode(root: unknown): unknown {
  if (!isValues(root) || !("node" in root)) return root;
  const { node: _node, ...fleet } = root;
  return fleet;
}
