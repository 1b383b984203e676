import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { resetSocket } from "../../src/core/reset-socket.ts";

/**
 * What a `FaultProxy` does with bytes. `hold`: none pass, either way, and none get lost; new
 * connections are taken and held as well: a black hole. `one_way`: what the server says is lost,
 * what the client says arrives. `refuse`: new connections are reset; those that are open go on.
 */
export type ProxyMode = "pass" | "hold" | "one_way" | "refuse";

interface Pair {
  readonly client: net.Socket;
  readonly server: net.Socket;
  /** Modes do not hold it up. */
  isSpared: boolean;
  /** From the server; then the connection is cut. */
  bytesLeft: number;
}

/** A TCP proxy on loopback that makes the faults of networks. */
export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  /** Connections so far. */
  connections = 0;
  /** Held back so long, either way, in milliseconds. */
  delayMs = 0;
  /** So many of the next connections are cut after `cutAfterBytes` of the server's bytes. */
  cutsLeft = 0;
  cutAfterBytes = 0;
  #mode: ProxyMode = "pass";
  readonly #listener: net.Server;
  readonly #pairs = new Set<Pair>();

  /** `from`: its address of this machine, for servers that count connections by that. */
  static async open(serverPort: number, from = "127.0.0.1"): Promise<FaultProxy> {
    const listener = net.createServer();
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    return new FaultProxy(listener, { host: "127.0.0.1", port: serverPort, localAddress: from });
  }

  private constructor(listener: net.Server, server: net.TcpNetConnectOpts) {
    const bound = listener.address();
    assert.ok(bound !== null && typeof bound === "object");
    this.port = bound.port;
    this.#listener = listener;
    listener.on("connection", (client) => this.#connect(client, server));
  }

  /** Connections that are open. */
  get open(): number {
    return this.#pairs.size;
  }

  get mode(): ProxyMode {
    return this.#mode;
  }

  set mode(mode: ProxyMode) {
    this.#mode = mode;
    for (const pair of this.#pairs) this.#apply(pair);
  }

  /** Those that are open now are not held, whatever the mode. */
  spareOpen(): void {
    for (const pair of this.#pairs) pair.isSpared = true;
  }

  /** Ends all connections that are open, by RST. */
  cut(): void {
    for (const pair of this.#pairs) this.#end(pair);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await once(this.#listener, "close");
  }

  #connect(client: net.Socket, to: net.TcpNetConnectOpts): void {
    this.connections++;
    if (this.#mode === "refuse") {
      resetSocket(client.on("error", () => undefined));
      return;
    }
    const server = net.connect(to);
    const isToBeCut = this.cutsLeft > 0;
    if (isToBeCut) this.cutsLeft--;
    const bytesLeft = isToBeCut ? this.cutAfterBytes : Number.POSITIVE_INFINITY;
    const pair: Pair = { client, server, isSpared: false, bytesLeft };
    this.#pairs.add(pair);
    for (const socket of [client, server]) {
      socket.on("error", () => undefined).on("close", () => this.#end(pair));
    }
    client.on("data", (chunk) => this.#later(() => server.write(chunk)));
    server.on("data", (chunk) => this.#answer(pair, chunk));
    this.#apply(pair);
  }

  #answer(pair: Pair, chunk: Buffer): void {
    if (this.#mode === "one_way") return;
    const passed = chunk.subarray(0, pair.bytesLeft);
    pair.bytesLeft -= chunk.length;
    this.#later(() => pair.client.write(passed));
    if (pair.bytesLeft <= 0) this.#later(() => this.#end(pair));
  }

  #later(run: () => void): void {
    if (this.delayMs > 0) setTimeout(run, this.delayMs);
    else run();
  }

  #apply({ client, server, isSpared }: Pair): void {
    for (const socket of [client, server]) {
      if (this.#mode === "hold" && !isSpared) socket.pause();
      else socket.resume();
    }
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair);
    if (!pair.client.destroyed) resetSocket(pair.client);
    pair.server.destroy();
  }
}
