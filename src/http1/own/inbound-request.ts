import {
  fieldOf,
  type HeadMemo,
  type HttpExchange,
  type HttpReply,
  type HttpRequest,
  MAX_DISCARD_BYTES,
} from "../port.ts";
import type { InboundHead } from "./contract.ts";

/** What a request asks of the connection that it came on. */
export interface RequestOwner {
  readonly peer: string;
  /** It has a reply. `leaves`: what is left of its body is not read. */
  replied(leaves: boolean): void;
  /** It is not read on; it is. */
  paused(isPaused: boolean): void;
}

/** One request from its head to its reply; in the row of those of its connection. */
export class InboundRequest implements HttpRequest {
  /** The one behind it. */
  next: InboundRequest | undefined = undefined;
  answer: HttpReply | undefined = undefined;
  /** All of it was read. */
  isWhole = false;
  /** `100 Continue` is to be written. */
  continues = false;
  /** Its reply ends the connection, because its body is not read on. */
  leaves = false;
  readonly head: InboundHead;
  readonly length: number | undefined;
  readonly #owner: RequestOwner;
  #exchange: HttpExchange | undefined = undefined;
  #isPaused = false;

  constructor(head: InboundHead, length: number | undefined, owner: RequestOwner) {
    this.head = head;
    this.length = length;
    this.#owner = owner;
  }

  get method(): string {
    return this.head.method;
  }

  get target(): string {
    return this.head.target;
  }

  get memo(): HeadMemo {
    return this.head.memo;
  }

  get peer(): string {
    return this.#owner.peer;
  }

  header(name: string): string | undefined {
    if (name !== "content-length") return fieldOf(this.head.fields, name);
    return this.length === undefined ? undefined : String(this.length);
  }

  /** Whoever reads it, from its head on. */
  begin(exchange: HttpExchange | undefined): void {
    if (this.answer !== undefined) return;
    this.#exchange = exchange;
    this.continues = this.head.expects && this.length !== 0;
  }

  data(bytes: Uint8Array): void {
    this.#exchange?.data(bytes);
  }

  end(): void {
    this.isWhole = true;
    this.resume();
    this.#exchange?.end();
  }

  /** Undefined: it was replied to. */
  get exchange(): HttpExchange | undefined {
    return this.#exchange;
  }

  reply(reply: HttpReply, rest: "short" | "unwanted"): void {
    if (this.answer !== undefined) return;
    this.answer = reply;
    this.leaves = !this.isWhole && this.#leavesBody(rest);
    this.continues = false;
    this.#exchange = undefined;
    this.resume();
    this.#owner.replied(this.leaves);
  }

  /** No reply will be written. */
  lost(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.gone();
  }

  pause(): void {
    if (this.#isPaused || this.isWhole || this.answer !== undefined) return;
    this.#isPaused = true;
    this.#owner.paused(true);
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#owner.paused(false);
  }

  /** Whether the rest of the body is not worth reading: what failed half-way may never end. */
  #leavesBody(rest: "short" | "unwanted"): boolean {
    const { length } = this;
    if (length === 0) return false;
    const begun = this.#exchange !== undefined;
    return begun || rest === "unwanted" || this.head.expects || length === undefined || length > MAX_DISCARD_BYTES;
  }
}
