import { allocOwned } from "../../core/bytes.ts";
import { ChunkReader } from "./chunk-reader.ts";
import type { Breach, HttpLimits, RequestEvents, InboundHead } from "./contract.ts";
import { HeadReader } from "./head-reader.ts";
import { KnownHead, type KnownHeads } from "./known-head.ts";
import { CR, LF } from "./octets.ts";

/** The first bytes of a head that has not come whole; most need no more. */
const FIRST_CARRIED_BYTES = 1_024;

/** One empty line is passed over before a request (RFC 9112, 2.2): none yet, half of it, all. */
type EmptyLine = "none" | "half" | "whole";

/** Requests out of the bytes of one connection, in any split of them. */
export class RequestReader {
  readonly #limits: HttpLimits;
  readonly #events: RequestEvents;
  readonly #heads: KnownHeads;
  #known: KnownHead | undefined;
  #phase: "head" | "length" | "chunks" | "stopped" = "head";
  #left = 0;
  #chunks: ChunkReader | undefined;
  #emptyLine: EmptyLine = "none";
  /** Of a head that has begun and not come whole. */
  #reader: HeadReader | undefined;
  #rest: Buffer | undefined;
  #restBytes = 0;
  readonly #take = (data: Uint8Array): void => this.#events.data(data);

  constructor(limits: HttpLimits, events: RequestEvents, heads: KnownHeads) {
    this.#limits = limits;
    this.#events = events;
    this.#heads = heads;
  }

  /** Part of a request has come. */
  get isWithin(): boolean {
    return this.#reader !== undefined || this.#phase === "length" || this.#phase === "chunks";
  }

  get isWithinHead(): boolean {
    return this.#reader !== undefined;
  }

  /** Nothing more is read; may be called from within an event. */
  stop(): void {
    this.#phase = "stopped";
    this.#reader = undefined;
    this.#rest = undefined;
    this.#chunks = undefined;
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
        case "length":
          at = this.#readLength(bytes, at);
          break;
        case "chunks":
          at = this.#readChunks(bytes, at);
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
      this.#append(bytes, from);
    }
    return bytes.length;
  }

  /**
   * What has come is gathered together, so that lines are whole; what is behind the head is not
   * used.
   */
  #goOn(bytes: Buffer, from: number, reader: HeadReader): number {
    const before = this.#restBytes;
    const gathered = this.#append(bytes, from);
    const end = reader.read(gathered, 0);
    if (end >= 0) {
      this.#whole(reader, gathered, 0, end);
      return from + end - before;
    }
    if (reader.breach !== undefined) this.breach(reader.breach);
    return bytes.length;
  }

  /** One byte more than a head may have, so that what is too long is seen. */
  #append(bytes: Buffer, from: number): Buffer {
    const before = this.#restBytes;
    const total = Math.min(before + bytes.length - from, this.#limits.maxHeadBytes + 1);
    let gathered = this.#rest;
    if (gathered === undefined || gathered.length < total) {
      const longer = allocOwned(Math.max(total, FIRST_CARRIED_BYTES, 2 * before));
      gathered?.copy(longer, 0, 0, before);
      gathered = longer;
    }
    bytes.copy(gathered, before, from, from + total - before);
    this.#rest = gathered;
    this.#restBytes = total;
    return gathered.subarray(0, total);
  }

  #whole(reader: HeadReader, bytes: Buffer, from: number, end: number): number {
    const { head, length, lengthPlace: place } = reader;
    this.#reader = undefined;
    if (head === undefined) return end;
    const known = KnownHead.keep(bytes, from, end, { head, place });
    this.#known = known;
    this.#heads.latest = known ?? this.#heads.latest;
    this.#rest = undefined;
    this.#restBytes = 0;
    this.#begin(head, length);
    return end;
  }

  #begin(head: InboundHead, length: number | undefined): void {
    this.#emptyLine = "none";
    this.#left = length ?? 0;
    this.#phase = length === undefined ? "chunks" : "length";
    if (length === undefined) this.#chunks = new ChunkReader(this.#limits);
    this.#events.head(head, length);
    if (length === 0 && this.#phase === "length") this.#end();
  }

  #readLength(bytes: Buffer, from: number): number {
    const end = Math.min(bytes.length, from + this.#left);
    this.#left -= end - from;
    this.#events.data(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end));
    if (this.#left === 0 && this.#phase === "length") this.#end();
    return end;
  }

  #readChunks(bytes: Buffer, from: number): number {
    const chunks = this.#chunks;
    if (chunks === undefined) return bytes.length;
    const at = chunks.read(bytes, from, this.#take);
    if (chunks.breach !== undefined) this.breach(chunks.breach);
    else if (chunks.ended && this.#phase === "chunks") this.#end();
    return at;
  }

  #end(): void {
    this.#phase = "head";
    this.#chunks = undefined;
    this.#events.end();
  }
}
