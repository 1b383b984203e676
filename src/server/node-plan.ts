import type { Config } from "../config/schema/config.ts";
import { compile } from "../plan/compile.ts";
import type { PlanData } from "../plan/plan-data.ts";
import { linkKeysIn } from "./fleet/link-to-fleet.ts";
import type { NodeFleet } from "./node-fleet.ts";
import { nodeIdOf } from "./node-id.ts";

/** The plan of a running node for a version of its config; `text`: of its document. */
export function planOfNode(
  config: Config,
  { version, text }: { readonly version: number; readonly text: string },
  fleet: NodeFleet | undefined,
): PlanData {
  const node = { ...config.node, id: nodeIdOf(config.node) };
  const linkKeys = linkKeysIn(config.node, fleet);
  return compile(config, node, { version, text, noConfig: fleet?.noConfigIn(version), linkKeys });
}
