import { connect } from "node:net";
import type { Socket } from "node:net";

/**
 * `status` is the HTTP status; -1: the connection was lost. `written`: whether the body had been
 * written by then.
 */
export type HttpDone = (status: number, bodyBytes: number, written: boolean) => void;

const HEAD_END = Buffer.from("\r\n\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");
const MAX_HEAD_BYTES = 65_536;

/** One HTTP/1.1 connection that posts one body after the other, with as little work as possible. */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #head: string;
  readonly #opened = Promise.withResolvers<void>();
  #done: HttpDone | undefined;
  #received: Buffer = Buffer.alloc(0);
  #status = 0;
  #length = 0;
  /**
   * Body bytes still to come, Infinity when the reply is chunked; undefined while the head is read.
   */
  #left: number | undefined;
  #ending = false;
  #lostIt = false;

  constructor(host: string, port: number, path: string, encoding: "identity" | "gzip") {
    const compressed = encoding === "gzip" ? "content-encoding: gzip\r\n" : "";
    this.#head = `POST ${path} HTTP/1.1\r\nhost: ${host}:${port}\r\ncontent-type: application/x-protobuf\r\n${compressed}content-length: `;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on("connect", () => this.#opened.resolve());
    this.#socket.on("data", (chunk: Buffer) => this.#read(chunk));
    this.#socket.on("error", (error) => this.#opened.reject(error));
    this.#socket.on("close", () => this.#lost());
  }

  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  get usable(): boolean {
    return this.#done === undefined && !this.closed;
  }

  get closed(): boolean {
    return this.#ending || this.#socket.destroyed;
  }

  /** It ended, and nobody had said that it would. */
  get lost(): boolean {
    return this.#lostIt;
  }

  /** The body is borrowed until `done`. Only when `usable`. */
  post(body: Uint8Array, done: HttpDone): void {
    this.#done = done;
    this.#socket.cork();
    this.#socket.write(`${this.#head}${body.length}\r\n\r\n`, "latin1");
    this.#socket.write(body);
    this.#socket.uncork();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    let body = chunk;
    if (this.#left === undefined) {
      const all = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      const end = all.indexOf(HEAD_END);
      this.#received = end < 0 ? all : Buffer.alloc(0);
      if (end < 0) {
        if (all.length > MAX_HEAD_BYTES) this.#socket.destroy();
        return;
      }
      this.#readHead(all.toString("latin1", 0, end).toLowerCase());
      body = all.subarray(end + HEAD_END.length);
    }
    this.#left = (this.#left ?? 0) - body.length;
    const lastChunk = this.#left === Number.POSITIVE_INFINITY && body.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK);
    if (this.#left <= 0 || lastChunk) this.#finish();
  }

  #readHead(head: string): void {
    this.#status = Number(head.slice(9, 12));
    const chunked = head.includes("\r\ntransfer-encoding: chunked");
    this.#length = Number(/\r\ncontent-length: *(\d+)/u.exec(head)?.[1] ?? 0);
    this.#left = chunked ? Number.POSITIVE_INFINITY : this.#length;
    this.#ending = head.includes("\r\nconnection: close");
  }

  #finish(): void {
    const done = this.#done;
    this.#done = undefined;
    this.#left = undefined;
    if (this.#ending) this.#socket.destroy();
    done?.(this.#status, this.#length, this.#status === 200 || this.#socket.writableLength === 0);
  }

  #lost(): void {
    this.#lostIt = !this.#ending;
    this.#ending = true;
    this.#opened.reject(new Error("the connection was closed"));
    const done = this.#done;
    this.#done = undefined;
    done?.(-1, 0, false);
  }
}
