import { RouterError } from "../../src/core/errors.ts";
import { type Clock, sleep } from "../../src/core/clock.ts";
import type { Lease, LeaseClient } from "../../src/store/lease.ts";
import type { CallOptions } from "../../src/store/store.ts";

/** How the store answers from now on: `silent` does what it is asked and says nothing. */
export type LeaseAnswers = "all" | "unreachable" | "silent" | "nothing";

/** Leases without a store, on a clock that is moved. */
export class MemoryLeases implements LeaseClient {
  readonly #clock: Clock;
  /** When each ends, if it is not renewed. */
  readonly ends = new Map<string, number>();
  /** What was asked for, and when. */
  readonly asked: {
    readonly what: "grant" | "renew" | "revoke";
    readonly atMs: number;
    readonly deadlineMs: number;
  }[] = [];
  answers: LeaseAnswers = "all";
  /** More than is asked for. */
  moreMs = 0;
  isClosed = false;
  #next = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(id: string): boolean {
    return (this.ends.get(id) ?? 0) > this.#clock.nowMs();
  }

  /** When renewals were asked for. */
  get renewals(): number[] {
    return this.asked.filter(({ what }) => what === "renew").map(({ atMs }) => atMs);
  }

  async grant(ttlMs: number, options: CallOptions): Promise<Lease> {
    return await this.#answer("grant", options, () => {
      const lease = { id: `lease-${this.#next++}`, ttlMs: ttlMs + this.moreMs };
      this.ends.set(lease.id, this.#clock.nowMs() + lease.ttlMs);
      return lease;
    });
  }

  async renew(id: string, options: CallOptions): Promise<Lease | undefined> {
    return await this.#answer("renew", options, () => {
      if (!this.has(id)) return undefined;
      const ttlMs = 3_000 + this.moreMs;
      this.ends.set(id, this.#clock.nowMs() + ttlMs);
      return { id, ttlMs };
    });
  }

  async revoke(id: string, options: CallOptions): Promise<void> {
    await this.#answer("revoke", options, () => this.ends.delete(id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
  }

  async #answer<T>(what: "grant" | "renew" | "revoke", options: CallOptions, run: () => T): Promise<T> {
    const { signal, deadlineMs = Infinity } = options;
    this.asked.push({ what, atMs: this.#clock.nowMs(), deadlineMs });
    const { answers } = this;
    if (answers === "unreachable") throw new RouterError("STORE_UNREACHABLE", "no way to the store");
    if (answers === "all") return run();
    if (answers === "silent") run();
    await sleep(this.#clock, deadlineMs, signal);
    throw new RouterError("STORE_UNREACHABLE", `no answer within ${deadlineMs} ms`);
  }
}
