import assert from "node:assert/strict";
import { Arena } from "../../src/core/arena/arena.ts";
import { type BodyMemory, type Extent, OWN_BODIES } from "../../src/core/arena/extent.ts";
import { allocWasmMemory } from "../../src/core/arena/wasm-memory.ts";
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

/** For all rigs: one more than requests of tests have. */
const WASM_BYTES = 4_194_304;
export const wasmMemory = allocWasmMemory(WASM_BYTES);

/**
 * Where requests are, and what is left of them: in memory of their own, in which everything is done
 * by TypeScript; in an arena, in which the kernel does what it can, also with room behind each
 * request; or in an arena that has no room for what is left.
 */
export const PLACES = ["own", "arena", "roomy_arena", "full_arena"] as const;
export type Place = (typeof PLACES)[number];

/** What an envelope says of each resource. */
const OF_RESOURCES = [
  "outerStart",
  "bodyStart",
  "end",
  "resourceStart",
  "resourceEnd",
  "resourceTimes",
  "items",
  "points",
] as const;

/** The stage sample of a config, with `global` as it is written. */
export class SamplingRig {
  readonly ledger: Ledger = createLedger();
  readonly metrics: Metrics = createMetrics();
  readonly clock = new ManualClock();
  readonly guard = new NodeGuard(this.clock);
  readonly randomness = new RandomnessCounts();
  readonly sampler: Sampler;
  readonly #signal: SampledSignal;
  readonly #place: Place;
  #owner: Extent | undefined;
  readonly #arena = new Arena(WASM_BYTES, { debug: true, memory: wasmMemory });

  constructor(signal: SampledSignal, global: string, place: Place = "own") {
    this.#place = place;
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
    assert.ok(scanEnvelope(this.#signal, this.#placed(bytes), envelope), envelope.problem);
    const memory: BodyMemory = this.#place === "full_arena" || this.#place === "own" ? OWN_BODIES : this.#arena;
    const result = this.sampler.sample(envelope, "here", NO_HEADERS, { memory, owner: this.#owner });
    if (this.sampler.renewed) this.#assertRenewed(envelope);
    return result;
  }

  /** It says of what is left what a scan of that says. */
  #assertRenewed(renewed: Envelope): void {
    const { resources, totalItems, totalPoints } = renewed;
    const scanned = new Envelope();
    assert.ok(scanEnvelope(this.#signal, renewed.bytes, scanned), scanned.problem);
    assert.deepEqual(
      [scanned.resources, scanned.totalItems, scanned.totalPoints],
      [resources, totalItems, totalPoints],
    );
    assert.equal(this.sampler.known.length, resources);
    for (const of of OF_RESOURCES) {
      assert.deepEqual(renewed[of].subarray(0, resources), scanned[of].subarray(0, resources), of);
    }
  }

  #placed(bytes: Uint8Array): Uint8Array {
    if (this.#place === "own") return bytes;
    this.#arena.takesMore = this.#place === "roomy_arena";
    const body = this.#arena.alloc(bytes.length, true);
    assert.ok(body, "the request has no room");
    body.bytes.set(bytes);
    this.#owner = body;
    return body.bytes;
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
