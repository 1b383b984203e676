import { REST_MS, REST_PAUSE_MS } from "../../session-settings.ts";
import { H2_ERROR } from "../contract.ts";
import type { Allowance } from "./allowance.ts";
import type { Faults } from "./faults.ts";
import type { Outbound } from "./outbound.ts";
import type { RestOfBody, Stream } from "./stream.ts";
import type { StreamTable } from "./stream-table.ts";

const NEVER = Number.POSITIVE_INFINITY;
/**
 * The first half of the payload of a PING that asks whether a reply was read; the stream is the
 * second. `ping` cannot make it.
 */
const REST_PING = 0xff_72_65_73;

/**
 * What still comes of requests that were answered before their end (RFC 9113, 8.1). It is dropped
 * as it comes, and RST_STREAM with NO_ERROR stops a peer that does not stop by itself. It must not
 * come at once: curl 7.88 loses a reply that it reads together with RST_STREAM, and takes
 * RST_STREAM for a failure while it sends, unless the reply was an error of HTTP. So the peer gets
 * credit for the rest, as much as the allowance has and as long as it uses it; and who waits for
 * the reset, or for credit that there is none of, gets it when it has read the reply, which its
 * answer to a PING says.
 */
export class Leftovers {
  readonly #streams: StreamTable;
  readonly #outbound: Outbound;
  readonly #faults: Faults;
  /** In bytes. */
  readonly #allowance: Allowance;
  /** When to look for streams whose time is up. */
  #dueMs = NEVER;

  constructor(streams: StreamTable, outbound: Outbound, faults: Faults, allowance: Allowance) {
    this.#streams = streams;
    this.#outbound = outbound;
    this.#faults = faults;
    this.#allowance = allowance;
  }

  /** See Connection.dismiss. */
  dismiss(stream: Stream, waits: boolean): void {
    const { receive } = stream;
    const { nowMs } = this.#faults;
    if (receive === undefined || stream.discarding) return;
    stream.rest = { untilMs: nowMs + REST_MS, cameMs: nowMs, asked: false };
    stream.bodyLeft = -1; // it may end wherever it is told of the reply
    this.#dueMs = Math.min(this.#dueMs, nowMs + REST_PAUSE_MS);
    this.dropped(stream, receive.held); // what its owner holds is given back to the connection alone
    if (waits) this.#ask(stream);
  }

  /** Bytes of a stream came and were dropped. */
  dropped(stream: Stream, bytes: number): void {
    const { receive, rest } = stream;
    if (receive === undefined || rest === undefined) return;
    rest.cameMs = this.#faults.nowMs;
    if (this.#allowance.take(this.#faults.nowMs, bytes)) receive.give(bytes);
    const credit = receive.update();
    if (credit > 0) {
      this.#outbound.writer.windowUpdate(stream.id, credit);
      this.#faults.creditTold();
    }
    if (receive.left <= 0) this.#ask(stream);
  }

  /**
   * The peer sent all of it. curl 7.88 has read its reply by then, and goes on only when something
   * more comes.
   */
  ended(stream: Stream): void {
    this.#ping(stream);
  }

  /** True when the PING was one of these. */
  pong(bytes: Uint8Array, start: number): boolean {
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, 8);
    if (view.getUint32(0) !== REST_PING) return false;
    const stream = this.#streams.get(view.getUint32(4));
    if (stream?.rest?.asked === true) this.#end(stream, stream.rest);
    return true;
  }

  tick(nowMs: number): void {
    if (nowMs < this.#dueMs) return;
    this.#dueMs = NEVER;
    for (const stream of this.#streams.values()) {
      const { rest } = stream;
      if (rest === undefined || rest.untilMs === NEVER) continue;
      const untilMs = Math.min(rest.untilMs, rest.cameMs + REST_PAUSE_MS);
      if (nowMs >= untilMs) this.#end(stream, rest);
      else this.#dueMs = Math.min(this.#dueMs, untilMs);
    }
  }

  #ask(stream: Stream): void {
    if (stream.rest === undefined || stream.rest.asked) return;
    stream.rest.asked = true;
    this.#ping(stream);
  }

  #ping(stream: Stream): void {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, REST_PING);
    view.setUint32(4, stream.id);
    this.#outbound.writer.ping(bytes, 0, false);
  }

  /** A reply that waits for a window goes first. */
  #end(stream: Stream, rest: RestOfBody): void {
    rest.untilMs = NEVER;
    if (stream.localOpen) stream.resetWaits = true;
    else this.#outbound.reset(stream, H2_ERROR.NO_ERROR);
  }
}
