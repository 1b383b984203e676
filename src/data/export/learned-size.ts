import type { CountingEnv } from "../../telemetry/env.ts";
import {
  splitSize,
  learnedMaxBytes,
  NO_SIZE_LIMIT,
  pauseMs,
  readExhausted,
  type SizeEvent,
  type SizeLimit,
  SMALLEST_LIMIT_BYTES,
  stepSizeLimit,
} from "./size-limit.ts";
import type { Batch } from "./target-client.ts";
import type { SendOutcome, SizeDoubt } from "../send-outcome.ts";

/** A 400 to less than this is about the data: limits of request bodies are larger. */
const LARGE_BYTES = 1_048_576;

/**
 * What one target has shown of the size of requests that it takes, and what its answers mean in the
 * light of it.
 */
export class LearnedSize {
  readonly #id: () => string;
  readonly #env: Omit<CountingEnv, "random">;
  #limit: SizeLimit = NO_SIZE_LIMIT;

  constructor(id: () => string, env: Omit<CountingEnv, "random">) {
    this.#id = id;
    this.#env = env;
  }

  /** No batch should be larger; Infinity while nothing was learned. */
  get maxBytes(): number {
    return this.#limit.learnedBytes === Infinity ? Infinity : learnedMaxBytes(this.#limit, this.#env.clock.nowMs());
  }

  splitSize(bytes: number): { readonly bytes: number; readonly proven: boolean } {
    return splitSize(this.#limit, bytes, this.#env.clock.nowMs());
  }

  learned(bytes: number, refusedBytes: number): void {
    const before = this.maxBytes;
    this.#step({ kind: "learned", bytes, refusedBytes });
    const { maxBytes } = this;
    if (maxBytes === before) return;
    this.#env.log?.info("target refuses large requests: they are cut to what it took", {
      target: this.#id(),
      max_bytes: maxBytes,
      refused_bytes: refusedBytes,
    });
  }

  /** Something that was refused is sent in parts. */
  split(doubt: SizeDoubt | undefined): void {
    this.#env.metrics.exportSplits.with(this.#id(), doubt === undefined ? "too_large" : SPLIT_REASONS[doubt]).add(1);
  }

  /** What an outcome means, after what went before. */
  read(outcome: SendOutcome, batch: Batch, sentMs: number): SendOutcome {
    if (batch.encoding !== undefined && batch.encoding !== "protobuf") return readUnread(outcome, batch);
    switch (outcome.kind) {
      case "accepted":
        this.#step({ kind: "taken", bytes: batch.bytes, sentMs, of: batch.headers.key });
        return outcome;
      case "too_large":
        return outcome.doubt === "quota"
          ? this.#readExhausted(outcome.message, batch, sentMs)
          : this.#refused(outcome, batch);
      case "rejected":
        if (outcome.code !== "HTTP 400" || batch.bytes < LARGE_BYTES) return outcome;
        return this.#refused({ kind: "too_large", message: outcome.message, doubt: "bad_data" }, batch);
      default:
        return outcome;
    }
  }

  #refused(outcome: SendOutcome, { bytes }: Batch): SendOutcome {
    this.#step({ kind: "refused", bytes });
    return outcome;
  }

  #readExhausted(message: string, batch: Batch, sentMs: number): SendOutcome {
    const { bytes, decisive = false, headers } = batch;
    const meaning = readExhausted(this.#limit, { bytes, decisive, of: headers.key }, this.#env.clock.nowMs());
    if (meaning !== "throttled") {
      return this.#refused({ kind: "too_large", message, doubt: meaning === "half" ? "quota" : meaning }, batch);
    }
    this.#step({ kind: "throttled", sentMs });
    const afterMs = pauseMs(this.#limit);
    const perhapsSize = bytes >= SMALLEST_LIMIT_BYTES;
    return { kind: "retry", reason: "throttled", message, afterMs, unprocessed: false, quota: true, perhapsSize };
  }

  #step(event: SizeEvent): void {
    this.#limit = stepSizeLimit(this.#limit, event, this.#env.clock.nowMs());
  }
}

/**
 * How long it is inflated is not known: nothing is learned, and what may be about the size makes it
 * be read (queue/settle.ts).
 */
function readUnread(outcome: SendOutcome, { bytes }: Batch): SendOutcome {
  if (outcome.kind === "too_large") return { ...outcome, doubt: "quota" };
  if (outcome.kind !== "rejected" || outcome.code !== "HTTP 400" || bytes < LARGE_BYTES / USUAL_RATIO) return outcome;
  return { kind: "too_large", message: outcome.message, doubt: "quota" };
}

/** OTLP becomes so many times as long, or less, when it is inflated. */
const USUAL_RATIO = 16;

const SPLIT_REASONS = { recent: "exhausted", above: "exhausted", quota: "exhausted", bad_data: "bad_data" } as const;

/**
 * What a refusal of `bytes` for their size says of the target: what no target can be meant to
 * refuse is its fault.
 */
export function isUnreasonable(doubt: SizeDoubt | undefined, bytes: number): boolean {
  return doubt === undefined && bytes < SMALLEST_LIMIT_BYTES;
}
