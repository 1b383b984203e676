import { systemClock } from "../../src/core/clock.ts";
import type { OtlpSender } from "../../test/support/otlp-sender.ts";
import { EvenTraceIds, requestOfSpans, type SmallSpan } from "./spans.ts";
import { Turns } from "./three-nodes.ts";

export interface PairLoadOptions {
  readonly senders: readonly OtlpSender[];
  /** How much goes to each of them. */
  readonly weights: readonly number[];
  /** Items a second of each service, at a load of 1. */
  readonly services: Readonly<Record<string, number>>;
}

const TICK_MS = 100;
/** What a machine that stood still did not send is not sent at once. */
const MOST_MS = 300;

/** Traces of two spans each, sent to nodes of their own, as behind a balancer. */
export class PairLoad {
  /** Items that were taken, and refused, by the second in which they were sent. */
  readonly taken: number[] = [];
  refused = 0;
  readonly beganMs = systemClock.wallMs();
  /** Of which a span was refused: nothing can be said of the other one. */
  readonly spoilt = new Set<string>();
  load = 1;
  readonly #options: PairLoadOptions;
  readonly #names: readonly string[];
  readonly #services: Turns;
  readonly #nodes: Turns;
  readonly #ids: readonly EvenTraceIds[];
  readonly #perSecond: number;
  readonly #under = new Set<Promise<void>>();
  #due = 0;
  #lastMs = systemClock.nowMs();
  #isOver = false;

  constructor(options: PairLoadOptions) {
    this.#options = options;
    this.#names = Object.keys(options.services);
    const rates = Object.values(options.services);
    this.#perSecond = rates.reduce((sum, one) => sum + one, 0);
    this.#services = new Turns(rates);
    this.#nodes = new Turns(options.weights);
    this.#ids = rates.map((_, i) => new EvenTraceIds(i));
    this.#tick();
  }

  /** Ends it; answers are waited for. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#under);
  }

  #tick(): void {
    if (this.#isOver) return;
    const nowMs = systemClock.nowMs();
    this.#due += (this.#perSecond * this.load * Math.min(MOST_MS, nowMs - this.#lastMs)) / 1_000;
    this.#lastMs = nowMs;
    this.#send();
    systemClock.after(TICK_MS, () => this.#tick());
  }

  #send(): void {
    const startMs = systemClock.wallMs();
    const parts = this.#options.senders.map(() => new Map<string, SmallSpan[]>());
    for (; this.#due >= 2; this.#due -= 2) {
      const service = this.#services.next();
      const span = { traceId: this.#ids[service]!.next(), startMs };
      for (const node of [this.#nodes.next(), this.#nodes.next()]) {
        const part = parts[node]!;
        const spans = part.get(this.#names[service]!);
        if (spans === undefined) part.set(this.#names[service]!, [span]);
        else spans.push(span);
      }
    }
    for (const [i, part] of parts.entries()) {
      if (part.size === 0) continue;
      const call = this.#call(this.#options.senders[i]!, part, startMs);
      this.#under.add(call);
      void call.finally(() => this.#under.delete(call));
    }
  }

  async #call(sender: OtlpSender, part: ReadonlyMap<string, readonly SmallSpan[]>, startMs: number): Promise<void> {
    const spans = [...part.values()].flat();
    const { ok } = await sender.send("grpc", "traces", requestOfSpans(part));
    const second = Math.floor((startMs - this.beganMs) / 1_000);
    if (ok) this.taken[second] = (this.taken[second] ?? 0) + spans.length;
    else {
      this.refused += spans.length;
      for (const { traceId } of spans) this.spoilt.add(traceId.toString("hex"));
    }
  }
}
