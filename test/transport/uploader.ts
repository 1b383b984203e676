import net from "node:net";
import { FLAG, FRAME } from "../../src/http2/own/frames/frame-types.ts";
import { data, frame, headers, PREFACE, type RawFrame, readFrames, SETTINGS_ACK, settings } from "../http2/core/raw.ts";
import { Happenings } from "./rig.ts";

const FRAME_BYTES = 16_384;
const DEFAULT_WINDOW = 65_535;
const STREAM = 1;

/**
 * A client by hand with one request, which goes on to send its body whatever it is answered, as
 * curl does, and keeps to its windows. What comes is in `frames`; SETTINGS are answered, PINGs only
 * by `pong`.
 */
export class Uploader implements Disposable {
  readonly frames = new Happenings<RawFrame>();
  /** Body bytes that were sent. */
  sent = 0;
  readonly #socket: net.Socket;
  #buffered = Buffer.alloc(0);
  #toSend = 0;
  #connectionRoom = DEFAULT_WINDOW;
  #streamRoom = DEFAULT_WINDOW;
  #initialWindow = DEFAULT_WINDOW;
  #reset = false;

  constructor(port: number, request: readonly string[]) {
    this.#socket = net.connect({ host: "127.0.0.1", port });
    this.#socket.on("error", () => undefined);
    this.#socket.on("drain", () => this.#upload());
    this.#socket.on("data", (bytes: Buffer) => this.#read(bytes));
    this.send(PREFACE, settings(), headers(STREAM, request, 0));
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  send(...bytes: readonly Uint8Array[]): void {
    this.#socket.write(Buffer.concat(bytes));
  }

  /** Sends a body of so many bytes, and END_STREAM with its last. */
  upload(bytes: number): void {
    this.#toSend = bytes;
    this.#upload();
  }

  /** The next frame that says something of the request, or is a PING or the answer to one. */
  async next(): Promise<RawFrame> {
    for (;;) {
      const came = await this.frames.next();
      if (came.type === FRAME.PING || (came.stream === STREAM && came.type !== FRAME.WINDOW_UPDATE)) return came;
    }
  }

  pong(asked: RawFrame): void {
    this.send(frame(FRAME.PING, FLAG.ACK, 0, asked.payload));
  }

  #upload(): void {
    while (this.#toSend > 0 && !this.#reset && !this.#socket.writableNeedDrain) {
      const bytes = Math.min(this.#toSend, FRAME_BYTES, this.#connectionRoom, this.#streamRoom);
      if (bytes <= 0) return;
      this.#toSend -= bytes;
      this.#connectionRoom -= bytes;
      this.#streamRoom -= bytes;
      this.sent += bytes;
      this.send(data(STREAM, bytes, this.#toSend === 0 ? FLAG.END_STREAM : 0));
    }
  }

  #read(bytes: Buffer): void {
    this.#buffered = Buffer.concat([this.#buffered, bytes]);
    let end = 0;
    for (;;) {
      if (this.#buffered.length < end + 9) break;
      const next = end + 9 + this.#buffered.readUIntBE(end, 3);
      if (this.#buffered.length < next) break;
      end = next;
    }
    for (const came of readFrames(this.#buffered.subarray(0, end))) this.#take(came);
    this.#buffered = this.#buffered.subarray(end);
    this.#upload();
  }

  #take(came: RawFrame): void {
    const { type, flags, stream, payload } = came;
    if (type === FRAME.SETTINGS && (flags & FLAG.ACK) === 0) {
      for (let at = 0; at < payload.length; at += 6) {
        if (payload.readUInt16BE(at) === 4) this.#setWindow(payload.readUInt32BE(at + 2));
      }
      this.send(SETTINGS_ACK);
    } else if (type === FRAME.WINDOW_UPDATE) {
      if (stream === 0) this.#connectionRoom += payload.readUInt32BE(0);
      else this.#streamRoom += payload.readUInt32BE(0);
    } else if (type === FRAME.RST_STREAM) {
      this.#reset = true;
    }
    this.frames.add(came);
  }

  #setWindow(bytes: number): void {
    this.#streamRoom += bytes - this.#initialWindow;
    this.#initialWindow = bytes;
  }
}
