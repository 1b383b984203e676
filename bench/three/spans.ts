/** Requests of small spans, written as they are on the wire. */

const GOLDEN = 0x9e_37_79_b9;
const TRACE_ID = 16;
/** Trace id, span id, name, start, end. */
const SPAN_BYTES = 2 + TRACE_ID + 10 + 4 + 9 + 9;

/** Trace ids whose randomness fills its range evenly, so that what is kept of few is no chance. */
export class EvenTraceIds {
  readonly #source: number;
  #count = 0;

  /** `source`: ids of different ones differ. */
  constructor(source: number) {
    this.#source = source;
  }

  next(): Buffer {
    const id = Buffer.alloc(TRACE_ID);
    id.writeUInt32BE(this.#source + 1, 0);
    id.writeUInt32BE(++this.#count >>> 0, 4);
    // The last seven bytes are what it is decided by.
    id.writeUInt32BE(Math.imul(this.#count, GOLDEN) >>> 0, 9);
    return id;
  }
}

export interface SmallSpan {
  readonly traceId: Buffer;
  readonly startMs: number;
}

/** One resource for each service. */
export function requestOfSpans(services: ReadonlyMap<string, readonly SmallSpan[]>): Buffer {
  return Buffer.concat(
    Array.from(services, ([service, spans]) => {
      const name = bytesField(1, Buffer.from("service.name"));
      const attribute = bytesField(1, Buffer.concat([name, bytesField(2, bytesField(1, Buffer.from(service)))]));
      const scope = bytesField(2, Buffer.concat(spans.map((span) => bytesField(2, spanOf(span)))));
      return bytesField(1, Buffer.concat([bytesField(1, attribute), scope]));
    }),
  );
}

function spanOf({ traceId, startMs }: SmallSpan): Buffer {
  const span = Buffer.alloc(SPAN_BYTES);
  span.writeUInt8(0x0a, 0);
  span.writeUInt8(TRACE_ID, 1);
  traceId.copy(span, 2);
  span.writeUInt16BE(0x12_08, 18);
  span.writeUInt32BE(1, 20);
  traceId.copy(span, 24, 4, 8);
  span.write("\u002a\u0002op", 28, "latin1");
  const nanos = BigInt(Math.round(startMs)) * 1_000_000n;
  for (const [tag, at] of [
    [0x39, 32],
    [0x41, 41],
  ] as const) {
    span.writeUInt8(tag, at);
    span.writeBigUInt64LE(nanos, at + 1);
  }
  return span;
}

function bytesField(number: number, bytes: Uint8Array): Buffer {
  const head = [(number << 3) | 2];
  let length = bytes.length;
  for (; length > 0x7f; length >>>= 7) head.push((length & 0x7f) | 0x80);
  head.push(length);
  return Buffer.concat([Buffer.from(head), bytes]);
}
