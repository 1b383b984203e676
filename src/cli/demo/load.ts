import { type Clock, sleep } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import { copyPrepared, prepare, type Prepared } from "../../generate/prepared.ts";
import { stamp } from "../../generate/stamp.ts";
import { SIGNALS, type Signal } from "../../otlp/signal.ts";
import { mayRetry, type Sender as Client, type SendResult } from "../send/sender.ts";
import type { Sender } from "./cast.ts";
import { ledgerItems, type Tallies } from "./tallies.ts";

/** Spans, data points and log records, as the router's ledger counts them. */
export interface LoadCounts {
  readonly sent: number;
  /** Answered with success. */
  readonly acknowledged: number;
  /** Acknowledged, although they are at no target. */
  readonly lost: number;
  /** Given up: refused, or without an answer. */
  readonly failed: number;
  /** What the sender of the last failed request was told; empty when there is none. */
  readonly lastFailure: string;
}

export interface LoadOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly tallies: Tallies;
  /** The way to the router for each protocol. */
  readonly clientOf: (protocol: Sender["protocol"]) => Client;
}

/** Each service sends each of its signals so many times a second: small requests, as SDKs batch them. */
const REQUESTS_PER_SECOND = 10;
/** Different requests of each service and signal; they are sent in turn, with new ids and times. */
const VARIANTS = 4;
/** Regions and instances that one request speaks of. */
const RESOURCES = 2;
/** A router that does not answer must not fill our memory: above this nothing new is sent. */
const MAX_OUTSTANDING = 500;
const MAX_TRIES = 4;
/** Who generated the items; each signal has running numbers of its own. */
const SOURCE = 1;
const RETRY_MS = 250;

/** The mixed load: all services send, each in its own protocol, at an irregular pace, and try again as SDKs do. */
export class Load {
  readonly #options: LoadOptions;
  readonly #stop = new AbortController();
  readonly #cancel = new AbortController();
  readonly #outstanding = new Set<Promise<void>>();
  readonly #nextNumber: Record<Signal, number> = { traces: 0, metrics: 0, logs: 0 };
  #sent = 0;
  #acknowledged = 0;
  #lost = 0;
  #failed = 0;
  #lastFailure = "";

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  get counts(): LoadCounts {
    return {
      sent: this.#sent,
      acknowledged: this.#acknowledged,
      lost: this.#lost,
      failed: this.#failed,
      lastFailure: this.#lastFailure,
    };
  }

  /** Sends from now on. The requests are made before the first one is sent. */
  start(senders: readonly Sender[]): void {
    const flows = senders.flatMap((sender, index) =>
      SIGNALS.flatMap((signal) => this.#prepareFlow(sender, signal, index * VARIANTS)),
    );
    for (const flow of flows) void this.#run(flow);
  }

  /** Sends nothing new, and waits for answers for at most `graceMs`; what has none then has failed. */
  async stop(graceMs: number): Promise<void> {
    this.#stop.abort();
    const cancelTimer = this.#options.clock.after(graceMs, () => this.#cancel.abort());
    await Promise.all(this.#outstanding);
    cancelTimer();
  }

  #prepareFlow(sender: Sender, signal: Signal, seed: number): Flow[] {
    const items = Math.round((sender.rates[signal] ?? 0) / REQUESTS_PER_SECOND / ledgerItems(signal, 1));
    if (items === 0) return [];
    const format = sender.protocol === "http/json" ? "json" : "protobuf";
    const wallMs = this.#options.clock.wallMs();
    const make = (_: unknown, i: number): Prepared =>
      prepare(signal, format, { items, resources: RESOURCES, services: [sender.service], seed: seed + i, wallMs });
    return [{ client: this.#options.clientOf(sender.protocol), variants: Array.from({ length: VARIANTS }, make) }];
  }

  async #run({ client, variants }: Flow): Promise<void> {
    const { clock, random } = this.#options;
    const { signal: stopped } = this.#stop;
    for (let i = 0; ; i++) {
      // Irregular, so that the services do not send in step.
      const pauseMs = (2 * random.next() * 1_000) / REQUESTS_PER_SECOND;
      await sleep(clock, pauseMs, stopped).catch(ignore);
      if (stopped.aborted) return;
      const variant = variants[i % variants.length];
      if (variant === undefined || this.#outstanding.size >= MAX_OUTSTANDING) continue;
      const request = this.#send(client, copyPrepared(variant)).finally(() => this.#outstanding.delete(request));
      this.#outstanding.add(request);
    }
  }

  async #send(client: Client, request: Prepared): Promise<void> {
    const { signal } = request;
    const firstNumber = this.#nextNumber[signal];
    this.#nextNumber[signal] += request.items;
    const items = ledgerItems(signal, request.items);
    stamp(request, { source: SOURCE, firstNumber, wallMs: this.#options.clock.wallMs() });
    this.#sent += items;
    const result = await this.#attempt(client, request);
    if (result.kind === "acknowledged") {
      this.#acknowledged += items;
      this.#lost += this.#missing(signal, firstNumber, request.items);
    } else {
      this.#failed += items;
      this.#lastFailure = `${result.kind === "refused" ? result.code : result.reason}: ${result.message}`;
    }
  }

  async #attempt(client: Client, { signal, bytes }: Prepared): Promise<SendResult> {
    for (let tries = 1; ; tries++) {
      const result = await client.send(signal, bytes, this.#cancel.signal);
      if (tries === MAX_TRIES || !mayRetry(result)) return result;
      const delayMs = (result.kind === "refused" ? result.retryAfterMs : undefined) ?? RETRY_MS * 2 ** tries;
      await sleep(this.#options.clock, delayMs, this.#cancel.signal).catch(ignore);
    }
  }

  /** A target counts items before it answers, and the router answers after it: what is not there by now is lost. */
  #missing(signal: Signal, firstNumber: number, items: number): number {
    let missing = 0;
    for (let number = firstNumber; number < firstNumber + items; number++) {
      if (!this.#options.tallies.first[signal].has(SOURCE, number)) missing++;
    }
    return ledgerItems(signal, missing);
  }
}

interface Flow {
  readonly client: Client;
  readonly variants: readonly Prepared[];
}

/** An aborted wait is a wait that ended. */
function ignore(): void {}
