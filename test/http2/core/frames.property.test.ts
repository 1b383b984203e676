import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameDecoder } from "../../../src/http2/own/frames/decoder.ts";
import type { FrameSink } from "../../../src/http2/own/frames/frame-sink.ts";
import { FLAG, FRAME } from "../../../src/http2/own/frames/frame-types.ts";
import { FrameWriter } from "../../../src/http2/own/frames/writer.ts";
import { readFrames } from "./raw.ts";

/** What a decoder told, a line for each frame; the pieces of one DATA frame are put together. */
class Told implements FrameSink {
  readonly lines: string[] = [];
  over = false;
  #body: Buffer[] = [];
  #head = "";

  dataBegins(stream: number, flowBytes: number, bodyBytes: number, endStream: boolean): void {
    this.#head = `data ${stream} ${flowBytes} ${bodyBytes} ${endStream}`;
    this.#body = [];
  }
  dataBytes(piece: Uint8Array, last: boolean): void {
    this.#body.push(Buffer.from(piece));
    if (last) this.lines.push(`${this.#head} ${Buffer.concat(this.#body).toString("hex")}`);
  }
  headerBlock(stream: number, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    this.lines.push(`headers ${stream} ${Buffer.from(bytes.subarray(start, end)).toString("hex")} ${endStream}`);
  }
  priority(): void {
    this.lines.push("priority");
  }
  rstStream(stream: number, code: number): void {
    this.lines.push(`rst ${stream} ${code}`);
  }
  settings(bytes: Uint8Array, start: number, end: number): void {
    this.lines.push(`settings ${Buffer.from(bytes.subarray(start, end)).toString("hex")}`);
  }
  settingsAck(): void {
    this.lines.push("settings ack");
  }
  ping(bytes: Uint8Array, start: number): void {
    this.lines.push(`ping ${Buffer.from(bytes.subarray(start, start + 8)).toString("hex")}`);
  }
  pong(bytes: Uint8Array, start: number): void {
    this.lines.push(`pong ${Buffer.from(bytes.subarray(start, start + 8)).toString("hex")}`);
  }
  goaway(lastStream: number, code: number, debug: Uint8Array): void {
    this.lines.push(`goaway ${lastStream} ${code} ${Buffer.from(debug).toString("hex")}`);
  }
  windowUpdate(stream: number, increment: number): void {
    this.lines.push(`window ${stream} ${increment}`);
  }
  unknownFrame(): void {
    this.lines.push("unknown");
  }
  streamViolation(stream: number, code: number): void {
    this.lines.push(`stream violation ${stream} ${code}`);
  }
  violation(code: number, fault: string): void {
    this.lines.push(`violation ${code} ${fault}`);
    this.over = true;
  }
}

/** Writes a frame, and says how it is to be told. */
type Write = (writer: FrameWriter) => string;

const id = fc.integer({ min: 1, max: 0x7fff_ffff });
const any32 = fc.integer({ min: 0, max: 0xffff_ffff });
const small = fc.uint8Array({ maxLength: 300 });
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const frames: readonly fc.Arbitrary<Write>[] = [
  fc.tuple(id, fc.oneof(small, fc.uint8Array({ minLength: 1_500, maxLength: 5_000 })), fc.boolean()).map(
    ([stream, body, end]): Write =>
      (writer) => {
        writer.head(body.length, FRAME.DATA, end ? FLAG.END_STREAM : 0, stream);
        if (body.length > 2_000) writer.view(body);
        else writer.copy(body, 0, body.length);
        return `data ${stream} ${body.length} ${body.length} ${end} ${hex(body)}`;
      },
  ),
  fc.tuple(id, small, fc.integer({ min: 0, max: 255 })).map(
    ([stream, body, pad]): Write =>
      (writer) => {
        const payload = Buffer.concat([Uint8Array.of(pad), body, Buffer.alloc(pad)]);
        writer.head(payload.length, FRAME.DATA, FLAG.PADDED, stream);
        writer.copy(payload, 0, payload.length);
        return `data ${stream} ${payload.length} ${body.length} false ${hex(body)}`;
      },
  ),
  fc.tuple(id, small, fc.boolean(), fc.integer({ min: 20, max: 400 })).map(
    ([stream, block, end, most]): Write =>
      (writer) => {
        writer.headerBlock(stream, block, end, most);
        return `headers ${stream} ${hex(block)} ${end}`;
      },
  ),
  fc.tuple(id, small, fc.integer({ min: 0, max: 255 })).map(
    ([stream, block, pad]): Write =>
      (writer) => {
        const payload = Buffer.concat([Uint8Array.of(pad), Buffer.alloc(5, 1), block, Buffer.alloc(pad)]);
        writer.head(payload.length, FRAME.HEADERS, FLAG.PADDED | FLAG.PRIORITY | FLAG.END_HEADERS, stream);
        writer.copy(payload, 0, payload.length);
        return `headers ${stream} ${hex(block)} false`;
      },
  ),
  fc.tuple(id, any32).map(
    ([stream, code]): Write =>
      (writer) => {
        writer.rstStream(stream, code);
        return `rst ${stream} ${code}`;
      },
  ),
  fc.array(fc.tuple(fc.integer({ min: 0, max: 65_535 }), any32), { maxLength: 64 }).map(
    (pairs): Write =>
      (writer) => {
        writer.settings(pairs.flat());
        const digits = (value: number, length: number): string => value.toString(16).padStart(length, "0");
        return `settings ${pairs.map(([name, value]) => digits(name, 4) + digits(value, 8)).join("")}`;
      },
  ),
  fc.constant<Write>((writer) => {
    writer.settingsAck();
    return "settings ack";
  }),
  fc.tuple(fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.boolean()).map(
    ([payload, ack]): Write =>
      (writer) => {
        writer.ping(payload, 0, ack);
        return `${ack ? "pong" : "ping"} ${hex(payload)}`;
      },
  ),
  fc.tuple(fc.integer({ min: 0, max: 0x7fff_ffff }), any32, fc.uint8Array({ maxLength: 600 })).map(
    ([last, code, debug]): Write =>
      (writer) => {
        writer.goaway(last, code, debug);
        return `goaway ${last} ${code} ${hex(debug.subarray(0, 256))}`;
      },
  ),
  fc.tuple(fc.integer({ min: 0, max: 0x7fff_ffff }), fc.integer({ min: 0, max: 0x7fff_ffff })).map(
    ([stream, increment]): Write =>
      (writer) => {
        writer.windowUpdate(stream, increment);
        return `window ${stream} ${increment}`;
      },
  ),
  fc.tuple(fc.integer({ min: 10, max: 255 }), id, small).map(
    ([type, stream, payload]): Write =>
      (writer) => {
        writer.head(payload.length, type, 0xff, stream);
        writer.copy(payload, 0, payload.length);
        return "unknown";
      },
  ),
  fc.tuple(id, fc.uint8Array({ minLength: 5, maxLength: 5 })).map(
    ([stream, payload]): Write =>
      (writer) => {
        writer.head(5, FRAME.PRIORITY, 0, stream);
        writer.copy(payload, 0, 5);
        return "priority";
      },
  ),
];

const LIMITS = { maxFrameBytes: 16_384, maxBlockBytes: 4_096, maxContinuations: 20 };

test("frames come back as they were written, however they are taken and split", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(fc.oneof(...frames), { maxLength: 20 }), sizes, sizes, (writes, takes, splits) => {
      const writer = new FrameWriter();
      writer.settings([]);
      const lines = ["settings ", ...writes.map((write) => write(writer))];
      const pieces: Uint8Array[] = [];
      for (let i = 0; writer.bytes > 0; i++) {
        const before = writer.bytes;
        const taken = writer.take(takes[i % takes.length]!);
        const bytes = taken.reduce((sum, piece) => sum + piece.length, 0);
        assert.equal(bytes, Math.min(before, takes[i % takes.length]!));
        assert.equal(writer.bytes, before - bytes);
        pieces.push(...taken);
      }
      const bytes = Buffer.concat(pieces);
      assert.ok(readFrames(bytes).length > writes.length);
      for (const sizesOf of [splits, [bytes.length]]) {
        const told = new Told();
        const decoder = new FrameDecoder(told, LIMITS);
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const to = Math.min(bytes.length, at + sizesOf[i % sizesOf.length]!);
          decoder.receive(bytes.subarray(at, to), 0);
          at = to;
        }
        assert.deepEqual(told.lines, lines);
      }
    }),
  );
});

test("a chunk is read from where it is said to begin", () => {
  const writer = new FrameWriter();
  writer.settings([]);
  const told = new Told();
  new FrameDecoder(told, LIMITS).receive(Buffer.concat([Buffer.alloc(7, 0xff), ...writer.take(100)]), 7);
  assert.deepEqual(told.lines, ["settings "]);
});

test("what was taken stays as it was, whatever is written after it", () => {
  const writer = new FrameWriter();
  const taken: Uint8Array[] = [];
  const copies: Buffer[] = [];
  for (let i = 0; i < 2_000; i++) {
    writer.ping(Buffer.alloc(8, i), 0, false);
    for (const piece of writer.take(i % 3 === 0 ? 10 : 100)) {
      taken.push(piece);
      copies.push(Buffer.from(piece));
    }
  }
  assert.ok(taken.every((piece, i) => copies[i]?.equals(piece)));
});
