import type { PooledCall } from "../../client-pool.ts";
import type { UnaryRequest, UnaryResult } from "../../port.ts";
import { failed, type ReplyFields, ReplyReader } from "../../reply-reader.ts";
import type { Timer } from "../../../core/timers.ts";
import { H2_ERROR, type H2ErrorCode } from "../contract.ts";
import type { ClientLink } from "./client-link.ts";
import { BadMetadata } from "./request-blocks.ts";

/** Whose call it is. */
export interface CallOwner {
  readonly maxResponseBytes: number;
  /** The call is settled, before its `done`. */
  settled(call: ClientCall): void;
}

/** One call of the client, from its start to its one result. Its timer is its timeout. */
export class ClientCall implements PooledCall<ClientLink>, Timer {
  heapIndex = -1;
  /** 0 before it was sent. */
  stream = 0;
  /** What was left for it when it was sent, and how many bytes the peer had sent by then. */
  givenMs = 0;
  bytesBefore = 0;
  /** Its connection was there before, and had no calls when it was sent. */
  kept = false;
  /** All of its message is in the output, which is so long with it; Infinity until then. */
  flushedAt = Infinity;
  readonly request: UnaryRequest;
  readonly #owner: CallOwner;
  readonly #done: (result: UnaryResult) => void;
  readonly #reader: ReplyReader;
  #link: ClientLink | undefined;
  #settled = false;

  constructor(request: UnaryRequest, owner: CallOwner, done: (result: UnaryResult) => void) {
    this.request = request;
    this.#owner = owner;
    this.#done = done;
    this.#reader = new ReplyReader(owner.maxResponseBytes);
  }

  start(link: ClientLink, timeoutMs: number): void {
    try {
      link.send(this, timeoutMs);
      this.#link = link;
    } catch (cause) {
      if (!(cause instanceof BadMetadata)) throw cause;
      this.#settleLater(failed({ reason: "protocol", text: cause.message, unprocessed: true }));
    }
  }

  /** Ends the call from this side, with `done` in a turn of its own. */
  abandon(reason: "cancelled" | "connect", text: string): void {
    this.#settleLater(this.#known() ?? failed({ reason, text, unprocessed: this.stream === 0 }));
  }

  fire(): void {
    const text = `no reply within ${this.request.timeoutMs} ms`;
    this.#link?.timedOut(this);
    this.#settle(this.#known() ?? failed({ reason: "timeout", text, unprocessed: this.stream === 0 }));
  }

  /** A header block of the reply. */
  headers(fields: ReplyFields, endStream: boolean): void {
    if (this.#reader.hasHead) {
      this.#reader.trailers(fields);
    } else {
      if (fields.httpStatus < 200) return; // informational: the head is still to come
      const result = this.#reader.head(fields);
      if (result !== undefined) {
        this.#settle(result);
        return;
      }
    }
    if (endStream) this.#settle(this.#reader.end());
  }

  data(bytes: Uint8Array, endStream: boolean): void {
    const result = this.#reader.data(bytes);
    if (result !== undefined) this.#settle(result);
    else if (endStream) this.#settle(this.#reader.end());
  }

  reset(code: H2ErrorCode, byPeer: boolean): void {
    if (this.#reader.hasStatus || (this.#reader.hasHead && code === H2_ERROR.NO_ERROR)) {
      this.#settle(this.#reader.end());
      return;
    }
    const text = byPeer ? `the peer reset the call with code ${code}` : `the reply broke the protocol (code ${code})`;
    const unprocessed = byPeer && code === H2_ERROR.REFUSED_STREAM;
    this.#settle(failed({ reason: byPeer ? "reset" : "protocol", text, unprocessed }));
  }

  /** The connection is lost to it. */
  lost(reason: "reset" | "stale", text: string, unprocessed: boolean): void {
    this.#settle(this.#known() ?? failed({ reason, text, unprocessed }));
  }

  /** The answer of a peer that only left the stream open. */
  #known(): UnaryResult | undefined {
    return this.#reader.hasStatus ? this.#reader.end() : undefined;
  }

  #settle(result: UnaryResult): void {
    if (this.#conclude()) this.#done(result);
  }

  /** From within a command of the user, who must not be called back before it returns. */
  #settleLater(result: UnaryResult): void {
    if (this.#conclude()) process.nextTick(this.#done, result);
  }

  #conclude(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#owner.settled(this);
    this.#link?.finish(this);
    return true;
  }
}
