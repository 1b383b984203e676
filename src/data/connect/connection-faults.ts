import { CONNECTION_FAULTS, type ConnectionFault } from "../../http2/own/contract.ts";
import { HTTP_FAULTS, type HttpFault } from "../../http1/own/contract.ts";
import type { Metrics } from "../../telemetry/metrics.ts";

/** Counts connections that ended by an error of HTTP/2; all reasons are there from zero. */
export function faultCounter(side: "server" | "client", metrics: Metrics): (reason: ConnectionFault) => void {
  for (const reason of CONNECTION_FAULTS) metrics.http2Faults.with(side, reason);
  return (reason) => metrics.http2Faults.with(side, reason).add(1);
}

/** The same of HTTP/1.1. */
export function httpFaultCounter(metrics: Metrics): (fault: HttpFault) => void {
  for (const fault of HTTP_FAULTS) metrics.http1Faults.with(fault);
  return (fault) => metrics.http1Faults.with(fault).add(1);
}
