import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { duplexPair } from "node:stream";

/** What was read of a connection to its end. */
export interface Reading {
  /** Those that came whole: method, target, headers without the length, and the body. */
  readonly requests: (readonly [string, string, readonly string[], string])[];
  /** Something was wrong, behind them. */
  readonly isRefused: boolean;
}

/** node:http in memory, as our listener has it. */
export class NodeReading {
  readonly #server: Server;
  #requests: Reading["requests"] = [];
  #isRefused = false;

  constructor() {
    this.#server = createServer({ maxHeaderSize: 16_384, requireHostHeader: false });
    this.#server.on("request", (request, response) => this.#receive(request, response));
    this.#server.on("checkContinue", (request, response) => this.#receive(request, response));
    this.#server.on("checkExpectation", (request, response) => this.#receive(request, response));
    this.#server.on("clientError", (_error, socket) => {
      this.#isRefused = true;
      setImmediate(() => socket.destroy()); // what came before it is told first
    });
  }

  /** All that a peer says, in pieces, before it ends. */
  async read(pieces: readonly Buffer[]): Promise<Reading> {
    this.#requests = [];
    this.#isRefused = false;
    const [peer, accepted] = duplexPair();
    const closed = once(accepted, "close");
    accepted.on("error", () => undefined);
    peer.on("error", () => undefined);
    this.#server.emit("connection", accepted);
    for (const piece of pieces) peer.write(piece);
    peer.end();
    peer.resume();
    await closed;
    return { requests: this.#requests, isRefused: this.#isRefused };
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const { method = "", url = "", rawHeaders } = request;
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => void chunks.push(chunk));
    request.on("end", () => {
      const headers = rawHeaders.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
      this.#requests.push([method, url, withoutLength(headers), Buffer.concat(chunks).toString("latin1")]);
      response.end();
    });
  }
}

function withoutLength(headers: readonly string[]): string[] {
  return headers.filter((_text, i) => headers[i - (i % 2)] !== "content-length");
}
