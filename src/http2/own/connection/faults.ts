import { type ConnectionEvents, type ConnectionFault, H2_ERROR, type H2ErrorCode } from "../contract.ts";
import type { Allowance } from "./allowance.ts";
import type { Ending } from "./ending.ts";
import type { Outbound } from "./outbound.ts";
import type { Stream } from "./stream.ts";

/** How often a peer may do what costs us work and comes to nothing. */
export interface Allowances {
  /** Frames that carry nothing. */
  readonly idle: Allowance;
  /** Streams that it resets before an answer. */
  readonly resets: Allowance;
  /** Streams that we reset because of it. */
  readonly errors: Allowance;
}

/** What follows when a peer breaks a rule: its stream, or its connection, is over (RFC 9113, 5.4). */
export class Faults {
  readonly #events: ConnectionEvents;
  readonly #outbound: Outbound;
  readonly #ending: Ending;
  readonly #allowances: Allowances;
  /** The time of what is being looked at. */
  nowMs: number;

  constructor(events: ConnectionEvents, outbound: Outbound, ending: Ending, allowances: Allowances, nowMs: number) {
    this.#events = events;
    this.#outbound = outbound;
    this.#ending = ending;
    this.#allowances = allowances;
    this.nowMs = nowMs;
  }

  get over(): boolean {
    return this.#ending.over;
  }

  connection(code: H2ErrorCode, fault: ConnectionFault): void {
    this.#ending.fail(code, fault);
  }

  /** A rule that has no fault of its own was broken. */
  protocol(code: H2ErrorCode = H2_ERROR.PROTOCOL_ERROR): void {
    this.#ending.fail(code, "protocol_error");
  }

  stream(stream: Stream, code: H2ErrorCode): void {
    this.#outbound.reset(stream, code);
    if (!stream.deaf) this.#events.reset(stream.id, code, false);
    this.#count();
  }

  /** Of a stream that nobody was told of. */
  unknownStream(id: number, code: H2ErrorCode): void {
    this.#outbound.refuse(id, code);
    this.#count();
  }

  /** A frame came that carries nothing. False: it was one too many. */
  idleFrame(fault: ConnectionFault): boolean {
    if (this.#allowances.idle.take(this.nowMs)) return true;
    this.#ending.fail(H2_ERROR.ENHANCE_YOUR_CALM, fault);
    return false;
  }

  /** The peer reset a stream of its own before an answer. */
  earlyReset(): void {
    if (!this.#allowances.resets.take(this.nowMs)) this.#ending.fail(H2_ERROR.ENHANCE_YOUR_CALM, "rapid_reset");
  }

  #count(): void {
    if (!this.#allowances.errors.take(this.nowMs)) this.#ending.fail(H2_ERROR.ENHANCE_YOUR_CALM, "stream_errors");
  }
}
