import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { reasonOf, RouterError } from "../core/errors.ts";
import type { Plan, TargetPlan } from "../plan/plan.ts";
import type { Env } from "../telemetry/env.ts";
import type { Strategies } from "./balance/strategies.ts";
import { loadPlugins } from "./balance/plugins.ts";

/**
 * What can fail in taking over a plan: throws TLS_INVALID for certificates that the TLS library
 * does not take, and CONFIG_INVALID for plugins that cannot be loaded.
 */
export function prepareStrategies(plan: Plan, { random }: Env, given: Strategies | undefined): Promise<Strategies> {
  for (const target of plan.targets.values()) checkTls(target);
  return loadPlugins(plan, random, given);
}

function checkTls({ id, tls }: TargetPlan): void {
  if (tls === undefined) return;
  const { ca, cert, key } = tls;
  const steps = [
    ["ca", ca && { ca }],
    ["cert", cert && { cert }],
    ["key", key && { key }],
    ["key", cert && key && { cert, key }],
  ] as const;
  for (const [name, options] of steps) {
    try {
      if (options) createSecureContext(options);
      if (name === "ca" && ca) void new X509Certificate(ca); // a context takes anything as an authority
    } catch (cause) {
      const hint = "ca, cert and key are PEM, and the key is that of the certificate";
      throw new RouterError("TLS_INVALID", `targets[].tls.${name} of target ${id}: ${reasonOf(cause)}`, {
        cause,
        hint,
      });
    }
  }
}
