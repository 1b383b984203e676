import type { Socket } from "node:net";

/** Calls of a connection that ended are told with this, and with what ended it. */
export const LOST = "connection lost";

/** Shown of what a peer that says nothing else has sent. */
const SHOWN_BYTES = 48;

/** Who ended a connection and why, as far as this end of it is told. */
export class Ending {
  #error: Error | undefined;
  #peerEnded = false;
  #bytes = 0;
  #first = "";

  constructor(socket: Socket) {
    socket.on("error", (error) => (this.#error ??= error));
    socket.on("end", () => (this.#peerEnded = true));
    socket.once("data", (chunk: Buffer) => (this.#first = chunk.toString("latin1", 0, SHOWN_BYTES)));
    socket.on("data", (chunk: Buffer) => (this.#bytes += chunk.length));
  }

  get why(): string {
    if (this.#error !== undefined) return this.#error.message;
    return this.#peerEnded ? "its peer ended it" : "this end closed it";
  }

  /** Of one that ended before it could be used. */
  get beforeUse(): string {
    const { length } = this.#first;
    const sent = length === 0 ? "nothing" : `${this.#bytes} bytes: ${JSON.stringify(this.#first)}`;
    return `the connection was closed before it could be used: ${this.why}, which had sent ${sent}`;
  }
}
