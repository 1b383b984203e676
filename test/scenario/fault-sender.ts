import { prepare } from "../../src/generate/generate.ts";
import { type PreparedRequest, stamp } from "../../src/generate/prepared.ts";
import type { Tally } from "../../src/generate/tally.ts";
import type { Signal } from "../../src/otlp/signal.ts";
import { openWire, type Wire, type WireAnswer } from "./fault-wire.ts";
import { PATIENCE_MS } from "../support/patience.ts";

export interface SenderOptions {
  readonly via: "grpc" | "http";
  /** `host:port` of the node's listener. */
  readonly address: string;
  /** Running numbers of items are those of this source: no other sender may have it. */
  readonly source: number;
  readonly service: string;
  readonly signal?: Signal;
  readonly itemsPerRequest?: number;
  /** Requests under way at the same time. */
  readonly parallel?: number;
  /** From an answer to the next request. */
  readonly pauseMs?: number;
  /** gRPC only. */
  readonly timeoutMs?: number;
}

/** One request as the sender saw it: its items have the numbers from `first` on. */
export interface Sent {
  readonly first: number;
  readonly items: number;
  readonly answer: WireAnswer;
  readonly startedMs: number;
  readonly tookMs: number;
}

/**
 * Sends distinct items over one wire, over and over, and remembers what was said of each request.
 * Tries nothing again.
 */
export class Sender implements AsyncDisposable {
  readonly source: number;
  readonly service: string;
  readonly sent: Sent[] = [];
  readonly #options: SenderOptions;
  readonly #wire: Wire;
  readonly #items: number;
  readonly #abort = new AbortController();
  #next = 0;
  #stopping = false;
  #loops: Promise<void>[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(options: SenderOptions) {
    this.source = options.source;
    this.service = options.service;
    this.#options = options;
    this.#items = options.itemsPerRequest ?? 5;
    this.#wire = openWire(options.via, options.address, options.parallel ?? 2);
  }

  get wire(): Wire {
    return this.#wire;
  }

  /** Requests that were answered with full or partial success. */
  get taken(): number {
    return this.sent.filter(({ answer }) => answer.kind === "taken").length;
  }

  /** All that were not, as texts. */
  get failures(): string[] {
    return this.sent.flatMap(({ answer }) => (answer.kind === "taken" ? [] : [describeAnswer(answer)]));
  }

  start(): this {
    for (let i = 0; i < (this.#options.parallel ?? 2); i++) this.#loops.push(this.#loop(this.prepare()));
    return this;
  }

  /** A request that this sender may stamp as its own. */
  prepare(): PreparedRequest {
    const { signal = "traces", service, source } = this.#options;
    const options = { items: this.#items, resources: 1, services: [service], seed: source, wallMs: 1_750_000_000_000 };
    return prepare(signal, "protobuf", options);
  }

  /** One request with numbers of its own. */
  async sendOne(prepared: PreparedRequest = this.prepare(), abort?: AbortSignal): Promise<Sent> {
    const { signal = "traces", source, timeoutMs } = this.#options;
    const first = this.#next;
    this.#next += prepared.items;
    stamp(prepared, { source, firstNumber: first });
    const startedMs = performance.now();
    const answer = await this.#wire.send({
      signal,
      body: prepared.bytes,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(abort !== undefined && { abort }),
    });
    const tookMs = performance.now() - startedMs;
    const sent = { first, items: prepared.items, answer, startedMs, tookMs };
    this.sent.push(sent);
    for (const ask of this.#waiting) ask();
    return sent;
  }

  /** Resolves when `count` more requests were taken than at the time of the call. */
  async progress(count: number): Promise<void> {
    const wanted = this.taken + count;
    const { promise, resolve } = Promise.withResolvers<void>();
    const ask = (): void => {
      if (this.taken >= wanted) resolve();
    };
    this.#waiting.add(ask);
    await promise;
    this.#waiting.delete(ask);
  }

  /** Sends no more; resolves when all requests were answered. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#loops);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    this.#abort.abort();
    await this.#wire[Symbol.asyncDispose]();
    await Promise.all(this.#loops);
  }

  async #loop(prepared: PreparedRequest): Promise<void> {
    while (!this.#stopping) {
      await this.sendOne(prepared);
      await new Promise((resolve) => setTimeout(resolve, this.#options.pauseMs ?? 10));
    }
  }
}

/** What became of the items of some senders, by what the sinks took. */
export interface Account {
  /** Items of requests that were taken, fully or in part. */
  readonly acknowledged: number;
  /** Of these, items that no sink has. */
  readonly lost: number;
  /** Items that were taken more than once, by one sink or by several: each further time counted. */
  readonly duplicates: number;
}

/**
 * Compares what was acknowledged with what arrived at sinks that should hold each item once between
 * them.
 */
export function account(senders: readonly Sender[], sinks: readonly { readonly tally: Tally }[]): Account {
  let acknowledged = 0;
  let lost = 0;
  let elsewhere = 0;
  for (const { source, sent } of senders) {
    for (const { first, items, answer } of sent) {
      for (let number = first; number < first + items; number++) {
        const holders = sinks.filter(({ tally }) => tally.has(source, number)).length;
        elsewhere += Math.max(0, holders - 1);
        if (answer.kind !== "taken") continue;
        acknowledged++;
        if (holders === 0) lost++;
      }
    }
  }
  const twice = sinks.reduce((sum, { tally }) => sum + tally.counts().duplicates, 0);
  return { acknowledged, lost, duplicates: elsewhere + twice };
}

/** Asks again and again, for what nobody tells of by itself; fails after `withinMs`. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = PATIENCE_MS): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`waited ${withinMs} ms in vain for: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function describeAnswer(answer: Exclude<WireAnswer, { kind: "taken" }>): string {
  return answer.kind === "broken" ? `broken: ${answer.message}` : `${answer.code}: ${answer.message}`;
}
