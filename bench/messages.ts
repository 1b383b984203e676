/** What the benchmark's processes say to each other, over the IPC channel of child_process.fork. */
import type { LatencySummary } from "../src/cli/send/latency.ts";
import type { LatencyCounts } from "./latency.ts";
import type { Identity } from "./identity.ts";
import type { Case } from "./case.ts";
import type { Signal } from "../src/otlp/signal.ts";

export interface SinkArguments {
  readonly protocol: Case["protocol"];
  readonly signal: Signal;
  readonly ports: number;
  /** Undefined: plain sockets. */
  readonly tls: Identity | undefined;
}

export interface SinkCounts {
  readonly requests: number;
  /** As they came: compressed where they were. */
  readonly bytes: number;
  readonly items: number;
  /** Of the running numbers in the items. */
  readonly seen: number;
  readonly distinct: number;
  readonly duplicates: number;
  readonly beyond: number;
}

/** How a sink answers, until it is told otherwise: at once, and that it took everything. */
export interface Answers {
  readonly afterMs: number;
  /** Refuses as a target that is down for a while: the sender may try again. */
  readonly unavailable: boolean;
}

/** `answer` is for one of its ports. */
export type SinkRequest =
  | { readonly kind: "counts" }
  | { readonly kind: "answer"; readonly port: number; readonly answers: Answers };

export type SinkReport =
  | { readonly kind: "listening"; readonly ports: readonly number[] }
  | { readonly kind: "counts"; readonly ports: readonly SinkCounts[] }
  | { readonly kind: "answering" };

export interface LoadArguments {
  readonly protocol: Case["protocol"];
  readonly signal: Signal;
  readonly encoding: Case["encoding"];
  readonly port: number;
  readonly tls: boolean;
  readonly connections: number;
  /**
   * Calls under way on each connection; over HTTP/1.1 in a pipeline, which is answered in order. In
   * an open loop the most there may be.
   */
  readonly streams: number;
  /** Requests a second; 0: closed loop, the next call follows as soon as one is answered. */
  readonly requestsPerSecond: number;
  /**
   * From when latencies of an open loop count. `due`: nothing hides a stall. `sent`: from the tick
   * that sent the call, unless it had to wait for a free stream: how late the generator's own timer
   * is stays out of it.
   */
  readonly latencyFrom: "due" | "sent";
  readonly itemsPerRequest: number;
  readonly resourcesPerRequest: number;
  readonly services: readonly string[];
  readonly gzip: boolean;
  /** Who these items are from: 1 to 65,535. */
  readonly source: number;
}

/**
 * `mark` begins a new window of counts and latencies and answers with the one that ends; `rest`
 * sends no more until the next `start` and keeps the connections; `stop` ends the load.
 */
export type LoadRequest =
  /** At the rate of the arguments, or at this one. */
  { readonly kind: "start"; readonly requestsPerSecond?: number } | { readonly kind: "mark" | "rest" | "stop" };

export interface LoadCounts {
  readonly durationMs: number;
  readonly sentRequests: number;
  readonly sentItems: number;
  readonly ackedRequests: number;
  readonly ackedItems: number;
  /** Success with a message, which is a partial success. */
  readonly partial: number;
  /** By gRPC or HTTP status. */
  readonly refused: Readonly<Record<string, number>>;
  /** Reset, or without a connection, by why. */
  readonly failed: Readonly<Record<string, number>>;
  /** Calls of an open loop that had to wait because too many were under way. */
  readonly late: number;
  readonly unanswered: number;
  /** Connections that ended without a word before; others took their places. */
  readonly lostConnections: number;
  readonly latency: LatencySummary;
  /** The same, to be merged with that of other windows. */
  readonly latencies: LatencyCounts;
}

export type LoadReport =
  | { readonly kind: "ready"; readonly requestBytes: number }
  | { readonly kind: "started" }
  | { readonly kind: "marked"; readonly counts: LoadCounts }
  /** `open`: connections that can take a call. */
  | { readonly kind: "rested"; readonly unanswered: number; readonly open: number }
  /** `counts` of the whole run. */
  | { readonly kind: "stopped"; readonly counts: LoadCounts };

/** What the parent gave to this process as its first argument. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- both ends of the boundary are files of this folder
export function argumentsOf<Arguments>(): Arguments {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
  return JSON.parse(process.argv[2] ?? "{}") as Arguments;
}

export function tellParent(report: object): void {
  process.send?.(report);
}

/** Answers each message of the parent; ends with it. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as above
export function answerParent<Request>(answer: (request: Request) => object | Promise<object>): void {
  process.on("message", (request: Request) => {
    void Promise.resolve(answer(request)).then(tellParent);
  });
  process.on("disconnect", () => process.exit(0));
  // Ctrl-C reaches the whole process group; the parent ends this process when it has read the
  // results.
  process.on("SIGINT", () => undefined);
}
