import type { Case } from "../case.ts";
import { caseNamed, SIZES } from "../cases.ts";
import { SIGNALBOX } from "../system.ts";
import { aloneLane } from "./alone-lane.ts";
import { compare } from "./compared.ts";
import type { Compared, Comparison } from "./compared.ts";
import type { SeriesResult } from "./series.ts";

/** As series name the load of 32 connections, of four, and of what compression and JSON cost. */
export const LOADS = { many: "32 x 1", few: "4 x 8", gzip: "gzip", json: "JSON" } as const;
export const NAMES = {
  grpc: "gRPC",
  httpIn: "HTTP/1.1 in, gRPC out",
  httpBoth: "HTTP/1.1 in and out",
  httpNode: "HTTP/1.1 of Node in, gRPC out",
  pipelined: "HTTP/1.1 in pipelines, gRPC out",
  pipelinedNode: "HTTP/1.1 of Node in pipelines, gRPC out",
  tls: "gRPC, TLS in",
  gzip: "gRPC, gzip in",
  inflating: "node:zlib alone, inflating the same",
  json: "HTTP/1.1 in pipelines with JSON, gRPC out",
  jsonOut: "gRPC in, HTTP/1.1 with JSON out",
  parsing: "JSON.parse alone, the same",
  transcoding: "JSON to protobuf alone, the same",
} as const;

/** What the other protocols that senders use cost beside gRPC, at equal numbers of connections. */
export async function measureProtocols(windows: number, short: boolean): Promise<SeriesResult> {
  const comparisons: Comparison[] = [
    ...SIZES.map((size) => ({
      load: loadOf(LOADS.many, size),
      lanes: [
        laneOf(NAMES.grpc, `wire-32-${size}`),
        laneOf(NAMES.httpIn, `wire-http-${size}`),
        laneOf(NAMES.httpNode, `wire-http-node-${size}`),
        laneOf(NAMES.httpBoth, `wire-http-both-${size}`),
      ],
    })),
    ...SIZES.map((size) => ({
      load: loadOf(LOADS.few, size),
      lanes: [
        laneOf(NAMES.grpc, `wire-${size}`),
        laneOf(NAMES.pipelined, `wire-pipelined-${size}`),
        laneOf(NAMES.pipelinedNode, `wire-pipelined-node-${size}`),
        laneOf(NAMES.tls, `wire-tls-${size}`),
      ],
    })),
    { load: loadOf(LOADS.gzip, 100), lanes: [laneOf(NAMES.grpc, "wire-100"), ...gzip(caseNamed("wire-gzip-100"))] },
    { load: loadOf(LOADS.json, 100), lanes: [laneOf(NAMES.grpc, "wire-100"), ...json(caseNamed("wire-json-100"))] },
  ];
  return { kind: "protocols", series: await compare(comparisons, windows, short), cores: undefined };
}

export function loadOf(load: string, size: number): string {
  return `${load}, ${size.toLocaleString("en-US")} spans`;
}

function laneOf(name: string, run: string): Compared {
  return { name, system: SIGNALBOX, run: caseNamed(run) };
}

function gzip(run: Case): Compared[] {
  return [
    { name: NAMES.gzip, system: SIGNALBOX, run },
    { lane: (load, windowMs) => aloneLane(load, NAMES.inflating, { what: "inflate", run, windowMs }) },
  ];
}

function json(run: Case): Compared[] {
  return [
    { name: NAMES.json, system: SIGNALBOX, run },
    laneOf(NAMES.jsonOut, `wire-json-out-${run.itemsPerRequest}`),
    { lane: (load, windowMs) => aloneLane(load, NAMES.parsing, { what: "parse", run, windowMs }) },
    { lane: (load, windowMs) => aloneLane(load, NAMES.transcoding, { what: "transcode", run, windowMs }) },
  ];
}
