import type { Socket } from "node:net";

/**
 * Frame types and flags of RFC 9113 section 6, as far as a benchmark's client and sink meet them.
 */
export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;
export const FLAG = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 } as const;
export const SETTING = {
  HEADER_TABLE_SIZE: 1,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
} as const;
export const HEAD_BYTES = 9;
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/**
 * Pieces below this are copied together before they are written: one write costs more than the
 * copy.
 */
const SMALL_BYTES = 16_384;

export interface FrameSink {
  /** Part of a DATA frame's payload, borrowed until the call returns; `last` is its end. */
  data(stream: number, bytes: Buffer, last: boolean, endStream: boolean): void;
  /** Any other frame, whole; borrowed. */
  frame(type: number, flags: number, stream: number, payload: Buffer): void;
}

/** Cuts what arrives into frames. Hands on DATA as it comes and everything else whole. */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headBytes = 0;
  #type = 0;
  #flags = 0;
  #stream = 0;
  #left = 0;
  #parts: Buffer[] = [];

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  read(chunk: Buffer): void {
    let at = 0;
    for (;;) {
      if (this.#headBytes < HEAD_BYTES) {
        at = this.#readHead(chunk, at);
        if (this.#headBytes < HEAD_BYTES) return;
      }
      const end = Math.min(chunk.length, at + this.#left);
      if (end === at && this.#left > 0) return;
      const payload = chunk.subarray(at, end);
      at = end;
      this.#left -= payload.length;
      this.#payload(payload);
    }
  }

  #readHead(chunk: Buffer, at: number): number {
    const head = this.#head;
    while (this.#headBytes < HEAD_BYTES && at < chunk.length) head[this.#headBytes++] = chunk[at++]!;
    if (this.#headBytes === HEAD_BYTES) {
      this.#left = (head[0]! << 16) | (head[1]! << 8) | head[2]!;
      this.#type = head[3]!;
      this.#flags = head[4]!;
      this.#stream = head.readUInt32BE(5) & 0x7fff_ffff;
    }
    return at;
  }

  #payload(payload: Buffer): void {
    const done = this.#left === 0;
    if (done) this.#headBytes = 0;
    if (this.#type === FRAME.DATA) {
      if ((this.#flags & FLAG.PADDED) !== 0) throw new Error("padded DATA frames are not read by the benchmark");
      this.#sink.data(this.#stream, payload, done, done && (this.#flags & FLAG.END_STREAM) !== 0);
      return;
    }
    if (!done) {
      this.#parts.push(Buffer.from(payload));
      return;
    }
    const whole = this.#parts.length === 0 ? payload : Buffer.concat([...this.#parts, payload]);
    this.#parts = [];
    this.#sink.frame(this.#type, this.#flags, this.#stream, whole);
  }
}

/** Gathers what is to be written within one turn of the event loop. */
export class FrameWriter {
  readonly #socket: Socket;
  #pieces: Uint8Array[] = [];
  #scheduled = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** A small piece is copied when the turn ends, a large one is borrowed until it was sent. */
  write(piece: Uint8Array): void {
    this.#pieces.push(piece);
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    const pieces = this.#pieces;
    this.#pieces = [];
    if (this.#socket.destroyed) return;
    this.#socket.cork();
    let small: Uint8Array[] = [];
    for (const piece of pieces) {
      if (piece.length < SMALL_BYTES) {
        small.push(piece);
        continue;
      }
      if (small.length > 0) this.#socket.write(Buffer.concat(small));
      small = [];
      this.#socket.write(piece);
    }
    if (small.length > 0) this.#socket.write(Buffer.concat(small));
    this.#socket.uncork();
  }
}

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES + payload.length);
  writeHead(bytes, 0, payload.length, type, flags, stream);
  bytes.set(payload, HEAD_BYTES);
  return bytes;
}

export function writeHead(
  bytes: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): void {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  bytes.writeUInt32BE(stream, at + 5);
}

export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(settings.length * 6);
  for (const [i, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  }
  return frame(FRAME.SETTINGS, 0, 0, payload);
}

export function windowUpdate(stream: number, bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(FRAME.WINDOW_UPDATE, 0, stream, payload);
}

export const SETTINGS_ACK = frame(FRAME.SETTINGS, FLAG.ACK, 0, new Uint8Array(0));

/** Calls `set` with each setting of a SETTINGS payload. */
export function readSettings(payload: Buffer, set: (id: number, value: number) => void): void {
  for (let at = 0; at + 6 <= payload.length; at += 6) set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
}
