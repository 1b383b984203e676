import { SIGNAL_FACTS } from "../src/otlp/signal.ts";
import type { Signal } from "../src/otlp/signal.ts";
import { BASE } from "./case.ts";
import type { Case } from "./case.ts";

/** Spans, log records or metrics in a request. */
export const SIZES = [10, 100, 1_000] as const;
type Size = (typeof SIZES)[number];

const OWN_HTTP: Partial<Case> = { protocol: "http", httpTransport: "own" };
const PIPELINED: Partial<Case> = { ...OWN_HTTP, connections: 4, streams: 8, targets: "grpc" };
const HTTP_32: Partial<Case> = { ...OWN_HTTP, connections: 32, streams: 1 };
const NODE_HTTP: Partial<Case> = { httpTransport: "node" };
const JSON_OUT: Partial<Case> = { targets: "json" };
const JSON_IN: Partial<Case> = { encoding: "json", targets: "grpc" };
const GZIP_BOTH: Partial<Case> = { rules: "none", gzipIn: true, gzipOut: true };

const TRACES: readonly Case[] = [
  { ...BASE, name: "grpc-1000", title: "gRPC, 1,000 spans a request, by service", ...items(1_000), peers: true },
  { ...BASE, name: "grpc-100", title: "gRPC, 100 spans a request, by service", peers: true, short: true },
  { ...BASE, name: "grpc-10", title: "gRPC, 10 spans a request, by service", ...items(10), peers: true, short: true },
  { ...BASE, name: "tls-1000", title: "TLS in: gRPC, 1,000 spans a request", ...items(1_000), tls: "in" },
  { ...BASE, name: "tls-100", title: "TLS in: gRPC, 100 spans a request", tls: "in", peers: true },
  { ...BASE, name: "tls-10", title: "TLS in: gRPC, 10 spans a request", ...items(10), tls: "in", peers: true },
  { ...BASE, name: "tls-both", title: "TLS in and out: gRPC, 100 spans a request", tls: "both" },
  { ...BASE, name: "http-1000", title: "HTTP, 1,000 spans a request, by service", ...http(1_000) },
  { ...BASE, name: "http-100", title: "HTTP, 100 spans a request, by service", ...http(100) },
  { ...BASE, name: "http-10", title: "HTTP, 10 spans a request, by service", ...http(10) },
  { ...BASE, name: "json-100", title: "HTTP with JSON, 100 spans a request, by service", ...http(100), ...JSON_IN },
  { ...BASE, name: "one-pool", title: "no rules, one pool", rules: "none" },
  { ...BASE, name: "rules-10", title: "10 rules on the resource", rules: "resource_10" },
  {
    ...BASE,
    name: "rules-10-wide",
    title: "10 rules on the resource, 1,000 services",
    rules: "resource_10",
    services: 1_000,
  },
  { ...BASE, name: "rules-10000", title: "10,000 rules, 1,000 services", rules: "resource_10000", services: 1_000 },
  { ...BASE, name: "rule-span", title: "a rule on the span", rules: "item" },
  { ...BASE, name: "sampled-tenth", title: "by service, a tenth is kept", sampling: "tenth" },
  { ...BASE, name: "sampled-marked", title: "by service, all is kept and marked", sampling: "marked" },
  { ...BASE, name: "sampled-span", title: "by service, a tenth is kept and all that failed", sampling: "span" },
  { ...BASE, name: "limited", title: "by service, limits far above the load", idle: "limits" },
  { ...BASE, name: "degradable", title: "by service, degradation that does not come", idle: "degradation" },
  { ...BASE, name: "gzip-in", title: "gzip in", gzipIn: true },
  { ...BASE, name: "gzip-out", title: "gzip out", gzipOut: true },
  { ...BASE, name: "gzip-both", title: "gzip in and out, one pool", ...GZIP_BOTH },
  { ...BASE, name: "gzip-passed", title: "gzip passed through, one pool", ...GZIP_BOTH, compressed: "pass_through" },
];

/** Not what is the same whatever the signal, and not sampling, which is of traces. */
const OF_ALL_SIGNALS = ["grpc-1000", "grpc-100", "grpc-10", "tls-100", "http-1000", "http-100", "http-10", "json-100"];
const OF_ALL_STAGES = ["one-pool", "rules-10", "rule-span", "limited", "gzip-in", "gzip-out"];

/** What docs/benchmarks.md lists: closed loops, as fast as they go. */
export const CASES: readonly Case[] = [...TRACES, ...ofSignal("logs"), ...ofSignal("metrics")];

/**
 * The load of the marks beside a proxy that reads nothing, and what is compared with it: four
 * connections with eight calls each, or 32 with one. Measured in turns by the parts that compare
 * them, and alone when they are named.
 */
export const WIRE_CASES: readonly Case[] = SIZES.flatMap((size) => [
  wire("wire", size, "gRPC, 4 x 8"),
  wire("wire-tls", size, "gRPC, 4 x 8, TLS in", { tls: "in" }),
  wire("wire-gzip", size, "gRPC, 4 x 8, gzip in", { gzipIn: true }),
  wire("wire-logs", size, "gRPC, 4 x 8, logs", { signal: "logs" }),
  wire("wire-metrics", size, "gRPC, 4 x 8, metrics", { signal: "metrics" }),
  wire("wire-pipelined", size, "HTTP/1.1, 4 x 8 in pipelines", PIPELINED),
  wire("wire-pipelined-node", size, "HTTP/1.1 of Node, 4 x 8 in pipelines", { ...PIPELINED, ...NODE_HTTP }),
  wire("wire-json", size, "HTTP/1.1, 4 x 8 in pipelines, JSON", { ...PIPELINED, ...JSON_IN }),
  wire("wire-json-out", size, "gRPC, 4 x 8, JSON out", JSON_OUT),
  wire("wire-32", size, "gRPC, 32 x 1", { connections: 32, streams: 1 }),
  wire("wire-http", size, "HTTP/1.1 in, 32 x 1", { ...HTTP_32, targets: "grpc" }),
  wire("wire-http-node", size, "HTTP/1.1 of Node in, 32 x 1", { ...HTTP_32, ...NODE_HTTP, targets: "grpc" }),
  wire("wire-http-both", size, "HTTP/1.1 in and out, 32 x 1", HTTP_32),
]);

/** Of all that can be named. */
export function caseNamed(name: string): Case {
  const found = [...CASES, ...WIRE_CASES].find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no case ${name}`);
  return found;
}

/** Resources grow with requests, more slowly. */
export function items(itemsPerRequest: number): Pick<Case, "itemsPerRequest" | "resourcesPerRequest"> {
  const resources: Readonly<Record<number, number>> = { 10: 2, 100: 4, 1_000: 10 };
  return { itemsPerRequest, resourcesPerRequest: resources[itemsPerRequest] ?? 1 };
}

/** HTTP/1.1 has one call on each connection: as many connections as there are calls with gRPC. */
function http(itemsPerRequest: Size): Partial<Case> {
  return { ...items(itemsPerRequest), protocol: "http", connections: 64, streams: 1 };
}

/** `logs-100` is what `grpc-100` is for spans, `logs-http-100` what `http-100` is, and so on. */
function ofSignal(signal: Exclude<Signal, "traces">): Case[] {
  const item = SIGNAL_FACTS[signal].item;
  return TRACES.filter(({ name }) => [...OF_ALL_SIGNALS, ...OF_ALL_STAGES].includes(name)).map((each) => ({
    ...each,
    name: `${signal}-${each.name.replace(/^grpc-/u, "").replace("span", "item")}`,
    title: `${signal}: ${each.title.replace("span", item)}`,
    signal,
    peers: false,
    short: false,
  }));
}

/**
 * One resource at 10 items a request, ten at 100 and 1,000, half of them to each of two pools. One
 * worker, as where nothing is said.
 */
function wire(prefix: string, size: Size, title: string, more: Partial<Case> = {}): Case {
  const load = { itemsPerRequest: size, resourcesPerRequest: size === 10 ? 1 : 10, connections: 4, streams: 8 };
  const item = SIGNAL_FACTS[more.signal ?? "traces"].item;
  const count = size.toLocaleString("en-US");
  return {
    ...BASE,
    ...load,
    workers: 1,
    name: `${prefix}-${size}`,
    title: `${title}, ${count} ${item}s a request`,
    ...more,
  };
}
