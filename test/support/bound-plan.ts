import type { Config } from "../../src/config/schema/config.ts";
import { bindPlan } from "../../src/plan/bind.ts";
import { compile } from "../../src/plan/compile.ts";
import type { Plan } from "../../src/plan/plan.ts";

export interface BoundMore {
  readonly version?: number;
  readonly text?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** What a config is to a data plane: compiled and bound. */
export function boundPlan(config: Config, { version = 1, text = "", env = {} }: BoundMore = {}): Plan {
  return bindPlan(compile(config, config.node, { version, text }), { env });
}
