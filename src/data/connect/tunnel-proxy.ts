import type { TunnelProxy } from "../../http2/tunnel.ts";
import type { TargetTlsPlan } from "../../plan/plan.ts";
import type { ProxyPlan } from "../../plan/proxy-plan.ts";

/** Whom the target's own authorities certify may be its proxy, too. */
export function tunnelProxy(proxy: ProxyPlan, tls: TargetTlsPlan | undefined): TunnelProxy {
  return { ...proxy, ca: tls?.ca };
}
