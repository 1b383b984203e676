import { gzipSync } from "node:zlib";
import { prepare } from "../src/generate/generate.ts";
import { type PreparedRequest, stamp } from "../src/generate/prepared.ts";
import type { LoadArguments } from "./messages.ts";
import { MESSAGE_AT } from "./wire/grpc-client.ts";

/** A request ready to be sent: MESSAGE_AT free bytes, then the message. */
export interface LoadBuffer {
  readonly bytes: Buffer;
  readonly items: number;
  /** Undefined when compressed: such a request is sent again as it is. */
  readonly prepared: PreparedRequest | undefined;
}

/** Different requests are generated up to this size in all; more buffers are copies of them. */
const MAX_DISTINCT_BYTES = 33_554_432;

/**
 * As many buffers as there may be calls under way, with every service in at least one of them when
 * there is room for it.
 */
export class LoadBuffers {
  /** Mean, before compression. */
  readonly requestBytes: number;
  readonly #free: LoadBuffer[] = [];
  readonly #source: number;
  #nextNumber = 0;
  #head = 0;

  constructor(options: LoadArguments) {
    this.#source = options.source;
    const distinct = distinctRequests(options);
    this.requestBytes = distinct.reduce((sum, { bytes }) => sum + bytes.length, 0) / distinct.length;
    const count = Math.max(options.connections * options.streams, distinct.length) + 1;
    for (let i = 0; i < count; i++) this.#free.push(bufferOf(distinct[i % distinct.length]!, i, options));
    this.#nextNumber = count * options.itemsPerRequest;
  }

  /** A buffer with ids that were not sent before; undefined when all are under way. */
  take(): LoadBuffer | undefined {
    if (this.#head === this.#free.length) return undefined;
    const buffer = this.#free[this.#head++]!;
    if (this.#head > 1_024) {
      this.#free.splice(0, this.#head);
      this.#head = 0;
    }
    if (buffer.prepared !== undefined) {
      stamp(buffer.prepared, { source: this.#source, firstNumber: this.#nextNumber });
      this.#nextNumber += buffer.items;
    }
    return buffer;
  }

  /**
   * Not `reusable`: it was answered before all of it was written, so that its bytes may still be
   * needed.
   */
  giveBack(buffer: LoadBuffer, reusable: boolean): void {
    this.#free.push(reusable ? buffer : copyOf(buffer));
  }
}

function distinctRequests(options: LoadArguments): PreparedRequest[] {
  const requests: PreparedRequest[] = [];
  const wanted = Math.max(16, Math.ceil(options.services.length / options.resourcesPerRequest));
  let bytes = 0;
  for (let i = 0; i < wanted && bytes < MAX_DISTINCT_BYTES; i++) {
    const request = prepare(options.signal, options.encoding, {
      items: options.itemsPerRequest,
      resources: options.resourcesPerRequest,
      services: options.services,
      firstService: i * options.resourcesPerRequest,
      seed: i,
      source: options.source,
      wallMs: WALL_MS,
    });
    bytes += request.bytes.length;
    requests.push(request);
  }
  return requests;
}

/** Times do not matter to what is measured: the same in every run. */
const WALL_MS = 1_750_000_000_000;

function bufferOf(request: PreparedRequest, index: number, options: LoadArguments): LoadBuffer {
  const bytes = withRoom(request.bytes);
  const prepared = { ...request, bytes: bytes.subarray(MESSAGE_AT) };
  if (!options.gzip) return { bytes, items: prepared.items, prepared };
  stamp(prepared, { source: options.source, firstNumber: index * prepared.items });
  return { bytes: withRoom(gzipSync(prepared.bytes)), items: prepared.items, prepared: undefined };
}

function copyOf({ bytes, items, prepared }: LoadBuffer): LoadBuffer {
  const copy = Buffer.from(bytes);
  return { bytes: copy, items, prepared: prepared && { ...prepared, bytes: copy.subarray(MESSAGE_AT) } };
}

function withRoom(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(MESSAGE_AT + message.length);
  bytes.fill(0, 0, MESSAGE_AT);
  bytes.set(message, MESSAGE_AT);
  return bytes;
}
