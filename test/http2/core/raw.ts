import { CLIENT_PREFACE, FLAG, FRAME } from "../../../src/http2/own/frames/frame-types.ts";
import { encodeHeaders } from "../../../src/http2/own/hpack/encoder.ts";

/**
 * HTTP/2 by hand: frames as bytes, and bytes as frames, without the code under test but for header
 * blocks.
 */
export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export const PREFACE = Buffer.from(CLIENT_PREFACE);

export function frame(type: number, flags = 0, stream = 0, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** All frames of `bytes`, which must hold whole frames. */
export function readFrames(bytes: Buffer): RawFrame[] {
  const frames: RawFrame[] = [];
  let at = 0;
  while (at < bytes.length) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) throw new Error(`a frame is cut off at ${at}`);
    const stream = bytes.readUInt32BE(at + 5);
    frames.push({ type: bytes[at + 3]!, flags: bytes[at + 4]!, stream, payload: bytes.subarray(at + 9, end) });
    at = end;
  }
  return frames;
}

export function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, i * 4);
  return bytes;
}

/** SETTINGS, parameters and values in turn. */
export function settings(...values: readonly number[]): Buffer {
  const payload = Buffer.alloc(values.length * 3);
  for (let i = 0; i < values.length; i += 2) {
    payload.writeUInt16BE(values[i]!, i * 3);
    payload.writeUInt32BE(values[i + 1]!, i * 3 + 2);
  }
  return frame(FRAME.SETTINGS, 0, 0, payload);
}

export const SETTINGS_ACK = frame(FRAME.SETTINGS, FLAG.ACK);

export function headers(stream: number, list: readonly string[], flags: number = FLAG.END_STREAM): Buffer {
  return frame(FRAME.HEADERS, flags | FLAG.END_HEADERS, stream, encodeHeaders(list));
}

export function data(stream: number, bytes: number | Uint8Array, flags = 0): Buffer {
  return frame(FRAME.DATA, flags, stream, typeof bytes === "number" ? Buffer.alloc(bytes, 0x64) : bytes);
}

export function rst(stream: number, code = 8): Buffer {
  return frame(FRAME.RST_STREAM, 0, stream, uint32(code));
}

export function windowUpdate(stream: number, increment: number): Buffer {
  return frame(FRAME.WINDOW_UPDATE, 0, stream, uint32(increment));
}

export function ping(text: string, flags = 0): Buffer {
  return frame(FRAME.PING, flags, 0, Buffer.from(text.padEnd(8), "latin1"));
}

export function goaway(last: number, code = 0, debug = ""): Buffer {
  return frame(FRAME.GOAWAY, 0, 0, Buffer.concat([uint32(last, code), Buffer.from(debug)]));
}

/** A request as gRPC makes it. */
export const REQUEST: readonly string[] = [
  ":method",
  "POST",
  ":scheme",
  "http",
  ":path",
  "/a.B/C",
  ":authority",
  "localhost",
  "content-type",
  "application/grpc",
  "te",
  "trailers",
];
export const RESPONSE: readonly string[] = [":status", "200", "content-type", "application/grpc"];
export const TRAILERS: readonly string[] = ["grpc-status", "0"];

/** Stream and bytes of each WINDOW_UPDATE. */
export function creditIn(frames: readonly RawFrame[]): number[][] {
  return frames
    .filter(({ type }) => type === FRAME.WINDOW_UPDATE)
    .map(({ stream, payload }) => [stream, payload.readUInt32BE(0)]);
}
