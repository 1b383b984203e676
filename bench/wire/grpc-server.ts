import { createServer as createPlain } from "node:net";
import type { Server, Socket } from "node:net";
import { createServer as createTls } from "node:tls";
import { systemClock } from "../../src/core/clock.ts";
import type { Identity } from "../identity.ts";
import type { Answers } from "../messages.ts";
import {
  FLAG,
  FRAME,
  FrameReader,
  FrameWriter,
  frame,
  readSettings,
  SETTING,
  settingsFrame,
  SETTINGS_ACK,
  windowUpdate,
} from "./frames.ts";
import { encodeBlocks } from "./hpack.ts";

/** One whole message, borrowed until the call returns. */
export type Received = (message: Buffer, compressed: boolean) => void;

export interface GrpcServerOptions {
  /** Asked at each request. */
  readonly answers?: () => Answers;
  /** Undefined: plain sockets. */
  readonly tls?: Identity | undefined;
}

export const AT_ONCE: Answers = { afterMs: 0, unavailable: false };
const PREFACE_BYTES = 24;
const PREFIX_BYTES = 5;
const WINDOW_BYTES = 16_777_216;
/** As large as the largest OTLP request, so that streams need no window updates of their own. */
const STREAM_WINDOW_BYTES = 67_108_864;
const SETTINGS = settingsFrame([
  [SETTING.MAX_CONCURRENT_STREAMS, 10_000],
  [SETTING.INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES],
  [SETTING.MAX_FRAME_SIZE, 1_048_576],
]);

/**
 * A server that takes every unary gRPC call, whatever its path, with as little work as possible: it
 * reads no headers at all and answers with an empty message.
 */
export function listenGrpc(
  port: number,
  received: Received,
  { answers = () => AT_ONCE, tls }: GrpcServerOptions = {},
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const take = (socket: Socket): void => serve(socket, received, answers);
    const server =
      tls === undefined
        ? createPlain({ noDelay: true }, take)
        : createTls({ noDelay: true, cert: tls.cert, key: tls.key, ALPNProtocols: ["h2"] }, take);
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

function serve(socket: Socket, received: Received, answers: () => Answers): void {
  const connection = new ServerConnection(socket, received, answers);
  let preface = PREFACE_BYTES;
  socket.on("data", (chunk: Buffer) => {
    const skipped = Math.min(preface, chunk.length);
    preface -= skipped;
    connection.reader.read(chunk.subarray(skipped));
  });
  socket.on("error", () => socket.destroy());
}

class ServerConnection {
  readonly reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #received: Received;
  readonly #answers: () => Answers;
  readonly #bodies = new Map<number, Body>();
  readonly #spare: Buffer[] = [];
  #replies: ReturnType<typeof replyBlocks> | undefined;
  #replied = false;
  #unacknowledged = 0;

  constructor(socket: Socket, received: Received, answers: () => Answers) {
    this.#received = received;
    this.#answers = answers;
    this.#writer = new FrameWriter(socket);
    this.reader = new FrameReader({
      data: (stream, bytes, last, endStream) => this.#data(stream, bytes, last, endStream),
      frame: (type, flags, stream, payload) => this.#frame(type, flags, stream, payload),
    });
    this.#writer.write(SETTINGS);
    this.#writer.write(windowUpdate(0, WINDOW_BYTES - 65_535));
  }

  #frame(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === FRAME.SETTINGS && (flags & FLAG.ACK) === 0) this.#settings(payload);
    if (type === FRAME.PING && (flags & FLAG.ACK) === 0) this.#writer.write(frame(FRAME.PING, FLAG.ACK, 0, payload));
    if (type === FRAME.RST_STREAM) this.#bodies.delete(stream);
    if (type === FRAME.HEADERS && (flags & FLAG.END_STREAM) !== 0) this.#reply(stream);
  }

  #settings(payload: Buffer): void {
    let tableBytes = 4_096;
    readSettings(payload, (id, value) => {
      if (id === SETTING.HEADER_TABLE_SIZE) tableBytes = value;
    });
    this.#replies ??= replyBlocks(tableBytes >= 4_096);
    this.#writer.write(SETTINGS_ACK);
  }

  #data(stream: number, bytes: Buffer, last: boolean, endStream: boolean): void {
    this.#unacknowledged += bytes.length;
    if (this.#unacknowledged > WINDOW_BYTES / 4) {
      this.#writer.write(windowUpdate(0, this.#unacknowledged));
      this.#unacknowledged = 0;
    }
    const body = this.#bodies.get(stream);
    if (body === undefined && last && endStream) {
      this.#whole(stream, bytes); // all in one piece: nothing is copied
      return;
    }
    const kept = body ?? { buffer: this.#spare.pop() ?? Buffer.allocUnsafe(1_048_576), length: 0 };
    if (body === undefined) this.#bodies.set(stream, kept);
    append(kept, bytes);
    if (!endStream) return;
    this.#bodies.delete(stream);
    this.#whole(stream, kept.buffer.subarray(0, kept.length));
    if (this.#spare.length < 64) this.#spare.push(kept.buffer);
  }

  #whole(stream: number, framed: Buffer): void {
    const { afterMs, unavailable } = this.#answers();
    const taken = framed.length >= PREFIX_BYTES && !unavailable;
    if (taken) this.#received(framed.subarray(PREFIX_BYTES), framed[0] === 1);
    if (unavailable) this.#write(UNAVAILABLE, stream);
    else if (afterMs === 0) this.#reply(stream);
    else systemClock.after(afterMs, () => this.#reply(stream));
  }

  #reply(stream: number): void {
    if (this.#replies === undefined) throw new Error("a call before the client's settings");
    const reply = this.#replied ? this.#replies.next : this.#replies.first;
    this.#replied = true;
    this.#write(reply, stream);
  }

  #write(reply: ReplyTemplate, stream: number): void {
    const bytes = Buffer.allocUnsafe(reply.bytes.length);
    bytes.set(reply.bytes);
    for (const at of reply.streamAt) bytes.writeUInt32BE(stream, at);
    this.#writer.write(bytes);
  }
}

interface Body {
  buffer: Buffer;
  length: number;
}

function append(body: Body, bytes: Buffer): void {
  if (body.length + bytes.length > body.buffer.length) {
    const larger = Buffer.allocUnsafe(Math.max(2 * body.buffer.length, body.length + bytes.length));
    larger.set(body.buffer.subarray(0, body.length));
    body.buffer = larger;
  }
  body.buffer.set(bytes, body.length);
  body.length += bytes.length;
}

interface ReplyTemplate {
  readonly bytes: Buffer;
  readonly streamAt: readonly number[];
}

/** Headers, an empty message, trailers: three frames in one piece whose stream id is filled in. */
function replyBlocks(indexed: boolean): { readonly first: ReplyTemplate; readonly next: ReplyTemplate } {
  const status = { name: ":status", value: "200", index: 8 };
  const type = { name: "content-type", value: "application/grpc", nameIndex: 31 };
  // The trailers' one field comes into the table after the headers' one: from then on that one has
  // index 63.
  const headers = encodeBlocks([status, type], indexed, indexed ? 1 : 0);
  const trailers = encodeBlocks([{ name: "grpc-status", value: "0" }], indexed);
  return { first: template(headers.first, trailers.first), next: template(headers.next, trailers.next) };
}

function template(headers: Buffer, trailers: Buffer): ReplyTemplate {
  const frames = [
    frame(FRAME.HEADERS, FLAG.END_HEADERS, 0, headers),
    frame(FRAME.DATA, 0, 0, new Uint8Array(PREFIX_BYTES)),
    frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 0, trailers),
  ];
  const second = frames[0]!.length;
  return { bytes: Buffer.concat(frames), streamAt: [5, second + 5, second + frames[1]!.length + 5] };
}

/** Leaves the table of the connection as it is. */
const UNAVAILABLE = template(
  encodeBlocks(
    [
      { name: ":status", value: "200", index: 8 },
      { name: "content-type", value: "application/grpc" },
    ],
    false,
  ).first,
  encodeBlocks([{ name: "grpc-status", value: "14" }], false).first,
);
