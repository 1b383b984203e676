import { FramedBody } from "./framed-body.ts";
import type { Breach, HttpLimits, RequestEvents, InboundHead } from "./contract.ts";
import { GatheredHead } from "./gathered-head.ts";
import { HeadReader } from "./head-reader.ts";
import { KnownHead, type KnownHeads } from "./known-head.ts";
import { CR, LF } from "./octets.ts";

/** One empty line is passed over before a request (RFC 9112, 2.2): none yet, half of it, all. */
type EmptyLine = "none" | "half" | "whole";

/** Requests out of the bytes of one connection, in any split of them. */
export class RequestReader {
  readonly #limits: HttpLimits;
  readonly #events: RequestEvents;
  readonly #heads: KnownHeads;
  #known: KnownHead | undefined;
  #phase: "head" | "body" | "stopped" = "head";
  readonly #body: FramedBody;
  #emptyLine: EmptyLine = "none";
  /** Of a head that has begun and not come whole. */
  #reader: HeadReader | undefined;
  readonly #gathered = new GatheredHead();
  readonly #take = (data: Uint8Array): void => this.#events.data(data);

  constructor(limits: HttpLimits, events: RequestEvents, heads: KnownHeads) {
    this.#limits = limits;
    this.#events = events;
    this.#heads = heads;
    this.#body = new FramedBody(limits);
  }

  /** Part of a request has come. */
  get isWithin(): boolean {
    return this.#reader !== undefined || this.#phase === "body";
  }

  get isWithinHead(): boolean {
    return this.#reader !== undefined;
  }

  /** Nothing more is read; may be called from within an event. */
  stop(): void {
    this.#phase = "stopped";
    this.#reader = undefined;
    this.#gathered.clear();
    this.#body.clear();
  }

  /** Returns how much of it was read: all, unless no request is to begin. */
  receive(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length) {
      switch (this.#phase) {
        case "head":
          if (this.#reader === undefined && this.#events.isFull) return at;
          at = this.#readHead(bytes, at);
          break;
        case "body":
          at = this.#readBody(bytes, at);
          break;
        case "stopped":
          return bytes.length;
      }
    }
    return at;
  }

  /** The peer sends no more. Within a request that is a breach. */
  finish(): void {
    if (this.isWithin) this.breach({ fault: "cut_off", message: "the request ended before its end" });
    else this.stop();
  }

  /** Ends reading. */
  breach(breach: Breach): void {
    this.stop();
    this.#events.breach(breach);
  }

  #readHead(bytes: Buffer, from: number): number {
    if (this.#reader !== undefined) return this.#goOn(bytes, from, this.#reader);
    const byte = bytes[from]!;
    if (byte === CR || this.#emptyLine === "half") return this.#passEmptyLine(byte, from);
    const known = this.#known ?? this.#heads.latest;
    const end = known === undefined ? -1 : known.match(bytes, from);
    if (known !== undefined && end >= 0) {
      this.#known = known;
      this.#begin(known.head, known.length);
      return end;
    }
    return this.#readNew(bytes, from);
  }

  #passEmptyLine(byte: number, from: number): number {
    if (this.#emptyLine === "none" && byte === CR) this.#emptyLine = "half";
    else if (this.#emptyLine === "half" && byte === LF) this.#emptyLine = "whole";
    else this.breach({ fault: "bad_request_line", message: "this is no HTTP/1.1 request: it begins with a line end" });
    return from + 1;
  }

  /** One that is not as the last one was. */
  #readNew(bytes: Buffer, from: number): number {
    const reader = new HeadReader(this.#limits);
    const end = reader.read(bytes, from);
    if (end >= 0) return this.#whole(reader, bytes, from, end);
    if (reader.breach !== undefined) {
      this.breach(reader.breach);
    } else {
      this.#reader = reader;
      this.#gather(bytes, from);
    }
    return bytes.length;
  }

  /**
   * What has come is gathered together, so that lines are whole; what is behind the head is not
   * used.
   */
  #goOn(bytes: Buffer, from: number, reader: HeadReader): number {
    const before = this.#gathered.length;
    const gathered = this.#gather(bytes, from);
    const end = reader.read(gathered, 0);
    if (end >= 0) {
      this.#whole(reader, gathered, 0, end);
      return from + end - before;
    }
    if (reader.breach !== undefined) this.breach(reader.breach);
    return bytes.length;
  }

  /** One byte more than a head may have, so that what is too long is seen. */
  #gather(bytes: Buffer, from: number): Buffer {
    return this.#gathered.append(bytes, from, this.#limits.maxHeadBytes + 1);
  }

  #whole(reader: HeadReader, bytes: Buffer, from: number, end: number): number {
    const { head, length, lengthPlace: place } = reader;
    this.#reader = undefined;
    if (head === undefined) return end;
    const known = KnownHead.keep(bytes, from, end, { head, place });
    this.#known = known;
    this.#heads.latest = known ?? this.#heads.latest;
    this.#gathered.clear();
    this.#begin(head, length);
    return end;
  }

  #begin(head: InboundHead, length: number | undefined): void {
    this.#emptyLine = "none";
    this.#phase = "body";
    this.#body.begin(length);
    this.#events.head(head, length);
    if (length === 0 && this.isWithin) this.#end();
  }

  #readBody(bytes: Buffer, from: number): number {
    const body = this.#body;
    const at = body.read(bytes, from, this.#take);
    if (body.breach !== undefined) this.breach(body.breach);
    else if (body.ended && this.#phase === "body") this.#end();
    return at;
  }

  #end(): void {
    this.#phase = "head";
    this.#body.clear();
    this.#events.end();
  }
}
