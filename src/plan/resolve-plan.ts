import { isIP } from "node:net";
import type { TargetConfig } from "../config/schema/config.ts";

/**
 * How a target's host becomes addresses. `one`: looked up at each connect, by whoever connects. `all`: all that are behind it are
 * used, each by itself; `auto`: the same where all of them are private.
 */
export type ResolvePlan = "one" | "all" | "auto";

/** What is no name, and what somebody else looks up, has nothing to be resolved: `one`. */
export function compileResolve({ endpoint, resolve }: Pick<TargetConfig, "endpoint" | "resolve">): ResolvePlan {
  const host = hostOf(endpoint);
  if (isIP(host) !== 0 || isLookedUpElsewhere()) return "one";
  return resolve === "auto" && isLocalhost(host) ? "one" : resolve;
}

/** The host of a URL, an IPv6 address without its brackets. */
export function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/u, "$1");
}

/** Through a proxy it is the proxy that looks names up: here is the place to say so. */
function isLookedUpElsewhere(): boolean {
  return false;
}

/** RFC 6761: this machine, however many of its addresses have the name. */
function isLocalhost(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost");
}
