import type { Socket } from "node:net";
import type { HeadHolder } from "../connect/interim.ts";

/**
 * One connection: how often something came on it, and the head that came last, until it is known
 * what it says.
 */
export interface KeptSocket extends HeadHolder {
  reads: number;
}

/**
 * Who begins a request: the connection that is written to next is the one that undici has chosen
 * for it.
 */
export interface Beginning {
  begins: { beganOn(socket: KeptSocket): void } | undefined;
}

/**
 * Tells requests which connection they are on, for undici does not say: it writes a request in the
 * turn in which it says that it begins, and has one at a time on a connection.
 */
export function watchKept(socket: Socket, beginning: Beginning): KeptSocket {
  const kept: KeptSocket = { reads: 0, head: undefined };
  const read = socket.read.bind(socket);
  const write = socket.write.bind(socket);
  Reflect.set(socket, "read", (size?: number): unknown => {
    const chunk: unknown = read(size);
    if (chunk !== null) kept.reads++;
    return chunk;
  });
  Reflect.set(socket, "write", (...args: unknown[]): boolean => {
    const { begins } = beginning;
    if (begins !== undefined) {
      beginning.begins = undefined;
      begins.beganOn(kept);
    }
    return Reflect.apply(write, undefined, args);
  });
  return kept;
}
