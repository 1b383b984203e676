import type { Config } from "../config/schema/config.ts";
import type { DryRun } from "../data/dry-run.ts";
import { bindRead } from "../plan/bind.ts";
import { compile } from "../plan/compile.ts";

export type { DryRun } from "../data/dry-run.ts";

/**
 * Opens what a config would do with data, without a node and without its targets: they count as
 * ready.
 */
export async function openDryRun(config: Config, text: string): Promise<DryRun> {
  const { openDryRun: open } = await import("../data/dry-run.ts"); // loaded when it is needed, as for a node
  const data = compile(config, config.node, { version: 1, text });
  // It calls nobody: no secret is read, and no proxy is on the way.
  const targets = data.targets.map((target) => ({ ...target, proxy: "none" as const }));
  return open(bindRead({ ...data, targets }, { env: {}, reveal: () => "" }));
}
