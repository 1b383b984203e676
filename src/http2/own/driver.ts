import type { Duplex } from "node:stream";
import type { Clock } from "../../core/clock.ts";
import { reasonOf } from "../../core/errors.ts";
import type { OpenSocket } from "../../core/sockets/read-socket.ts";
import { type Flushable, turnEnd } from "../../core/turn-end.ts";
import type { Connection } from "./contract.ts";

/** Whose connection a driver moves the bytes of. */
export interface DriverOwner {
  /** Bytes of the peer were worked on. */
  received(): void;
  /** `written` may have become more. */
  wrote(): void;
  /** The peer sends no more. */
  peerEnded(): void;
  /** All is written, and the connection is done: the owner ends it. */
  done(): void;
  /** The socket is gone. Called once. */
  closed(text: string): void;
}

interface DriverOptions {
  readonly clock: Clock;
  readonly open: OpenSocket;
  /** Nothing is written before the peer has said something, which is shown to this first. */
  readonly onFirst?: (bytes: Uint8Array) => void;
}

/**
 * Taken from the connection at a time: a peer that reads slowly leaves the rest where it is
 * bounded.
 */
const WRITE_BYTES = 1_048_576;

/** Moves bytes between a socket and a connection; decides nothing. */
export class Driver implements Flushable {
  readonly #socket: Duplex;
  readonly #connection: Connection;
  readonly #owner: DriverOwner;
  readonly #options: DriverOptions;
  #bytesRead = 0;
  #state: "open" | "held" | "ending" | "gone";
  #queued = false;
  #text = "the connection was closed";

  constructor(connection: Connection, owner: DriverOwner, options: DriverOptions) {
    this.#connection = connection;
    this.#owner = owner;
    this.#options = options;
    this.#state = options.onFirst === undefined ? "open" : "held";
    const socket = options.open((bytes) => this.#receive(bytes));
    this.#socket = socket;
    socket.on("drain", () => this.#flush());
    socket.on("end", () => owner.peerEnded());
    socket.on("error", (cause: Error) => {
      this.#text = reasonOf(cause);
      socket.destroy(); // TLS tells of faults after its handshake, and leaves the socket open
    });
    socket.once("close", () => {
      this.#state = "gone";
      owner.closed(this.#text);
    });
  }

  /** Bytes that the peer has sent. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Of the bytes that were taken from the connection, those that the socket reads no more. */
  get written(): number {
    return this.#connection.takenBytes - this.#socket.writableLength;
  }

  /**
   * The connection may have something to write: it is written at the end of this turn of the loop.
   */
  touch(): void {
    if (this.#queued) return;
    this.#queued = true;
    turnEnd.flush(this);
  }

  /** Writing begins. */
  release(): void {
    if (this.#state !== "held") return;
    this.#state = "open";
    this.touch();
  }

  /** Called at the end of a turn alone. */
  flush(): void {
    this.#queued = false;
    this.#flush();
  }

  /**
   * Writes nothing more but this, and FIN. What comes from the peer is thrown away; the socket is
   * gone when it has closed, too.
   */
  end(bytes?: Uint8Array): void {
    this.#state = "ending";
    if (bytes === undefined) this.#socket.end();
    else this.#socket.end(bytes);
  }

  /**
   * What was written before goes out if the peer takes it at once: the socket is destroyed in the
   * next turn.
   */
  destroy(text: string): void {
    if (this.#state === "gone") return;
    this.#flush();
    this.#text = text;
    this.#state = "ending";
    setImmediate(() => this.#socket.destroy());
  }

  /** After the end, bytes are counted, and else of no interest. */
  #receive(bytes: Uint8Array): void {
    this.#bytesRead += bytes.length;
    if (this.#state === "held") {
      this.#state = "open";
      this.#options.onFirst?.(bytes);
    }
    if (this.#state !== "open") return;
    this.#connection.receive(bytes, this.#options.clock.nowMs());
    this.#owner.received();
    this.touch();
  }

  #flush(): void {
    if (this.#state !== "open") return;
    const connection = this.#connection;
    const socket = this.#socket;
    while (connection.hasOutput) {
      if (socket.writableNeedDrain) return;
      write(socket, connection.takeOutput(WRITE_BYTES));
    }
    this.#owner.wrote();
    if (!connection.done) return;
    this.#state = "ending";
    this.#owner.done();
  }
}

/** Several pieces leave in one writev. */
function write(socket: Duplex, pieces: readonly Uint8Array[]): void {
  if (pieces.length === 1) {
    socket.write(pieces[0]!);
    return;
  }
  socket.cork();
  for (const piece of pieces) socket.write(piece);
  socket.uncork();
}
