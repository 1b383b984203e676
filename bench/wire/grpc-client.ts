import { connect as connectPlain } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { Ending, LOST } from "./ending.ts";
import {
  FLAG,
  FRAME,
  FrameReader,
  FrameWriter,
  frame,
  HEAD_BYTES,
  PREFACE,
  readSettings,
  SETTING,
  settingsFrame,
  SETTINGS_ACK,
  windowUpdate,
  writeHead,
} from "./frames.ts";
import { encodeBlocks, ReplyReader } from "./hpack.ts";
import type { Blocks, Field } from "./hpack.ts";

/**
 * `status` is the gRPC status; -1: the call was reset or the connection was lost. `messageBytes`:
 * of the reply message. `written`: whether the whole request had been written by then. `why`: with
 * -1, what became of the call.
 */
export type CallDone = (status: number, messageBytes: number, written: boolean, why: string) => void;

/**
 * Bytes before the message in a call's buffer: frame head, 5-byte prefix. The HEADERS are written
 * apart.
 */
export const MESSAGE_AT = HEAD_BYTES + 5;

/** A call that came to its end, though perhaps without a status. */
const NOT_RESET = "no status";
const NO_ERROR = new Uint8Array(4);
const WINDOW_BYTES = 16_777_216;
const SPEC_WINDOW_BYTES = 65_535;
const SETTINGS = settingsFrame([
  [SETTING.HEADER_TABLE_SIZE, 0], // so that each reply block can be read by itself
  [SETTING.INITIAL_WINDOW_SIZE, 4_194_304],
  [SETTING.MAX_FRAME_SIZE, 1_048_576],
]);

export interface GrpcPeer {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly encoding: "identity" | "gzip";
  /** Any certificate is taken: what is measured is its cost. */
  readonly tls?: boolean;
  /**
   * Calls send one frame of TURN_BYTES in turn, as far as windows allow, so that their order is the
   * server's doing. Otherwise a call waits for those before it.
   */
  readonly turns?: boolean;
}

const TURN_BYTES = 16_384;
/**
 * Of all calls together, written in one turn of the event loop: what is in the socket can no longer
 * be overtaken.
 */
const ROUND_BYTES = 262_144;

/** A message on its way whose peer has not granted the window for all of it. */
interface Sending {
  readonly stream: number;
  readonly bytes: Buffer;
  at: number;
  window: number;
}

/**
 * One HTTP/2 connection with prior knowledge that makes unary gRPC calls, with as little work as
 * possible: five times the calls of node:http2 for the same CPU, so that the generator leaves the
 * machine to what is measured.
 */
export class GrpcConnection {
  readonly #socket: Socket;
  readonly #writer: FrameWriter;
  readonly #fields: readonly Field[];
  readonly #turns: boolean;
  #roundDue = false;
  readonly #replies = new ReplyReader();
  readonly #calls = new Map<number, { readonly done: CallDone; status: number; bytes: number }>();
  readonly #sending: Sending[] = [];
  readonly #opened = Promise.withResolvers<void>();
  #blocks: Blocks | undefined;
  #nextStream = 1;
  #window = SPEC_WINDOW_BYTES;
  #peer = {
    initialWindow: SPEC_WINDOW_BYTES,
    maxFrame: 16_384,
    maxStreams: Number.POSITIVE_INFINITY,
    tableBytes: 4_096,
  };
  #received = 0;
  #goingAway = false;
  /** Code and text of the last GOAWAY. */
  #goaway: string | undefined;
  readonly #ending: Ending;

  constructor(peer: GrpcPeer) {
    this.#fields = callFields(peer);
    this.#turns = peer.turns === true;
    this.#socket = openSocket(peer);
    this.#ending = new Ending(this.#socket);
    this.#writer = new FrameWriter(this.#socket);
    const reader = new FrameReader({
      data: (stream, bytes, _last, endStream) => this.#data(stream, bytes.length, endStream),
      frame: (type, flags, stream, payload) => this.#frame(type, flags, stream, payload),
    });
    this.#socket.on("data", (chunk: Buffer) => reader.read(chunk));
    this.#socket.on("error", (error) => this.#opened.reject(error));
    this.#socket.on("drain", () => this.#sendOn());
    this.#socket.on("close", () => this.#lost());
    this.#writer.write(PREFACE);
    this.#writer.write(SETTINGS);
    this.#writer.write(windowUpdate(0, WINDOW_BYTES - SPEC_WINDOW_BYTES));
  }

  /** Resolves when the peer's settings are known; rejects when there is no connection. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /**
   * False: no call can be made now, either because of the peer's limit of streams or because the
   * connection ends.
   */
  get usable(): boolean {
    return this.#blocks !== undefined && !this.#goingAway && this.#calls.size < this.#peer.maxStreams;
  }

  get closed(): boolean {
    return this.#socket.destroyed || this.#goingAway;
  }

  /** It ended, and nobody had said that it would. */
  get lost(): boolean {
    return this.#socket.destroyed && this.#goaway === undefined;
  }

  /** `bytes`: MESSAGE_AT free bytes, then the message; borrowed until `done`. */
  call(bytes: Buffer, compressed: boolean, done: CallDone): void {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.#calls.set(stream, { done, status: -1, bytes: 0 });
    this.#writer.write(this.#headers(stream));
    bytes[HEAD_BYTES] = compressed ? 1 : 0;
    bytes.writeUInt32BE(bytes.length - MESSAGE_AT, HEAD_BYTES + 1);
    const length = bytes.length - HEAD_BYTES;
    const { initialWindow, maxFrame } = this.#peer;
    const fits = length <= Math.min(this.#window, initialWindow, maxFrame);
    if (fits && !this.#turns && this.#sending.length === 0) {
      writeHead(bytes, 0, length, FRAME.DATA, FLAG.END_STREAM, stream);
      this.#window -= length;
      this.#writer.write(bytes);
      return;
    }
    this.#sending.push({ stream, bytes, at: HEAD_BYTES, window: initialWindow });
    this.#sendOn();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #headers(stream: number): Buffer {
    if (this.#blocks === undefined) throw new Error("a call before the connection was opened");
    const block = stream === 1 ? this.#blocks.first : this.#blocks.next;
    return frame(FRAME.HEADERS, FLAG.END_HEADERS, stream, block);
  }

  #sendOn(): void {
    if (this.#turns) {
      this.#scheduleRound();
      return;
    }
    for (let head = this.#sending[0]; head !== undefined; head = this.#sending[0]) {
      while (head.at < head.bytes.length) {
        if (!this.#sendFrame(head, this.#peer.maxFrame)) return;
      }
      this.#sending.shift();
    }
  }

  #scheduleRound(): void {
    if (this.#roundDue || this.#sending.length === 0) return;
    this.#roundDue = true;
    setImmediate(() => this.#sendRound());
  }

  /**
   * A frame of each call in turn, until all that are left wait for a window or the round is full.
   */
  #sendRound(): void {
    this.#roundDue = false;
    if (this.#socket.writableNeedDrain) return; // `drain` goes on
    const windowBefore = this.#window;
    let waiting = 0;
    while (waiting < this.#sending.length && this.#window > 0 && windowBefore - this.#window < ROUND_BYTES) {
      const call = this.#sending.shift()!;
      const sent = this.#sendFrame(call, Math.min(TURN_BYTES, this.#peer.maxFrame));
      waiting = sent ? 0 : waiting + 1;
      if (call.at < call.bytes.length) this.#sending.push(call);
    }
    if (waiting < this.#sending.length && this.#window > 0) this.#scheduleRound();
  }

  /** False: a window is used up. */
  #sendFrame(call: Sending, maxBytes: number): boolean {
    const length = Math.min(call.bytes.length - call.at, this.#window, call.window, maxBytes);
    if (length <= 0) return false;
    const flags = call.at + length === call.bytes.length ? FLAG.END_STREAM : 0;
    const frameHead = Buffer.allocUnsafe(HEAD_BYTES);
    writeHead(frameHead, 0, length, FRAME.DATA, flags, call.stream);
    this.#writer.write(frameHead);
    this.#writer.write(call.bytes.subarray(call.at, call.at + length));
    call.at += length;
    call.window -= length;
    this.#window -= length;
    return true;
  }

  #frame(type: number, flags: number, stream: number, payload: Buffer): void {
    switch (type) {
      case FRAME.HEADERS:
        return this.#replied(stream, flags, payload);
      case FRAME.SETTINGS:
        return (flags & FLAG.ACK) === 0 ? this.#settings(payload) : undefined;
      case FRAME.WINDOW_UPDATE:
        return this.#granted(stream, payload.readUInt32BE(0));
      case FRAME.PING:
        if ((flags & FLAG.ACK) === 0) this.#writer.write(frame(FRAME.PING, FLAG.ACK, 0, payload));
        return;
      case FRAME.RST_STREAM:
        return this.#end(stream, `reset ${payload.readUInt32BE(0)}`);
      case FRAME.GOAWAY:
        this.#goingAway = true;
        this.#goaway = `${payload.readUInt32BE(4)} ${JSON.stringify(payload.toString("latin1", 8))}`;
        return this.#closeWhenIdle();
      case FRAME.CONTINUATION:
        throw new Error("CONTINUATION frames are not read by the benchmark");
      default:
    }
  }

  #settings(payload: Buffer): void {
    readSettings(payload, (id, value) => {
      if (id === SETTING.HEADER_TABLE_SIZE) this.#peer.tableBytes = value;
      if (id === SETTING.MAX_CONCURRENT_STREAMS) this.#peer.maxStreams = value;
      if (id === SETTING.MAX_FRAME_SIZE) this.#peer.maxFrame = value;
      if (id === SETTING.INITIAL_WINDOW_SIZE) {
        for (const sending of this.#sending) sending.window += value - this.#peer.initialWindow;
        this.#peer.initialWindow = value;
      }
    });
    this.#blocks ??= encodeBlocks(this.#fields, this.#peer.tableBytes >= 4_096);
    this.#writer.write(SETTINGS_ACK);
    this.#opened.resolve();
    this.#sendOn();
  }

  #granted(stream: number, bytes: number): void {
    if (stream === 0) this.#window += bytes;
    else {
      const sending = this.#sending.find((entry) => entry.stream === stream);
      if (sending !== undefined) sending.window += bytes;
    }
    this.#sendOn();
  }

  #replied(stream: number, flags: number, payload: Buffer): void {
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    const from = ((flags & FLAG.PADDED) !== 0 ? 1 : 0) + ((flags & FLAG.PRIORITY) !== 0 ? 5 : 0);
    const { grpcStatus } = this.#replies.read(payload.subarray(from));
    if (grpcStatus !== undefined) call.status = grpcStatus;
    if ((flags & FLAG.END_STREAM) !== 0) this.#end(stream);
  }

  #data(stream: number, length: number, endStream: boolean): void {
    const call = this.#calls.get(stream);
    if (call !== undefined) call.bytes += length;
    this.#received += length;
    if (this.#received > WINDOW_BYTES / 4) {
      this.#writer.write(windowUpdate(0, this.#received));
      this.#received = 0;
    }
    if (endStream) this.#end(stream);
  }

  #end(stream: number, why = NOT_RESET): void {
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    this.#calls.delete(stream);
    const at = this.#sending.findIndex((entry) => entry.stream === stream);
    if (at >= 0) {
      // Answered before all of it was sent: the rest is not wanted. grpc-go resets such a call,
      // too.
      this.#sending.splice(at, 1);
      if (why === NOT_RESET) this.#writer.write(frame(FRAME.RST_STREAM, 0, stream, NO_ERROR));
    }
    this.#closeWhenIdle();
    // Success is only answered to a request that was read to its end.
    const written = call.status === 0 || (at < 0 && this.#socket.writableLength === 0);
    call.done(call.status, Math.max(0, call.bytes - 5), written, why);
  }

  #closeWhenIdle(): void {
    if (this.#goingAway && this.#calls.size === 0) this.#socket.destroy();
  }

  #lost(): void {
    this.#goingAway = true;
    this.#opened.reject(new Error(this.#ending.beforeUse));
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    const { why } = this.#ending;
    const text = this.#goaway === undefined ? `${LOST}: ${why}` : `connection closed ${this.#goaway}: ${why}`;
    for (const call of calls) call.done(-1, 0, false, text);
  }
}

function openSocket({ host, port, tls }: GrpcPeer): Socket {
  if (tls !== true) return connectPlain({ host, port, noDelay: true });
  const socket = connectTls({ host, port, ALPNProtocols: ["h2"], rejectUnauthorized: false });
  return socket.setNoDelay();
}

/** In the order in which grpc clients write them. */
export function callFields({ host, port, path, encoding, tls }: GrpcPeer): Field[] {
  const fields: Field[] = [
    { name: ":method", value: "POST", index: 3 },
    tls === true ? { name: ":scheme", value: "https", index: 7 } : { name: ":scheme", value: "http", index: 6 },
    { name: ":path", value: path, nameIndex: 4 },
    { name: ":authority", value: `${host}:${port}`, nameIndex: 1 },
    { name: "content-type", value: "application/grpc", nameIndex: 31 },
    { name: "user-agent", value: "signalbox-bench", nameIndex: 58 },
    { name: "te", value: "trailers" },
  ];
  if (encoding === "gzip") fields.push({ name: "grpc-encoding", value: "gzip" });
  return fields;
}
