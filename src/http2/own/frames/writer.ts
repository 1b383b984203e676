import type { H2ErrorCode } from "../contract.ts";
import { FLAG, FRAME, HEAD_BYTES } from "./frame-types.ts";
import { spareChunks } from "./spare-chunks.ts";

const NOTHING = new Uint8Array(0);

/**
 * Writes frames one after the other into chunks that are shared by many small frames, and hands out
 * what was written as a few views. A chunk's bytes are never written twice, so that what was handed
 * out stays as it is. Without output it holds none.
 */
export class FrameWriter {
  #chunk: Uint8Array = NOTHING;
  /** `#chunk` from `#from` to `#at` is written and not yet in `#pieces`. */
  #from = 0;
  #at = 0;
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;

  /** Bytes that were written and not taken. */
  get bytes(): number {
    return this.#piecesBytes + this.#at - this.#from;
  }

  /** A frame's head; its payload is to follow by `copy` or `view`. */
  head(length: number, type: number, flags: number, stream: number): void {
    this.#room(HEAD_BYTES);
    const chunk = this.#chunk;
    const at = this.#at;
    chunk[at] = length >>> 16;
    chunk[at + 1] = length >>> 8;
    chunk[at + 2] = length;
    chunk[at + 3] = type;
    chunk[at + 4] = flags;
    writeUint32(chunk, at + 5, stream);
    this.#at = at + HEAD_BYTES;
  }

  copy(bytes: Uint8Array, start: number, end: number): void {
    this.#room(end - start);
    // 8 ns for any short block (a loop over 24 bytes: 18 ns), and 21 ns more for a view of a part.
    this.#chunk.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.#at);
    this.#at += end - start;
  }

  /** Borrowed until it is taken, and by whom it is handed to. */
  view(bytes: Uint8Array): void {
    this.#close();
    this.#pieces.push(bytes);
    this.#piecesBytes += bytes.length;
  }

  /**
   * A header block as HEADERS and as many CONTINUATION frames as the peer's frame size makes
   * necessary.
   */
  headerBlock(stream: number, block: Uint8Array, endStream: boolean, maxFrameBytes: number): void {
    const end = endStream ? FLAG.END_STREAM : 0;
    if (block.length <= maxFrameBytes) {
      this.head(block.length, FRAME.HEADERS, end | FLAG.END_HEADERS, stream);
      this.copy(block, 0, block.length);
      return;
    }
    let type: number = FRAME.HEADERS;
    for (let at = 0; at < block.length; at += maxFrameBytes) {
      const to = Math.min(at + maxFrameBytes, block.length);
      const flags = (type === FRAME.HEADERS ? end : 0) | (to === block.length ? FLAG.END_HEADERS : 0);
      this.head(to - at, type, flags, stream);
      this.copy(block, at, to);
      type = FRAME.CONTINUATION;
    }
  }

  /** Frames that are there already, with the identifier of their stream where it belongs. */
  stamped(frames: Uint8Array, streamsAt: readonly number[], stream: number): void {
    this.#room(frames.length);
    const at = this.#at;
    this.#chunk.set(frames, at);
    for (let i = 0; i < streamsAt.length; i++) writeUint32(this.#chunk, at + streamsAt[i]!, stream);
    this.#at = at + frames.length;
  }

  rstStream(stream: number, code: H2ErrorCode): void {
    this.head(4, FRAME.RST_STREAM, 0, stream);
    this.#uint32(code);
  }

  /** Parameters and values in turn. */
  settings(parameters: readonly number[]): void {
    this.head((parameters.length / 2) * 6, FRAME.SETTINGS, 0, 0);
    this.#room(parameters.length * 3);
    for (let i = 0; i < parameters.length; i += 2) {
      this.#chunk[this.#at++] = parameters[i]! >>> 8;
      this.#chunk[this.#at++] = parameters[i]!;
      this.#uint32(parameters[i + 1]!);
    }
  }

  settingsAck(): void {
    this.head(0, FRAME.SETTINGS, FLAG.ACK, 0);
  }

  /** Eight bytes of `payload` from `start`. */
  ping(payload: Uint8Array, start: number, ack: boolean): void {
    this.head(8, FRAME.PING, ack ? FLAG.ACK : 0, 0);
    this.copy(payload, start, start + 8);
  }

  goaway(lastStream: number, code: H2ErrorCode, debug: Uint8Array): void {
    this.head(8 + debug.length, FRAME.GOAWAY, 0, 0);
    this.#uint32(lastStream);
    this.#uint32(code);
    this.copy(debug, 0, debug.length);
  }

  windowUpdate(stream: number, increment: number): void {
    this.head(4, FRAME.WINDOW_UPDATE, 0, stream);
    this.#uint32(increment);
  }

  /** Takes what was written, in order, at most `maxBytes` of it. */
  take(maxBytes: number): Uint8Array[] {
    this.#close();
    if (this.#piecesBytes <= maxBytes) {
      const all = this.#pieces;
      if (all.length > 0) this.#pieces = [];
      this.#piecesBytes = 0;
      this.#leave();
      return all;
    }
    const taken: Uint8Array[] = [];
    let room = maxBytes;
    let whole = 0;
    while (room >= this.#pieces[whole]!.length) {
      const piece = this.#pieces[whole++]!;
      taken.push(piece);
      room -= piece.length;
    }
    if (room > 0) {
      const split = this.#pieces[whole]!;
      taken.push(split.subarray(0, room));
      this.#pieces[whole] = split.subarray(room);
    }
    this.#pieces.splice(0, whole);
    this.#piecesBytes -= maxBytes;
    return taken;
  }

  #uint32(value: number): void {
    this.#room(4);
    writeUint32(this.#chunk, this.#at, value);
    this.#at += 4;
  }

  /** Makes room for `bytes` in one piece. */
  #room(bytes: number): void {
    if (this.#chunk.length - this.#at >= bytes) return;
    this.#close();
    this.#chunk = spareChunks.take(bytes);
    this.#from = spareChunks.at;
    this.#at = this.#from;
  }

  /** All that was written is taken. */
  #leave(): void {
    spareChunks.leave(this.#chunk, this.#at);
    this.#chunk = NOTHING;
    this.#from = 0;
    this.#at = 0;
  }

  /** What is written so far becomes a piece. */
  #close(): void {
    if (this.#at === this.#from) return;
    const whole = this.#from === 0 && this.#at === this.#chunk.length;
    this.#pieces.push(whole ? this.#chunk : this.#chunk.subarray(this.#from, this.#at));
    this.#piecesBytes += this.#at - this.#from;
    this.#from = this.#at;
  }
}

function writeUint32(chunk: Uint8Array, at: number, value: number): void {
  chunk[at] = value >>> 24;
  chunk[at + 1] = value >>> 16;
  chunk[at + 2] = value >>> 8;
  chunk[at + 3] = value;
}
