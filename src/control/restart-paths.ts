import { diffDocuments } from "../config/diff.ts";
import type { Config } from "../config/schema/config.ts";

/** Certificates and keys of listeners, which hold for connections from now on. */
const RENEWED_IN_PLACE = /^node\.(?:listen\.(?<listener>\w+)|fleet\.listen)\.tls\.(?<part>cert|key|client_ca)$/u;
/** What a node shows its controller, and a controller asks for: for calls from now on. */
const SHOWN_TO_FLEET = /^node\.fleet\.(?:token|accept_tokens(?:\[\d+\])?|tls(?:\.\w+)?)$/u;
/**
 * Parts of `node` that take effect without a restart; `region`, `tags` and `plugins` are part of
 * the plan.
 */
const LIVE_NODE_KEYS = new Set(["log", "shutdown_grace", "region", "tags", "plugins", "secrets"]);

/**
 * What of a config takes effect only after a restart, as paths in it. Compared with what the node
 * was started with: a change that is taken back needs no restart any more.
 */
export function restartPaths(started: Pick<Config, "node">, config: Config): string[] {
  const changes = diffDocuments({ node: started.node }, { node: config.node });
  return changes.flatMap(({ path }) => {
    const key = /^node\.(\w+)/u.exec(path)?.[1] ?? "";
    const isLive = LIVE_NODE_KEYS.has(key) || SHOWN_TO_FLEET.test(path) || isRenewed(path, started, config);
    return isLive ? [] : [path];
  });
}

/** Whether clients are asked for certificates at all is decided when the listener opens. */
function isRenewed(path: string, ...configs: readonly Pick<Config, "node">[]): boolean {
  const { listener, part } = RENEWED_IN_PLACE.exec(path)?.groups ?? {};
  if (part !== "client_ca") return part !== undefined;
  return configs.every(({ node }) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the pattern names them all
    const options = listener === undefined ? node.fleet.listen : node.listen[listener as keyof typeof node.listen];
    return options !== undefined && options !== false && options.tls?.client_ca !== undefined;
  });
}
