import assert from "node:assert/strict";
import { FLAG, FRAME, SETTING } from "../../../src/http2/own/frames/frame-types.ts";
import { PREFACE, type RawFrame, readFrames } from "./raw.ts";

/**
 * Looks at the bytes of both directions of a connection and keeps the books of flow control by itself: what a side sends
 * is held against the windows that it has been told of when it sends.
 */
export class WindowWatch {
  /** By the side that sends DATA. */
  readonly #sides = { client: new SideBooks(), server: new SideBooks() };

  /** A side hands bytes to the wire; whole frames. */
  sent(side: "client" | "server", bytes: Buffer): void {
    for (const frame of readFrames(withoutPreface(bytes))) {
      if (frame.type === FRAME.DATA) this.#sides[side].spend(frame);
    }
  }

  /** The other side has received what tells it of credit; whole frames. */
  received(side: "client" | "server", bytes: Buffer): void {
    for (const frame of readFrames(withoutPreface(bytes))) this.#sides[side].hear(frame);
  }

  /** What a side may send on the connection, as far as it has been told. */
  connectionWindow(side: "client" | "server"): number {
    return this.#sides[side].connection;
  }
}

class SideBooks {
  connection = 65_535;
  #initial = 65_535;
  readonly #streams = new Map<number, number>();

  spend(frame: RawFrame): void {
    const bytes = frame.payload.length;
    const left = (this.#streams.get(frame.stream) ?? this.#initial) - bytes;
    this.#streams.set(frame.stream, left);
    this.connection -= bytes;
    assert.ok(bytes === 0 || left >= 0, `stream ${frame.stream} is ${-left} bytes over its window`);
    assert.ok(this.connection >= 0, `the connection is ${-this.connection} bytes over its window`);
  }

  hear(frame: RawFrame): void {
    if (frame.type === FRAME.WINDOW_UPDATE) {
      const bytes = frame.payload.readUInt32BE(0);
      if (frame.stream === 0) this.connection += bytes;
      else this.#streams.set(frame.stream, (this.#streams.get(frame.stream) ?? this.#initial) + bytes);
    }
    if (frame.type !== FRAME.SETTINGS || (frame.flags & FLAG.ACK) !== 0) return;
    for (let at = 0; at < frame.payload.length; at += 6) {
      if (frame.payload.readUInt16BE(at) !== SETTING.INITIAL_WINDOW_SIZE) continue;
      const change = frame.payload.readUInt32BE(at + 2) - this.#initial;
      this.#initial += change;
      for (const [stream, left] of this.#streams) this.#streams.set(stream, left + change);
    }
  }
}

function withoutPreface(bytes: Buffer): Buffer {
  return bytes.subarray(0, PREFACE.length).equals(PREFACE) ? bytes.subarray(PREFACE.length) : bytes;
}
