import { type ProxyEnvironment, unusableProxies } from "../plan/proxy-plan.ts";
import type { Log } from "../telemetry/log.ts";

/** A node that goes on without its proxy may reach nothing: it says why. */
export function tellUnusableProxies(log: Log, env: ProxyEnvironment): void {
  for (const { name, reason } of unusableProxies(env)) {
    log.warn("proxy of the environment cannot be used: targets are reached without one", { variable: name, reason });
  }
}
