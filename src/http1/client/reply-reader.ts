import { FramedBody } from "../own/framed-body.ts";
import { GatheredHead } from "../own/gathered-head.ts";
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
  #phase: "idle" | "head" | "body" | "until the end" | "stopped" = "idle";
  readonly #body: FramedBody;
  #interim = 0;
  #passedLine = false;
  /** Of a head that has not come whole; where it begins in that, and how far it was searched. */
  readonly #gathered = new GatheredHead();
  #headStart = 0;
  #searched = 0;
  readonly #take = (data: Uint8Array): void => this.#events.data(data);

  constructor(limits: ReplyLimits, events: ReplyEvents, heads: KnownHeads<ReplyHead>) {
    this.#limits = limits;
    this.#events = events;
    this.#heads = heads;
    this.#body = new FramedBody(limits);
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
    this.#gathered.clear();
    this.#body.clear();
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
        case "body":
          at = this.#readBody(bytes, at);
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
    if (this.#phase === "body" || this.#gathered.length > 0) this.#breach(CUT_OFF, undefined);
    return false;
  }

  /** Returns where it goes on. */
  #readHead(bytes: Buffer, from: number): number {
    if (this.#gathered.length > 0) return this.#goOn(bytes, from);
    const known = this.#heads.latest;
    const knownEnd = known === undefined ? -1 : known.match(bytes, from);
    if (known !== undefined && knownEnd >= 0) {
      this.#begin(known.head, known.length, bytes.length > knownEnd);
      return knownEnd;
    }
    this.#headStart = this.#searched = 0;
    const end = this.#read(bytes, from);
    if (end >= 0) return end;
    if (this.#phase === "head") this.#gathered.append(bytes, from, this.#mostGathered);
    return bytes.length;
  }

  /** What has come is gathered together; what is behind the head is not used. */
  #goOn(bytes: Buffer, from: number): number {
    const before = this.#gathered.length;
    const end = this.#read(this.#gathered.append(bytes, from, this.#mostGathered), 0);
    if (end < 0) return bytes.length;
    this.#gathered.clear();
    return from + end - before;
  }

  /** An empty line, and one byte more than a head may have, so that what is too long is seen. */
  get #mostGathered(): number {
    return this.#limits.maxHeadBytes + 3;
  }

  /**
   * A head at `start`, behind an empty line maybe, or an interim one: where it ends; -1 where it
   * has not come whole, or is none.
   */
  #read(bytes: Buffer, start: number): number {
    const from = this.#passEmptyLine(bytes, start);
    const found = bytes.indexOf(HEAD_END, from + this.#searched);
    const end = found + HEAD_END.length;
    if (found < 0 || end - from > this.#limits.maxHeadBytes) {
      this.#lookAtPart(bytes, from);
      return -1;
    }
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
  #passEmptyLine(bytes: Buffer, start: number): number {
    const from = start + this.#headStart;
    if (this.#passedLine || bytes[from] !== CR || bytes[from + 1] !== LF) return from;
    this.#passedLine = true;
    this.#headStart = 2;
    return from + 2;
  }

  /** What can be no head, or is too long, is not waited for. */
  #lookAtPart(bytes: Buffer, from: number): void {
    const length = bytes.length - from;
    const beginning = bytes.toString("latin1", from, from + BEGINNING.length);
    const isNone = !BEGINNING.startsWith(beginning) && (this.#passedLine || beginning !== "\r");
    const hasBareLines = bytes.indexOf("\n\n", from + this.#searched) >= 0;
    if (isNone) this.#breach(BAD_STATUS, bytes.subarray(from));
    else if (hasBareLines) this.#breach(BARE_LF, bytes.subarray(from));
    else if (length > this.#limits.maxHeadBytes) this.#breach(TOO_LARGE, bytes.subarray(from));
    else this.#searched = Math.max(0, length - HEAD_END.length + 1);
  }

  /** `more`: something is behind the head. */
  #begin(head: ReplyHead, length: number | undefined, more: boolean): void {
    const isOpen = length === undefined && !head.isChunked;
    this.#phase = isOpen ? "until the end" : "body";
    if (!isOpen) this.#body.begin(length);
    this.#events.head(head);
    if (length === 0 && this.#phase === "body") this.#end(more);
  }

  #readBody(bytes: Buffer, from: number): number {
    const body = this.#body;
    const at = body.read(bytes, from, this.#take);
    if (body.breach !== undefined) this.#breach(body.breach, undefined);
    else if (body.ended && this.#phase === "body") this.#end(bytes.length > at);
    return at;
  }

  /** What is behind it is nobody's answer. */
  #end(more: boolean): void {
    this.#phase = more ? "stopped" : "idle";
    this.#body.clear();
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
