import type { Signal } from "../../otlp/signal.ts";
import { Latencies, type LatencySummary } from "./latency.ts";
import type { SendResult } from "./sender.ts";

interface Amount {
  readonly requests: number;
  readonly items: number;
}

/** Requests that ended in one way that is not success. */
export interface SendLoss extends Amount {
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
  /**
   * Within acknowledged requests: `items` is what `partial_success` counts, data points for
   * metrics.
   */
  readonly partiallyRejected: Amount;
  readonly refused: readonly SendLoss[];
  readonly failed: readonly SendLoss[];
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
  readonly #amounts = { sent: none(), acknowledged: none(), partiallyRejected: none(), unanswered: none() };
  readonly #refused = new Map<string, Counted<SendLoss>>();
  readonly #failed = new Map<string, Counted<SendLoss>>();
  readonly #bySignal: Partial<Record<Signal, Counted<Amount>>> = {};
  readonly #latency = new Latencies();
  #retries = 0;

  sent(signal: Signal, items: number): void {
    add(this.#amounts.sent, items);
    add((this.#bySignal[signal] ??= none()), items);
  }

  retried(): void {
    this.#retries++;
  }

  ended(result: SendResult, items: number, latencyMs: number): void {
    switch (result.kind) {
      case "acknowledged":
        this.#latency.add(latencyMs);
        add(this.#amounts.acknowledged, items);
        if (result.rejected > 0) add(this.#amounts.partiallyRejected, result.rejected);
        return;
      case "refused":
        return lose(this.#refused, result.code, result.message, items);
      case "failed":
        if (result.reason === "cancelled") add(this.#amounts.unanswered, items);
        else lose(this.#failed, result.reason, result.message, items);
    }
  }

  report(durationMs: number): SendReport {
    const { sent, acknowledged, partiallyRejected, unanswered } = this.#amounts;
    // A copy: a report stays as it is while requests go on.
    return structuredClone({
      durationMs,
      sent,
      acknowledged,
      partiallyRejected,
      refused: [...this.#refused.values()],
      failed: [...this.#failed.values()],
      unanswered,
      retries: this.#retries,
      itemsPerSecond: durationMs > 0 ? (acknowledged.items * 1_000) / durationMs : 0,
      latency: this.#latency.summary(),
      bySignal: this.#bySignal,
    });
  }
}

type Counted<Some extends Amount> = { -readonly [Member in keyof Some]: Some[Member] };

function none(): Counted<Amount> {
  return { requests: 0, items: 0 };
}

function add(amount: Counted<Amount>, items: number): void {
  amount.requests++;
  amount.items += items;
}

/** Codes are a closed list but for HTTP statuses, of which there are a few hundred. */
function lose(losses: Map<string, Counted<SendLoss>>, code: string, message: string, items: number): void {
  const loss = losses.get(code) ?? { code, ...none(), message };
  losses.set(code, loss);
  add(loss, items);
}
