import type { IncomingMessage, ServerResponse } from "node:http";
import type { Refusal } from "../core/reason.ts";
import type { NodeHttpConnection, OpenRequest } from "./node-connection.ts";
import {
  type HeadMemo,
  type HttpExchange,
  type HttpReply,
  type HttpRequest,
  MAX_DISCARD_BYTES,
  separatorOf,
} from "./port.ts";

/** One request and its response, as node:http hands them over. */
export interface HttpPair {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: NodeHttpConnection;
  /** The sender waits for `100 Continue` before it sends the body. */
  readonly expects: boolean;
}

/** What a listener does with all its requests alike. */
interface HttpManners {
  /** Asked when a request is answered: connections are to close. */
  readonly isDraining: boolean;
  /** Told when a request has ended, answered or not. */
  readonly ended: (connection: NodeHttpConnection, isClosed: boolean) => void;
}

const CLOSE = ["Connection", "close"] as const;

/** One request of node:http. */
export class NodeRequest implements HttpRequest, OpenRequest {
  bagIndex = -1;
  readonly memo: HeadMemo = { value: undefined };
  readonly length: number | undefined;
  readonly #pair: HttpPair;
  readonly #manners: HttpManners;
  #exchange: HttpExchange | undefined;
  #isAnswered = false;
  #isPaused = false;

  constructor(pair: HttpPair, manners: HttpManners) {
    const { request, response, connection } = pair;
    this.#pair = pair;
    this.#manners = manners;
    // Node's parser lets only plain numbers through.
    const { "transfer-encoding": encoding, "content-length": length = 0 } = request.headers;
    this.length = encoding === undefined ? Number(length) : undefined;
    request.on("error", ignore); // the peer left in the middle of its body: `close` of the response tells the same
    response.on("error", ignore); // the peer left while its reply was written
    // It comes once; to take a listener away afterwards would cost as much as all the rest here.
    response.on("close", () => {
      this.lost();
      connection.end(this);
      manners.ended(connection, false);
    });
  }

  get method(): string {
    return this.#pair.request.method ?? "";
  }

  get target(): string {
    return this.#pair.request.url ?? "/";
  }

  get peer(): string {
    return this.#pair.connection.peer;
  }

  header(name: string): string | undefined {
    const { rawHeaders } = this.#pair.request; // node's own ways make an object of all of them
    let value: string | undefined;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      if (!isNamed(rawHeaders[i]!, name)) continue;
      if (value === undefined) value = rawHeaders[i + 1];
      else value += `${separatorOf(name)}${rawHeaders[i + 1]}`;
    }
    return value;
  }

  /** How many hosts it names: node lets pass what RFC 9112, 3.2 does not. */
  get hosts(): number {
    const { rawHeaders } = this.#pair.request;
    let hosts = 0;
    for (let i = 0; i < rawHeaders.length; i += 2) if (isNamed(rawHeaders[i]!, "host")) hosts++;
    return hosts;
  }

  get needsHost(): boolean {
    return this.#pair.request.httpVersion === "1.1";
  }

  /** Reads its body, unless it has its reply already. */
  begin(exchange: HttpExchange | undefined): void {
    if (exchange === undefined || this.#isAnswered) return;
    const { request, response, expects } = this.#pair;
    this.#exchange = exchange;
    if (expects) response.writeContinue();
    request.on("data", (chunk: Buffer) => {
      if (!this.#isAnswered) exchange.data(chunk);
    });
    request.on("end", () => {
      this.resume();
      if (!this.#isAnswered) exchange.end();
    });
  }

  reply({ status, headers, body }: HttpReply, rest: "short" | "unwanted"): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    const { request, response, connection } = this.#pair;
    this.resume(); // what is left of the body is thrown away, or the connection closes
    const leaves = !request.complete && this.#leavesBody(rest);
    if (leaves) connection.lingerAfterReply();
    // A pipelined request behind this one would lose its reply if the connection closed here.
    const closes = leaves || (connection.newest === this && (connection.isLeaving || this.#manners.isDraining));
    if (closes) connection.closing = true;
    const length = status === 204 ? [] : ["Content-Length", String(body.length)];
    response.writeHead(status, [...headers, ...length, ...(closes ? CLOSE : [])]);
    if (body.length > 0) response.end(body);
    else response.end(); // an empty body would be a piece of its own, and all of it a writev
    request.resume();
  }

  lost(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#exchange?.gone();
  }

  broken(refusal: Refusal): void {
    if (!this.#isAnswered && !this.#pair.request.complete) this.#exchange?.broken(refusal);
  }

  /** The system keeps what comes: Node.js would keep what it has read, where nobody counts it. */
  pause(): void {
    if (this.#isAnswered) return;
    this.#isPaused = true;
    this.#pair.request.socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#pair.request.socket.resume();
  }

  /** Whether the rest of the body is not worth reading: what failed half-way may never end. */
  #leavesBody(rest: "short" | "unwanted"): boolean {
    const { length } = this;
    if (length === 0) return false;
    const begun = this.#exchange !== undefined;
    return begun || rest === "unwanted" || this.#pair.expects || length === undefined || length > MAX_DISCARD_BYTES;
  }
}

function isNamed(written: string, name: string): boolean {
  return written.length === name.length && written.toLowerCase() === name;
}

function ignore(): void {}
