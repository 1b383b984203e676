import type { LatencySummary } from "../../src/cli/send/latency.ts";

/** What bench/connections/hold.ts is asked for and answers. */
export interface HoldArguments {
  readonly port: number;
  readonly tls: boolean;
  readonly connections: number;
  readonly openPerSecond: number;
  /** Each connection sends a request in this time. */
  readonly everyMs: number;
}

export interface HoldRequest {
  /** `open` answers when all are open or have failed; from then on requests go on until `stop`. */
  readonly kind: "open" | "counts" | "stop";
}

export type HoldReport =
  | { readonly kind: "ready" }
  | { readonly kind: "opened"; readonly opened: number; readonly failed: number; readonly tookMs: number }
  | ({ readonly kind: "counts" } & HoldCounts);

/** Since the start. */
export interface HoldCounts {
  /** Connections that are open now. */
  readonly open: number;
  readonly acknowledged: number;
  readonly acknowledgedItems: number;
  readonly refused: number;
  readonly latency: LatencySummary;
}
