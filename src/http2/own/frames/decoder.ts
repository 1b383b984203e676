import { type ConnectionFault, H2_ERROR, type H2ErrorCode } from "../contract.ts";
import { BlockGatherer } from "./block-gatherer.ts";
import type { FrameSink } from "./frame-sink.ts";
import { FLAG, FRAME, HEAD_BYTES } from "./frame-types.ts";
import { headError, prefixBytes } from "./head-rules.ts";

interface FrameLimits {
  /** Our SETTINGS_MAX_FRAME_SIZE. */
  readonly maxFrameBytes: number;
  /** Bytes of one header block as it is sent. */
  readonly maxBlockBytes: number;
  /** CONTINUATION frames of one header block. */
  readonly maxContinuations: number;
}

/** Parameters in one SETTINGS frame; RFC 9113 defines six. */
const MAX_SETTINGS = 64;
const MAX_DEBUG_BYTES = 256;
const HELD_BYTES = Math.max(MAX_SETTINGS * 6, 8 + MAX_DEBUG_BYTES);

/**
 * What the next bytes are. Up to CONTROL they are taken whole, `#want` of them; the others are
 * taken as they come.
 */
const PART = { HEAD: 0, PREFIX: 1, CONTROL: 2, DATA: 3, BLOCK: 4, SKIP: 5 } as const;

const NOTHING = new Uint8Array(0);

/**
 * Reads frames from chunks in any split. Bodies of DATA are passed on as views of the chunk as they
 * come; what has to be whole (heads, control frames, header blocks) is gathered only when a chunk
 * splits it, and is bounded.
 */
export class FrameDecoder {
  readonly #sink: FrameSink;
  readonly #limits: FrameLimits;
  /** What a chunk split of a small part; there from the first one that is split. */
  #held: Uint8Array = NOTHING;
  #heldBytes = 0;
  #part: number = PART.HEAD;
  #want = HEAD_BYTES;
  #type = 0;
  #flags = 0;
  #stream = 0;
  /** Bytes of the frame's payload that have not been taken, padding included. */
  #left = 0;
  #padding = 0;
  #first = true;
  /**
   * The stream whose header block is not whole yet, or 0; its HEADERS frame's flags, and
   * CONTINUATIONs so far.
   */
  #blockStream = 0;
  #blockFlags = 0;
  #continuations = 0;
  readonly #block = new BlockGatherer();

  constructor(sink: FrameSink, limits: FrameLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** Takes a chunk from `from` to its end. Does nothing when the sink is over. */
  receive(chunk: Uint8Array, from: number): void {
    let at = from;
    const end = chunk.length;
    while (at < end && !this.#sink.over) at = this.#step(chunk, at, end);
  }

  #step(chunk: Uint8Array, at: number, end: number): number {
    switch (this.#part) {
      case PART.DATA:
        return this.#dataPiece(chunk, at, end);
      case PART.BLOCK:
        return this.#fragment(chunk, at, end);
      case PART.SKIP: {
        const taken = Math.min(this.#left, end - at);
        this.#left -= taken;
        if (this.#left === 0) this.#nextFrame();
        return at + taken;
      }
      default:
        return this.#small(chunk, at, end);
    }
  }

  /** A part that is taken whole: from the chunk itself when it holds all of it. */
  #small(chunk: Uint8Array, at: number, end: number): number {
    const want = this.#want;
    if (this.#heldBytes === 0 && end - at >= want) {
      this.#whole(chunk, at);
      return at + want;
    }
    const taken = Math.min(want - this.#heldBytes, end - at);
    if (this.#held.length === 0) this.#held = new Uint8Array(HELD_BYTES);
    for (let i = 0; i < taken; i++) this.#held[this.#heldBytes + i] = chunk[at + i]!;
    this.#heldBytes += taken;
    if (this.#heldBytes === want) {
      this.#heldBytes = 0;
      this.#whole(this.#held, 0);
    }
    return at + taken;
  }

  #whole(bytes: Uint8Array, at: number): void {
    if (this.#part === PART.HEAD) this.#head(bytes, at);
    else if (this.#part === PART.PREFIX) this.#prefix(bytes, at);
    else this.#control(bytes, at);
  }

  #head(bytes: Uint8Array, at: number): void {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    const type = bytes[at + 3]!;
    const flags = bytes[at + 4]!;
    const stream = readUint32(bytes, at + 5) & 0x7fff_ffff; // the reserved bit is ignored: RFC 9113, 4.1
    this.#type = type;
    this.#flags = flags;
    this.#stream = stream;
    this.#left = length;
    this.#padding = 0;
    if (!this.#allowed(type, flags, stream, length)) return;
    switch (type) {
      case FRAME.DATA:
      case FRAME.HEADERS: {
        const prefix = prefixBytes(type, flags);
        if (prefix > 0) this.#await(PART.PREFIX, prefix);
        else this.#body();
        return;
      }
      case FRAME.CONTINUATION:
        this.#body();
        return;
      default:
        this.#beginControl(type, stream, length);
    }
  }

  /** The rules that need no payload; when one is broken the decoder is stopped. */
  #allowed(type: number, flags: number, stream: number, length: number): boolean {
    if (this.#first) {
      this.#first = false;
      // RFC 9113, 3.4: SETTINGS come first, and not as an acknowledgement.
      if (type !== FRAME.SETTINGS || (flags & FLAG.ACK) !== 0)
        return this.#violate(H2_ERROR.PROTOCOL_ERROR, "bad_preface");
    }
    if (length > this.#limits.maxFrameBytes) return this.#violate(H2_ERROR.FRAME_SIZE_ERROR, "frame_size");
    const code = headError(type, flags, stream, length);
    if (code !== H2_ERROR.NO_ERROR) {
      return this.#violate(code, code === H2_ERROR.FRAME_SIZE_ERROR ? "frame_size" : "protocol_error");
    }
    if (this.#blockStream !== 0 || type === FRAME.CONTINUATION) {
      // RFC 9113, 4.3: a header block is one row of frames, with nothing between them.
      if (type !== FRAME.CONTINUATION || stream !== this.#blockStream) {
        return this.#violate(H2_ERROR.PROTOCOL_ERROR, "protocol_error");
      }
      if (++this.#continuations > this.#limits.maxContinuations) {
        return this.#violate(H2_ERROR.ENHANCE_YOUR_CALM, "continuation_flood");
      }
    }
    return true;
  }

  #beginControl(type: number, stream: number, length: number): void {
    switch (type) {
      case FRAME.PRIORITY:
        this.#part = PART.SKIP;
        if (length === 5) this.#sink.priority();
        else this.#sink.streamViolation(stream, H2_ERROR.FRAME_SIZE_ERROR);
        break;
      case FRAME.SETTINGS:
        if (length > MAX_SETTINGS * 6) this.#violate(H2_ERROR.ENHANCE_YOUR_CALM, "settings_flood");
        else this.#await(PART.CONTROL, length);
        break;
      case FRAME.GOAWAY:
        this.#await(PART.CONTROL, Math.min(length, 8 + MAX_DEBUG_BYTES));
        break;
      case FRAME.RST_STREAM:
      case FRAME.PING:
      case FRAME.WINDOW_UPDATE:
        this.#await(PART.CONTROL, length);
        break;
      default:
        this.#part = PART.SKIP; // RFC 9113, 5.5: what is unknown is ignored
        this.#sink.unknownFrame();
    }
    if (length > 0) return;
    if (this.#part === PART.CONTROL) this.#control(NOTHING, 0);
    else this.#nextFrame();
  }

  #await(part: number, bytes: number): void {
    this.#part = part;
    this.#want = bytes;
  }

  #nextFrame(): void {
    this.#await(PART.HEAD, HEAD_BYTES);
  }

  /** The pad length, and priority fields, which are ignored: RFC 9113, 5.3.2. */
  #prefix(bytes: Uint8Array, at: number): void {
    this.#left -= this.#want;
    if ((this.#flags & FLAG.PADDED) !== 0) {
      this.#padding = bytes[at]!;
      if (this.#padding > this.#left) {
        this.#violate(H2_ERROR.PROTOCOL_ERROR, "protocol_error");
        return;
      }
    }
    this.#body();
  }

  /** The body of DATA, HEADERS or CONTINUATION begins. */
  #body(): void {
    const bodyBytes = this.#left - this.#padding;
    if (this.#type === FRAME.DATA) {
      this.#part = PART.DATA;
      const flowBytes = (this.#flags & FLAG.PADDED) === 0 ? this.#left : this.#left + 1;
      this.#sink.dataBegins(this.#stream, flowBytes, bodyBytes, (this.#flags & FLAG.END_STREAM) !== 0);
      if (bodyBytes === 0) {
        this.#sink.dataBytes(NOTHING, true);
        this.#endBody();
      }
      return;
    }
    this.#part = PART.BLOCK;
    if (this.#type === FRAME.HEADERS) {
      this.#blockStream = this.#stream;
      this.#blockFlags = this.#flags;
      this.#continuations = 0;
    }
    if (this.#block.length + bodyBytes > this.#limits.maxBlockBytes) {
      this.#violate(H2_ERROR.ENHANCE_YOUR_CALM, "header_list_too_large");
    } else if (bodyBytes === 0) {
      this.#fragment(NOTHING, 0, 0);
    }
  }

  #dataPiece(chunk: Uint8Array, at: number, end: number): number {
    const left = this.#left - this.#padding;
    const last = end - at >= left;
    const to = last ? at + left : end;
    this.#left -= to - at;
    this.#sink.dataBytes(at === 0 && to === chunk.length ? chunk : chunk.subarray(at, to), last);
    if (last) this.#endBody();
    return to;
  }

  #fragment(chunk: Uint8Array, at: number, end: number): number {
    const left = this.#left - this.#padding;
    const last = end - at >= left;
    const to = last ? at + left : end;
    this.#left -= to - at;
    if (last && (this.#flags & FLAG.END_HEADERS) !== 0) this.#blockEnds(chunk, at, to);
    else this.#block.add(chunk, at, to);
    if (last) this.#endBody();
    return to;
  }

  #blockEnds(chunk: Uint8Array, at: number, to: number): void {
    const stream = this.#blockStream;
    const endStream = (this.#blockFlags & FLAG.END_STREAM) !== 0;
    this.#blockStream = 0;
    if (this.#block.length === 0) {
      this.#sink.headerBlock(stream, chunk, at, to, endStream);
      return;
    }
    this.#block.add(chunk, at, to);
    this.#sink.headerBlock(stream, this.#block.bytes, 0, this.#block.length, endStream);
    this.#block.clear();
  }

  #endBody(): void {
    if (this.#left > 0)
      this.#part = PART.SKIP; // the padding
    else this.#nextFrame();
  }

  #control(bytes: Uint8Array, at: number): void {
    const want = this.#want;
    this.#left -= want;
    switch (this.#type) {
      case FRAME.RST_STREAM:
        this.#sink.rstStream(this.#stream, readUint32(bytes, at));
        break;
      case FRAME.SETTINGS:
        if ((this.#flags & FLAG.ACK) !== 0) this.#sink.settingsAck();
        else this.#sink.settings(bytes, at, at + want);
        break;
      case FRAME.PING:
        if ((this.#flags & FLAG.ACK) !== 0) this.#sink.pong(bytes, at);
        else this.#sink.ping(bytes, at);
        break;
      case FRAME.GOAWAY: {
        const last = readUint32(bytes, at) & 0x7fff_ffff;
        this.#sink.goaway(last, readUint32(bytes, at + 4), bytes.subarray(at + 8, at + want));
        break;
      }
      default:
        this.#sink.windowUpdate(this.#stream, readUint32(bytes, at) & 0x7fff_ffff);
    }
    this.#endBody();
  }

  /** Always false, for the callers that return it. */
  #violate(code: H2ErrorCode, fault: ConnectionFault): false {
    this.#sink.violation(code, fault);
    return false;
  }
}

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
