import { joinOwned } from "../../../core/bytes.ts";
import { FRAME, HEAD_BYTES, MIN_MAX_FRAME_BYTES } from "./frame-types.ts";
import { FrameWriter } from "./writer.ts";

/** Where in the head of a frame the identifier of its stream stands: RFC 9113, 4.1. */
const STREAM_AT = 5;

/**
 * A small reply that is the same on all streams of all connections: its frames are written once,
 * and get the stream's identifier where they are sent. Throws RangeError where one of them is
 * longer than every peer takes.
 */
export class FixedReply {
  /** Encoded header blocks, and between them the body, of a byte at least. */
  readonly head: Uint8Array;
  readonly data: Uint8Array;
  readonly trailers: Uint8Array;
  /** All frames, of stream 0; and where in them the stream's identifier stands. */
  readonly frames: Uint8Array;
  readonly streamsAt: readonly number[];

  constructor(head: Uint8Array, data: Uint8Array, trailers: Uint8Array) {
    for (const { length } of [head, data, trailers]) {
      if (length > MIN_MAX_FRAME_BYTES) throw new RangeError(`${length} bytes are more than a frame may have`);
    }
    this.head = head;
    this.data = data;
    this.trailers = trailers;
    const writer = new FrameWriter();
    writer.headerBlock(0, head, false, MIN_MAX_FRAME_BYTES);
    writer.head(data.length, FRAME.DATA, 0, 0);
    writer.copy(data, 0, data.length);
    writer.headerBlock(0, trailers, true, MIN_MAX_FRAME_BYTES);
    this.frames = joinOwned(writer.take(Infinity));
    const dataAt = HEAD_BYTES + head.length;
    const trailersAt = dataAt + HEAD_BYTES + data.length;
    this.streamsAt = [0, dataAt, trailersAt].map((at) => at + STREAM_AT);
  }
}
