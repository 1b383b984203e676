import { connect } from "node:net";
import type { Socket } from "node:net";
import {
  FLAG,
  FRAME,
  FrameReader,
  PREFACE,
  readSettings,
  SETTING,
  settingsFrame,
  SETTINGS_ACK,
} from "../wire/frames.ts";

export interface LineOptions {
  readonly port: number;
  readonly settings: readonly (readonly [id: number, value: number])[];
  /** False: nothing of what the server says is taken from the socket. */
  readonly reads: boolean;
  /** What the server did to it: a GOAWAY, a reset, a close. */
  readonly got: (what: string) => void;
  /** It may write from now on. */
  readonly ready?: () => void;
  readonly lost: (line: Line) => void;
}

/** RFC 9113, section 7, by code. */
const ERRORS = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
];
/** What waits in this process: an attacker must not fill its own memory. */
const MAX_WAITING_BYTES = 1_048_576;

/** One connection of an attacker: says hello as HTTP/2 wants it, and then whatever it is given. */
export class Line {
  /** Streams that the server allows at the same time. */
  maxStreams = 100;
  /** Begun, and neither answered nor reset; only right when replies are read. */
  openStreams = 0;
  readonly #options: LineOptions;
  readonly #socket: Socket;
  #nextStream = 1;
  #ready = false;
  #closed = false;
  #told = false;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#socket = connect({ host: "127.0.0.1", port: options.port, noDelay: true });
    const reader = new FrameReader({
      data: () => undefined,
      frame: (type, flags, _stream, payload) => this.#frame(type, flags, payload),
    });
    this.#socket.on("data", (chunk: Buffer) => reader.read(chunk));
    this.#socket.on("connect", () => this.#hello());
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => this.#lost());
  }

  /** Whether more can be written now. */
  get usable(): boolean {
    return this.#ready && !this.#told && !this.#closed && this.#socket.writableLength < MAX_WAITING_BYTES;
  }

  /** The next stream id of a client. */
  stream(): number {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.openStreams++;
    return stream;
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Ends it without anybody being told. */
  destroy(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  #hello(): void {
    this.write(Buffer.concat([PREFACE, settingsFrame(this.#options.settings)]));
    if (this.#options.reads) return;
    this.#socket.pause();
    this.write(SETTINGS_ACK); // those of the server are not read, but will have come
    this.#begin();
  }

  #begin(): void {
    if (this.#ready) return;
    this.#ready = true;
    this.#options.ready?.();
  }

  #frame(type: number, flags: number, payload: Buffer): void {
    if (type === FRAME.SETTINGS && (flags & FLAG.ACK) === 0) {
      readSettings(payload, (id, value) => {
        if (id === SETTING.MAX_CONCURRENT_STREAMS) this.maxStreams = value;
      });
      this.write(SETTINGS_ACK);
      this.#begin();
    }
    const ended = type === FRAME.RST_STREAM || (type === FRAME.HEADERS && (flags & FLAG.END_STREAM) !== 0);
    if (ended) this.openStreams--;
    if (type === FRAME.RST_STREAM) this.#options.got(`RST_STREAM ${errorName(payload.readUInt32BE(0))}`);
    if (type === FRAME.GOAWAY) {
      this.#options.got(`GOAWAY ${errorName(payload.readUInt32BE(4))}`);
      this.#told = true;
      this.#socket.end();
    }
  }

  #lost(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#told) this.#options.got("closed");
    this.#options.lost(this);
  }
}

function errorName(code: number): string {
  return ERRORS[code] ?? String(code);
}
