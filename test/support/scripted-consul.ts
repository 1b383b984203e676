import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { resetSocket } from "../../src/core/reset-socket.ts";

/** What is asked of a Consul. */
export interface ConsulQuestion {
  readonly method: string;
  /** Without `/v1/`, with its query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type ConsulAnswer =
  | {
      readonly status?: number;
      readonly index?: number;
      readonly headers?: Record<string, string>;
      readonly body?: unknown;
    }
  | "hang"
  | "reset";

/** In the place of a Consul: answers as the test says, and keeps what it was asked. */
export class ScriptedConsul implements AsyncDisposable {
  readonly url: string;
  readonly asked: ConsulQuestion[] = [];
  answer: (question: ConsulQuestion) => ConsulAnswer | Promise<ConsulAnswer>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting: (() => void)[] = [];

  static async open(answer: ScriptedConsul["answer"]): Promise<ScriptedConsul> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new ScriptedConsul(server, answer);
  }

  private constructor(server: Server, answer: ScriptedConsul["answer"]) {
    const bound = server.address();
    this.url = `http://127.0.0.1:${bound !== null && typeof bound === "object" ? bound.port : 0}`;
    this.answer = answer;
    this.#server = server;
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    server.on("request", (request, response) => void this.#take(request, response));
  }

  /** The paths of what was asked. */
  get paths(): string[] {
    return this.asked.map(({ path }) => path);
  }

  /** Resolves when so many questions have come. */
  async untilAsked(count: number): Promise<void> {
    while (this.asked.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const question = {
      method: request.method ?? "",
      path: (request.url ?? "").replace("/v1/", ""),
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    };
    this.asked.push(question);
    for (const go of this.#waiting.splice(0)) go();
    const answer = await this.answer(question);
    if (answer === "hang") return;
    if (answer === "reset") {
      resetSocket(request.socket);
      return;
    }
    const { status = 200, index, headers, body = "" } = answer;
    response.writeHead(status, { ...headers, ...(index !== undefined && { "x-consul-index": String(index) }) });
    response.end(typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body));
  }
}

/** One entry, as Consul writes it. */
export function pairOf(key: string, modified: number, more: Readonly<Record<string, unknown>> = {}): unknown {
  return { Key: key, Value: "dg==", Flags: 0, LockIndex: 0, CreateIndex: modified, ModifyIndex: modified, ...more };
}
