import { systemClock } from "../../../src/core/clock.ts";
import { tallyItems } from "../../../src/generate/read-back.ts";
import { Tally } from "../../../src/generate/tally.ts";
import type { Signal } from "../../../src/otlp/signal.ts";
import { takes } from "./sink-script.ts";
import type { SinkAnswer, SinkRequest } from "./sink-script.ts";

export interface SinkCounts {
  /**
   * Requests whose body arrived whole, checks apart: how many of these there are hangs on how long
   * a test takes.
   */
  readonly requests: number;
  /** Empty exports, as checks send them. */
  readonly checks: number;
  /** Requests answered, or to be answered, with success (partial success too), and their items. */
  readonly accepted: number;
  readonly acceptedItems: number;
  /** Items that a partial success rejected. */
  readonly rejectedItems: number;
  readonly malformed: number;
  /** Connections accepted since the sink was opened, and those open now. */
  readonly connections: number;
  readonly openConnections: number;
  /** Requests no longer in `requests` because of the bounds. */
  readonly forgotten: number;
}

/** What a sink saw: the newest requests within bounds, and counts of everything. */
export class SinkRecord {
  /** Running numbers of accepted generated items: loss and duplication can be read off it. */
  readonly tally = new Tally();
  readonly #maxRequests: number;
  readonly #maxBytes: number;
  #kept: SinkRequest[] = [];
  /** The newest ones. */
  readonly #checks: SinkRequest[] = [];
  #keptBytes = 0;
  #counts = {
    requests: 0,
    checks: 0,
    accepted: 0,
    acceptedItems: 0,
    rejectedItems: 0,
    malformed: 0,
    connections: 0,
    openConnections: 0,
    forgotten: 0,
  };
  #waiting = new Set<() => void>();

  constructor(maxRequests: number, maxBytes: number) {
    this.#maxRequests = maxRequests;
    this.#maxBytes = maxBytes;
  }

  get requests(): readonly SinkRequest[] {
    return this.#kept;
  }

  get checks(): readonly SinkRequest[] {
    return this.#checks;
  }

  counts(): SinkCounts {
    return { ...this.#counts };
  }

  /** Notes a request and the answer it is about to get. */
  note(request: SinkRequest, answer: SinkAnswer): void {
    if (isCheck(request)) return this.#noteCheck(request);
    this.#counts.requests++;
    if (request.malformed) this.#counts.malformed++;
    if (takes(answer)) this.#accept(request, answer);
    this.#kept.push(request);
    this.#keptBytes += request.body.length;
    while (this.#kept.length > this.#maxRequests || (this.#keptBytes > this.#maxBytes && this.#kept.length > 1)) {
      this.#keptBytes -= this.#kept.shift()!.body.length;
      this.#counts.forgotten++;
    }
    this.#wake();
  }

  connected(change: 1 | -1): void {
    this.#counts.openConnections += change;
    if (change === 1) this.#counts.connections++;
    this.#wake();
  }

  /**
   * Resolves as soon as `holds` is true, asked after every event; rejects after `withinMs` with
   * what the sink saw.
   */
  until(holds: () => boolean, withinMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const ask = (): void => {
      if (!holds()) return;
      finish();
      resolve();
    };
    const cancel = systemClock.after(withinMs, () => {
      finish();
      reject(new Error(`a sink waited ${withinMs} ms in vain; it saw ${JSON.stringify(this.#counts)}`));
    });
    const finish = (): void => {
      cancel();
      this.#waiting.delete(ask);
    };
    this.#waiting.add(ask);
    ask();
    return promise;
  }

  #noteCheck(request: SinkRequest): void {
    this.#counts.checks++;
    this.#checks.push(request);
    if (this.#checks.length > this.#maxRequests) this.#checks.shift();
    this.#wake();
  }

  #accept(request: SinkRequest, answer: SinkAnswer): void {
    const final = lastOf(answer);
    const rejected = final.kind === "partial" ? final.rejected : 0;
    this.#counts.accepted++;
    this.#counts.acceptedItems += request.items - rejected;
    this.#counts.rejectedItems += rejected;
    if (isProtobuf(request)) tallyItems(request.signal, request.body, this.tally);
  }

  #wake(): void {
    for (const ask of this.#waiting) ask();
  }
}

function lastOf(answer: SinkAnswer): SinkAnswer {
  return answer.kind === "delay" || answer.kind === "held" ? lastOf(answer.next) : answer;
}

function isCheck({ body, malformed, signal }: SinkRequest): boolean {
  return body.length === 0 && !malformed && signal !== undefined;
}

function isProtobuf(request: SinkRequest): request is SinkRequest & { readonly signal: Signal } {
  return request.signal !== undefined && request.items > 0;
}
