import assert from "node:assert/strict";
import { FLAG, FRAME, SETTING } from "../../../src/http2/own/frames/frame-types.ts";
import { PREFACE, type RawFrame, readFrames } from "./raw.ts";

type Side = "client" | "server";

/** The flags that a frame of ours may have. */
const FLAGS: Readonly<Record<number, number>> = {
  [FRAME.DATA]: FLAG.END_STREAM,
  [FRAME.HEADERS]: FLAG.END_STREAM | FLAG.END_HEADERS,
  [FRAME.RST_STREAM]: 0,
  [FRAME.SETTINGS]: FLAG.ACK,
  [FRAME.PING]: FLAG.ACK,
  [FRAME.GOAWAY]: 0,
  [FRAME.WINDOW_UPDATE]: 0,
  [FRAME.CONTINUATION]: FLAG.END_HEADERS,
};

/**
 * Looks at the bytes of both directions of a connection and holds each side to what RFC 9113 asks
 * of who sends: order, flags, sizes, stream states, and flow control by books of its own, from what
 * the side had been told when it sent.
 */
export class WireWatch {
  readonly #sides = { client: new SideWatch("client"), server: new SideWatch("server") };

  /** A side hands bytes to the wire; whole frames. */
  sent(side: Side, bytes: Buffer): void {
    const begins = bytes.subarray(0, PREFACE.length).equals(PREFACE);
    if (bytes.length > 0) this.#sides[side].begin(begins);
    for (const frame of readFrames(begins ? bytes.subarray(PREFACE.length) : bytes)) this.#sides[side].send(frame);
  }

  /** A side has received what the other sent; whole frames. */
  received(side: Side, bytes: Buffer): void {
    const begins = bytes.subarray(0, PREFACE.length).equals(PREFACE);
    for (const frame of readFrames(begins ? bytes.subarray(PREFACE.length) : bytes)) this.#sides[side].hear(frame);
  }

  /** What a side may send on the connection, as far as it has been told. */
  connectionWindow(side: Side): number {
    return this.#sides[side].connection;
  }

  /** SETTINGS that a side has received and not acknowledged. */
  unacknowledged(side: Side): number {
    return this.#sides[side].unacknowledged;
  }
}

class SideWatch {
  connection = 65_535;
  unacknowledged = 0;
  readonly #side: Side;
  #begun = false;
  #frames = 0;
  #initial = 65_535;
  #maxFrame = 16_384;
  #highest = 0;
  /** The stream whose header block is not whole. */
  #block = 0;
  readonly #windows = new Map<number, number>();
  /** Streams by what this side has done to them. */
  readonly #ended = new Set<number>();
  readonly #reset = new Set<number>();

  constructor(side: Side) {
    this.#side = side;
  }

  begin(preface: boolean): void {
    assert.equal(preface, this.#side === "client" && !this.#begun, "the preface comes first, from the client, once");
    this.#begun = true;
  }

  send(frame: RawFrame): void {
    const { type, flags, stream, payload } = frame;
    const first = this.#frames++ === 0;
    if (first) assert.deepEqual([type, flags], [FRAME.SETTINGS, 0], "SETTINGS come first");
    assert.ok(type in FLAGS, `type ${type}`);
    assert.equal(flags & ~FLAGS[type]!, 0, `unused flags of type ${type}`);
    assert.ok(stream < 0x8000_0000, "the reserved bit");
    assert.ok(payload.length <= this.#maxFrame, `a frame of ${payload.length} bytes`);
    this.#inOrder(frame);
    if (type === FRAME.SETTINGS && flags === FLAG.ACK) this.unacknowledged--;
    assert.ok(this.unacknowledged >= 0);
    if (stream === 0) return;
    assert.equal(stream % 2, 1, "streams are the client's");
    this.#inState(frame);
    if (type === FRAME.DATA) this.#spend(stream, payload.length);
    if (type === FRAME.WINDOW_UPDATE) assert.ok(payload.readUInt32BE(0) > 0);
    if (type === FRAME.RST_STREAM) this.#reset.add(stream);
    if ((type === FRAME.DATA || type === FRAME.HEADERS) && (flags & FLAG.END_STREAM) !== 0) this.#ended.add(stream);
  }

  hear(frame: RawFrame): void {
    const { type, flags, stream, payload } = frame;
    if (type === FRAME.WINDOW_UPDATE) {
      const bytes = payload.readUInt32BE(0);
      if (stream === 0) this.connection += bytes;
      else this.#windows.set(stream, (this.#windows.get(stream) ?? this.#initial) + bytes);
    }
    if (type !== FRAME.SETTINGS || flags === FLAG.ACK) return;
    this.unacknowledged++;
    for (let at = 0; at < payload.length; at += 6) this.#set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
  }

  #set(setting: number, value: number): void {
    if (setting === SETTING.MAX_FRAME_SIZE) this.#maxFrame = value;
    if (setting !== SETTING.INITIAL_WINDOW_SIZE) return;
    const change = value - this.#initial;
    this.#initial = value;
    for (const [stream, left] of this.#windows) this.#windows.set(stream, left + change);
  }

  /** A header block is one row of frames. */
  #inOrder({ type, flags, stream }: RawFrame): void {
    assert.equal(type === FRAME.CONTINUATION, this.#block !== 0, "within a header block, and nowhere else");
    if (type === FRAME.CONTINUATION) assert.equal(stream, this.#block);
    if (type !== FRAME.HEADERS && type !== FRAME.CONTINUATION) return;
    this.#block = (flags & FLAG.END_HEADERS) === 0 ? stream : 0;
  }

  #inState({ type, stream }: RawFrame): void {
    assert.ok(!this.#reset.has(stream), `type ${type} after RST_STREAM`);
    if (this.#ended.has(stream) && type !== FRAME.CONTINUATION) {
      assert.ok(type === FRAME.RST_STREAM || type === FRAME.WINDOW_UPDATE, `type ${type} after END_STREAM`);
    }
    if (this.#side === "server" || stream <= this.#highest) return;
    assert.equal(type, FRAME.HEADERS, "a stream begins with HEADERS");
    this.#highest = stream;
  }

  #spend(stream: number, bytes: number): void {
    const left = (this.#windows.get(stream) ?? this.#initial) - bytes;
    this.#windows.set(stream, left);
    this.connection -= bytes;
    assert.ok(bytes === 0 || left >= 0, `stream ${stream} is ${-left} bytes over its window`);
    assert.ok(bytes === 0 || this.connection >= 0, `the connection is ${-this.connection} bytes over its window`);
  }
}
