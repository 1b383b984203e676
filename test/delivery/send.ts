import { systemRandom } from "../../src/core/random.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { Signal } from "../../src/otlp/signal.ts";
import type { TargetPlan } from "../../src/plan/plan.ts";
import { openClient } from "../../src/data/export/client.ts";
import type { Batch, TargetClient } from "../../src/data/export/target-client.ts";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { NO_HEADERS, type SenderHeaders } from "../../src/plan/sender-headers.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { targetPlan } from "./pool-rig.ts";

/** One resource, one scope, two empty spans: as two pieces, which are a request each. */
export const TWO_SPANS: readonly Uint8Array[] = [
  Uint8Array.of(0x0a, 0x04, 0x12, 0x02, 0x12, 0x00),
  Uint8Array.of(0x0a, 0x04, 0x12, 0x02, 0x12, 0x00),
];

export function batchOf(
  pieces: readonly Uint8Array[] = TWO_SPANS,
  signal: Signal = "traces",
  headers: SenderHeaders = NO_HEADERS,
): Batch {
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return { signal, pieces, bytes, items: 2, points: 2, headers };
}

export function openTo(
  url: string,
  protocol: TargetPlan["protocol"],
  more: Partial<TargetPlan> = {},
  metrics = createMetrics(),
): TargetClient {
  const plan = targetPlan("t", { url, protocol, ...more });
  return openClient(() => plan, { clock: systemClock, random: systemRandom, metrics });
}

/** One call, and how often its outcome came: once is right. */
export function callOnce(
  client: TargetClient,
  timeoutMs: number,
): {
  readonly outcome: Promise<SendOutcome>;
  readonly times: () => number;
} {
  let times = 0;
  const outcome = new Promise<SendOutcome>((resolve) => {
    client.send(batchOf(), timeoutMs, (one) => {
      times++;
      resolve(one);
    });
  });
  return { outcome, times: () => times };
}

export function send(client: TargetClient, batch = batchOf(), timeoutMs = 10_000): Promise<SendOutcome> {
  return new Promise((resolve) => {
    client.send(batch, timeoutMs, resolve);
  });
}

/**
 * `retry unavailable 1500`, `rejected INTERNAL`, `rejected bad data INVALID_ARGUMENT`,
 * `accepted 3`, ...
 */
export function summary(outcome: SendOutcome): string {
  switch (outcome.kind) {
    case "accepted":
      return `accepted ${outcome.rejected}`;
    case "retry":
      return `retry ${outcome.reason}${outcome.afterMs === undefined ? "" : ` ${outcome.afterMs}`}`;
    case "too_large":
      return "too_large";
    case "elsewhere":
      return `elsewhere ${outcome.code}`;
    case "rejected":
      return `rejected ${outcome.badData ? "bad data " : ""}${outcome.code}`;
  }
}
