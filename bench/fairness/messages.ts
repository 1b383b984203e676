import type { LatencySummary } from "../../src/cli/send/latency.ts";

/** Streams of the busy connection that send requests of one size. */
export interface StreamClass {
  readonly itemsPerRequest: number;
  readonly streams: number;
}

/** What bench/fairness/streams.ts is asked for and answers. */
export interface StreamsArguments {
  readonly port: number;
  readonly classes: readonly StreamClass[];
}

export interface StreamsRequest {
  /** `mark` begins a new window and answers with the one that ends. */
  readonly kind: "start" | "mark" | "stop";
}

export type StreamsReport =
  | { readonly kind: "ready" }
  | { readonly kind: "started" }
  | { readonly kind: "window"; readonly classes: readonly ClassShare[] };

/** How the streams of one class were served in a window. */
export interface ClassShare extends StreamClass {
  readonly requestBytes: number;
  readonly requests: number;
  readonly refused: number;
  readonly latency: LatencySummary;
  /** Bytes of requests acknowledged on the stream that got least, and on that which got most. */
  readonly leastBytes: number;
  readonly mostBytes: number;
}
