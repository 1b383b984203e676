import net from "node:net";
import { Happenings } from "./rig.ts";

/** HTTP/2 by hand, for peers that do what no library does: RFC 9113, 4.1. */
export const FRAME = { HEADERS: 1, RST_STREAM: 3, SETTINGS: 4, PING: 6, GOAWAY: 7 } as const;
export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
export const ACK = 1;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags = 0, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  return Buffer.concat([head, payload]);
}

/** The frames that come from a socket, after `skip` bytes. Nothing is answered. */
export function readFrames(socket: net.Socket, skip = 0): Happenings<Frame> {
  const frames = new Happenings<Frame>();
  let rest = Buffer.alloc(0);
  let toSkip = skip;
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    if (rest.length < toSkip) return;
    rest = rest.subarray(toSkip);
    toSkip = 0;
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3);
      frames.add({ type: rest[3] ?? 0, flags: rest[4] ?? 0, payload: Buffer.from(rest.subarray(9, end)) });
      rest = rest.subarray(end);
    }
  });
  return frames;
}

export async function nextOfType(frames: Happenings<Frame>, type: number): Promise<Frame> {
  for (;;) {
    const next = await frames.next();
    if (next.type === type) return next;
  }
}

/** A client that says hello in HTTP/2 and then answers nothing. */
export function silentClient(port: number): { socket: net.Socket; frames: Happenings<Frame> } {
  const socket = net.connect({ host: "127.0.0.1", port });
  const frames = readFrames(socket);
  socket.write(Buffer.concat([Buffer.from(PREFACE), frame(FRAME.SETTINGS), frame(FRAME.SETTINGS, ACK)]));
  return { socket, frames };
}
