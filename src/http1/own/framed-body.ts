import { ChunkReader } from "./chunk-reader.ts";
import type { Breach, ChunkFault, HttpLimits } from "./contract.ts";

/** Reads the bodies of messages, by their length or in chunks (RFC 9112, 6), in any pieces. */
export class FramedBody {
  readonly #limits: Pick<HttpLimits, "maxExtensionBytes" | "maxTrailerBytes">;
  /** Still to come of one with a length. */
  #left = 0;
  #chunks: ChunkReader | undefined;

  constructor(limits: Pick<HttpLimits, "maxExtensionBytes" | "maxTrailerBytes">) {
    this.#limits = limits;
  }

  /** `length`: undefined for chunks. */
  begin(length: number | undefined): void {
    this.#left = length ?? 0;
    this.#chunks = length === undefined ? new ChunkReader(this.#limits) : undefined;
  }

  get ended(): boolean {
    return this.#chunks === undefined ? this.#left === 0 : this.#chunks.ended;
  }

  get breach(): Breach<ChunkFault> | undefined {
    return this.#chunks?.breach;
  }

  /** Returns where it stopped: behind the body, or something of it was told, or all was read. */
  read(bytes: Buffer, from: number, take: (data: Uint8Array) => void): number {
    if (this.#chunks !== undefined) return this.#chunks.read(bytes, from, take);
    const end = Math.min(bytes.length, from + this.#left);
    this.#left -= end - from;
    take(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end));
    return end;
  }

  /** Nothing of it is wanted any more. */
  clear(): void {
    this.#chunks = undefined;
  }
}
