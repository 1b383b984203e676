import { readFileSync } from "node:fs";
import type { Config } from "../../src/config/schema/config.ts";
import type { SecretSource } from "../../src/core/secret-source.ts";
import { bindRead } from "../../src/plan/bind.ts";
import { compile } from "../../src/plan/compile.ts";
import { linkKeysOf } from "../../src/plan/link-proof.ts";
import type { Plan } from "../../src/plan/plan.ts";

export interface BoundMore {
  readonly version?: number;
  readonly text?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * What a config is to a data plane: compiled and bound, at once, which takes secrets that are
 * there.
 */
export function boundPlan(config: Config, { version = 1, text = "", env = {} }: BoundMore = {}): Plan {
  const reveal = (source: SecretSource): string => {
    if ("literal" in source) return source.literal;
    if ("parts" in source) return source.parts.map(reveal).join("");
    const [, kind, name] = /^(env|file):(.*)$/su.exec(source.ref)!;
    return kind === "env" ? (env[name!] ?? source.otherwise!) : readFileSync(name!, "utf8").trimEnd();
  };
  const linkKeys = linkKeysOf(config.node.fleet, undefined);
  return bindRead(compile(config, config.node, { version, text, linkKeys }), { env, reveal });
}
