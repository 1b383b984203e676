import { systemClock } from "../../src/core/clock.ts";
import type { OtlpSender } from "../../test/support/otlp-sender.ts";
import { EvenTraceIds, requestOfSpans } from "./spans.ts";

export interface SteadyLoadOptions {
  readonly senders: readonly OtlpSender[];
  /** Of each request. */
  readonly items: number;
}

interface LetIn {
  readonly node: number;
  readonly sentMs: number;
  /** When its answer came. */
  readonly atMs: number;
}

const TICK_MS = 25;
const SLOT_MS = 250;
/** What a machine that stood still did not send is not sent at once. */
const MOST_MS = 300;
/** So long answers are waited for in the end. */
const LAST_MS = 10_000;

/** So many items a second to each node, whatever they answer; what is refused is not sent again. */
export class SteadyLoad {
  /** Items a second, of each node. */
  offered: readonly number[] = [];
  readonly letIn: LetIn[] = [];
  readonly refused: number[] = [];
  readonly #options: SteadyLoadOptions;
  readonly #request: Buffer;
  readonly #due: number[];
  readonly #under = new Set<Promise<void>>();
  readonly #beganMs = systemClock.nowMs();
  #lastMs = this.#beganMs;
  #isOver = false;

  constructor(options: SteadyLoadOptions) {
    this.#options = options;
    const ids = new EvenTraceIds(1);
    const spans = Array.from({ length: options.items }, () => ({ traceId: ids.next(), startMs: 0 }));
    this.#request = requestOfSpans(new Map([["cart", spans]]));
    this.#due = options.senders.map(() => 0);
    this.#tick();
  }

  /** Since it began. */
  get nowMs(): number {
    return systemClock.nowMs() - this.#beganMs;
  }

  /** How many were not answered in time. */
  async end(): Promise<number> {
    this.#isOver = true;
    const waited = new Promise<void>((resolve) => systemClock.after(LAST_MS, resolve));
    await Promise.race([Promise.all(this.#under), waited]);
    return this.#under.size;
  }

  /**
   * The most that was let in for certain over any time, above `perSecond` x that time: of requests
   * that were sent after its beginning and answered before its end, since it is not known when in
   * between a node decided. Times are multiples of a quarter of a second.
   */
  excess(perSecond: number): number {
    const slots = Math.ceil(Math.max(0, ...this.letIn.map(({ atMs }) => atMs)) / SLOT_MS) + 1;
    // By when they were sent, of those that were answered by then.
    const since = new Float64Array(slots);
    const byAnswer = Map.groupBy(this.letIn, ({ atMs }) => Math.floor(atMs / SLOT_MS));
    let most = 0;
    for (let to = 0; to < slots; to++) {
      for (const { sentMs } of byAnswer.get(to) ?? []) since[Math.floor(sentMs / SLOT_MS)]! += this.#options.items;
      let items = 0;
      for (let from = to; from >= 0; from--) {
        items += since[from]!;
        most = Math.max(most, items - (perSecond * (to + 1 - from) * SLOT_MS) / 1_000);
      }
    }
    return most;
  }

  /** What each node let in, second by second. */
  seconds(): string[] {
    const last = Math.floor((this.letIn.at(-1)?.atMs ?? 0) / 1_000);
    return Array.from({ length: last }, (_, second) =>
      this.#options.senders
        .map((_sender, node) =>
          this.letIn.filter((one) => one.node === node && Math.floor(one.atMs / 1_000) === second),
        )
        .map((its) => its.length * this.#options.items)
        .join(" "),
    );
  }

  #tick(): void {
    if (this.#isOver) return;
    const nowMs = systemClock.nowMs();
    const forMs = Math.min(MOST_MS, nowMs - this.#lastMs);
    for (const [node, sender] of this.#options.senders.entries()) {
      this.#due[node]! += ((this.offered[node] ?? 0) * forMs) / 1_000;
      for (; this.#due[node]! >= this.#options.items; this.#due[node]! -= this.#options.items) {
        const call = this.#call(sender, node);
        this.#under.add(call);
        void call.finally(() => this.#under.delete(call));
      }
    }
    this.#lastMs = nowMs;
    systemClock.after(TICK_MS, () => this.#tick());
  }

  async #call(sender: OtlpSender, node: number): Promise<void> {
    const sentMs = this.nowMs;
    // A call that is ended without an answer let nothing in that is known of.
    const { ok } = await sender.send("grpc", "traces", this.#request).catch(() => ({ ok: false }));
    if (ok) this.letIn.push({ node, sentMs, atMs: this.nowMs });
    else this.refused.push(this.nowMs);
  }
}
