import { type Cancel, type Clock, sleep } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import { type PreparedRequest, stamp } from "../../generate/prepared.ts";
import type { Signal } from "../../otlp/signal.ts";
import { type Endpoint, mayRetry, type Sender, type SendResult } from "./sender.ts";
import { type SendReport, Tallies } from "./tallies.ts";
import { prepare } from "../../generate/generate.ts";

/** What to send, how fast and how long. */
export interface SendPlan extends Pick<Endpoint, "protocol" | "concurrency"> {
  readonly signals: readonly Signal[];
  /** 0: as fast as answers come. */
  readonly itemsPerSecond: number;
  /** Infinity: until the count is reached or it is stopped. */
  readonly durationMs: number;
  readonly maxItems: number;
  readonly itemsPerRequest: number;
  readonly services: readonly string[];
  /** Tries after the first. */
  readonly retries: number;
}

interface SendEnv {
  readonly clock: Clock;
  readonly random: Random;
  readonly sender: Sender;
  /** Stops: nothing more is sent, and what is under way counts as unanswered. */
  readonly stop: AbortSignal;
  /** Who sends, as its items say: 1 to 65,535. Left out: anyone. */
  readonly source?: number;
  /** Told of each request that was answered with success. */
  readonly acknowledged?: (firstNumber: number, items: number) => void;
}

/** A run under way. */
export interface SendRun {
  readonly done: Promise<SendReport>;
  /** What it came to so far. */
  report(): SendReport;
  /** Sends nothing more, but waits for what is under way. */
  finish(): void;
}

const FIRST_BACKOFF_MS = 200;
/** Past --duration nothing new is sent later than this. */
const MAX_LATE_MS = 10_000;
const MAX_BACKOFF_MS = 5_000;
/** A server that asks for more is not waited for. */
const MAX_RETRY_AFTER_MS = 60_000;

/**
 * Sends on schedule: a request is due at its time whether earlier ones were answered or not, and
 * its latency counts from then, so that a slow server does not hide its slowness by holding up the
 * sender.
 */
export function startSend(options: SendPlan, env: SendEnv): SendRun {
  const loop = new SendLoop(options, env);
  return { done: loop.start(), report: () => loop.report(), finish: () => loop.finish() };
}

class SendLoop {
  readonly #options: SendPlan;
  readonly #env: SendEnv;
  readonly #requests: Requests;
  readonly #tallies = new Tallies();
  readonly #startMs: number;
  readonly #intervalMs: number;
  readonly #ended = Promise.withResolvers<SendReport>();
  #issued = 0;
  #issuedItems = 0;
  #underWay = 0;
  /** Until then the server wants nothing new. */
  #pausedUntilMs = 0;
  #answered = false;
  #over = false;
  #cancelTimer: Cancel = () => undefined;

  constructor(options: SendPlan, env: SendEnv) {
    this.#options = options;
    this.#env = env;
    this.#requests = new Requests(options, env);
    this.#startMs = env.clock.nowMs();
    this.#intervalMs = options.itemsPerSecond > 0 ? (options.itemsPerRequest * 1_000) / options.itemsPerSecond : 0;
  }

  start(): Promise<SendReport> {
    this.#env.stop.addEventListener("abort", () => this.finish(), { once: true });
    if (this.#env.stop.aborted) this.finish();
    else this.#pump();
    return this.#ended.promise;
  }

  report(): SendReport {
    return this.#tallies.report(this.#env.clock.nowMs() - this.#startMs);
  }

  finish(): void {
    this.#over = true;
    this.#cancelTimer();
    this.#settle();
  }

  /**
   * Sends what is due, and comes back when the next one is; called again whenever a request has
   * ended.
   */
  #pump(): void {
    this.#cancelTimer();
    while (!this.#over && this.#underWay < this.#options.concurrency) {
      const nowMs = this.#env.clock.nowMs();
      const dueMs = this.#intervalMs === 0 ? nowMs : this.#startMs + this.#issued * this.#intervalMs;
      if (this.#isEnough(dueMs, nowMs)) {
        return this.finish();
      }
      const readyMs = Math.max(dueMs, this.#pausedUntilMs);
      if (readyMs > nowMs) {
        this.#cancelTimer = this.#env.clock.after(readyMs - nowMs, () => this.#pump());
        return;
      }
      void this.#issue(dueMs);
    }
  }

  /**
   * What is due but has waited this long for a server that is slow or away is not sent any more.
   */
  #isEnough(dueMs: number, nowMs: number): boolean {
    const { maxItems, durationMs } = this.#options;
    if (this.#issuedItems >= maxItems || dueMs - this.#startMs >= durationMs) return true;
    return nowMs - this.#startMs >= durationMs + MAX_LATE_MS;
  }

  async #issue(dueMs: number): Promise<void> {
    const { signals, maxItems, itemsPerRequest } = this.#options;
    const signal = signals[this.#issued % signals.length]!;
    const items = Math.min(itemsPerRequest, maxItems - this.#issuedItems);
    this.#issued++;
    this.#issuedItems += items;
    this.#underWay++;
    this.#tallies.sent(signal, items);
    const { request, firstNumber } = this.#requests.take(signal, items);
    const result = await this.#sendWithRetries(request);
    this.#tallies.ended(result, items, this.#env.clock.nowMs() - dueMs);
    if (result.kind === "acknowledged") this.#env.acknowledged?.(firstNumber, items);
    // A call that ended without an answer may still be reading its bytes.
    if (result.kind !== "failed") this.#requests.giveBack(request);
    this.#underWay--;
    if (result.kind !== "failed") this.#answered = true;
    // Nobody has ever been there: what is left would only fail, too.
    else if (!this.#answered && result.reason === "connect") this.finish();
    if (this.#over) this.#settle();
    else this.#pump();
  }

  async #sendWithRetries(request: PreparedRequest): Promise<SendResult> {
    const { clock, sender, stop } = this.#env;
    for (let tries = 0; ; tries++) {
      const result = await sender.send(request.signal, request.bytes, stop);
      const askedMs = result.kind === "refused" ? (result.retryAfterMs ?? 0) : 0;
      if (askedMs > 0)
        this.#pausedUntilMs = Math.max(this.#pausedUntilMs, clock.nowMs() + Math.min(askedMs, MAX_RETRY_AFTER_MS));
      if (!mayRetry(result) || tries >= this.#options.retries || askedMs > MAX_RETRY_AFTER_MS) return result;
      this.#tallies.retried();
      try {
        await sleep(clock, Math.max(askedMs, this.#backoffMs(tries)), stop);
      } catch {
        return { kind: "failed", reason: "cancelled", message: "stopped" };
      }
    }
  }

  /** Full jitter: senders must not retry in step. */
  #backoffMs(tries: number): number {
    return this.#env.random.next() * Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** tries);
  }

  #settle(): void {
    if (this.#underWay === 0) this.#ended.resolve(this.report());
  }
}

const MAX_RESOURCES = 10;
/** So many are made before one is sent again, so that not all say the same. */
const LEAST_DIFFERENT = 4;

/**
 * Requests to send, each with ids and times of its own. Keeps at most as many as were under way at
 * the same time.
 */
class Requests {
  readonly #plan: SendPlan;
  readonly #env: Pick<SendEnv, "clock" | "random" | "source">;
  readonly #format: PreparedRequest["format"];
  readonly #free: Record<Signal, PreparedRequest[]> = { traces: [], metrics: [], logs: [] };
  readonly #source: number;
  #made = 0;
  #nextNumber = 0;

  constructor(plan: SendPlan, env: Pick<SendEnv, "clock" | "random" | "source">) {
    this.#plan = plan;
    this.#env = env;
    this.#format = plan.protocol === "http/json" ? "json" : "protobuf";
    this.#source = env.source ?? 1 + Math.floor(env.random.next() * 65_535);
  }

  /**
   * One with items that were not sent before; `giveBack` it when nothing reads its bytes any more.
   */
  take(signal: Signal, items: number): { readonly request: PreparedRequest; readonly firstNumber: number } {
    const free = this.#made < LEAST_DIFFERENT ? undefined : this.#free[signal].shift();
    const request = free?.items === items ? free : this.#make(signal, items);
    const firstNumber = this.#nextNumber;
    this.#nextNumber += items;
    stamp(request, { source: this.#source, firstNumber, wallMs: this.#env.clock.wallMs() });
    return { request, firstNumber };
  }

  giveBack(request: PreparedRequest): void {
    this.#free[request.signal].push(request);
  }

  #make(signal: Signal, items: number): PreparedRequest {
    const { services } = this.#plan;
    const resources = Math.min(items, services.length, MAX_RESOURCES);
    const at = this.#made++;
    return prepare(signal, this.#format, {
      items,
      resources,
      services,
      firstService: at * resources,
      seed: (this.#env.source ?? 0) * 1_000 + at,
      wallMs: this.#env.clock.wallMs(),
    });
  }
}
