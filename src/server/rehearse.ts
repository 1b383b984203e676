import type { Config } from "../config/schema/config.ts";
import type { Rehearsal } from "../data/rehearsal.ts";
import { bindPlan } from "../plan/bind.ts";
import { compile } from "../plan/compile.ts";

export type { Rehearsal } from "../data/rehearsal.ts";

/** Opens what a config would do with data, without a node and without its targets: they count as ready. */
export async function openRehearsal(config: Config, text: string): Promise<Rehearsal> {
  const { openRehearsal: open } = await import("../data/rehearsal.ts"); // loaded when it is needed, as for a node
  return open(bindPlan(compile(config, config.node, { version: 1, text }), { env: {} }));
}
