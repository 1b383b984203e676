import { CONNECTION_FAULTS, type ConnectionFault } from "../../http2/own/contract.ts";
import { HTTP_FAULTS, type HttpFault } from "../../http1/own/contract.ts";
import { REPLY_FAULTS, type ReplyFault } from "../../http1/client/contract.ts";
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

/** Counts replies of targets that broke the rules of HTTP/1.1. */
export function replyFaultCounter(metrics: Metrics): (fault: ReplyFault) => void {
  for (const fault of REPLY_FAULTS) metrics.http1ReplyFaults.with(fault);
  return (fault) => metrics.http1ReplyFaults.with(fault).add(1);
}
