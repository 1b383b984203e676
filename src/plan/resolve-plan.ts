import { isIP } from "node:net";
import type { TargetConfig } from "../config/schema/config.ts";

/**
 * How a target's host becomes addresses. `one`: looked up at each connect, by whoever connects.
 * `all`: all that are behind it are used, each by itself; `auto`: the same where all of them are
 * private.
 */
export type ResolvePlan = "one" | "all" | "auto";

/** What is no name has nothing to be resolved, and neither has what a proxy looks up: `one`. */
export function compileResolve(
  { url, resolve }: { readonly url: string; readonly resolve: TargetConfig["resolve"] },
  isProxied: boolean,
): ResolvePlan {
  const host = hostOf(url);
  if (isIP(host) !== 0 || isProxied) return "one";
  return resolve === "auto" && isLocalhost(host) ? "one" : resolve;
}

/** The host of a URL, an IPv6 address without its brackets. */
export function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/u, "$1");
}

/** RFC 6761: this machine, however many of its addresses have the name. */
function isLocalhost(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost");
}
