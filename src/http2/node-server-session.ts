import { constants, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Cancel, Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import { STATUS } from "./grpc-status.ts";
import { headerText, httpStatusOf } from "./headers.ts";
import { HELLO_TIMEOUT_MS, peerOf, type ServedConnection } from "./listening.ts";
import { NodeLeftovers } from "./node-leftovers.ts";
import { NodeServerCall } from "./node-server-call.ts";
import { watchLiveness } from "./node-liveness.ts";
import type { UnaryServerOptions } from "./port.ts";
import { CONNECTION_WINDOW_BYTES } from "./session-settings.ts";
import { parseTimeout } from "./timeout.ts";

export interface NodeConnection {
  readonly session: ServerHttp2Session;
  /** What the session runs on; node hands out only a proxy of it, which cannot be destroyed. */
  readonly socket: Socket;
}

/** One connection of the server: serves its calls, ends it when it is old, silent or asked to. */
export class ServerSession implements ServedConnection {
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #options: UnaryServerOptions;
  readonly #clock: Clock;
  readonly #peer: string;
  readonly #leftovers: NodeLeftovers;
  readonly #timers: Cancel[] = [];

  constructor(connection: NodeConnection, options: UnaryServerOptions, env: { clock: Clock; random: Random }) {
    const { session, socket } = connection;
    this.#session = session;
    this.#socket = socket;
    this.#options = options;
    this.#clock = env.clock;
    this.#peer = peerOf(socket);
    this.#leftovers = new NodeLeftovers(session, env.clock);
    if (!session.destroyed) session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    // What broke a connection is the peer's matter; its calls are cancelled one by one. Node would
    // keep the socket until what it has written is read, which may be never.
    session.on("error", () => this.#destroySocket());
    socket.on("error", () => this.#destroySocket());
    session.on("stream", (stream, headers, flags) => this.#onStream(stream, headers, flags));
    session.once("close", () => {
      for (const cancel of this.#timers) cancel();
    });
    this.#expectHello();
    this.#limitAge(env.random);
    const { keepaliveTimeMs: timeMs, keepaliveTimeoutMs: timeoutMs } = options;
    this.#timers.push(
      watchLiveness(
        connection,
        { limits: { timeMs, timeoutMs }, wanted: () => true, lost: () => this.destroy() },
        env.clock,
      ),
    );
  }

  /** GOAWAY; the connection closes when its calls have ended, at the latest after `graceMs`. */
  retire(graceMs: number): void {
    this.#timers.push(this.#clock.after(graceMs, () => this.destroy()));
    // When the last call has ended node sends FIN and reads on until the client has closed, too. So
    // the GOAWAY is not lost by a reset of the socket, and the client knows that what it sent after
    // it may be sent again.
    this.#leftovers.endAll();
    this.#session.close();
  }

  /** Resets what is under way. With NO_ERROR a client would take a cut reply for an ended one. */
  destroy(): void {
    this.#session.destroy(new Error("the connection is given up"), constants.NGHTTP2_CANCEL);
    this.#destroySocket(); // a closing session would wait for the client
  }

  #destroySocket(): void {
    setImmediate(() => this.#socket.destroy()); // the GOAWAY goes first
  }

  #expectHello(): void {
    const cancel = this.#clock.after(HELLO_TIMEOUT_MS, () => this.destroy());
    this.#session.once("remoteSettings", cancel);
    this.#timers.push(cancel);
  }

  #limitAge(random: Random): void {
    const { maxConnectionAgeMs: ageMs, maxConnectionAgeGraceMs: graceMs } = this.#options;
    if (ageMs <= 0) return;
    const jitteredMs = ageMs * (0.9 + 0.2 * random.next()); // so that clients that came together do not leave together
    this.#timers.push(this.#clock.after(jitteredMs, () => this.retire(graceMs)));
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number): void {
    stream.on("error", ignore);
    if (stream.destroyed || stream.closed) return; // node tells of a stream a moment later: it was reset meanwhile
    const bodyEnded = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const status = httpStatusOf(headers[":method"], headerText(headers, "content-type"));
    if (status !== 200) {
      stream.respond(status === 405 ? { ":status": 405, allow: "POST" } : { ":status": status }, { endStream: true });
      if (!bodyEnded) this.#leftovers.dismiss(stream, true); // who is told an error of HTTP stops by itself
      return;
    }
    const timeout = headerText(headers, "grpc-timeout");
    const timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout);
    const head = { path: headers[":path"] ?? "", peer: this.#peer, timeoutMs };
    const call = new NodeServerCall(stream, headers, head, this.#leftovers);
    if (timeout !== undefined && timeoutMs === undefined) {
      call.refuse(STATUS.INTERNAL, `grpc-timeout "${timeout}" is malformed`, bodyEnded);
      return;
    }
    call.begin(this.#options.handler, bodyEnded);
  }
}

function ignore(): void {}
