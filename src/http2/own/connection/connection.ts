import {
  type CreditTo,
  type Connection,
  type ConnectionEvents,
  type ConnectionLimits,
  H2_ERROR,
  type H2ErrorCode,
} from "../contract.ts";
import type { FixedReply } from "../frames/fixed-reply.ts";
import { CLIENT_PREFACE, DEFAULT_WINDOW_BYTES, MAX_STREAM_ID } from "../frames/frame-types.ts";
import { createParts, type ConnectionParts } from "./connection-parts.ts";
import { ourSettings, refuseLimits } from "./settings.ts";
import { Stream } from "./stream.ts";

/** The peer's preface and its acknowledgement of our SETTINGS have to come within this time. */
const SETTINGS_TIMEOUT_MS = 10_000;
/** While more than `maxOutputBytes` waits, at least so much has to be taken in each such time. */
const STALL_MS = 10_000;
const STALL_BYTES = 65_536;
/**
 * Requests under way before the peer's SETTINGS say how many may be: RFC 9113, 6.5.2 advises peers
 * to allow as many.
 */
const STREAMS_BEFORE_SETTINGS = 100;

/**
 * A server's side of one connection. Its SETTINGS are in the output. Throws RangeError for limits
 * that RFC 9113 does not allow.
 */
export function openServerConnection(limits: ConnectionLimits, events: ConnectionEvents, nowMs: number): Connection {
  return new OwnConnection("server", limits, events, nowMs);
}

/**
 * A client's side of one connection. Its preface is in the output; requests may follow at once.
 * Throws as above.
 */
export function openClientConnection(limits: ConnectionLimits, events: ConnectionEvents, nowMs: number): Connection {
  return new OwnConnection("client", limits, events, nowMs);
}

class OwnConnection implements Connection {
  readonly role: "server" | "client";
  readonly #events: ConnectionEvents;
  readonly #maxOutputBytes: number;
  readonly #parts: ConnectionParts;
  readonly #openedMs: number;
  #nowMs: number;
  #nextId = 1;
  /** Bytes of the client's preface that have come. */
  #prefaceBytes = 0;
  /** Since when too much waits, and what had been taken then. */
  #stalledSinceMs: number | undefined = undefined;
  #takenThen = 0;

  constructor(role: "server" | "client", limits: ConnectionLimits, events: ConnectionEvents, nowMs: number) {
    refuseLimits(limits);
    this.role = role;
    this.#events = events;
    this.#maxOutputBytes = limits.maxOutputBytes;
    this.#parts = createParts(role, limits, events, nowMs);
    this.#openedMs = nowMs;
    this.#nowMs = nowMs;
    const writer = this.#parts.outbound.writer;
    if (role === "client") writer.copy(CLIENT_PREFACE, 0, CLIENT_PREFACE.length);
    writer.settings(ourSettings(role, limits));
    const raise = limits.connectionWindowBytes - DEFAULT_WINDOW_BYTES;
    if (raise > 0) writer.windowUpdate(0, raise);
  }

  get openStreams(): number {
    return this.#parts.streams.size;
  }

  get done(): boolean {
    return this.#parts.ending.done;
  }

  get mayOpen(): boolean {
    if (this.role === "server" || this.#nextId > MAX_STREAM_ID || !this.#parts.ending.takesStreams) return false;
    return this.#parts.streams.size < (this.#parts.inbound.peerMaxStreams ?? STREAMS_BEFORE_SETTINGS);
  }

  get peerMaxHeaderListBytes(): number {
    return this.#parts.inbound.peerMaxHeaderListBytes;
  }

  get takenBytes(): number {
    return this.#parts.outbound.taken;
  }

  get madeBytes(): number {
    return this.#parts.outbound.taken + this.#parts.outbound.writer.bytes;
  }

  get hasOutput(): boolean {
    return this.#parts.outbound.hasOutput;
  }

  receive(bytes: Uint8Array, nowMs: number): void {
    const { faults, decoder, outbound } = this.#parts;
    if (faults.over) return;
    this.#nowMs = nowMs;
    faults.nowMs = nowMs;
    const from = this.role === "server" && this.#prefaceBytes < CLIENT_PREFACE.length ? this.#preface(bytes) : 0;
    decoder.receive(bytes, from);
    // Answers alone do not make so much unless the peer asks and does not read.
    if (outbound.writer.bytes > this.#maxOutputBytes) faults.connection(H2_ERROR.ENHANCE_YOUR_CALM, "stalled");
  }

  tick(nowMs: number): void {
    const { faults, ending, inbound, leftovers } = this.#parts;
    if (faults.over) return;
    this.#nowMs = nowMs;
    faults.nowMs = nowMs;
    if (!inbound.settled && nowMs - this.#openedMs >= SETTINGS_TIMEOUT_MS) {
      faults.connection(H2_ERROR.SETTINGS_TIMEOUT, "settings_timeout");
      return;
    }
    ending.tick(nowMs);
    leftovers.tick(nowMs);
    if (this.#stalls(nowMs)) faults.connection(H2_ERROR.ENHANCE_YOUR_CALM, "stalled");
  }

  open(block: Uint8Array, endStream: boolean): number {
    const stream = this.#newStream();
    if (stream === undefined) return 0;
    this.#parts.outbound.headers(stream, block, endStream);
    return stream.id;
  }

  sendHeaders(id: number, block: Uint8Array, endStream: boolean): void {
    const { streams, outbound } = this.#parts;
    const stream = streams.get(id);
    if (stream !== undefined) outbound.headers(stream, block, endStream);
  }

  sendData(id: number, pieces: readonly Uint8Array[], endStream: boolean): void {
    const { streams, outbound } = this.#parts;
    const stream = streams.get(id);
    if (stream !== undefined) outbound.data(stream, pieces, endStream, true);
  }

  sendReply(id: number, head: Uint8Array, data: Uint8Array, trailers: Uint8Array): void {
    const { streams, outbound } = this.#parts;
    const stream = streams.get(id);
    if (stream === undefined || outbound.reply(stream, head, data, trailers)) return;
    this.#replyInParts(stream, head, data, trailers);
  }

  sendFixedReply(id: number, reply: FixedReply): void {
    const { streams, outbound } = this.#parts;
    const stream = streams.get(id);
    if (stream === undefined || outbound.fixedReply(stream, reply)) return;
    this.#replyInParts(stream, reply.head, reply.data, reply.trailers);
  }

  resetStream(id: number, code: H2ErrorCode): void {
    const { streams, outbound } = this.#parts;
    const stream = streams.get(id);
    if (stream !== undefined) outbound.reset(stream, code);
  }

  dismiss(id: number, waits: boolean): void {
    const stream = this.#parts.streams.get(id);
    if (stream !== undefined) this.#parts.leftovers.dismiss(stream, waits);
  }

  credit(id: number, bytes: number, to: CreditTo = "both"): void {
    if (!this.#parts.faults.over) this.#parts.body.credit(id, bytes, to);
  }

  ping(payload: number): void {
    if (this.#parts.faults.over) return;
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, Math.floor(payload / 0x1_0000_0000));
    view.setUint32(4, payload >>> 0);
    this.#parts.outbound.writer.ping(bytes, 0, false);
  }

  goaway(code: H2ErrorCode, debug: string): void {
    this.#parts.ending.leave(code, debug, this.#nowMs);
  }

  takeOutput(maxBytes: number): Uint8Array[] {
    const { outbound } = this.#parts;
    const pieces = outbound.take(maxBytes);
    for (const id of outbound.takeFlushed()) this.#events.flushed(id);
    return pieces;
  }

  #replyInParts(stream: Stream, head: Uint8Array, data: Uint8Array, trailers: Uint8Array): void {
    const { outbound } = this.#parts;
    outbound.headers(stream, head, false);
    outbound.data(stream, [new Uint8Array(data)], false, false);
    outbound.headers(stream, trailers, true);
  }

  #stalls(nowMs: number): boolean {
    const { outbound } = this.#parts;
    if (outbound.bytes <= this.#maxOutputBytes) {
      this.#stalledSinceMs = undefined;
      return false;
    }
    if (this.#stalledSinceMs !== undefined && nowMs - this.#stalledSinceMs < STALL_MS) return false;
    if (this.#stalledSinceMs !== undefined && outbound.taken - this.#takenThen < STALL_BYTES) return true;
    this.#stalledSinceMs = nowMs;
    this.#takenThen = outbound.taken;
    return false;
  }

  /** Takes what is there of the preface (RFC 9113, 3.4), and returns where it ends in `bytes`. */
  #preface(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && this.#prefaceBytes < CLIENT_PREFACE.length) {
      if (bytes[at++] === CLIENT_PREFACE[this.#prefaceBytes++]) continue;
      this.#parts.faults.connection(H2_ERROR.PROTOCOL_ERROR, "bad_preface");
      break;
    }
    return at;
  }

  #newStream(): Stream | undefined {
    if (!this.mayOpen) return undefined;
    const { streams, outbound, newWindow } = this.#parts;
    const stream = new Stream(this.#nextId, newWindow(), outbound.initialWindow, this.#nowMs);
    this.#nextId += 2;
    streams.pass(stream.id);
    streams.add(stream);
    return stream;
  }
}
