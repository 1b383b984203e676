import { once } from "node:events";
import type { Server, Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { systemClock } from "../../../src/core/clock.ts";
import type { Cancel } from "../../../src/core/clock.ts";
import { resetSocket } from "../../../src/core/reset-socket.ts";
import type { Tally } from "../../../src/generate/tally.ts";
import { SinkRecord } from "./sink-record.ts";
import type { SinkCounts } from "./sink-record.ts";
import { answerOk } from "./sink-script.ts";
import type { AnswerNow, SinkAnswer, SinkRequest, SinkScript } from "./sink-script.ts";
import { PATIENCE_MS } from "../patience.ts";

/** Until a port that is taken is asked for again. */
const TAKEN_MS = 100;

export interface SinkOptions {
  /** Default: everything is taken. */
  readonly script?: SinkScript;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** PEM texts; without them plain text. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** Bounds on the requests that are kept; counts and tally go on. Default 10,000 and 256 MiB. */
  readonly maxRequests?: number;
  readonly maxBytes?: number;
}

/** Sends one answer; what comes later has been waited for and is never given. */
export type SendAnswer = (answer: AnswerNow) => void;

/** Makes a server that hands every request to `arrived`. A new one is made for each start. */
export type MakeServer = (arrived: (request: SinkRequest, send: SendAnswer) => void, closing: AbortSignal) => Server;

/**
 * A real OTLP server in this process. `requests`, `counts` and `tally` go on over stops and starts.
 */
export class Sink implements AsyncDisposable {
  /** May be replaced at any time; the next request sees it. */
  script: SinkScript;
  readonly #record: SinkRecord;
  readonly #makeServer: MakeServer;
  readonly #scheme: string;
  readonly #sockets = new Set<Socket>();
  readonly #delays = new Set<Cancel>();
  readonly #host: string;
  #port: number;
  #nth = 0;
  /** Undefined while the sink does not listen. */
  #stopListening: (() => Promise<void>) | undefined;
  #closing = new AbortController();

  constructor(options: SinkOptions, makeServer: MakeServer) {
    this.script = options.script ?? answerOk;
    this.#record = new SinkRecord(options.maxRequests ?? 10_000, options.maxBytes ?? 268_435_456);
    this.#makeServer = makeServer;
    this.#scheme = options.tls === undefined ? "http" : "https";
    this.#host = options.host ?? "127.0.0.1";
    this.#port = options.port ?? 0;
  }

  /** The same over all starts. */
  get port(): number {
    return this.#port;
  }

  /** `http://host:port`, https with TLS. */
  get url(): string {
    return `${this.#scheme}://${this.#host}:${this.#port}`;
  }

  /** The newest empty exports, oldest first. */
  get checks(): readonly SinkRequest[] {
    return this.#record.checks;
  }

  /** The newest requests but empty ones, oldest first, whatever they were answered. */
  get requests(): readonly SinkRequest[] {
    return this.#record.requests;
  }

  /** Running numbers of the accepted items of src/generate: what was lost or came twice. */
  get tally(): Tally {
    return this.#record.tally;
  }

  counts(): SinkCounts {
    return this.#record.counts();
  }

  /**
   * Resolves as soon as `holds`, asked after every request and connection; rejects after
   * `withinMs`.
   */
  until(holds: (counts: SinkCounts) => boolean, withinMs = PATIENCE_MS): Promise<void> {
    return this.#record.until(() => holds(this.#record.counts()), withinMs);
  }

  /** Listens, on the same port as before. Does nothing when it listens already. */
  async start(): Promise<void> {
    if (this.#stopListening !== undefined) return;
    this.#closing = new AbortController();
    const server = await this.#listen();
    const bound = server.address();
    if (bound !== null && typeof bound === "object") this.#port = bound.port;
    this.#stopListening = () => new Promise((resolve) => server.close(() => resolve()));
  }

  /** Somebody else's connection may have had the port from the system meanwhile: it will end. */
  async #listen(): Promise<Server> {
    for (let waitedMs = 0; ; waitedMs += TAKEN_MS) {
      const server = this.#makeServer((request, send) => this.#arrived(request, send), this.#closing.signal);
      server.on("connection", (socket: Socket) => this.#connected(socket));
      try {
        await once(server.listen(this.#port, this.#host), "listening");
        return server;
      } catch (cause) {
        const isTaken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
        if (!isTaken || waitedMs > PATIENCE_MS) throw cause;
        await setTimeout(TAKEN_MS);
      }
    }
  }

  /** As when the process is killed: nothing listens, and every connection is destroyed. */
  async kill(): Promise<void> {
    const closed = this.#close();
    for (const cancel of this.#delays) cancel();
    this.#delays.clear();
    for (const socket of this.#sockets) {
      // TLS on it may be being shut down, which it does not tell.
      if (this.#scheme === "https") socket.destroy();
      else resetSocket(socket);
    }
    await closed;
  }

  /**
   * Stops listening, asks peers to go away (GOAWAY, `connection: close`) and waits for what is
   * under way.
   */
  async drain(): Promise<void> {
    const closed = this.#close();
    this.#closing.abort();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #close(): Promise<void> {
    const stop = this.#stopListening;
    this.#stopListening = undefined;
    return stop?.() ?? Promise.resolve();
  }

  #connected(socket: Socket): void {
    this.#sockets.add(socket);
    this.#record.connected(1);
    socket.on("error", () => undefined); // a reset by the peer is part of what tests do
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#record.connected(-1);
    });
  }

  #arrived(request: SinkRequest, send: SendAnswer): void {
    const answer = request.malformed ? MALFORMED : this.script(request, this.#nth++);
    this.#answer(answer, send);
    this.#record.note(request, answer);
  }

  #answer(answer: SinkAnswer, send: SendAnswer): void {
    if (answer.kind === "held") {
      void answer.until.then(() => this.#answer(answer.next, send));
      return;
    }
    if (answer.kind !== "delay") {
      send(answer);
      return;
    }
    const cancel = systemClock.after(answer.ms, () => {
      this.#delays.delete(cancel);
      this.#answer(answer.next, send);
    });
    this.#delays.add(cancel);
  }
}

/** The server's own code for bad data is put in by its `send`. */
const MALFORMED: SinkAnswer = { kind: "status", code: -1, message: "the sink could not read the request" };
