import type { Socket } from "node:net";

/** Address and port of the peer. */
export function peerOf(socket: Socket): string {
  const { remoteAddress: address = "", remotePort: port = 0 } = socket;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
