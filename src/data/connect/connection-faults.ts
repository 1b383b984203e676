import { CONNECTION_FAULTS, type ConnectionFault } from "../../http2/own/contract.ts";
import type { Metrics } from "../../telemetry/metrics.ts";

/** Counts connections that ended by an error of HTTP/2; all reasons are there from zero. */
export function faultCounter(side: "server" | "client", metrics: Metrics): (reason: ConnectionFault) => void {
  for (const reason of CONNECTION_FAULTS) metrics.http2Faults.with(side, reason);
  return (reason) => metrics.http2Faults.with(side, reason).add(1);
}
