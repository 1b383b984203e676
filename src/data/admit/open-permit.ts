import type { WaitingReader } from "../../core/arena/extent.ts";
import type { Refusal } from "../../core/reason.ts";
import type { HeaderSource } from "../../plan/sender-headers.ts";
import type { Permit } from "./admission.ts";
import type { LinkedRequest } from "./link-reserve.ts";

/** What a permit needs of admission. */
export interface PermitGate {
  inFlightBytes: number;
  inFlightRequests: number;
  wholeBytes: number;
  heldBack: number;
  oldest: OpenPermit | undefined;
  newest: OpenPermit | undefined;
  readonly crowded: boolean;
  /** Undefined: the bytes were taken. */
  take(bytes: number, permit: OpenPermit): Refusal | undefined;
  leavesRoom(bytes: number): boolean;
  watch(): void;
  changed(): void;
}

/** One permit, in the list of those whose requests have not come whole. */
export class OpenPermit implements LinkedRequest, Permit {
  readonly kind = "permit";
  bytes = 0;
  refusal: Refusal | undefined;
  /** In the list of those that have not come whole. */
  older: OpenPermit | undefined;
  newer: OpenPermit | undefined;
  readonly headers: HeaderSource | undefined;
  links: number | undefined;
  readonly #gate: PermitGate;
  #open = true;
  #whole = false;
  /** Who was told to wait with the rest of its body. */
  #reader: WaitingReader | undefined;

  constructor(gate: PermitGate, headers: HeaderSource | undefined) {
    this.#gate = gate;
    this.headers = headers;
    this.older = gate.newest;
    if (gate.newest === undefined) gate.oldest = this;
    else gate.newest.newer = this;
    gate.newest = this;
  }

  grow(bytes: number): boolean {
    if (!this.#open) return false;
    this.refusal = this.#gate.take(bytes, this);
    if (this.refusal !== undefined) return false;
    this.bytes += bytes;
    if (this.#whole) this.#gate.wholeBytes += bytes;
    return true;
  }

  holdBack(reader: WaitingReader): boolean {
    const gate = this.#gate;
    if (!this.#open || this.#whole || this === gate.oldest || !gate.crowded) return false;
    if (this.#reader === undefined) gate.heldBack++;
    this.#reader = reader;
    gate.watch();
    return true;
  }

  get isHeldBack(): boolean {
    return this.#reader !== undefined;
  }

  /** For admission alone. */
  goOn(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#reader = undefined;
    this.#gate.heldBack--;
    reader.goOn();
  }

  get comesFirst(): boolean {
    const gate = this.#gate;
    return this === gate.oldest || gate.inFlightBytes === this.bytes;
  }

  mayPlace(bytes: number): boolean {
    return this.#gate.leavesRoom(bytes) || this.comesFirst;
  }

  whole(): void {
    if (this.#whole || !this.#open) return;
    this.#whole = true;
    this.#gate.wholeBytes += this.bytes;
    this.#leaveList();
  }

  shrink(bytes: number): void {
    const given = Math.min(bytes, this.bytes);
    this.bytes -= given;
    this.#gate.inFlightBytes -= given;
    if (this.#whole) this.#gate.wholeBytes -= given;
    this.#gate.changed();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (!this.#whole) this.#leaveList();
    this.shrink(this.bytes);
    this.#gate.inFlightRequests--;
  }

  #leaveList(): void {
    const { older, newer } = this;
    if (older === undefined) this.#gate.oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#gate.newest = older;
    else newer.older = older;
    this.older = this.newer = undefined;
    if (this.#reader !== undefined) this.#gate.heldBack--;
    this.#reader = undefined;
    this.#gate.changed();
  }
}
