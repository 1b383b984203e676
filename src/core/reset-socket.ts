import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/**
 * Ends a connection by RST where that can be done, else at once. Node leaks a socket that is reset
 * while it is being shut down (its `end()` has not reached the kernel): the file descriptor stays
 * open, and a process that comes to its end by itself spins for ever (Node 24.21, `TCPWrap::Reset`:
 * `uv_tcp_close_reset` refuses with EINVAL, and the handle counts as closing all the same). TLS is
 * shut down by Node on its own account: a socket that carries it must not be given either, but that
 * of TLS.
 */
export function resetSocket(socket: Socket): void {
  const isBeingShut = socket.writableEnded && !socket.writableFinished;
  if (isBeingShut || socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
