import assert from "node:assert/strict";
import { openClientConnection, openServerConnection } from "../../../src/http2/own/connection/connection.ts";
import {
  type Connection,
  type ConnectionLimits,
  DEFAULT_LIMITS,
  H2_ERROR,
  type HeaderList,
} from "../../../src/http2/own/contract.ts";
import { encodeHeaders } from "../../../src/http2/own/hpack/encoder.ts";
import { REQUEST, RESPONSE, TRAILERS } from "./raw.ts";
import { TableEncoder } from "./table-encoder.ts";
import { WireWatch } from "./wire-watch.ts";

/** One request and its reply; numbers are sizes of pieces. */
export interface Exchange {
  readonly request: readonly number[];
  /** The client uses its dynamic table. */
  readonly indexed: boolean;
  readonly requestTrailers: boolean;
  /**
   * In one go; head, body and trailers one by one; a head alone; without waiting for the end of the
   * request.
   */
  readonly reply: "reply" | "streamed" | "head only" | "early";
  readonly response: readonly number[];
  /** Who resets the stream, some time after it was opened. */
  readonly cancel: "no" | "client" | "server";
}

export interface Plan {
  readonly client: ConnectionLimits;
  readonly server: ConnectionLimits;
  readonly exchanges: readonly Exchange[];
  readonly schedule: readonly (readonly [number, number])[];
}

/** What one side got of one stream. */
interface Got {
  readonly exchange: Exchange;
  readonly number: number;
  heads: string[];
  bytes: number;
  wrong: number;
  ended: boolean;
  reset: number | undefined;
  replied: boolean;
  /** It was opened before the client knew how many it may open. */
  early: boolean;
}

const HEAD = encodeHeaders(RESPONSE);
const TAIL = encodeHeaders(TRAILERS);
const HEAD_ONLY: HeaderList = [...RESPONSE, ...TRAILERS];

/** The byte at `at` of the body of exchange `number`, different for both directions. */
function byteAt(number: number, at: number, reply: boolean): number {
  return (number * 31 + at * 7 + (reply ? 128 : 0) + (at >> 8)) & 0xff;
}
function bodyOf(sizes: readonly number[], number: number, reply: boolean): Uint8Array[] {
  let at = 0;
  return sizes.map((size) => Uint8Array.from({ length: size }, () => byteAt(number, at++, reply)));
}
function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}

/**
 * A client and a server of ours in memory, with bytes that wait on the way in both directions, and
 * the books kept by a third.
 */
export class ExchangeRig {
  readonly watch = new WireWatch();
  readonly #plan: Plan;
  readonly #client: Connection;
  /** Its table is never larger than what the server allows, as of before it has said so. */
  readonly #encoder: TableEncoder;
  readonly #server: Connection;
  /** What is on the way, and what of it has not been a whole frame for the books. */
  readonly #ways = { client: Buffer.alloc(0), server: Buffer.alloc(0) };
  readonly #heard = { client: Buffer.alloc(0), server: Buffer.alloc(0) };
  readonly #debts: (() => void)[] = [];
  readonly #atClient = new Map<number, Got>();
  readonly #atServer = new Map<number, Got>();
  #opened = 0;
  /** The client has heard how many streams it may open. */
  #settled = false;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#encoder = new TableEncoder(Math.min(plan.server.headerTableBytes, DEFAULT_LIMITS.headerTableBytes));
    this.#client = openClientConnection(
      plan.client,
      this.#events(() => this.#client, this.#atClient, false),
      0,
    );
    this.#server = openServerConnection(
      plan.server,
      this.#events(() => this.#server, this.#atServer, true),
      0,
    );
  }

  /** Does one thing, if it can be done. True: it could. */
  step(action: number, size: number): boolean {
    switch (action) {
      case 0:
        return this.#open();
      case 1:
        return this.#write("client", size);
      case 2:
        return this.#write("server", size);
      case 3:
        return this.#carry("client", "server", size);
      case 4:
        return this.#carry("server", "client", size);
      case 5:
        return this.#cancel(size);
      default:
        return this.#debts.splice(size % 3, 1 + (size % 5)).some((pay) => (pay(), true));
    }
  }

  /** Goes on until nothing can be done any more. */
  finish(): void {
    for (let quiet = 0, turns = 0; quiet < 14; turns++) {
      assert.ok(turns < 200_000, "it does not come to an end");
      quiet = this.step(turns % 7, 30_000) ? 0 : quiet + 1;
    }
  }

  check(): void {
    assert.equal(this.#opened, this.#plan.exchanges.length, "every request was opened");
    for (const [id, got] of this.#atClient) {
      const cancelled = got.exchange.cancel !== "no";
      const there = this.#atServer.get(id);
      assert.equal(got.wrong + (there?.wrong ?? 0), 0, `stream ${id} got other bytes than were sent`);
      // Before the client has the server's SETTINGS it may open more than it may have.
      const refused = got.early && got.reset === H2_ERROR.REFUSED_STREAM && there === undefined;
      if (cancelled || refused) continue;
      assert.ok(there !== undefined && there.reset === undefined && got.reset === undefined, `stream ${id} was reset`);
      assert.deepEqual([there.ended, got.ended], [true, true], `stream ${id} has ended`);
      assert.equal(there.bytes, sum(got.exchange.request), `stream ${id}, request`);
      const headOnly = got.exchange.reply === "head only";
      assert.equal(got.bytes, headOnly ? 0 : sum(got.exchange.response), `stream ${id}, reply`);
      assert.deepEqual(got.heads, headOnly ? [HEAD_ONLY.join()] : [RESPONSE.join(), TRAILERS.join()]);
    }
    assert.deepEqual([this.#client.openStreams, this.#server.openStreams], [0, 0], "streams left over");
    assert.deepEqual([this.#client.done, this.#server.done], [false, false]);
    assert.deepEqual([this.watch.unacknowledged("client"), this.watch.unacknowledged("server")], [0, 0]);
  }

  #events(own: () => Connection, got: Map<number, Got>, server: boolean) {
    return {
      headers: (id: number, headers: HeaderList, end: boolean) => {
        const stream = got.get(id) ?? this.#begin(id, got);
        stream.heads.push(headers.join());
        stream.ended ||= end;
        if (server) this.#reply(id, stream);
      },
      data: (id: number, bytes: Uint8Array, end: boolean) => {
        const stream = got.get(id)!;
        assert.ok(!stream.ended, "bytes after the end");
        for (const byte of bytes) if (byte !== byteAt(stream.number, stream.bytes++, !server)) stream.wrong++;
        this.#debts.push(() => own().credit(id, bytes.length));
        stream.ended ||= end;
        if (server) this.#reply(id, stream);
      },
      reset: (id: number, code: number) => {
        const stream = got.get(id)!;
        assert.equal(stream.reset, undefined, "told once");
        stream.reset = code;
      },
      flushed: () => undefined,
      goaway: () => assert.fail("goaway"),
      settings: () => {
        this.#settled ||= !server;
      },
      pong: () => undefined,
      failed: (code: number, reason: string) => assert.fail(`failed: ${code} ${reason}`),
    };
  }

  #begin(id: number, got: Map<number, Got>): Got {
    const number = (id - 1) / 2;
    const exchange = this.#plan.exchanges[number]!;
    const stream: Got = {
      exchange,
      number,
      heads: [],
      bytes: 0,
      wrong: 0,
      ended: false,
      reset: undefined,
      replied: false,
      early: false,
    };
    got.set(id, stream);
    return stream;
  }

  #open(): boolean {
    const exchange = this.#plan.exchanges[this.#opened];
    if (exchange === undefined || !this.#client.mayOpen) return false;
    const bodiless = exchange.request.length === 0 && !exchange.requestTrailers;
    const list = [...REQUEST, "x-number", String(this.#opened % 4)];
    const id = exchange.indexed
      ? this.#client.open(this.#encoder.encode(list), bodiless)
      : this.#client.open(encodeHeaders(list), bodiless);
    assert.equal(id, this.#opened * 2 + 1);
    this.#begin(id, this.#atClient).early = !this.#settled;
    this.#opened++;
    if (bodiless) return true;
    const body = bodyOf(exchange.request, (id - 1) / 2, false);
    this.#client.sendData(id, body.slice(0, 1), false);
    this.#client.sendData(id, body.slice(1), !exchange.requestTrailers);
    if (exchange.requestTrailers) this.#client.sendHeaders(id, encodeHeaders(["a", "b"]), true);
    return true;
  }

  #reply(id: number, stream: Got): void {
    const { reply, response } = stream.exchange;
    if (stream.replied || (!stream.ended && reply !== "early")) return;
    stream.replied = true;
    const body = bodyOf(response, stream.number, true);
    if (reply === "head only") this.#server.sendHeaders(id, encodeHeaders(HEAD_ONLY), true);
    else if (reply === "reply") this.#server.sendReply(id, HEAD, Buffer.concat(body), TAIL);
    else {
      this.#server.sendHeaders(id, HEAD, false);
      this.#server.sendData(id, body, false);
      this.#server.sendHeaders(id, TAIL, true);
    }
  }

  /** A stream that is to be cancelled, by who is to do it. */
  #cancel(size: number): boolean {
    const all = [...this.#atClient].filter(([, { exchange }]) => exchange.cancel !== "no");
    const chosen = all[size % Math.max(1, all.length)];
    if (chosen === undefined || chosen[1].replied) return false;
    const [id, { exchange }] = chosen;
    if (exchange.cancel === "server" && !this.#atServer.has(id)) return false;
    chosen[1].replied = true;
    (exchange.cancel === "client" ? this.#client : this.#server).resetStream(id, H2_ERROR.CANCEL);
    return true;
  }

  #write(side: "client" | "server", size: number): boolean {
    const connection = side === "client" ? this.#client : this.#server;
    if (!connection.hasOutput) return false;
    const pieces = connection.takeOutput(size);
    assert.ok(pieces.length > 0, "hasOutput tells the truth");
    this.#ways[side] = Buffer.concat([this.#ways[side], ...pieces]);
    this.#sent[side] = this.#whole(Buffer.concat([this.#sent[side], ...pieces]), (frames) =>
      this.watch.sent(side, frames),
    );
    return true;
  }
  readonly #sent = { client: Buffer.alloc(0), server: Buffer.alloc(0) };

  #carry(from: "client" | "server", to: "client" | "server", size: number): boolean {
    const way = this.#ways[from];
    if (way.length === 0) return false;
    const chunk = Buffer.from(way.subarray(0, size));
    this.#ways[from] = way.subarray(chunk.length);
    this.#heard[to] = this.#whole(Buffer.concat([this.#heard[to], chunk]), (frames) => this.watch.received(to, frames));
    (to === "client" ? this.#client : this.#server).receive(chunk, 0);
    chunk.fill(0xee); // borrowed: who kept it is found out
    return true;
  }

  /** Passes on the whole frames of `bytes`, the preface among them, and returns the rest. */
  #whole(bytes: Buffer<ArrayBuffer>, pass: (frames: Buffer) => void): Buffer<ArrayBuffer> {
    let at = bytes.subarray(0, 3).toString() === "PRI" ? 24 : 0;
    if (bytes.length < at) return bytes;
    while (bytes.length >= at + 9 && bytes.length >= at + 9 + bytes.readUIntBE(at, 3))
      at += 9 + bytes.readUIntBE(at, 3);
    if (at === 24 && bytes.subarray(0, 3).toString() === "PRI") return bytes;
    pass(bytes.subarray(0, at));
    return bytes.subarray(at);
  }
}
