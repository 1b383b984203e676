import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;
const PING = 6;
const ACK = 1;

/**
 * Passes connections on to a port, and counts the PING frames that pass and the answers to them.
 */
export class PingRelay implements AsyncDisposable {
  pings = 0;
  answers = 0;
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #wake: () => void = () => undefined;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(port: number): Promise<PingRelay> {
    const server = createServer();
    const relay = new PingRelay(server);
    server.on("connection", (client) => relay.#join(client, connect(port, "127.0.0.1")));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return relay;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("it does not listen");
    return address.port;
  }

  /** Resolves when as many PINGs were answered. */
  async answered(count: number): Promise<void> {
    while (this.answers < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket, server: Socket): void {
    this.connections++;
    this.#pass(client, server, PREFACE_BYTES);
    this.#pass(server, client, 0);
  }

  #pass(from: Socket, to: Socket, skip: number): void {
    this.#sockets.add(from);
    const frames = new FrameHeads(skip, (type, flags) => this.#saw(type, flags));
    from.on("data", (bytes: Buffer) => {
      frames.read(bytes);
      to.write(bytes);
    });
    from.on("error", () => undefined); // a reset is passed on as an end
    from.on("close", () => to.destroy());
  }

  #saw(type: number, flags: number): void {
    if (type !== PING) return;
    if ((flags & ACK) === 0) this.pings++;
    else this.answers++;
    this.#wake();
  }
}

/** Finds the heads of frames in bytes that come in any split. */
class FrameHeads {
  #skip: number;
  #rest = Buffer.alloc(0);
  readonly #saw: (type: number, flags: number) => void;

  constructor(skip: number, saw: (type: number, flags: number) => void) {
    this.#skip = skip;
    this.#saw = saw;
  }

  read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const skipped = Math.min(this.#skip, this.#rest.length);
      this.#skip -= skipped;
      this.#rest = this.#rest.subarray(skipped);
      if (this.#rest.length < HEAD_BYTES) return;
      this.#saw(this.#rest[3]!, this.#rest[4]!);
      this.#skip = HEAD_BYTES + this.#rest.readUIntBE(0, 3);
    }
  }
}
