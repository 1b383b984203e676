import type { Cancel } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import type { TimeAndChance } from "../../core/time-and-chance.ts";
import type { Lease, LeaseClient } from "../lease.ts";
import type { CallOptions, SessionLoss } from "../store.ts";
import { type LeaseEvent, leaseGranted, type LeaseState, type LeaseStep, stepLease } from "./lease-step.ts";
import { momentOf, untilMs } from "./moment.ts";
import { beatMs, type SessionCell } from "./session-cell.ts";

interface RenewerOptions extends TimeAndChance {
  readonly client: LeaseClient;
  readonly cell: SessionCell;
  /** So much was left when the renewal was answered. */
  readonly renewed: (marginMs: number) => void;
  readonly lost: (why: SessionLoss, reason: string) => void;
}

/** Throws what the client throws. */
export async function grantLease(
  ttlMs: number,
  options: RenewerOptions & { readonly call: CallOptions },
): Promise<LeaseRenewer> {
  const { clock, client, cell, call } = options;
  const sent = momentOf(clock);
  const lease = await client.grant(ttlMs, call);
  const state = leaseGranted(sent, lease.ttlMs, momentOf(clock));
  cell.extend(state.validUntil);
  return new LeaseRenewer(lease, state, options);
}

/** For what nobody waits for. */
const REVOKE_MS = 5_000;

/** Renews a lease until it is closed or lost: the driver of stepLease(). */
export class LeaseRenewer {
  readonly lease: Lease;
  readonly #options: RenewerOptions;
  #state: LeaseState;
  #cancelWake: Cancel | undefined;
  #asking: AbortController | undefined;
  #isOver = false;
  #revoked: Promise<void> | undefined;

  constructor(lease: Lease, state: LeaseState, options: RenewerOptions) {
    this.lease = lease;
    this.#state = state;
    this.#options = options;
    this.#step({ kind: "looked" });
  }

  /** Ends it in the store, where that can be reached. Does not throw. */
  async close(deadlineMs: number): Promise<void> {
    this.#end();
    await this.#revoke(deadlineMs);
  }

  #step(event: LeaseEvent): void {
    if (this.#isOver) return;
    this.#cancelWake?.();
    const { clock, cell } = this.#options;
    const { pulse } = cell;
    const step = stepLease(this.#state, event, momentOf(clock), beatMs(pulse));
    if (step.kind === "lost") return this.#lose(step, pulse);
    this.#state = step.state;
    if (event.kind === "answered") cell.extend(step.state.validUntil);
    this.#cancelWake = clock.after(Math.ceil(step.wakeInMs), () => this.#step({ kind: "looked" }));
    if (step.renewWithinMs !== undefined) void this.#renew(step.renewWithinMs);
  }

  async #renew(deadlineMs: number): Promise<void> {
    const { clock, client, random } = this.#options;
    const asking = new AbortController();
    this.#asking = asking;
    const sent = momentOf(clock);
    let event: LeaseEvent;
    try {
      const lease = await client.renew(this.lease.id, { signal: asking.signal, deadlineMs });
      event = lease === undefined ? { kind: "ended" } : { kind: "answered", sent, ttlMs: lease.ttlMs };
    } catch (cause) {
      const isEnded = cause instanceof RouterError && cause.code === "SESSION_LOST";
      event = isEnded ? { kind: "ended" } : { kind: "failed", reason: reasonOf(cause), chance: random.next() };
    }
    const marginMs = untilMs(this.#state.validUntil, momentOf(clock));
    this.#step(event);
    if (event.kind === "answered" && !this.#isOver) this.#options.renewed(marginMs);
  }

  /**
   * Nobody may act in its name by now. A holder whose loop turns ends it in the store itself, after
   * it has told those who wait for that; for one that stands still, the store need not wait for the
   * end of the TTL.
   */
  #lose({ why, reason }: Extract<LeaseStep, { kind: "lost" }>, beat: bigint): void {
    if (!this.#options.cell.lose(why, why === "stalled" ? beat : undefined)) return this.#step({ kind: "looked" });
    this.#end();
    this.#options.lost(why, reason);
    if (why === "ended") this.#revoked = Promise.resolve();
    if (why === "stalled") void this.#revoke(REVOKE_MS);
  }

  #end(): void {
    this.#isOver = true;
    this.#cancelWake?.();
    this.#asking?.abort(new RouterError("SESSION_LOST", "the session is over"));
  }

  #revoke(deadlineMs: number): Promise<void> {
    this.#revoked ??= this.#tryRevoke(deadlineMs);
    return this.#revoked;
  }

  async #tryRevoke(deadlineMs: number): Promise<void> {
    try {
      await this.#options.client.revoke(this.lease.id, { signal: new AbortController().signal, deadlineMs });
    } catch {
      // The store ends it when its TTL is over.
    }
  }
}
