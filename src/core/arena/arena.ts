import { ArenaExtent, type ExtentOwner } from "./arena-extent.ts";
import { Chunks } from "./chunks.ts";
import type { BodyMemory, BytesOwner, Extent } from "./extent.ts";
import { ArenaWatch, type Leak } from "./watch.ts";

export const CHUNK_BYTES = 65_536;
/** Bodies begin at multiples of this. */
const ALIGN = 8;
/** What is less than one part in so many of what it holds is sparse. */
const SPARSE = 4;

interface ArenaOptions {
  /** A power of two. */
  readonly chunkBytes?: number;
  /**
   * What is given back is overwritten, what is done twice throws, and what is never given back has
   * a name.
   */
  readonly debug?: boolean;
  /** Where the bytes are, at least as many: else memory is made for them. */
  readonly memory?: ArrayBuffer;
}

/** Where short bodies are put one after the other; it holds one use of the chunk that it is in. */
interface Packer {
  /** -1: in none. */
  chunk: number;
  /** Where the next body begins. */
  at: number;
}

/**
 * Memory of fixed size for the bytes of all requests. Bodies of up to a chunk lie one after the
 * other, also over the border between two chunks; a longer one has a run of chunks for itself. A
 * chunk is used again when nothing in it is in use any more. Nothing is moved, because what is in
 * use is seen by views: so a run may not be had although enough chunks are free (`fragmented`).
 */
export class Arena implements BodyMemory, ExtentOwner {
  readonly capacityBytes: number;
  readonly chunkBytes: number;
  /** Bytes of extents that are in use. */
  liveBytes = 0;
  /** Of these, bytes of bodies that have not come whole. */
  partialBytes = 0;
  /**
   * How often there was no room, and how often of these enough chunks were free, but not in a row.
   */
  noRoom = 0;
  fragmented = 0;
  /** Extents that were given back, or taken, after their end: each of these is a fault of ours. */
  misused = 0;
  /** What outlives its request may stay here as long as it takes no more than this, by chunks. */
  mayStayBytes = 0;
  /** Bytes of bodies of which some part outlives its request. */
  outlivingBytes = 0;
  /**
   * Before bodies that are packed 1/32 and 64 bytes are left free, so that they can become longer
   * in place. Before those in runs what whole chunks leave over: what is kept for one must do.
   */
  takesMore = false;
  /** Called when there is something in use again, after there was nothing. */
  onUsed: (() => void) | undefined;
  /** Called whenever something was given back. */
  onLeft: (() => void) | undefined;
  readonly #chunks: Chunks;
  readonly #memory: ArrayBuffer;
  readonly #watch: ArenaWatch | undefined;
  readonly #whole: Packer = { chunk: -1, at: 0 };
  readonly #partial: Packer = { chunk: -1, at: 0 };
  /** How many chunks in a row are kept for who comes first, and the first of them; -1: none are. */
  #spareChunks = 0;
  #spare = -1;

  constructor(bytes: number, { chunkBytes = CHUNK_BYTES, debug = false, memory }: ArenaOptions = {}) {
    const count = Math.max(1, Math.ceil(bytes / chunkBytes));
    this.chunkBytes = chunkBytes;
    this.capacityBytes = count * chunkBytes;
    this.#chunks = new Chunks(count);
    // Nothing of it is there before it is written to: the system gives its pages one by one.
    this.#memory = memory ?? new ArrayBuffer(this.capacityBytes);
    this.#watch = debug ? new ArenaWatch(Buffer.from(this.#memory), chunkBytes) : undefined;
  }

  /** Bytes of the chunks that are in use. */
  get usedBytes(): number {
    return this.capacityBytes - this.freeBytes;
  }

  /** With what is kept. */
  get freeBytes(): number {
    const spare = this.#spare < 0 ? 0 : this.#spareChunks;
    return (this.#chunks.free + spare) * this.chunkBytes;
  }

  /**
   * From here on so many bytes in a row are kept, whenever there are as many, for `lendSpare`. They
   * are free all the same.
   */
  keepSpare(bytes: number): void {
    this.#spareChunks = Math.ceil(bytes / this.chunkBytes);
    this.#spare = this.#chunks.takeRun(this.#spareChunks);
  }

  /** Makes what is kept free for whatever is asked for next. False: nothing is kept now. */
  lendSpare(): boolean {
    const first = this.#spare;
    if (first < 0) return false;
    this.#spare = -1;
    for (let chunk = first + this.#spareChunks - 1; chunk >= first; chunk--) this.#chunks.leaveRun(chunk);
    return true;
  }

  /** Of the chunks in which there is what outlives its request. */
  get stayingBytes(): number {
    return this.#chunks.staying * this.chunkBytes;
  }

  /** Only in debug. */
  get leaks(): readonly Leak[] {
    return this.#watch?.leaks ?? [];
  }

  /** In debug `owner` is who is named when it is never given back. */
  alloc(length: number, whole: boolean, owner = "body"): Extent | undefined {
    const size = this.#sizeOf(length);
    const start = this.#place(size, whole);
    if (start < 0) return undefined;
    const extent = new ArenaExtent(this, start, size, length, this.#leadOf(size, length));
    if (!whole) this.#setPartial(extent, true);
    this.#watch?.born(extent, owner);
    return extent;
  }

  grow(extent: Extent, length: number, filled: number): boolean {
    const moved = this.#own(extent);
    const size = this.#sizeOf(length);
    const start = this.#place(size, false);
    if (start < 0) return false;
    const lead = this.#leadOf(size, length);
    moved.bytes.copy(this.viewAt(start + lead, length), 0, 0, filled);
    if (moved.isPartial) this.partialBytes += size - moved.size;
    this.leave(moved.start, moved.size);
    moved.start = start;
    moved.size = size;
    moved.lead = lead;
    moved.setLength(length);
    return true;
  }

  trim(extent: Extent, length: number): void {
    const trimmed = this.#own(extent);
    if (length === trimmed.length) return;
    trimmed.setLength(length);
    const { start, size, lead } = trimmed;
    const kept = Math.max(1, Math.ceil((lead + length) / this.chunkBytes)) * this.chunkBytes;
    if (kept >= size) return;
    trimmed.size = kept;
    if (trimmed.isPartial) this.partialBytes -= size - kept;
    this.leave(start + kept, size - kept);
  }

  /**
   * Makes a body longer, at its beginning, where it is: what it was is its end then. Undefined:
   * there is no room before it.
   */
  lengthen(owner: BytesOwner, length: number): Extent | undefined {
    if (!(owner instanceof ArenaExtent) || owner.arena !== this) return undefined;
    const more = length - owner.length;
    if (more < 0 || more > owner.lead) return undefined;
    owner.lead -= more;
    owner.setLength(length);
    return owner;
  }

  /** By so much it can become longer there. */
  leadOf(owner: BytesOwner): number {
    return owner instanceof ArenaExtent && owner.arena === this ? owner.lead : 0;
  }

  /** It has come whole. */
  complete(extent: Extent): void {
    const whole = this.#own(extent);
    if (whole.isPartial) this.#setPartial(whole, false);
  }

  viewAt(start: number, length: number): Buffer {
    return Buffer.from(this.#memory, start, length);
  }

  leave(start: number, size: number): void {
    this.liveBytes -= size;
    this.#watch?.left(start, start + size);
    const first = this.#chunkAt(start);
    if (!this.#isRun(size)) {
      const last = this.#chunkAt(start + size - 1);
      this.#countAlive(start, size, -1);
      this.#leaveShared(first);
      if (last !== first) this.#leaveShared(last);
      this.#left();
      return;
    }
    for (let chunk = first + size / this.chunkBytes - 1; chunk >= first; chunk--) {
      this.#chunks.leaveRun(chunk);
      this.#watch?.freed(chunk);
    }
    this.#left();
  }

  #left(): void {
    if (this.#spare < 0 && this.#spareChunks > 0) this.#spare = this.#chunks.takeRun(this.#spareChunks);
    this.onLeft?.();
  }

  ended(extent: ArenaExtent): void {
    if (extent.isPartial) this.#setPartial(extent, false);
    if (extent.stays) this.#setStays(extent, false);
    this.#watch?.died(extent);
  }

  mayOutlive({ start, size }: ArenaExtent): boolean {
    const more = this.#chunks.notStaying(this.#chunkAt(start), this.#chunkAt(start + size - 1));
    return this.stayingBytes + more * this.chunkBytes <= this.mayStayBytes;
  }

  outlives(extent: ArenaExtent): void {
    this.#setStays(extent, true);
  }

  isSparse({ start, size }: ArenaExtent, bytes: number): boolean {
    if (SPARSE * bytes < size) return true;
    if (this.#isRun(size)) return false;
    const least = Math.min(this.#aliveAt(start), this.#aliveAt(start + size - 1));
    return SPARSE * least < this.chunkBytes;
  }

  misuse(what: string): void {
    this.misused++;
    if (this.#watch !== undefined) throw new Error(`arena: an extent was ${what} after its end`);
  }

  #setPartial(extent: ArenaExtent, isPartial: boolean): void {
    extent.isPartial = isPartial;
    this.partialBytes += isPartial ? extent.size : -extent.size;
  }

  #setStays(extent: ArenaExtent, stays: boolean): void {
    const { start, size } = extent;
    extent.stays = stays;
    this.outlivingBytes += stays ? size : -size;
    this.#chunks.stay(this.#chunkAt(start), this.#chunkAt(start + size - 1), stays ? 1 : -1);
  }

  #chunkAt(position: number): number {
    return Math.floor(position / this.chunkBytes);
  }

  #aliveAt(position: number): number {
    return this.#chunks.aliveIn(this.#chunkAt(position));
  }

  /** What is packed is in two chunks at most. */
  #countAlive(start: number, size: number, sign: 1 | -1): void {
    const first = this.#chunkAt(start);
    const before = Math.min(size, (first + 1) * this.chunkBytes - start);
    this.#chunks.countAlive(first, sign * before);
    if (before < size) this.#chunks.countAlive(first + 1, sign * (size - before));
  }

  #own(extent: Extent): ArenaExtent {
    if (extent instanceof ArenaExtent && extent.arena === this) return extent;
    throw new TypeError("it is not of this arena");
  }

  #sizeOf(length: number): number {
    if (length >= this.chunkBytes) return Math.ceil(length / this.chunkBytes) * this.chunkBytes;
    const more = this.takesMore ? roomFor(length) : 0;
    return Math.min(this.chunkBytes, Math.max(1, Math.ceil((length + more) / ALIGN)) * ALIGN);
  }

  #leadOf(size: number, length: number): number {
    if (!this.takesMore) return 0;
    const more = Math.min(size - length, roomFor(length));
    return more - (more % ALIGN);
  }

  /** What is packed is shorter than a chunk, and a run is a multiple of it. */
  #isRun(size: number): boolean {
    return size % this.chunkBytes === 0;
  }

  /** Where so many bytes may be put; -1: nowhere. */
  #place(size: number, whole: boolean): number {
    const start = this.#isRun(size) ? this.#run(size) : this.#pack(whole ? this.#whole : this.#partial, size);
    if (start < 0) {
      this.noRoom++;
      return start;
    }
    this.liveBytes += size;
    if (this.liveBytes === size) this.onUsed?.();
    return start;
  }

  #run(size: number): number {
    const length = size / this.chunkBytes;
    const first = this.#chunks.takeRun(length);
    if (first < 0) {
      if (this.#chunks.free >= length) this.fragmented++;
      return -1;
    }
    for (let i = 0; this.#watch !== undefined && i < length; i++) this.#watch.taken(first + i);
    return first * this.chunkBytes;
  }

  #pack(packer: Packer, size: number): number {
    const start = this.#packAt(packer, size);
    if (start >= 0) this.#countAlive(start, size, 1);
    return start;
  }

  #packAt(packer: Packer, size: number): number {
    const { chunk } = packer;
    const end = (chunk + 1) * this.chunkBytes;
    if (chunk < 0 || (packer.at + size > end && !this.#chunks.mayGoOn(chunk + 1))) return this.#packInto(packer, size);
    const start = packer.at;
    packer.at += size;
    this.#chunks.use(chunk);
    if (packer.at >= end) this.#cross(packer, end);
    return start;
  }

  /** In a chunk where nothing is yet. */
  #packInto(packer: Packer, size: number): number {
    const chunk = this.#chunks.takeOne();
    if (chunk < 0) return -1;
    this.#watch?.taken(chunk);
    this.#leave(packer);
    const start = chunk * this.chunkBytes;
    packer.chunk = chunk;
    packer.at = start + size;
    this.#chunks.use(chunk);
    return start;
  }

  /** The body that was put last ends in the next chunk, or at its beginning. */
  #cross(packer: Packer, border: number): void {
    const next = packer.chunk + 1;
    const { at } = packer;
    this.#leave(packer);
    if (at === border) return;
    this.#chunks.goOn(next);
    this.#watch?.taken(next);
    this.#chunks.use(next);
    packer.chunk = next;
    packer.at = at;
  }

  #leave(packer: Packer): void {
    if (packer.chunk >= 0 && this.#chunks.leave(packer.chunk)) this.#watch?.freed(packer.chunk);
    packer.chunk = -1;
  }

  #leaveShared(chunk: number): void {
    const isFree = this.#chunks.leave(chunk);
    if (isFree) this.#watch?.freed(chunk);
    else if (this.#chunks.usesOf(chunk) > 1) return;
    // Nobody but a packer is in it: what comes next may as well begin at its beginning.
    else if (chunk === this.#whole.chunk) this.#leave(this.#whole);
    else if (chunk === this.#partial.chunk) this.#leave(this.#partial);
  }
}

/** By so much a body may become longer. */
function roomFor(length: number): number {
  return (length >>> 5) + 64;
}
