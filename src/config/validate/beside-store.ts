import { atKey, caution, type Finding } from "../finding.ts";
import { textOf, valueAt, valuesOf } from "../values.ts";

/**
 * What is to be said of a node's own file when its fleet's config is in a store: what stands beside
 * `node` is not what runs, and that nothing stands there is as it should be.
 */
export function besideStore(root: unknown, findings: readonly Finding[]): readonly Finding[] {
  const type = textOf(valueAt(root, "node", "coordination", "type"));
  if (type !== "etcd" && type !== "consul") return findings;
  const sections = Object.keys(valuesOf(root) ?? {}).filter((key) => key !== "node" && key !== "schema");
  const [first] = sections;
  if (first === undefined) return findings.filter(({ severity, path }) => severity === "error" || path.length > 0);
  const isBootstrap = valueAt(root, "node", "fleet", "bootstrap") === true;
  const [verb, its] = sections.length === 1 ? ["is", "it is"] : ["are", "they are"];
  const what = `${sections.join(", ")} ${verb} the fleet's, which has its config in ${type}`;
  const message = isBootstrap
    ? `${what}: ${its} used only while there is neither that nor a copy on disk`
    : `${what}: ${its} not used here`;
  const hint = "signalbox config apply <this file> publishes it, without `node`";
  return [...findings, atKey(caution([first], message, hint))];
}
