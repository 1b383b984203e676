import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Cancel, Clock } from "../core/clock.ts";
import { Allowance } from "./own/connection/allowance.ts";
import { DROPPED_BYTES_PER_SECOND, REST_MS, REST_PAUSE_MS } from "./session-settings.ts";

/**
 * What still comes of requests of one session that were answered before their end: see
 * own/connection/leftovers.ts.
 */
export class NodeLeftovers {
  readonly #session: ServerHttp2Session;
  readonly #clock: Clock;
  readonly #allowance: Allowance;
  /** Ends those that are open. */
  readonly #ends = new Set<() => void>();

  constructor(session: ServerHttp2Session, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
    this.#allowance = new Allowance(DROPPED_BYTES_PER_SECOND, 0, clock.nowMs());
  }

  /** The reply is complete. `waits`: the client sends nothing more, and waits for a reset. */
  dismiss(stream: ServerHttp2Stream, waits: boolean): void {
    const close = (): void => stream.close(constants.NGHTTP2_NO_ERROR);
    this.#ends.add(close);
    stream.once("close", () => this.#ends.delete(close));
    const came = this.#limitTime(stream, close);
    let asked = false;
    const ask = (): void => {
      if (asked) return;
      asked = true;
      this.#afterReply(close);
    };
    stream.on("data", (chunk: Buffer) => {
      came();
      // Node gives credit by itself, until the answer is here.
      if (!this.#allowance.take(this.#clock.nowMs(), chunk.length)) ask();
    });
    stream.once("end", () => this.#afterReply(ignore)); // who goes on only when something more comes
    stream.resume();
    if (waits) ask();
  }

  /** The connection is asked to go: they do not hold it up. */
  endAll(): void {
    for (const end of this.#ends) end();
  }

  /**
   * Calls `close` when it may not go on any longer. Told, by what is returned, of all that comes.
   */
  #limitTime(stream: ServerHttp2Stream, close: () => void): () => void {
    const clock = this.#clock;
    const untilMs = clock.nowMs() + REST_MS;
    let goesOn = false;
    let cancel: Cancel;
    const check = (): void => {
      if (!goesOn || clock.nowMs() >= untilMs) {
        close();
        return;
      }
      goesOn = false;
      cancel = clock.after(REST_PAUSE_MS, check);
    };
    cancel = clock.after(REST_PAUSE_MS, check);
    stream.once("close", () => cancel());
    return () => {
      goesOn = true;
    };
  }

  /**
   * Calls `done` when the peer has read what was said so far. Not within this turn: node sends a
   * PING before headers.
   */
  #afterReply(done: () => void): void {
    setImmediate(() => {
      if (this.#session.destroyed) return;
      this.#session.ping((error) => {
        if (error === null) done();
      });
    });
  }
}

function ignore(): void {}
