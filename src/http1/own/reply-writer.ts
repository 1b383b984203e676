import { STATUS_CODES } from "node:http";
import { joinOwned, textBrief, textOwned } from "../../core/bytes.ts";
import type { Clock } from "../../core/clock.ts";
import { httpDate } from "../../core/http-date.ts";
import type { HttpReply } from "../port.ts";

/** Asks for the body. */
export const CONTINUE: Uint8Array = textOwned("HTTP/1.1 100 Continue\r\n\r\n");

/** The bytes of one fixed reply, on a connection that goes on. */
interface FixedBytes {
  readonly second: number;
  readonly bytes: Uint8Array;
}

/** Writes replies of one listener: RFC 9112, 4 and 6; RFC 9110, 6.6.1 and 8.6. */
export class ReplyWriter {
  readonly #clock: Clock;
  readonly #goesOn: string;
  readonly #fixed = new WeakMap<HttpReply, FixedBytes>();
  #second = -1;
  #date = "";

  constructor(clock: Clock, idleTimeoutMs: number) {
    this.#clock = clock;
    this.#goesOn = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(idleTimeoutMs / 1_000)}\r\n`;
  }

  /** `isHead`: to a request that wants no body. What is given may be shared: it is not changed. */
  write(reply: HttpReply, closes: boolean, isHead: boolean): Uint8Array {
    this.#refresh();
    if (reply.isFixed !== true || closes || isHead) return this.#make(reply, closes, isHead);
    const known = this.#fixed.get(reply);
    if (known?.second === this.#second) return known.bytes;
    const bytes = this.#make(reply, false, false);
    this.#fixed.set(reply, { second: this.#second, bytes });
    return bytes;
  }

  #refresh(): void {
    const second = Math.floor(this.#clock.wallMs() / 1_000);
    if (second === this.#second) return;
    this.#second = second;
    this.#date = httpDate(second * 1_000);
  }

  #make({ status, headers, body }: HttpReply, closes: boolean, isHead: boolean): Uint8Array {
    let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
    for (let i = 0; i + 1 < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
    text += `Date: ${this.#date}\r\n${closes ? "Connection: close\r\n" : this.#goesOn}`;
    if (status !== 204) text += `Content-Length: ${body.length}\r\n`;
    const head = textBrief(`${text}\r\n`, "latin1");
    return joinOwned(isHead || status === 204 ? [head] : [head, body]);
  }
}
