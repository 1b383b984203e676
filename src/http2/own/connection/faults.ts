import { type ConnectionEvents, type ConnectionFault, H2_ERROR, type H2ErrorCode } from "../contract.ts";
import type { Allowance } from "./allowance.ts";
import type { Ending } from "./ending.ts";
import type { Outbound } from "./outbound.ts";
import type { Stream } from "./stream.ts";

/** How often a peer may do what costs us work and comes to nothing. */
interface Allowances {
  /** Frames that carry nothing. */
  readonly idle: Allowance;
  /** DATA frames that carry little. */
  readonly small: Allowance;
  /** Streams that it resets soon and before an answer. */
  readonly resets: Allowance;
  /** Streams that we reset because of it. */
  readonly errors: Allowance;
}

/** A DATA frame of so many bytes is worth its cost; one of half as many is worth half of it. */
const SMALL_BYTES = 64;
/** Small DATA frames that each message may have: its prefix, alone in a frame, is one. */
const SMALL_FRAMES_FOR_MESSAGE = 4;
const FRAMES_FOR_CREDIT = 2;
/**
 * Resets of streams that are older are no attack: how many there can be is bounded by how many may
 * be open.
 */
const YOUNG_MS = 100;

/**
 * What follows when a peer breaks a rule: its stream, or its connection, is over (RFC 9113, 5.4).
 */
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
    if (!stream.discarding) this.#events.reset(stream.id, code, false);
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

  /** The head of a message came, whose body may follow. */
  messageBegins(): void {
    this.#allowances.small.earn(SMALL_FRAMES_FOR_MESSAGE);
  }

  /**
   * We told the peer of credit: what it had was used up by a frame that may have been small, and so
   * may the next.
   */
  creditTold(): void {
    this.#allowances.small.earn(FRAMES_FOR_CREDIT);
  }

  /**
   * A DATA frame came that has a body and does not end its stream. False: it was one small frame
   * too many.
   */
  dataFrame(bodyBytes: number): boolean {
    const { small } = this.#allowances;
    small.earn(bodyBytes / SMALL_BYTES);
    if (small.take(this.nowMs)) return true;
    this.#ending.fail(H2_ERROR.ENHANCE_YOUR_CALM, "small_frame_flood");
    return false;
  }

  /** The peer reset a stream of its own before an answer. */
  earlyReset(stream: Stream): void {
    if (this.nowMs - stream.openedMs >= YOUNG_MS) return;
    if (!this.#allowances.resets.take(this.nowMs)) this.#ending.fail(H2_ERROR.ENHANCE_YOUR_CALM, "rapid_reset");
  }

  #count(): void {
    if (!this.#allowances.errors.take(this.nowMs)) this.#ending.fail(H2_ERROR.ENHANCE_YOUR_CALM, "stream_errors");
  }
}
