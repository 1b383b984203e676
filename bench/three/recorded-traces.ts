import { systemClock } from "../../src/core/clock.ts";
import { readThreshold } from "./threshold.ts";
import { decodeRequest } from "../../test/support/oracle/oracle.ts";
import { list } from "../../test/support/oracle/walk.ts";

/** A trace of which something was kept. */
interface RecordedTrace {
  readonly sentMs: number;
  kept: number;
}

/** What arrives of spans that tell when they were sent, by the second in which they were. */
export class RecordedTraces {
  /** Of each second since the beginning: items kept, and what they stand for. */
  readonly kept: number[] = [];
  readonly stoodFor: number[] = [];
  /** Of each second: items that arrived in it. */
  readonly arrivals: number[] = [];
  readonly traces = new Map<string, RecordedTrace>();
  readonly #beganMs: number;

  constructor(beganMs: number) {
    this.#beganMs = beganMs;
  }

  arrived(body: Uint8Array): void {
    for (const resource of list(decodeRequest("traces", body)["resourceSpans"])) {
      for (const scope of list(resource["scopeSpans"])) {
        for (const span of list(scope["spans"])) {
          const sentMs = Number(BigInt(String(span["startTimeUnixNano"])) / 1_000_000n);
          const id = Buffer.from(span["traceId"] as Uint8Array).toString("hex"); // oxlint-disable-line typescript/no-unsafe-type-assertion -- a field of bytes
          this.#arrived();
          this.#count(id, sentMs, 1 / readThreshold(String(span["traceState"] ?? "")));
        }
      }
    }
  }

  #arrived(): void {
    const second = Math.floor((systemClock.wallMs() - this.#beganMs) / 1_000);
    this.arrivals[second] = (this.arrivals[second] ?? 0) + 1;
  }

  #count(id: string, sentMs: number, count: number): void {
    const second = Math.floor((sentMs - this.#beganMs) / 1_000);
    this.kept[second] = (this.kept[second] ?? 0) + 1;
    this.stoodFor[second] = (this.stoodFor[second] ?? 0) + count;
    const trace = this.traces.get(id);
    if (trace === undefined) this.traces.set(id, { sentMs, kept: 1 });
    else trace.kept++;
  }
}
