import type { Extent } from "./extent.ts";

/** What extents ask of the arena that they are in. */
export interface ExtentOwner {
  viewAt(start: number, length: number): Buffer;
  /** A range is not used any more. */
  leave(start: number, size: number): void;
  /** It has been given back. */
  ended(extent: ArenaExtent): void;
  /** Whether it may outlive its request. */
  mayOutlive(extent: ArenaExtent): boolean;
  /** It outlives its request from here on. */
  outlives(extent: ArenaExtent): void;
  /**
   * So many bytes of it are less than a quarter of it, or of a chunk that it is in less than a
   * quarter is in use.
   */
  isSparse(extent: ArenaExtent, bytes: number): boolean;
  /** It was used after its end. */
  misuse(what: string): void;
}

/**
 * A body's place in an arena. It is not used again for another body, so that an end that is told
 * twice harms nobody.
 */
export class ArenaExtent implements Extent {
  start: number;
  size: number;
  /** Bytes of its place before the body, into which it may grow. */
  lead: number;
  length: number;
  isPartial = false;
  /** Some part of it outlives its request. */
  stays = false;
  readonly arena: ExtentOwner;
  #uses = 1;
  /**
   * Of all of it, once it is read, until the first of several releases it: a view has 104 bytes,
   * more than this, and who goes on with it mostly reads ranges.
   */
  #whole: Buffer | undefined = undefined;

  constructor(arena: ExtentOwner, start: number, size: number, length: number, lead: number) {
    this.arena = arena;
    this.start = start;
    this.size = size;
    this.lead = lead;
    this.length = length;
  }

  get bytes(): Buffer {
    return (this.#whole ??= this.arena.viewAt(this.start + this.lead, this.length));
  }

  view(from: number, to: number): Buffer {
    if (this.#uses <= 0) this.arena.misuse("read");
    return this.#uses <= 0 ? GONE : this.arena.viewAt(this.start + this.lead + from, to - from);
  }

  /** Its place, or how much of it there is, has changed. */
  setLength(length: number): void {
    this.length = length;
    this.#whole = undefined;
  }

  stay(): boolean {
    if (this.stays) return true;
    if (this.#uses <= 0 || !this.arena.mayOutlive(this)) return false;
    this.arena.outlives(this);
    return true;
  }

  isSparse(bytes: number): boolean {
    return this.#uses > 0 && this.arena.isSparse(this, bytes);
  }

  retain(): void {
    if (this.#uses > 0) this.#uses++;
    else this.arena.misuse("retained");
  }

  release(): void {
    if (this.#uses <= 0) return this.arena.misuse("released");
    this.#whole = undefined;
    if (--this.#uses > 0) return;
    this.#whole = GONE;
    this.arena.ended(this);
    this.arena.leave(this.start, this.size);
  }
}

const GONE = Buffer.alloc(0);
