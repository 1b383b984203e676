import assert from "node:assert/strict";
import { OWN_BODIES } from "../../src/core/arena/extent.ts";
import { NodeGuard } from "../../src/data/sample/node-guard.ts";
import { RandomnessCounts } from "../../src/data/sample/randomness-counts.ts";
import { Sampler, SAMPLED, type Sampled } from "../../src/data/sample/sampler.ts";
import { Envelope, scanEnvelope } from "../../src/otlp/scan.ts";
import type { SampledSignal } from "../../src/plan/sampling-plan.ts";
import { NO_HEADERS } from "../../src/plan/sender-headers.ts";
import { createLedger, type Ledger } from "../../src/telemetry/ledger.ts";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.ts";
import { loadText } from "../config/load-text.ts";
import { boundPlan } from "../support/bound-plan.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** The stage sample of a config, with `global` as it is written. */
export class SamplingRig {
  readonly ledger: Ledger = createLedger();
  readonly metrics: Metrics = createMetrics();
  readonly clock = new ManualClock();
  readonly guard = new NodeGuard(this.clock);
  readonly randomness = new RandomnessCounts();
  readonly sampler: Sampler;
  readonly #signal: SampledSignal;

  constructor(signal: SampledSignal, global: string) {
    const text = `targets: [{ id: a, endpoint: "http://127.0.0.1:1" }]\nglobal: ${global}`;
    const { config, problems } = loadText(text);
    assert.ok(config, JSON.stringify(problems));
    const { sampling } = boundPlan(config);
    const route = sampling?.routes[signal];
    assert.ok(sampling && route, "the signal is not sampled");
    this.#signal = signal;
    this.sampler = new Sampler(signal, route, sampling, this);
  }

  /** Decides, and nothing more. */
  walk(bytes: Uint8Array): Sampled {
    const envelope = new Envelope();
    assert.ok(scanEnvelope(this.#signal, bytes, envelope), envelope.problem);
    return this.sampler.sample(envelope, "here", NO_HEADERS, OWN_BODIES);
  }

  /** What is left of a request; undefined: nothing. Counts it. */
  sample(bytes: Uint8Array): { readonly result: Sampled; readonly bytes: Uint8Array | undefined } {
    const result = this.walk(bytes);
    this.sampler.commit();
    if (result === SAMPLED.LESS) return { result, bytes: this.sampler.take().bytes };
    return { result, bytes: result === SAMPLED.SAME ? bytes : undefined };
  }

  /** Items before sampling, by class and octave. */
  received(): string[] {
    return seriesOf(this.metrics.samplingReceivedItems);
  }

  dropped(): number {
    let dropped = 0;
    for (const entry of this.ledger.entries) dropped += entry.dropped.get("sampled") ?? 0;
    return dropped;
  }
}

/** `class octave value` of each series. */
export function seriesOf(family: Metrics["samplingReceivedItems"]): string[] {
  return Array.from(
    family.series.values(),
    ({ labels: [, name, octave], series }) => `${name} ${octave} ${series.value}`,
  );
}
