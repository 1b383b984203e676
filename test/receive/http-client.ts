import { once } from "node:events";
import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";
import { connect, type Socket } from "node:net";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpAsk {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Uint8Array | string;
  readonly agent?: Agent;
}

/** One request by node's own client, on a connection of its own unless there is an agent. */
export async function ask(
  port: number,
  path: string,
  { method = "POST", headers = {}, body, agent }: HttpAsk,
): Promise<HttpAnswer> {
  const call = request({ host: "127.0.0.1", port, path, method, headers, agent: agent ?? false });
  call.end(body);
  const answer = await new Promise<import("node:http").IncomingMessage>((resolve, reject) => {
    call.once("response", resolve);
    call.once("error", reject);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer); // oxlint-disable-line typescript/no-unsafe-type-assertion -- no encoding is set
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) };
}

/** A protobuf Export request. */
export function post(
  port: number,
  path: string,
  body: Uint8Array,
  headers: OutgoingHttpHeaders = {},
): Promise<HttpAnswer> {
  return ask(port, path, { headers: { "content-type": "application/x-protobuf", ...headers }, body });
}

/** A connection on which the test says every byte itself, and that remembers what it was told. */
export class RawConnection implements AsyncDisposable {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #check: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#check();
    });
    socket.on("close", () => this.#check());
    socket.on("error", () => {}); // a reset is one of the ends that tests look at
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    await once(socket, "connect");
    return new RawConnection(socket);
  }

  get text(): string {
    return this.#received.toString("latin1");
  }

  send(...parts: readonly (string | Uint8Array)[]): void {
    for (const part of parts) this.socket.write(part);
  }

  /**
   * Resolves with all that came as soon as it has `count` status lines with their bodies'
   * beginnings, or the end.
   */
  async until(done: (text: string) => boolean): Promise<string> {
    while (!done(this.text) && !this.socket.closed) {
      await new Promise<void>((resolve) => {
        this.#check = resolve;
      });
    }
    return this.text;
  }

  /** All that came until the server closed its side. */
  async rest(): Promise<string> {
    if (!this.socket.readableEnded && !this.socket.destroyed)
      await Promise.race([once(this.socket, "end"), once(this.socket, "close")]);
    return this.text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.closed) return;
    const closed = once(this.socket, "close");
    this.socket.destroy();
    await closed;
  }
}

/** The head of a raw request. */
export function rawHead(path: string, headers: Readonly<Record<string, string | number>>, method = "POST"): string {
  const lines = Object.entries({ host: "x", "content-type": "application/x-protobuf", ...headers });
  return `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}
