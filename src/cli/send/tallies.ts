import type { Signal } from "../../otlp/signal.ts";
import { LatencyHistogram, type LatencySummary } from "./latency.ts";
import type { SendResult } from "./sender.ts";

export interface Amount {
  readonly requests: number;
  readonly items: number;
}

/** Requests that ended in one way that is not success. */
export interface Loss extends Amount {
  /** A gRPC code, `HTTP <status>`, or why there was no answer. */
  readonly code: string;
  /** What the first of them was told. */
  readonly message: string;
}

/** sent = acknowledged + refused + failed + unanswered, in requests and in items. */
export interface SendReport {
  readonly durationMs: number;
  readonly sent: Amount;
  readonly acknowledged: Amount;
  /** Within acknowledged requests: `items` is what `partial_success` counts, data points for metrics. */
  readonly partiallyRejected: Amount;
  readonly refused: readonly Loss[];
  readonly failed: readonly Loss[];
  /** Under way when it was stopped. */
  readonly unanswered: Amount;
  readonly retries: number;
  /** Acknowledged items a second. */
  readonly itemsPerSecond: number;
  /** Of acknowledged requests, from when they were due: waiting and retries included. */
  readonly latency: LatencySummary;
  readonly bySignal: Readonly<Partial<Record<Signal, Amount>>>;
}

/** Adds up how requests ended. */
export class Tallies {
  readonly #sent = { requests: 0, items: 0 };
  readonly #acknowledged = { requests: 0, items: 0 };
  readonly #rejected = { requests: 0, items: 0 };
  readonly #unanswered = { requests: 0, items: 0 };
  readonly #refused = new Map<string, { code: string; requests: number; items: number; message: string }>();
  readonly #failed = new Map<string, { code: string; requests: number; items: number; message: string }>();
  readonly #bySignal: Partial<Record<Signal, { requests: number; items: number }>> = {};
  readonly #latency = new LatencyHistogram();
  #retries = 0;

  sent(signal: Signal, items: number): void {
    add(this.#sent, items);
    add((this.#bySignal[signal] ??= { requests: 0, items: 0 }), items);
  }

  retried(): void {
    this.#retries++;
  }

  ended(result: SendResult, items: number, latencyMs: number): void {
    switch (result.kind) {
      case "acknowledged":
        this.#latency.add(latencyMs);
        add(this.#acknowledged, items);
        if (result.rejected > 0) add(this.#rejected, result.rejected);
        return;
      case "refused":
        return lose(this.#refused, result.code, result.message, items);
      case "failed":
        if (result.reason === "cancelled") add(this.#unanswered, items);
        else lose(this.#failed, result.reason, result.message, items);
    }
  }

  report(durationMs: number): SendReport {
    return {
      durationMs,
      sent: { ...this.#sent },
      acknowledged: { ...this.#acknowledged },
      partiallyRejected: { ...this.#rejected },
      refused: [...this.#refused.values()].map((loss) => ({ ...loss })),
      failed: [...this.#failed.values()].map((loss) => ({ ...loss })),
      unanswered: { ...this.#unanswered },
      retries: this.#retries,
      itemsPerSecond: durationMs > 0 ? (this.#acknowledged.items * 1_000) / durationMs : 0,
      latency: this.#latency.summary(),
      bySignal: structuredClone(this.#bySignal),
    };
  }
}

function add(amount: { requests: number; items: number }, items: number): void {
  amount.requests++;
  amount.items += items;
}

/** Codes are a closed list but for HTTP statuses, of which there are a few hundred. */
function lose(
  losses: Map<string, { code: string; requests: number; items: number; message: string }>,
  code: string,
  message: string,
  items: number,
): void {
  const loss = losses.get(code) ?? { code, requests: 0, items: 0, message };
  losses.set(code, loss);
  add(loss, items);
}
