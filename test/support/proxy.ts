import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createSecureServer } from "node:tls";

/** What a proxy does with a CONNECT. */
export type ProxyAnswer =
  /**
   * `split`: its head byte by byte; `behind`: together with what the target says first, unasked;
   * `interim`: after a 100.
   */
  | { readonly kind: "open"; readonly how?: "whole" | "split" | "behind" | "interim" }
  /** The bytes as they are, and the connection stays open. */
  | { readonly kind: "say"; readonly text: string }
  | { readonly kind: "close" }
  | { readonly kind: "hang" };

export const OPEN: ProxyAnswer = { kind: "open" };

export function refusal(status: number, reason: string): ProxyAnswer {
  return { kind: "say", text: `HTTP/1.1 ${status} ${reason}\r\nContent-Length: 0\r\nX-Cache: none\r\n\r\n` };
}

export interface ProxyOptions {
  readonly tls?: { readonly cert: string; readonly key: string };
  /** `user:password`; without them 407. */
  readonly credentials?: string;
}

/** What was asked of a proxy. */
export interface Asked {
  readonly authority: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * A real proxy in this process that knows CONNECT and nothing else. Whatever name it is asked for,
 * it connects to the port on 127.0.0.1: names need no resolver then, and what reaches a target
 * under such a name has come through the proxy.
 */
export class TestProxy implements AsyncDisposable {
  /** May be replaced at any time; the next CONNECT sees it. */
  answer: ProxyAnswer = OPEN;
  /** In the order of their arrival. */
  readonly asked: Asked[] = [];
  /** Requests that are no CONNECT. */
  readonly others: string[] = [];
  readonly #options: ProxyOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting: (() => void)[] = [];
  #port = 0;

  private constructor(options: ProxyOptions) {
    this.#options = options;
    const accept = (socket: Socket): void => this.#accept(socket);
    this.#server = options.tls === undefined ? createServer(accept) : createSecureServer(options.tls, accept);
  }

  static async open(options: ProxyOptions = {}): Promise<TestProxy> {
    const proxy = new TestProxy(options);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    const bound = proxy.#server.address();
    if (bound !== null && typeof bound === "object") proxy.#port = bound.port;
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `${this.#options.tls === undefined ? "http" : "https"}://127.0.0.1:${this.#port}`;
  }

  /** Resolves with the CONNECT that makes so many of them. */
  async untilAsked(count: number): Promise<void> {
    while (this.asked.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves when no connection is left. */
  async untilEmpty(): Promise<void> {
    while (this.#sockets.size > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #wake(): void {
    for (const go of this.#waiting.splice(0)) go();
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on("error", () => undefined); // resets are part of what tests do
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#wake();
    });
    return socket;
  }

  #accept(socket: Socket): void {
    let head = "";
    const read = (chunk: Buffer): void => {
      head += chunk.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      socket.off("data", read).pause();
      this.#connect(this.#keep(socket), head);
    };
    this.#keep(socket).on("data", read);
  }

  #connect(socket: Socket, head: string): void {
    const [line = "", ...rest] = head.split("\r\n");
    const headers = Object.fromEntries(
      rest
        .filter((text) => text !== "")
        .map((text) => [text.slice(0, text.indexOf(":")).toLowerCase(), text.slice(text.indexOf(":") + 2)]),
    );
    const authority = /^CONNECT (?<at>\S+:\d+) HTTP\/1\.1$/u.exec(line)?.groups?.["at"];
    if (authority === undefined) {
      this.others.push(line);
      socket.destroy();
      return;
    }
    this.asked.push({ authority, headers });
    this.#wake();
    const { credentials } = this.#options;
    const wanted = credentials && `Basic ${Buffer.from(credentials).toString("base64")}`;
    const isKnown = wanted === undefined || headers["proxy-authorization"] === wanted;
    this.#do(isKnown ? this.answer : refusal(407, "Proxy Authentication Required"), socket, authority);
  }

  #do(answer: ProxyAnswer, socket: Socket, authority: string): void {
    switch (answer.kind) {
      case "open":
        this.#open(socket, Number(authority.slice(authority.lastIndexOf(":") + 1)), answer.how ?? "whole");
        return;
      case "say":
        socket.resume().write(answer.text, "latin1");
        return;
      case "close":
        socket.end();
        return;
      case "hang":
        socket.resume();
        return;
    }
  }

  #open(socket: Socket, port: number, how: "whole" | "split" | "behind" | "interim"): void {
    const target = this.#keep(connect({ port, host: "127.0.0.1" }));
    const head = "HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n";
    const join = (): void => {
      socket.pipe(target).pipe(socket);
      socket.once("close", () => target.destroy());
      target.once("close", () => socket.destroy());
    };
    const refuse = (): void => void socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    target.once("error", refuse).once("connect", () => target.off("error", refuse));
    if (how === "behind") {
      target.once("data", (first: Buffer) => {
        target.pause();
        socket.write(Buffer.concat([Buffer.from(head), first]));
        join();
      });
      return;
    }
    target.once("connect", () => {
      if (how === "split") {
        trickle(socket, head, join);
        return;
      }
      if (how === "interim") socket.write("HTTP/1.1 100 Continue\r\n\r\n");
      socket.write(head);
      join();
    });
  }
}

/** A packet for each byte. */
function trickle(socket: Socket, text: string, then: () => void): void {
  socket.setNoDelay(true);
  if (text === "") then();
  else socket.write(text.slice(0, 1), () => setImmediate(() => trickle(socket, text.slice(1), then)));
}
