import { textBrief } from "../../../core/bytes.ts";
import { type ConnectionEvents, type ConnectionFault, H2_ERROR, type H2ErrorCode } from "../contract.ts";
import { MAX_STREAM_ID } from "../frames/frame-types.ts";
import type { Outbound } from "./outbound.ts";
import type { StreamTable } from "./stream-table.ts";

/**
 * How long a client has, after a first GOAWAY, to have its requests under way let in when it does
 * not answer a PING.
 */
const NOTICE_MS = 1_000;
/** Debug data of a GOAWAY of ours. */
const MAX_DEBUG_BYTES = 256;
/** The payload of the PING that goes with a server's first GOAWAY; `ping` cannot make it. */
const NOTICE_PING = Uint8Array.from([0xff, 0x67, 0x6f, 0x61, 0x77, 0x61, 0x79, 0xff]);

/**
 * How a connection ends (RFC 9113, 5.4.1 and 6.8): at once by an error, or when its streams have
 * ended. A server that goes gracefully gives notice first, and says which requests it takes when
 * the client has heard of it: none is lost on the way.
 */
export class Ending {
  readonly #role: "server" | "client";
  readonly #events: ConnectionEvents;
  readonly #streams: StreamTable;
  readonly #outbound: Outbound;
  #over = false;
  /** When notice was given and the last word is yet to come. */
  #noticeSinceMs: number | undefined = undefined;
  /** The last word, as it was sent: the highest stream of the peer's that is let in. */
  #ourLast: number | undefined = undefined;
  /** The peer's: the highest stream of ours that it lets in. */
  #peerLast: number | undefined = undefined;

  constructor(role: "server" | "client", events: ConnectionEvents, streams: StreamTable, outbound: Outbound) {
    this.#role = role;
    this.#events = events;
    this.#streams = streams;
    this.#outbound = outbound;
  }

  /** Nothing more is taken from the peer or sent to it. */
  get over(): boolean {
    return this.#over;
  }

  get done(): boolean {
    return this.#over || (this.#ourLast !== undefined && this.#streams.size === 0);
  }

  /** Whether a new stream is let in or may be opened. */
  get takesStreams(): boolean {
    return !this.#over && this.#ourLast === undefined;
  }

  fail(code: H2ErrorCode, fault: ConnectionFault): void {
    if (this.#over) return;
    this.#endNow(code, fault);
    this.#events.failed(code, fault);
  }

  /** Our GOAWAY: see Connection.goaway. */
  leave(code: H2ErrorCode, debug: string, nowMs: number): void {
    if (this.#over) return;
    if (code !== H2_ERROR.NO_ERROR) {
      this.#endNow(code, debug);
    } else if (this.#ourLast !== undefined || this.#noticeSinceMs !== undefined) {
      return;
    } else if (this.#role === "server") {
      this.#noticeSinceMs = nowMs;
      this.#outbound.writer.goaway(MAX_STREAM_ID, code, bytesOf(debug));
      this.#outbound.writer.ping(NOTICE_PING, 0, false);
    } else {
      this.#lastWord(debug);
    }
  }

  /** The peer's GOAWAY. Its streams go on; ours that it does not take are told to be refused. */
  peerLeaves(last: number, code: H2ErrorCode, debug: string): void {
    if (this.#peerLast !== undefined && last > this.#peerLast) {
      this.fail(H2_ERROR.PROTOCOL_ERROR, "protocol_error");
      return;
    }
    this.#peerLast = last;
    if (this.#ourLast === undefined) this.#lastWord("");
    this.#events.goaway(last, code, debug);
    if (this.#role === "server") return;
    for (const stream of this.#streams.values()) {
      if (stream.id <= last) continue;
      this.#outbound.close(stream);
      this.#events.reset(stream.id, H2_ERROR.REFUSED_STREAM, true);
    }
  }

  /** True when the PING was the one of the notice. */
  pong(bytes: Uint8Array, start: number): boolean {
    if (this.#noticeSinceMs === undefined) return false;
    for (let i = 0; i < 8; i++) if (bytes[start + i] !== NOTICE_PING[i]) return false;
    this.#lastWord("");
    return true;
  }

  tick(nowMs: number): void {
    if (this.#noticeSinceMs !== undefined && nowMs - this.#noticeSinceMs >= NOTICE_MS) this.#lastWord("");
  }

  #lastWord(debug: string): void {
    if (this.#ourLast !== undefined) return;
    this.#noticeSinceMs = undefined;
    this.#ourLast = this.#peersHighest();
    this.#outbound.writer.goaway(this.#ourLast, H2_ERROR.NO_ERROR, bytesOf(debug));
    // The rest of requests that were answered keeps nobody here: see leftovers.ts.
    for (const stream of this.#streams.values()) {
      if (stream.discarding && !stream.localOpen) this.#outbound.reset(stream, H2_ERROR.NO_ERROR);
    }
  }

  #endNow(code: H2ErrorCode, debug: string): void {
    this.#over = true;
    this.#noticeSinceMs = undefined;
    const last = Math.min(this.#ourLast ?? MAX_STREAM_ID, this.#peersHighest());
    this.#outbound.writer.goaway(last, code, bytesOf(debug));
    for (const stream of this.#streams.values()) this.#outbound.close(stream);
  }

  /** The highest stream that the peer opened; a server's peer alone opens streams. */
  #peersHighest(): number {
    return this.#role === "server" ? this.#streams.highest : 0;
  }
}

function bytesOf(debug: string): Uint8Array {
  return textBrief(debug).subarray(0, MAX_DEBUG_BYTES);
}
