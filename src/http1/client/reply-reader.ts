import { joinOwned } from "../../core/bytes.ts";
import { ChunkReader } from "../own/chunk-reader.ts";
import { KnownHead, type KnownHeads } from "../own/known-head.ts";
import { CR, LF } from "../own/octets.ts";
import { badReply, type ReplyBreach, type ReplyEvents, type ReplyHead, type ReplyLimits } from "./contract.ts";
import { readHead, statusAt } from "./reply-head.ts";

const HEAD_END = "\r\n\r\n";
const BEGINNING = "HTTP/1.";

/** Replies out of the bytes of one connection, in any split of them: one for each `expect`. */
export class HttpReplyReader {
  readonly #limits: ReplyLimits;
  readonly #events: ReplyEvents;
  readonly #heads: KnownHeads<ReplyHead>;
  #phase: "idle" | "head" | "length" | "chunks" | "until the end" | "stopped" = "idle";
  #left = 0;
  #chunks: ChunkReader | undefined;
  #interim = 0;
  #passedLine = false;
  /** Of a head that has not come whole, and how far its end was looked for. */
  #rest: Buffer | undefined;
  #searched = 0;
  readonly #take = (data: Uint8Array): void => this.#events.data(data);

  constructor(limits: ReplyLimits, events: ReplyEvents, heads: KnownHeads<ReplyHead>) {
    this.#limits = limits;
    this.#events = events;
    this.#heads = heads;
  }

  /** A request is written: its reply may come. */
  expect(): void {
    this.#phase = "head";
    this.#interim = 0;
    this.#passedLine = false;
  }

  /** Nothing more is read; may be called from within an event. */
  stop(): void {
    this.#phase = "stopped";
    this.#rest = undefined;
    this.#chunks = undefined;
  }

  receive(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      switch (this.#phase) {
        case "idle":
          return this.#breach(UNASKED, undefined);
        case "head":
          at = this.#readHead(bytes, at);
          break;
        case "length":
          at = this.#readLength(bytes, at);
          break;
        case "chunks":
          at = this.#readChunks(bytes, at);
          break;
        case "until the end":
          return this.#events.data(at === 0 ? bytes : bytes.subarray(at));
        case "stopped":
          return;
      }
    }
  }

  /** The peer sends no more. True: that was the end of a reply, which is told. */
  finish(): boolean {
    if (this.#phase === "until the end") {
      this.stop();
      this.#events.end(true);
      return true;
    }
    if (this.#phase === "length" || this.#phase === "chunks" || this.#rest !== undefined) {
      this.#breach(CUT_OFF, undefined);
    }
    return false;
  }

  /** Returns where it goes on. */
  #readHead(bytes: Buffer, from: number): number {
    if (this.#rest !== undefined) return this.#goOn(bytes, from, this.#rest);
    const known = this.#heads.latest;
    const end = known === undefined ? -1 : known.match(bytes, from);
    if (known !== undefined && end >= 0) {
      this.#begin(known.head, known.length, bytes.length > end);
      return end;
    }
    return this.#read(bytes, from);
  }

  /** What has come is gathered together. */
  #goOn(bytes: Buffer, from: number, rest: Buffer): number {
    const most = this.#limits.maxHeadBytes + 1 - rest.length; // one more, so that what is too long is seen
    const more = bytes.subarray(from, from + most);
    this.#rest = undefined;
    return from + this.#read(joinOwned([rest, more]), 0) - rest.length;
  }

  /** A head at `from`, or an interim one; what has not come whole is kept. */
  #read(bytes: Buffer, start: number): number {
    const from = this.#passEmptyLine(bytes, start);
    const found = bytes.indexOf(HEAD_END, from + this.#searched);
    const end = found + HEAD_END.length;
    if (found < 0 || end - from > this.#limits.maxHeadBytes) {
      this.#keep(bytes, from);
      return bytes.length;
    }
    this.#searched = 0;
    const status = statusAt(bytes, from);
    if (status >= 200) return this.#readFinal(bytes, from, end, status);
    if (status === 0 || status === SWITCHING) this.#breach(BAD_STATUS, bytes.subarray(from, end));
    else if (++this.#interim > this.#limits.maxInterim) this.#breach(TOO_MANY, undefined);
    return end;
  }

  #readFinal(bytes: Buffer, from: number, end: number, status: number): number {
    const read = readHead(bytes, from, end, status);
    if ("fault" in read) {
      this.#breach(read, bytes.subarray(from, end));
      return bytes.length;
    }
    const { head, length, place } = read;
    if (place !== undefined)
      this.#heads.latest = KnownHead.keep(bytes, from, end, { head, place }) ?? this.#heads.latest;
    this.#begin(head, length, bytes.length > end);
    return end;
  }

  /** One before the first status line harms nobody. */
  #passEmptyLine(bytes: Buffer, from: number): number {
    if (this.#passedLine || bytes[from] !== CR || bytes[from + 1] !== LF) return from;
    this.#passedLine = true;
    return from + 2;
  }

  /** What can be no head, or is too long, is not waited for. */
  #keep(bytes: Buffer, from: number): void {
    const length = bytes.length - from;
    const beginning = bytes.toString("latin1", from, from + BEGINNING.length);
    const isNone = !BEGINNING.startsWith(beginning) && (this.#passedLine || beginning !== "\r");
    const head = bytes.subarray(from);
    if (isNone) this.#breach(BAD_STATUS, head);
    else if (head.includes("\n\n")) this.#breach(BARE_LF, head);
    else if (length > this.#limits.maxHeadBytes) this.#breach(TOO_LARGE, head);
    else {
      this.#searched = Math.max(0, length - HEAD_END.length + 1);
      this.#rest = joinOwned([head]);
    }
  }

  /** `more`: something is behind the head. */
  #begin(head: ReplyHead, length: number | undefined, more: boolean): void {
    this.#left = length ?? 0;
    if (length !== undefined) this.#phase = "length";
    else if (head.isChunked) {
      this.#phase = "chunks";
      this.#chunks = new ChunkReader(this.#limits);
    } else this.#phase = "until the end";
    this.#events.head(head);
    if (length === 0 && this.#phase === "length") this.#end(more);
  }

  #readLength(bytes: Buffer, from: number): number {
    const end = Math.min(bytes.length, from + this.#left);
    this.#left -= end - from;
    this.#events.data(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end));
    if (this.#left === 0 && this.#phase === "length") this.#end(bytes.length > end);
    return end;
  }

  #readChunks(bytes: Buffer, from: number): number {
    const chunks = this.#chunks;
    if (chunks === undefined) return bytes.length;
    const at = chunks.read(bytes, from, this.#take);
    if (chunks.breach !== undefined) this.#breach(chunks.breach, undefined);
    else if (chunks.ended && this.#phase === "chunks") this.#end(bytes.length > at);
    return at;
  }

  /** What is behind it is nobody's answer. */
  #end(more: boolean): void {
    this.#phase = more ? "stopped" : "idle";
    this.#chunks = undefined;
    this.#events.end(more);
  }

  #breach(breach: ReplyBreach, head: Buffer | undefined): void {
    this.stop();
    this.#events.breach(breach, head);
  }
}

const SWITCHING = 101;
const BAD_STATUS = badReply("bad_status_line", "it does not begin with HTTP/1.1 and a status of 100 to 599");
const BARE_LF = badReply("bad_header", "a line ends with LF without CR (RFC 9112, 2.2)");
const TOO_LARGE = badReply("head_too_large", "its head is too long");
const TOO_MANY = badReply("too_many_interim", "it has too many interim replies before the final one");
const CUT_OFF = badReply("cut_off", "the connection ended within it");
/** Of what came when no request was out. */
export const UNASKED: ReplyBreach = badReply("unasked", "something came that nobody asked for");
