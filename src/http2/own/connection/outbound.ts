import { H2_ERROR, type H2ErrorCode } from "../contract.ts";
import {
  DEFAULT_TABLE_BYTES,
  DEFAULT_WINDOW_BYTES,
  FLAG,
  FRAME,
  HEAD_BYTES,
  MAX_WINDOW_BYTES,
  MIN_MAX_FRAME_BYTES,
} from "../frames/frame-types.ts";
import type { FixedReply } from "../frames/fixed-reply.ts";
import { FrameWriter } from "../frames/writer.ts";
import { withTableSizes } from "../hpack/encoder.ts";
import type { Allowance } from "./allowance.ts";
import { SendRound } from "./send-round.ts";
import { BodyToSend, type Stream } from "./stream.ts";
import type { StreamTable } from "./stream-table.ts";

/** One DATA frame at most: streams take turns by frames, and a large one holds up the others. */
const MAX_DATA_BYTES = 65_536;
/**
 * Shorter pieces are copied in among the frames, which is less work than one more element of a
 * writev.
 */
const COPY_BYTES = 2_048;
/** Another DATA frame is not begun for less room than this. */
const LEAST_ROOM = 1_024;
/**
 * Control frames that a frame of ours may call forth (PING and WINDOW_UPDATE of a peer that
 * measures), and bytes for one more.
 */
const ANSWERS_TO_FRAME = 4;
const BYTES_FOR_ANSWER = 1_024;

/**
 * What a connection sends. Control frames and header blocks are written at once; body bytes wait
 * with their streams until they are taken, so that all streams have their turn, and what is reset
 * in between never leaves.
 */
export class Outbound {
  readonly writer = new FrameWriter();
  readonly #streams: StreamTable;
  readonly #idle: Allowance;
  readonly #resets: Allowance;
  readonly #round = new SendRound();
  #flushed: number[] = [];
  #window = DEFAULT_WINDOW_BYTES;
  #initialWindow = DEFAULT_WINDOW_BYTES;
  #maxFrameBytes = MIN_MAX_FRAME_BYTES;
  /** The size of our table at the peer, and what it has to be told of before the next block. */
  #tableBytes = DEFAULT_TABLE_BYTES;
  #untold: number[] = [];
  /** Body bytes of all streams. */
  #waiting = 0;
  #taken = 0;

  /**
   * What it sends is a reason for frames of the peer that carry nothing, and what it answers for
   * some resets.
   */
  constructor(streams: StreamTable, idle: Allowance, resets: Allowance) {
    this.#streams = streams;
    this.#idle = idle;
    this.#resets = resets;
  }

  get hasOutput(): boolean {
    return this.writer.bytes > 0 || (this.#window > 0 && this.#round.head !== undefined);
  }

  /** Bytes that have not been taken, those included that have no window. */
  get bytes(): number {
    return this.writer.bytes + this.#waiting;
  }

  /** Bytes that have been taken, all together. */
  get taken(): number {
    return this.#taken;
  }

  get initialWindow(): number {
    return this.#initialWindow;
  }

  /** A header block now, or as trailers after the body bytes that wait. */
  headers(stream: Stream, block: Uint8Array, endStream: boolean): void {
    const { body } = stream;
    if (!maySend(stream)) return;
    if (body === undefined || body.waiting === 0) {
      this.#writeBlock(stream, block, endStream);
      if (endStream) this.#endLocal(stream);
    } else if (endStream) {
      body.ends = true;
      body.trailers = block;
    }
  }

  data(stream: Stream, pieces: readonly Uint8Array[], endStream: boolean, tells: boolean): void {
    if (!maySend(stream)) return;
    const body = (stream.body ??= new BodyToSend(stream));
    for (const piece of pieces) {
      if (piece.length === 0) continue;
      body.pieces.push(piece);
      body.waiting += piece.length;
      this.#waiting += piece.length;
    }
    body.tells ||= tells;
    if (body.waiting > 0) {
      body.ends = endStream;
      this.#round.update(body);
    } else if (endStream) {
      this.writer.head(0, FRAME.DATA, FLAG.END_STREAM, stream.id);
      this.#bodyGone(body);
      this.#endLocal(stream);
    }
  }

  /**
   * Head, DATA and trailers in one go. False, with nothing done, when the windows do not allow
   * that.
   */
  reply(stream: Stream, head: Uint8Array, data: Uint8Array, trailers: Uint8Array): boolean {
    const bytes = data.length;
    if (!this.#takesWhole(stream, bytes)) return false;
    this.#writeBlock(stream, head, false);
    if (bytes > 0) {
      this.writer.head(bytes, FRAME.DATA, 0, stream.id);
      this.writer.copy(data, 0, bytes);
      this.#spend(stream, bytes);
    }
    this.#writeBlock(stream, trailers, true);
    this.#endLocal(stream);
    return true;
  }

  /** The same of one that is known. */
  fixedReply(stream: Stream, reply: FixedReply): boolean {
    const { head, data, trailers, frames, streamsAt } = reply;
    if (this.#untold.length > 0) return this.reply(stream, head, data, trailers);
    if (!this.#takesWhole(stream, data.length)) return false;
    stream.headSent = true;
    this.writer.stamped(frames, streamsAt, stream.id);
    this.#spend(stream, data.length);
    this.#idle.earn(2 * ANSWERS_TO_FRAME); // as each block does
    this.#endLocal(stream);
    return true;
  }

  #takesWhole(stream: Stream, bytes: number): boolean {
    if (!maySend(stream) || (stream.body !== undefined && stream.body.waiting > 0)) return false;
    return bytes <= this.#window && bytes <= stream.sendWindow && bytes <= this.#maxFrameBytes;
  }

  /** RST_STREAM; the stream is closed, and what waited of it is dropped. */
  reset(stream: Stream, code: H2ErrorCode): void {
    this.refuse(stream.id, code);
    this.close(stream);
  }

  /** RST_STREAM of a stream that was not let in. */
  refuse(id: number, code: H2ErrorCode): void {
    this.writer.rstStream(id, code);
    this.#streams.rememberReset(id);
  }

  close(stream: Stream): void {
    const { body } = stream;
    this.#streams.close(stream);
    if (body === undefined) return;
    this.#waiting -= body.waiting;
    body.waiting = 0;
    this.#round.update(body);
  }

  /** The peer gives credit to the connection. False: more than 2^31-1 (RFC 9113, 6.9.1). */
  credit(bytes: number): boolean {
    this.#window += bytes;
    return this.#window <= MAX_WINDOW_BYTES;
  }

  creditStream(stream: Stream, bytes: number): boolean {
    stream.sendWindow += bytes;
    if (stream.body !== undefined) this.#round.update(stream.body);
    return stream.sendWindow <= MAX_WINDOW_BYTES;
  }

  /**
   * The peer's SETTINGS_INITIAL_WINDOW_SIZE: moves the windows of open streams, too. False as with
   * `credit`.
   */
  setInitialWindow(bytes: number): boolean {
    const change = bytes - this.#initialWindow;
    this.#initialWindow = bytes;
    if (change === 0) return true;
    for (const stream of this.#streams.values()) if (!this.creditStream(stream, change)) return false;
    return true;
  }

  setMaxFrameBytes(bytes: number): void {
    this.#maxFrameBytes = bytes;
  }

  /**
   * The peer's SETTINGS_HEADER_TABLE_SIZE. More than 4,096 bytes are not used; less is told before
   * the next block, the least first.
   */
  setTableBytes(allowed: number): void {
    const bytes = Math.min(allowed, DEFAULT_TABLE_BYTES);
    if (bytes === this.#tableBytes) return;
    this.#tableBytes = bytes;
    const least = Math.min(bytes, ...this.#untold);
    this.#untold = least < bytes ? [least, bytes] : [bytes];
  }

  /**
   * Takes bytes to send, at most `maxBytes`: what is written first, then DATA of the streams in
   * turn.
   */
  take(maxBytes: number): Uint8Array[] {
    const writer = this.writer;
    let room = maxBytes - writer.bytes;
    let least = writer.bytes === 0 ? 1 : LEAST_ROOM;
    while (room >= least && this.#window > 0) {
      const body = this.#round.head;
      if (body === undefined) break;
      this.#writeData(body, room - HEAD_BYTES);
      room = maxBytes - writer.bytes;
      least = LEAST_ROOM;
    }
    const before = writer.bytes;
    const pieces = writer.take(maxBytes);
    this.#taken += before - writer.bytes;
    return pieces;
  }

  /** The streams whose bodies have been taken to the end since this was called last. */
  takeFlushed(): readonly number[] {
    const flushed = this.#flushed;
    if (flushed.length > 0) this.#flushed = [];
    return flushed;
  }

  #writeBlock(stream: Stream, block: Uint8Array, endStream: boolean): void {
    stream.headSent = true;
    const told = this.#untold.length === 0 ? block : this.#tellSizes(block);
    this.writer.headerBlock(stream.id, told, endStream, this.#maxFrameBytes);
    this.#idle.earn(ANSWERS_TO_FRAME);
  }

  #tellSizes(block: Uint8Array): Uint8Array {
    const sizes = this.#untold;
    this.#untold = [];
    return withTableSizes(sizes, block);
  }

  /** One DATA frame, and what ends the stream after it. */
  #writeData(body: BodyToSend, room: number): void {
    const { stream } = body;
    const most = Math.min(stream.sendWindow, this.#window, this.#maxFrameBytes, MAX_DATA_BYTES, Math.max(1, room));
    const bytes = Math.min(body.waiting, most);
    const last = bytes === body.waiting;
    const ends = last && body.ends && body.trailers === undefined;
    this.writer.head(bytes, FRAME.DATA, ends ? FLAG.END_STREAM : 0, stream.id);
    this.#writePieces(body, bytes);
    this.#spend(stream, bytes);
    body.waiting -= bytes;
    this.#waiting -= bytes;
    this.#round.turn(body);
    if (!last) return;
    this.#bodyGone(body);
    if (body.trailers !== undefined) this.#writeBlock(stream, body.trailers, true);
    if (body.ends) this.#endLocal(stream);
  }

  #writePieces(body: BodyToSend, bytes: number): void {
    let left = bytes;
    while (left > 0) {
      const piece = body.pieces[body.pieceIndex]!;
      const from = body.pieceAt;
      const to = Math.min(piece.length, from + left);
      if (to - from < COPY_BYTES) this.writer.copy(piece, from, to);
      else this.writer.view(from === 0 && to === piece.length ? piece : piece.subarray(from, to));
      left -= to - from;
      if (to === piece.length) {
        body.pieceIndex++;
        body.pieceAt = 0;
      } else {
        body.pieceAt = to;
      }
    }
  }

  #bodyGone({ stream, tells }: BodyToSend): void {
    stream.body = undefined;
    if (tells) this.#flushed.push(stream.id);
  }

  #spend(stream: Stream, bytes: number): void {
    this.#window -= bytes;
    stream.sendWindow -= bytes;
    this.#idle.earn(ANSWERS_TO_FRAME + bytes / BYTES_FOR_ANSWER);
  }

  #endLocal(stream: Stream): void {
    stream.localOpen = false;
    this.#resets.earn(1);
    if (!stream.remoteOpen) this.close(stream);
    else if (stream.resetWaits) this.reset(stream, H2_ERROR.NO_ERROR);
  }
}

/** Neither has its end been sent, nor does it wait to be. */
function maySend({ localOpen, body }: Stream): boolean {
  return localOpen && body?.ends !== true;
}
