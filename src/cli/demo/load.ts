import type { Cancel, Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import { VERSION } from "../../core/version.ts";
import { SIGNALS, type Signal } from "../../otlp/signal.ts";
import { type SendRun, startSend } from "../send/run-send.ts";
import { openSender, type Protocol, type Sender } from "../send/sender.ts";
import { type RouterAddresses, type Service, SERVICES } from "./cast.ts";
import { ledgerItems, type DemoTallies } from "./target.ts";

/** Spans, data points and log records, as the router's ledger counts them. */
export interface LoadCounts {
  readonly sent: number;
  /** Answered with success. */
  readonly acknowledged: number;
  /** Acknowledged, although they are at no target. */
  readonly lost: number;
  /** Given up: refused, or without an answer. */
  readonly failed: number;
  /** What the sender of a failed request was told; empty when there is none. */
  readonly lastFailure: string;
}

/**
 * Each service sends each of its signals so many times a second: small requests, as SDKs batch
 * them.
 */
const REQUESTS_PER_SECOND = 10;
/** A router that does not answer must not fill our memory. */
const MAX_UNDER_WAY = 30;
/** Without an answer for seconds: the demo's router restarts no faster. */
const RETRIES = 6;

/**
 * The mixed load: all services send, each signal on a schedule of its own, and try again as SDKs
 * do.
 */
export class Load implements AsyncDisposable {
  readonly #env: { readonly clock: Clock; readonly random: Random };
  readonly #tallies: DemoTallies;
  readonly #clients: Readonly<Record<Protocol, Sender>>;
  readonly #cancel = new AbortController();
  readonly #starts: Cancel[] = [];
  readonly #runs: { readonly signal: Signal; readonly run: SendRun }[] = [];
  #lost = 0;

  /** Nothing is sent before `start`. */
  constructor(router: RouterAddresses, tallies: DemoTallies, env: { readonly clock: Clock; readonly random: Random }) {
    this.#env = env;
    this.#tallies = tallies;
    const open = (protocol: Protocol, address: string): Sender =>
      openSender({ ...ENDPOINT, protocol, url: `http://${address}` }, env);
    this.#clients = {
      grpc: open("grpc", router.grpc),
      http: open("http", router.http),
      "http/json": open("http/json", router.http),
    };
  }

  /** Not all at once, so that the services do not send in step. */
  start(): void {
    const { clock, random } = this.#env;
    for (const [i, service] of SERVICES.entries()) {
      for (const [k, signal] of SIGNALS.entries()) {
        const delayMs = (random.next() * 1_000) / REQUESTS_PER_SECOND;
        const source = 1 + i * SIGNALS.length + k;
        if (service.rates[signal] === undefined) continue;
        this.#starts.push(clock.after(delayMs, () => this.#runs.push(this.#startFlow(service, signal, source))));
      }
    }
  }

  get counts(): LoadCounts {
    let [sent, acknowledged, failed, lastFailure] = [0, 0, 0, ""];
    for (const { signal, run } of this.#runs) {
      const report = run.report();
      sent += ledgerItems(signal, report.sent.items);
      acknowledged += ledgerItems(signal, report.acknowledged.items);
      const losses = [...report.refused, ...report.failed];
      failed += ledgerItems(
        signal,
        losses.reduce((sum, { items }) => sum + items, report.unanswered.items),
      );
      const last = losses.at(-1);
      if (last !== undefined) lastFailure = `${last.code}: ${last.message}`;
      else if (report.unanswered.items > 0) lastFailure = "there was no answer in time";
    }
    return { sent, acknowledged, lost: this.#lost, failed, lastFailure };
  }

  /**
   * Sends nothing new, and waits for answers for at most `graceMs`; what has none then has failed.
   */
  async stop(graceMs: number): Promise<void> {
    for (const cancelStart of this.#starts) cancelStart();
    for (const { run } of this.#runs) run.finish();
    const cancelTimer = this.#env.clock.after(graceMs, () => this.#cancel.abort());
    await Promise.all(this.#runs.map(({ run }) => run.done));
    cancelTimer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(0);
    for (const client of Object.values(this.#clients)) await client[Symbol.asyncDispose]();
  }

  #startFlow({ name, protocol, rates }: Service, signal: Signal, source: number): { signal: Signal; run: SendRun } {
    const itemsPerSecond = (rates[signal] ?? 0) / ledgerItems(signal, 1);
    const plan = {
      protocol,
      signals: [signal],
      services: [name],
      itemsPerSecond,
      itemsPerRequest: itemsPerSecond / REQUESTS_PER_SECOND,
      durationMs: Infinity,
      maxItems: Infinity,
      concurrency: MAX_UNDER_WAY,
      retries: RETRIES,
    };
    const acknowledged = (firstNumber: number, items: number): void => {
      this.#lost += ledgerItems(signal, this.#missing(signal, source, firstNumber, items));
    };
    const sender = this.#clients[protocol];
    const run = startSend(plan, { ...this.#env, sender, stop: this.#cancel.signal, source, acknowledged });
    return { signal, run };
  }

  /**
   * A target counts items before it answers, and the router answers after it: what is not there by
   * now is lost.
   */
  #missing(signal: Signal, source: number, firstNumber: number, items: number): number {
    let missing = 0;
    for (let number = firstNumber; number < firstNumber + items; number++) {
      if (!this.#tallies.first[signal].has(source, number)) missing++;
    }
    return missing;
  }
}

const ENDPOINT = {
  concurrency: 16,
  headers: {},
  compression: "none",
  timeoutMs: 10_000,
  tls: {},
  userAgent: `signalbox-demo/${VERSION}`,
} as const;
