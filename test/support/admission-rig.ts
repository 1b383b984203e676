import assert from "node:assert/strict";
import { ManualClock } from "./manual-clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { NO_LIMITS } from "../../src/otlp/limits.ts";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.ts";
import {
  type Admission,
  type AdmissionLimits,
  type AdmissionRefused,
  type Arrival,
  createAdmission,
  type Permit,
} from "../../src/data/admit/admission.ts";

export const LIMITS: AdmissionLimits = {
  maxRequestBytes: 1_000,
  counts: NO_LIMITS,
  maxInFlightBytes: 3_000,
  maxConcurrentRequests: 4,
  requestTimeoutMs: 10_000,
  maxTimeoutMs: 60_000,
};

export interface Gate {
  readonly admission: Admission;
  readonly metrics: Metrics;
  readonly clock: ManualClock;
  rss: number;
  asked: number;
}

/** Admission with these limits, where the rest is small. */
export function gate(limits: Partial<AdmissionLimits> = {}): Gate {
  const metrics = createMetrics();
  const clock = new ManualClock();
  const rssBytes = (): number => {
    it.asked++;
    return it.rss;
  };
  const admission = createAdmission({ ...LIMITS, ...limits }, { clock, metrics, random: seededRandom(1), rssBytes });
  const it: Gate = { admission, metrics, clock, rss: 0, asked: 0 };
  return it;
}

export function head(clock: ManualClock): Arrival {
  return { receivedMs: clock.nowMs() };
}

export function opened(admitted: Permit | AdmissionRefused): Permit {
  return admitted.kind === "permit" ? admitted : assert.fail(admitted.refusal.message);
}

export function refused(admitted: Permit | AdmissionRefused): AdmissionRefused["refusal"] {
  return admitted.kind === "refused" ? admitted.refusal : assert.fail("it was admitted");
}
