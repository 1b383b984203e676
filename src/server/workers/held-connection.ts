import { Socket, type SocketConstructorOpts } from "node:net";

/** A connection that is here, and of which nothing is read before it is opened. */
export interface HeldConnection {
  /** Makes the socket, which reads from here on. Once. */
  open(): Socket;
  /** Ends it, unread. */
  drop(): void;
}

interface Handle {
  reading: boolean;
  readStop(): number;
  close(): void;
}

/**
 * Takes the connection itself out of a socket that another process has sent. Node makes the socket,
 * and lets it read at once; what is read before the other process knows that this one has the
 * connection would be missing where it is given to a third one. Within the event that brings the
 * socket nothing has been read yet. Undefined when there is no connection in it.
 */
export function holdConnection(sent: Socket): HeldConnection | undefined {
  const handle: unknown = Reflect.get(sent, "_handle");
  if (!isHandle(handle)) return undefined;
  handle.readStop();
  handle.reading = false;
  Reflect.set(sent, "_handle", null);
  sent.destroy(); // the shell: node counts it
  return {
    open() {
      const options: SocketConstructorOpts = { readable: true, writable: true };
      return new Socket(Object.assign(options, { handle }));
    },
    drop: () => handle.close(),
  };
}

function isHandle(value: unknown): value is Handle {
  return typeof value === "object" && value !== null && "readStop" in value && "reading" in value && "close" in value;
}
