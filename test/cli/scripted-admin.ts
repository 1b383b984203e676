import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** What a node would answer to any request. */
export interface Script {
  readonly status?: number;
  readonly type?: string;
  /** A text as it is, all else as JSON. */
  readonly body?: unknown;
  /** In the place of `body`: one after the other, and the last one from then on. */
  readonly bodies?: readonly unknown[];
}

export interface SeenRequest {
  readonly line: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

const JSON_TYPE = "application/json; charset=utf-8";

/**
 * A real HTTP listener that answers everything in one way, as the admin API does it, and remembers
 * what was asked.
 */
export class ScriptedAdmin implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  readonly #server: Server;
  readonly #scheme: string;

  private constructor(server: Server, scheme: string) {
    this.#server = server;
    this.#scheme = scheme;
  }

  static async open(
    script: Script | "silent",
    tls?: { readonly cert: string; readonly key: string },
  ): Promise<ScriptedAdmin> {
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const sent = await text(request);
      admin.seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body: sent });
      if (script === "silent") return;
      const { status = 200, type = status < 300 ? JSON_TYPE : "application/problem+json", bodies } = script;
      const body = bodies?.[Math.min(admin.seen.length, bodies.length) - 1] ?? script.body ?? null;
      response.writeHead(status, { "content-type": type });
      response.end(typeof body === "string" ? body : `${JSON.stringify(body, undefined, 2)}\n`);
    };
    const listener: RequestListener = (request, response) => void answer(request, response);
    const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
    const admin = new ScriptedAdmin(server, tls === undefined ? "http" : "https");
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    return admin;
  }

  get url(): string {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }
}
