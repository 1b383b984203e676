import { connect } from "node:net";
import type { Socket } from "node:net";
import { Ending, LOST } from "./ending.ts";

/**
 * `status` is the HTTP status; -1: the connection was lost. `written`: whether the body had been
 * written by then.
 */
export type HttpDone = (status: number, bodyBytes: number, written: boolean) => void;

export interface HttpPeer {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly encoding: "protobuf" | "json";
  readonly gzip: boolean;
  /** So many requests may wait for their answers. */
  readonly pipelined: number;
}

const HEAD_END = Buffer.from("\r\n\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");
const MAX_HEAD_BYTES = 65_536;
const NOTHING = Buffer.alloc(0);

/**
 * One HTTP/1.1 connection that posts bodies, each when it is asked to, and takes the answers in
 * that order, with as little work as possible. Of chunked answers only the end is looked for.
 */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #head: string;
  readonly #pipelined: number;
  readonly #opened = Promise.withResolvers<void>();
  /** In the order of their requests. */
  readonly #waiting: HttpDone[] = [];
  #received: Buffer = NOTHING;
  #status = 0;
  #length = 0;
  /**
   * Body bytes still to come, Infinity when the reply is chunked; undefined while the head is read.
   */
  #left: number | undefined;
  #ending = false;
  #lostIt = false;
  readonly #ended: Ending;
  #corked = false;

  constructor({ host, port, path, encoding, gzip, pipelined }: HttpPeer) {
    const type = encoding === "json" ? "application/json" : "application/x-protobuf";
    const compressed = gzip ? "content-encoding: gzip\r\n" : "";
    this.#head = `POST ${path} HTTP/1.1\r\nhost: ${host}:${port}\r\ncontent-type: ${type}\r\n${compressed}content-length: `;
    this.#pipelined = pipelined;
    this.#socket = connect({ host, port, noDelay: true });
    this.#ended = new Ending(this.#socket);
    this.#socket.on("connect", () => this.#opened.resolve());
    this.#socket.on("data", (chunk: Buffer) => this.#read(chunk));
    this.#socket.on("error", (error) => this.#opened.reject(error));
    this.#socket.on("close", () => this.#lost());
  }

  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  get usable(): boolean {
    return this.#waiting.length < this.#pipelined && !this.closed;
  }

  get closed(): boolean {
    return this.#ending || this.#socket.destroyed;
  }

  /** It ended, and nobody had said that it would. */
  get lost(): boolean {
    return this.#lostIt;
  }

  /** What became of calls that it took along. */
  get whyLost(): string {
    return `${LOST}: ${this.#ended.why}`;
  }

  /** The body is borrowed until `done`. Only when `usable`. */
  post(body: Uint8Array, done: HttpDone): void {
    this.#waiting.push(done);
    this.#cork();
    this.#socket.write(`${this.#head}${body.length}\r\n\r\n`, "latin1");
    this.#socket.write(body);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** What is posted in one turn of the event loop is written together. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#socket.uncork();
    });
  }

  #read(chunk: Buffer): void {
    let bytes = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    this.#received = NOTHING;
    while (bytes.length > 0) {
      if (this.#left === undefined) {
        const end = bytes.indexOf(HEAD_END);
        if (end < 0) {
          this.#received = bytes;
          if (bytes.length > MAX_HEAD_BYTES) this.#socket.destroy();
          return;
        }
        this.#readHead(bytes.toString("latin1", 0, end).toLowerCase());
        bytes = bytes.subarray(end + HEAD_END.length);
      }
      bytes = this.#readBody(bytes);
    }
  }

  /** What is left of the bytes for the next answer. */
  #readBody(bytes: Buffer): Buffer {
    const left = this.#left ?? 0;
    if (left === Number.POSITIVE_INFINITY) {
      const last = bytes.indexOf(LAST_CHUNK);
      if (last < 0) this.#received = bytes;
      else this.#finish();
      return last < 0 ? NOTHING : bytes.subarray(last + LAST_CHUNK.length);
    }
    this.#left = Math.max(0, left - bytes.length);
    if (this.#left === 0) this.#finish();
    return bytes.subarray(Math.min(left, bytes.length));
  }

  #readHead(head: string): void {
    this.#status = Number(head.slice(9, 12));
    const chunked = head.includes("\r\ntransfer-encoding: chunked");
    this.#length = Number(/\r\ncontent-length: *(\d+)/u.exec(head)?.[1] ?? 0);
    this.#left = chunked ? Number.POSITIVE_INFINITY : this.#length;
    this.#ending = head.includes("\r\nconnection: close");
  }

  #finish(): void {
    const done = this.#waiting.shift();
    this.#left = undefined;
    if (this.#ending) this.#socket.destroy();
    done?.(this.#status, this.#length, this.#status === 200 || this.#socket.writableLength === 0);
  }

  #lost(): void {
    this.#lostIt = !this.#ending;
    this.#ending = true;
    this.#opened.reject(new Error(this.#ended.beforeUse));
    for (const done of this.#waiting.splice(0)) done(-1, 0, false);
  }
}
