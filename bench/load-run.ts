import { serviceNames } from "./case.ts";
import type { Case } from "./case.ts";
import type { LoadProcess } from "./child.ts";
import type { LoadArguments, LoadCounts } from "./messages.ts";

/** `requestsPerSecond` 0: closed loop. */
export function loadArguments(
  run: Case,
  port: number,
  requestsPerSecond: number,
  latencyFrom: LoadArguments["latencyFrom"] = "due",
): LoadArguments {
  return {
    protocol: run.protocol,
    signal: run.signal,
    encoding: run.encoding,
    port,
    tls: run.tls !== "none",
    connections: run.connections,
    streams: run.streams,
    requestsPerSecond,
    latencyFrom,
    itemsPerRequest: run.itemsPerRequest,
    resourcesPerRequest: run.resourcesPerRequest,
    services: serviceNames(run.services),
    gzip: run.gzipIn,
    source: 1,
  };
}

/** Ends a window and begins the next one. */
export async function marked(load: LoadProcess): Promise<LoadCounts> {
  const report = await load.ask({ kind: "mark" });
  if (report.kind !== "marked") throw new Error("the load process did not answer a mark with its counts");
  return report.counts;
}
